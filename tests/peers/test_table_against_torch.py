"""Every row of the table whose function PyTorch has, next to it: value and gradient, real and complex."""

from __future__ import annotations

import pytest
from comparison import NEVER, Known, comparable, confirm
from torch_peer import OTHERWISE, Torch

from pullback.rules.table import Rule

PEER = Torch()
ROWS = comparable(PEER)
LEAST_ROWS = 190

NO_GRADIENT = [Known("PyTorch gives zeros: it has the function without its derivative")]
OF_NUMBERS = [Known("PyTorch wants a number", call=NEVER)]

KNOWN: dict[str, list[Known]] = {
    "getitem": [
        Known(
            "PyTorch puts the axis of the indices where NumPy does not", call="[0, slice(None, None, None), <"
        )
    ],
    "numpy.linalg.solve": [Known("PyTorch takes a stack of vectors for b where it can", call="3×3×3, 3×3")],
    "numpy.nanmedian": [Known("PyTorch takes the lower of two middle entries, NumPy their mean")],
    "numpy.heaviside": [Known("PyTorch has no derivative of it", call=NEVER)],
    "numpy.ldexp": [Known("PyTorch rounds 2**-n of an integer n to 0 in the derivative")],
    "numpy.select": [Known("PyTorch's select is indexing", call=NEVER)],
    "numpy.unique": [Known("PyTorch has no derivative of it", call=NEVER)],
    "numpy.bincount": [Known("PyTorch has no derivative of it", call=NEVER)],
    "scipy.linalg.solve_triangular": [Known("PyTorch wants upper= said", call=NEVER)],
    "scipy.fft.fftfreq": [Known("PyTorch takes the spacing as a number", call=NEVER)],
    "scipy.fft.rfftfreq": [Known("PyTorch takes the spacing as a number", call=NEVER)],
    "scipy.special.polygamma": [Known("PyTorch wants the order as a Python int", call=NEVER)],
    **dict.fromkeys(["numpy.fft.fftfreq", "numpy.fft.rfftfreq"], OF_NUMBERS),
    **dict.fromkeys(["numpy.linspace", "numpy.logspace"], NO_GRADIENT),
    **dict.fromkeys([f"scipy.special.{name}" for name in ("j0", "j1", "y0", "y1", "k0", "k1")], NO_GRADIENT),
}


@pytest.mark.parametrize("rule", ROWS, ids=lambda rule: rule.name)
def test_row(rule: Rule) -> None:
    confirm(PEER, rule, KNOWN.get(rule.name, []))


def test_most_rows_are_compared() -> None:
    names = {rule.name for rule in ROWS}
    assert set(KNOWN) | set(OTHERWISE) <= names
    assert len(names) >= LEAST_ROWS
