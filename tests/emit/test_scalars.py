"""Numbers of all types: NumPy's promotion, whoever runs the source."""

import pytest
from scalars import NUMBERS, operations
from three_engines import agree


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("first", NUMBERS)
def test_promotion_is_numpys(first: str) -> None:
    program, arguments = operations(first)
    # Each compiles for seconds; these are the types whose promotion in Numba is another.
    agree(program, *arguments, jit=first in ("float32", "int32", "bool", "float*"))
