"""What emitted source calls beside NumPy: ordinary functions, for which `overloads` has compiled versions."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.emit.inner_loops import LOOPED
from pullback.ir.primitives import reserve, scale
from pullback.rules import spectra, systems, triangular


def check_index(index: int, length: int) -> None:
    """IndexError unless ``-length <= index < length``."""
    if index < -length or index >= length:
        raise IndexError("index out of range")


def check_indices(indices: np.ndarray, length: int) -> None:
    """IndexError unless all `indices` are in range."""
    for index in indices.flat:
        check_index(index, length)


def check_divisor(divisor: int) -> None:
    """ZeroDivisionError if it is 0, as Python's is."""
    if divisor == 0:
        raise ZeroDivisionError(BY_ZERO)


def check_fits(size: float) -> None:
    """OverflowError unless an integer of 64 bits can be about as large; ValueError for a NaN."""
    if size != size:
        raise ValueError(NOT_A_NUMBER)
    if not abs(size) < 2.0**63:
        raise OverflowError(TOO_LARGE)


BY_ZERO = "integer division or modulo by zero"
NOT_A_NUMBER = "cannot convert float NaN to integer"
TOO_LARGE = "an integer of more than 64 bits, which compiled code does not have: compute with floats there"


def divide(a: complex, b: complex) -> Any:
    """``a / b`` of complex numbers, where Python and Numba raise if `b` is 0."""
    return np.divide(a, b)


def direction(z: complex) -> Any:
    """``np.sign(z)`` of a complex number."""
    return np.sign(z)


def empty(shape: Any, dtype: Any) -> np.ndarray:
    """``np.empty(shape, dtype)``; compiled, in less time, as `zeros` is."""
    return np.empty(shape, dtype)


def exp(x: float) -> float:
    """``np.exp(x)``; compiled, it lets the loop it stands in be vectorised, as `log` and `tanh` do."""
    return np.exp(x)


def log(x: float) -> float:
    """``np.log(x)``."""
    return np.log(x)


def log1p(x: float) -> float:
    """``np.log1p(x)``."""
    return np.log1p(x)


def magnitude(z: complex) -> Any:
    """``np.abs(z)`` of a complex number."""
    return np.abs(z)


def matmul(a: np.ndarray, b: np.ndarray, conjugate: int = -1) -> np.ndarray:
    """``a @ b`` of two matrices that are contiguous in either order; the factor `conjugate` is conjugated."""
    return (np.conj(a) if conjugate == 0 else a) @ (np.conj(b) if conjugate == 1 else b)


def multiply(y: np.ndarray, a: np.ndarray, b: np.ndarray, conjugate: int, adds: bool) -> None:
    """``y[:] = a @ b``, as in `matmul`, or ``+=`` where it `adds`; `y` is in C order, and apart from both."""
    product = matmul(a, b, conjugate)
    y[:] = y + product if adds else product


def expm(a: np.ndarray) -> Any:
    """``scipy.linalg.expm(a)`` of one real matrix."""
    return importlib.import_module("scipy.linalg").expm(a)


def expm_slope(a: np.ndarray, e: np.ndarray) -> Any:
    """The derivative of the exponential of one real matrix along another."""
    return importlib.import_module("pullback.rules.scipy_linalg.exponential").slope(a, e)


def tanh(x: float) -> float:
    """``np.tanh(x)``."""
    return np.tanh(x)


def near_sin(x: float) -> float:
    """``np.sin(x)``, or NaN where `x` is large; compiled, it can be vectorised, and so can `near_cos`."""
    return np.sin(x)


def near_cos(x: float) -> float:
    """``np.cos(x)``, or NaN where `x` is large."""
    return np.cos(x)


def any_sin(near: float, x: float) -> float:
    """``np.sin(x)``, given `near_sin` of it."""
    return np.sin(x) if near != near else near


def any_cos(near: float, x: float) -> float:
    """``np.cos(x)``, given `near_cos` of it."""
    return np.cos(x) if near != near else near


def _in_a_row(function: np.ufunc) -> Callable[..., int]:
    def row(y: np.ndarray, place: int, count: int, *given: Any) -> int:
        numbers = [a[k, :count] for a, k in zip(given[::2], given[1::2], strict=True)]
        function(*numbers, out=y[place, :count])
        return 0

    row.__doc__ = f"{function.__name__} of the first numbers in rows of arrays, into a row (`emit.lanes`)."
    row.__name__ = row.__qualname__ = f"row_{function.__name__}"
    return row


ROWS: dict[Callable[..., Any], Callable[..., int]] = {function: _in_a_row(function) for function in LOOPED}
globals().update({row.__name__: row for row in ROWS.values()})


def opaque(index: int) -> int:
    """`index`; compiled, nothing is known of it (see `emit.direction`)."""
    return index


def solve(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``np.linalg.solve(a, b)`` of one matrix."""
    return np.linalg.solve(a, b)


def factorised(a: np.ndarray) -> np.ndarray:
    """As in `rules.systems`, of one matrix; compiled, the rows that `emit.systems` says."""
    return systems.factorised(a)


def solved_by(a: np.ndarray, b: np.ndarray, factors: np.ndarray, transposed: bool) -> Any:
    """As in `rules.systems`."""
    return systems.solved_by(a, b, factors, transposed)


def inverted_by(a: np.ndarray, factors: np.ndarray) -> Any:
    """As in `rules.systems`; so are those that follow."""
    return systems.inverted_by(a, factors)


def slogdet_by(a: np.ndarray, factors: np.ndarray) -> Any:
    """The sign of the determinant, and the logarithm of its size."""
    return systems.slogdet_by(a, factors)


def det_by(a: np.ndarray, factors: np.ndarray) -> Any:
    """The determinant."""
    return systems.det_by(a, factors)


def minors_by(a: np.ndarray, factors: np.ndarray) -> Any:
    """Its gradient."""
    return systems.minors_by(a, factors)


def cholesky(a: np.ndarray) -> np.ndarray:
    """``np.linalg.cholesky(a)`` of one matrix."""
    return np.linalg.cholesky(a)


def congruent(l: np.ndarray, k: np.ndarray, reverse: bool) -> Any:  # noqa: E741
    """As in `rules.triangular`, of one real matrix."""
    return triangular.congruent(l, k, reverse)


def factor_cotangent(l: np.ndarray, l_bar: np.ndarray) -> Any:  # noqa: E741
    """As in `rules.triangular`, of one real matrix."""
    return triangular.factor_cotangent(l, l_bar)


def eigh(a: np.ndarray) -> Any:
    """As in `rules.spectra`, of the lower triangle of one real matrix; so are those that follow."""
    return spectra.eigh.generic_eigh(a, "L")


def eigh_cotangent(w_bar: np.ndarray, v_bar: np.ndarray, w: np.ndarray, v: np.ndarray) -> Any:
    """The cotangent of the matrix."""
    return spectra.eigh.eigh_cotangent(w_bar, v_bar, w, v, "L")


def svd(a: np.ndarray) -> Any:
    """The thin decomposition."""
    return spectra.svd.generic_svd(a, False)


def svd_cotangent(
    u_bar: np.ndarray, s_bar: np.ndarray, vh_bar: np.ndarray, u: np.ndarray, s: np.ndarray, vh: np.ndarray
) -> Any:
    """The cotangent of the matrix."""
    return spectra.svd.svd_cotangent(u_bar, s_bar, vh_bar, u, s, vh)


def zeros(shape: Any, dtype: Any) -> np.ndarray:
    """``np.zeros(shape, dtype)``."""
    return np.zeros(shape, dtype)


def interpreted(*results: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function that runs in Python even where Numba compiles its caller.

    Args:
        results: Numba's names of the types of what it returns.
    """

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__dict__["results"] = results
        return function

    return mark


__all__ = [
    "ROWS", "any_cos", "any_sin", "check_divisor", "check_fits", "check_index", "check_indices", "cholesky",
    "congruent", "det_by", "direction", "divide", "eigh", "eigh_cotangent", "empty", "exp", "expm",
    "expm_slope", "factor_cotangent", "factorised", "interpreted", "inverted_by", "log", "log1p",
    "magnitude", "matmul", "minors_by", "multiply", "near_cos", "near_sin", "opaque", "reserve", "scale",
    "slogdet_by", "solve", "solved_by", "svd", "svd_cotangent", "tanh", "zeros",
]  # fmt: skip
