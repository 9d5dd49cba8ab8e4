"""Every row of the table whose function JAX has, next to it: value and gradient, real and complex."""

from __future__ import annotations

import pytest
from comparison import NEVER, Known, comparable, confirm
from jax_peer import Jax

from pullback.rules.table import Rule

PEER = Jax()
ROWS = comparable(PEER)
LEAST_ROWS = 220

REFUSES = [Known("JAX refuses the calls of the row", call=NEVER)]

KNOWN: dict[str, list[Known]] = {
    "numpy.linalg.cholesky": [Known("JAX factorises the mean of both triangles, NumPy reads one")],
    "numpy.linalg.eig": [Known("JAX has no derivative of the eigenvectors", call=NEVER)],
    "numpy.linalg.lstsq": [Known("JAX gives residuals where NumPy gives none", call="2×4")],
    "numpy.nextafter": [Known("JAX has no derivative of it", call=NEVER)],
    "numpy.sign": [Known("JAX takes the direction of a complex number as constant", kind="complex")],
    "numpy.unique": [Known("JAX gives zeros")],
    "scipy.linalg.solve": [Known("JAX spreads the gradient over both triangles", call="assume_a='pos'")],
    **dict.fromkeys([f"scipy.linalg.{name}" for name in ("solve_sylvester", "polar", "sqrtm")], REFUSES),
    **dict.fromkeys([f"scipy.fft.{name}" for name in ("dct", "dctn", "idct", "idctn")], REFUSES),
    "scipy.special.polygamma": [Known("JAX wants the order as an int", call=NEVER)],
    "scipy.special.spence": [Known("JAX gives NaN below 1")],
}


@pytest.mark.parametrize("rule", ROWS, ids=lambda rule: rule.name)
def test_row(rule: Rule) -> None:
    confirm(PEER, rule, KNOWN.get(rule.name, []))


def test_most_rows_are_compared() -> None:
    names = {rule.name for rule in ROWS}
    assert set(KNOWN) <= names
    assert len(names) >= LEAST_ROWS
