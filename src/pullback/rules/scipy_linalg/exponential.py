"""The exponential of a matrix."""

from __future__ import annotations

from typing import Any

import scipy.linalg

from pullback.rules.domain import array, call
from pullback.rules.linalg import transposed
from pullback.rules.scipy_linalg.calling import followed
from pullback.rules.scipy_linalg.functions import frechet
from pullback.rules.table import calls, jvp, vjp

expm = followed(scipy.linalg.expm)


@vjp(expm, 0, reads="A")
def expm_vjp(y_bar: Any, y: Any, A: Any) -> Any:
    return frechet(expm, transposed(A), y_bar)


@jvp(expm, 0, reads="A")
def expm_jvp(A_dot: Any, y: Any, A: Any) -> Any:
    return frechet(expm, A, A_dot)


calls(
    expm,
    call(array(3, 3)),
    call(array(4, 4, low=-4.0, high=4.0)),
    call(array(2, 1, 3, 3)),
    call(array(1, 1)),
    call(array(0, 3, 3)),
    call(array(0, 0)),
)
