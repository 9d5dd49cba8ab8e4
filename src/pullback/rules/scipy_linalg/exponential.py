"""The exponential of a matrix, and its Fréchet derivative as a function of its own.

``L(A, E)`` of small matrices is a block of ``exp([[A, E], [0, A]])``; of larger ones it is computed along
with a Padé approximation, by the product rule, and squared (Al-Mohy & Higham, *Computing the Fréchet
derivative of the matrix exponential*, SIAM J. Matrix Anal. Appl. 30, 2009).

L is linear in E. In A it moves along F by a block of ``L([[A, E], [0, A]], [[F, 0], [0, F]])``. With the
transposes in place of the matrices both are their own adjoints.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.linalg

from pullback.base.dispatch import dispatched
from pullback.base.spec import dtype_of
from pullback.rules.domain import array, call
from pullback.rules.linalg import transposed
from pullback.rules.scipy_linalg.calling import followed
from pullback.rules.scipy_linalg.functions import block_triangle
from pullback.rules.table import calls, jvp, linear, vjp

Array = np.ndarray[Any, Any]

expm = followed(scipy.linalg.expm)


@vjp(expm, 0, reads="A")
def expm_vjp(y_bar: Any, y: Any, A: Any) -> Any:
    return slope(transposed(A), y_bar)


@jvp(expm, 0, reads="A")
def expm_jvp(A_dot: Any, y: Any, A: Any) -> Any:
    return slope(A, A_dot)


calls(
    expm,
    call(array(3, 3)),
    call(array(4, 4, low=-4.0, high=4.0)),
    call(array(2, 1, 3, 3)),
    call(array(1, 1)),
    call(array(0, 3, 3)),
    call(array(0, 0)),
)

_BLOCKS_BELOW = 24
"""The size from which the block, twice as large, costs more than the derivative of the approximation."""


@dispatched
def slope(a: Any, direction: Any) -> Any:
    """``L(A, E)``, the derivative of the exponential at A along E, for stacks of matrices too."""
    a, direction = np.asarray(a), np.asarray(direction)
    if a.shape != direction.shape:
        a, direction = np.broadcast_arrays(a, direction)
    if a.dtype != direction.dtype:
        dtype = np.result_type(a, direction)
        a, direction = a.astype(dtype), direction.astype(dtype)
    n = a.shape[-1]
    if a.size == 0:
        return np.zeros(a.shape, a.dtype)
    if n < _BLOCKS_BELOW:
        return _by_blocks(a, direction, n)
    if a.ndim == 2:
        return _by_approximation(a, direction)
    found = np.empty(a.shape, a.dtype)
    for place in np.ndindex(a.shape[:-2]):
        found[place] = _by_approximation(a[place], direction[place])
    return found


def _by_blocks(a: Array, direction: Array, n: int) -> Array:
    """The block of the exponential; E is brought to the size of A, as a larger one would cost digits."""
    full = np.zeros((*a.shape[:-2], 2 * n, 2 * n), a.dtype)
    full[..., :n, :n] = full[..., n:, n:] = a
    if a.ndim == 2:
        factor: Any = _factor(float(abs(a).max()), float(abs(direction).max()))
    else:
        sizes, lengths = (np.abs(x).max(axis=(-2, -1), keepdims=True) for x in (a, direction))
        factor = np.vectorize(_factor, otypes=[a.dtype.char.lower()])(sizes, lengths)
    full[..., :n, n:] = direction * factor
    return scipy.linalg.expm(full)[..., :n, n:] / factor


def _factor(size: float, length: float) -> float:
    return (size or 1.0) / length if length else 1.0


# -- the derivative of a Padé approximation ----------------------------------------------------------------

_LARGEST = {3: 1.08e-2, 5: 2.00e-1, 7: 7.83e-1, 9: 1.78, 13: 4.74}
"""The largest norms for which each order has an error of less than 2⁻⁵³, Al-Mohy & Higham's table 6.1."""


def _coefficients(order: int) -> list[float]:
    """Of the numerator of the Padé approximant [m/m] of the exponential, scaled to whole numbers."""
    factorial = math.factorial
    return [
        float(factorial(2 * order - k) // (factorial(order - k) * factorial(k))) for k in range(order + 1)
    ]


_PADE = {order: _coefficients(order) for order in _LARGEST}


def _by_approximation(a: Array, e: Array) -> Array:
    norm = float(np.abs(a).sum(axis=0).max())
    order = next((m for m, bound in _LARGEST.items() if norm <= bound), 13)
    squarings = 0
    if not norm <= _LARGEST[order]:
        if not math.isfinite(norm):
            return np.full(a.shape, np.nan, a.dtype)
        squarings = math.ceil(math.log2(norm / _LARGEST[order]))
        a, e = a * 2.0**-squarings, e * 2.0**-squarings
    odd, even, odd_slope, even_slope = (_highest if order == 13 else _lower)(a, e, _PADE[order])
    factors = scipy.linalg.lu_factor(even - odd, overwrite_a=True, check_finite=False)
    power = scipy.linalg.lu_solve(factors, even + odd, overwrite_b=True, check_finite=False)
    right = (odd_slope - even_slope) @ power
    right += odd_slope
    right += even_slope
    found = scipy.linalg.lu_solve(factors, right, overwrite_b=True, check_finite=False)
    for left in range(squarings, 0, -1):
        found = power @ found + found @ power
        if left > 1:
            power = power @ power
    return found


def _lower(a: Array, e: Array, b: list[float]) -> tuple[Array, Array, Array, Array]:
    """The odd and the even part of the numerator and their derivatives, of orders 3 to 9."""
    square, moved = a @ a, a @ e + e @ a
    power, power_slope = square, moved
    unit = np.eye(len(a), dtype=a.dtype)
    odd, even = b[1] * unit + b[3] * power, b[0] * unit + b[2] * power
    odd_slope, even_slope = b[3] * power_slope, b[2] * power_slope
    for k in range(4, len(b) - 1, 2):
        power, power_slope = square @ power, square @ power_slope + moved @ power
        odd += b[k + 1] * power
        even += b[k] * power
        odd_slope += b[k + 1] * power_slope
        even_slope += b[k] * power_slope
    return a @ odd, even, a @ odd_slope + e @ odd, even_slope


def _highest(a: Array, e: Array, b: list[float]) -> tuple[Array, Array, Array, Array]:
    """The same of order 13, with six products for the value."""
    a2, m2 = a @ a, a @ e + e @ a
    a4, m4 = a2 @ a2, a2 @ m2 + m2 @ a2
    a6, m6 = a2 @ a4, a4 @ m2 + m4 @ a2
    unit = np.eye(len(a), dtype=a.dtype)
    odd_high = b[13] * a6 + b[11] * a4 + b[9] * a2
    even_high = b[12] * a6 + b[10] * a4 + b[8] * a2
    odd = a6 @ odd_high + b[7] * a6 + b[5] * a4 + b[3] * a2 + b[1] * unit
    even = a6 @ even_high + b[6] * a6 + b[4] * a4 + b[2] * a2 + b[0] * unit
    odd_slope = a6 @ (b[13] * m6 + b[11] * m4 + b[9] * m2) + m6 @ odd_high + b[7] * m6 + b[5] * m4 + b[3] * m2
    even_slope = (
        a6 @ (b[12] * m6 + b[10] * m4 + b[8] * m2) + m6 @ even_high + b[6] * m6 + b[4] * m4 + b[2] * m2
    )
    return a @ odd, even, a @ odd_slope + e @ odd, even_slope


# -- the derivatives of L ----------------------------------------------------------------------------------


def _twice(a: Any, direction: Any, other: Any) -> Any:
    """The second derivative of the exponential along two directions."""
    n = np.shape(a)[-1]
    shape = np.broadcast_shapes(np.shape(a), np.shape(direction), np.shape(other))
    diagonal = block_triangle(np.broadcast_to(other, shape), np.zeros(shape, dtype_of(other)))
    return slope(block_triangle(a, direction), diagonal)[..., :n, n:]


@vjp(slope, 0)
def slope_a_vjp(y_bar: Any, y: Any, a: Any, direction: Any) -> Any:
    return _twice(transposed(a), transposed(direction), y_bar)


@vjp(slope, 1, reads="a")
def slope_direction_vjp(y_bar: Any, y: Any, a: Any, direction: Any) -> Any:
    return slope(transposed(a), y_bar)


@jvp(slope, 0)
def slope_a_jvp(a_dot: Any, y: Any, a: Any, direction: Any) -> Any:
    return _twice(a, direction, a_dot)


linear(slope, 1)
calls(
    slope,
    call(array(3, 3), array(3, 3)),
    call(array(2, 3, 3, low=-3.0, high=3.0), array(3, 3)),
    call(array(25, 25, low=-0.05, high=0.05), array(25, 25)),
    call(array(25, 25, low=-1.0, high=1.0), array(25, 25, low=-1e-2, high=1e-2)),
    call(array(0, 0), array(0, 0)),
)
