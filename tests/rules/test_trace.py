"""The trace keeps its cotangent a multiple of the identity wherever it is one."""

from typing import Any

import numpy as np
import pytest

from pullback.base.spec import Spec
from pullback.rules import trace
from pullback.rules.structured import IdentityMultiple
from pullback.rules.table import TABLE
from pullback.testing.rows import check_row

FUNCTIONS = (np.trace, np.linalg.trace)


@pytest.mark.parametrize("dtype", [np.float64, np.complex128, np.float32, np.complex64])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_row(function: Any, dtype: Any) -> None:
    assert check_row(TABLE[function], dtype) > 0


@pytest.mark.parametrize(
    ("shape", "args", "structured"),
    [
        ((3, 3), (), True),
        ((3, 3), (0, 1, 0), True),
        ((3, 3), (1,), False),
        ((3, 4), (), False),
        ((2, 3, 3), (0, 1, 2), True),
        ((2, 3, 3), (0, -1, -2), True),
        ((3, 3, 2), (), False),
        ((5, 2, 3, 3), (0, 2, 3), True),
        ((5, 3, 3, 3), (0, 1, 3), False),
    ],
)
def test_the_cotangent_is_structured_where_it_can_be(shape: Any, args: Any, structured: bool) -> None:
    spec = Spec(shape, np.dtype(float))
    y_bar = np.ones(np.shape(np.trace(np.ones(shape), *args)))
    a_bar = trace.trace_vjp(y_bar, None, spec, *args)
    assert isinstance(a_bar, IdentityMultiple) == structured
    assert a_bar.shape == shape
