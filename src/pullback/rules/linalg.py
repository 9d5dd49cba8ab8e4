"""Inverses, linear systems and powers of matrices (`numpy.linalg`), for single matrices and for stacks.

Giles, *Collected matrix derivative results for forward and reverse mode algorithmic differentiation*, 2008,
§2.2.
"""

from __future__ import annotations

from functools import reduce
from operator import index
from typing import Any

import numpy as np

from pullback.base.panels import product
from pullback.base.spec import dtype_of
from pullback.rules.domain import array, call
from pullback.rules.factored import inv, solve, solved_again
from pullback.rules.products import dot_a_vjp, dot_b_vjp, operand
from pullback.rules.structured import outer
from pullback.rules.table import calls, computes, constant, jvp, linear, view, vjp


def transposed(a: Any) -> Any:
    """The transpose of each matrix in a stack, without conjugation."""
    return np.swapaxes(a, -1, -2)


def adjoint(a: Any) -> Any:
    """The conjugate transpose of each matrix in a stack."""
    turned = transposed(a)
    return np.conj(turned) if dtype_of(a).kind == "c" else turned


# -- inv, solve -------------------------------------------------------------------------------------------


@vjp(np.linalg.inv, 0)
def inv_vjp(y_bar: Any, y: Any, a: Any) -> Any:
    y_transposed = transposed(y)
    return -(y_transposed @ y_bar @ y_transposed)


@jvp(np.linalg.inv, 0)
def inv_jvp(a_dot: Any, y: Any, a: Any) -> Any:
    return -(y @ a_dot @ y)


computes(np.linalg.inv, inv)
calls(
    np.linalg.inv,
    call(array(3, 3, kind="invertible")),
    call(array(2, 1, 3, 3, kind="invertible")),
    call(array(0, 2, 2, kind="invertible")),
    call(array(0, 0)),
)


def _solved(a: Any, b: Any, vector: bool) -> Any:
    """``a⁻¹ b`` for a stack of vectors or of matrices `b`."""
    return np.linalg.solve(a, b[..., None])[..., 0] if vector else np.linalg.solve(a, b)


def _solved_transposed(y: Any, a: Any, right: Any, vector: bool) -> Any:
    """``a⁻ᵀ right``, by the factors of `a` where they are kept with the solution `y`."""
    found = solved_again(y, right, transposed=True)
    return _solved(transposed(a), right, vector) if found is None else found


@vjp(np.linalg.solve, 0, reads="y a")
def solve_a_vjp(y_bar: Any, y: Any, a: Any, b: Any) -> Any:
    # Costs the solve that makes the cotangent of `b` too; they do not share it, as often only one is wanted.
    vector = np.ndim(b) == 1
    b_bar = _solved_transposed(y, a, y_bar, vector)
    b_bar = np.negative(b_bar, out=b_bar) if type(b_bar) is np.ndarray else -b_bar
    if vector and np.ndim(a) == 2:
        return outer(b_bar, y)
    return b_bar[..., :, None] * y[..., None, :] if vector else product(b_bar, transposed(y))


@vjp(np.linalg.solve, 1, reads="y a")
def solve_b_vjp(y_bar: Any, y: Any, a: Any, b: Any) -> Any:
    return _solved_transposed(y, a, y_bar, np.ndim(b) == 1)


@jvp(np.linalg.solve, 0)
def solve_a_jvp(a_dot: Any, y: Any, a: Any, b: Any) -> Any:
    vector = np.ndim(b) == 1
    right = -(a_dot @ y[..., None])[..., 0] if vector else -a_dot @ y
    found = solved_again(y, right, transposed=False)
    return _solved(a, right, vector) if found is None else found


computes(np.linalg.solve, solve)
linear(np.linalg.solve, 1)
calls(
    np.linalg.solve,
    call(array(3, 3, kind="invertible"), array(3)),
    call(array(3, 3, kind="invertible"), array(3, 2)),
    call(array(4, 3, 3, kind="invertible"), array(3)),
    call(array(4, 3, 3, kind="invertible"), array(4, 3, 2)),
    call(array(3, 3, kind="invertible"), array(4, 3, 2)),
    call(array(5, 1, 3, 3, kind="invertible"), array(4, 3, 2)),
    call(array(3, 3, 3, kind="invertible"), array(3, 3)),
    call(array(0, 3, 3, kind="invertible"), array(3)),
)


def _square(a: Any, ndim: int) -> Any:
    """`a` as a matrix whose rows are the first `ndim` axes."""
    rows = int(np.prod(np.shape(a)[:ndim]))
    return np.reshape(a, (rows, rows))


@vjp(np.linalg.tensorinv, 0)
def tensorinv_vjp(y_bar: Any, y: Any, a: Any, ind: int = 2) -> Any:
    split = np.ndim(a) - ind
    return np.reshape(inv_vjp(_square(y_bar, split), _square(y, split), None), np.shape(a))


@jvp(np.linalg.tensorinv, 0)
def tensorinv_jvp(a_dot: Any, y: Any, a: Any, ind: int = 2) -> Any:
    return np.reshape(inv_jvp(_square(a_dot, ind), _square(y, np.ndim(a) - ind), None), np.shape(y))


calls(np.linalg.tensorinv, call(array(6, 2, 3), ind=1), call(array(2, 3, 3, 2)))


def _moved_last(a: Any, axes: Any) -> Any:
    """`a` with `axes` moved to the end, as `numpy.linalg.tensorsolve` does."""
    return a if axes is None else np.moveaxis(a, tuple(axes), tuple(range(-len(axes), 0)))


@vjp(np.linalg.tensorsolve, 0)
def tensorsolve_a_vjp(y_bar: Any, y: Any, a: Any, b: Any, axes: Any = None) -> Any:
    moved = _moved_last(a, axes)
    b_bar = np.linalg.solve(transposed(_square(moved, np.ndim(b))), np.ravel(y_bar))
    a_bar = np.reshape(-np.outer(b_bar, np.ravel(y)), np.shape(moved))
    return a_bar if axes is None else np.moveaxis(a_bar, tuple(range(-len(axes), 0)), tuple(axes))


@vjp(np.linalg.tensorsolve, 1, reads="a axes")
def tensorsolve_b_vjp(y_bar: Any, y: Any, a: Any, b: Any, axes: Any = None) -> Any:
    moved = _square(_moved_last(a, axes), np.ndim(b))
    return np.reshape(np.linalg.solve(transposed(moved), np.ravel(y_bar)), np.shape(b))


@jvp(np.linalg.tensorsolve, 0)
def tensorsolve_a_jvp(a_dot: Any, y: Any, a: Any, b: Any, axes: Any = None) -> Any:
    moved_dot = _moved_last(a_dot, axes)
    b_dot = np.tensordot(moved_dot, y, axes=np.ndim(y))
    return -np.linalg.tensorsolve(_moved_last(a, axes), b_dot)


linear(np.linalg.tensorsolve, 1)
calls(
    np.linalg.tensorsolve,
    call(array(2, 3, 6), array(2, 3)),
    call(array(2, 4, 2), array(2, 2), axes=(1,)),
    call(array(2, 2, 2, 2), array(2, 2), axes=(0, 3)),
)


# -- multi_dot --------------------------------------------------------------------------------------------


def _matrices(arrays: Any) -> list[Any]:
    """`arrays` as matrices: a vector in front is a row, one at the end a column."""
    first, *middle, last = map(operand, arrays)
    first = np.reshape(first, (1, -1)) if np.ndim(first) == 1 else first
    last = np.reshape(last, (-1, 1)) if np.ndim(last) == 1 else last
    return [first, *middle, last]


@vjp(np.linalg.multi_dot, 0, reads="arrays")
def multi_dot_vjp(y_bar: Any, y: Any, arrays: Any, *, out: Any = None) -> Any:
    if len(arrays) == 2:
        a, b = arrays
        return _alike([dot_a_vjp(y_bar, y, a, b), dot_b_vjp(y_bar, y, a, b)], arrays)
    matrices = _matrices(arrays)
    right = np.reshape(y_bar, (np.shape(matrices[0])[0], np.shape(matrices[-1])[1]))
    rights = [right]
    for matrix in matrices[:0:-1]:
        right = right @ matrix.T
        rights.append(right)
    rights.reverse()
    cotangents, left = [rights[0]], None
    for before, right in zip(matrices, rights[1:], strict=False):
        left = before if left is None else left @ before
        cotangents.append(left.T @ right)
    shaped = [np.reshape(x_bar, np.shape(x)) for x_bar, x in zip(cotangents, arrays, strict=True)]
    return _alike(shaped, arrays)


def _alike(cotangents: list[Any], arrays: Any) -> Any:
    """The cotangents in one array where the matrices are."""
    return cotangents if isinstance(arrays, list | tuple) else np.stack(cotangents)


@jvp(np.linalg.multi_dot, 0)
def multi_dot_jvp(arrays_dot: Any, y: Any, arrays: Any, *, out: Any = None) -> Any:
    terms = [
        np.linalg.multi_dot([*arrays[:place], x_dot, *arrays[place + 1 :]])
        for place, x_dot in enumerate(arrays_dot)
        if x_dot is not None
    ]
    return reduce(np.add, terms)


calls(
    np.linalg.multi_dot,
    call([array(2, 3), array(3, 4)]),
    call([array(2, 3), array(3, 4), array(4, 2)]),
    call([array(3), array(3, 4), array(4, 2), array(2, 3)]),
    call([array(3), array(3, 4), array(4)]),
    call((array(2, 3), array(3, 4), array(4, 5), array(5))),
    call([array(3), array(3)]),
)


# -- matrix_power -----------------------------------------------------------------------------------------


def _squares(a: Any, n: int) -> list[Any]:
    """``a, a², a⁴, …`` up to the largest whose exponent is at most `n`."""
    squares = [a]
    for _ in range(n.bit_length() - 1):
        squares.append(squares[-1] @ squares[-1])
    return squares


def _power_vjp(y_bar: Any, a: Any, n: int) -> Any:
    """The cotangent of `a` in ``aⁿ``, n ≥ 1, back through repeated squaring: O(log n) products."""
    squares = _squares(a, n)
    bits = [place for place in range(n.bit_length()) if n >> place & 1]
    partial, products = None, {}
    for place in bits:
        products[place] = partial
        partial = squares[place] if partial is None else partial @ squares[place]
    square_bar = None
    for place in range(n.bit_length() - 1, -1, -1):
        if square_bar is not None:
            transpose = transposed(squares[place])
            square_bar = transpose @ square_bar + square_bar @ transpose
        if place in products:
            before = products[place]
            own = y_bar if before is None else transposed(before) @ y_bar
            square_bar = own if square_bar is None else square_bar + own
            y_bar = y_bar @ transposed(squares[place])
    return square_bar


def _power_jvp(a_dot: Any, a: Any, n: int) -> Any:
    """The tangent of ``aⁿ``, n ≥ 1, along with repeated squaring."""
    square, square_dot, power, power_dot = a, a_dot, None, None
    for place in range(n.bit_length()):
        if place:
            square, square_dot = square @ square, square @ square_dot + square_dot @ square
        if n >> place & 1:
            if power is None:
                power, power_dot = square, square_dot
            else:
                power, power_dot = power @ square, power @ square_dot + power_dot @ square
    return power_dot


@vjp(np.linalg.matrix_power, 0, reads="a n")
def matrix_power_vjp(y_bar: Any, y: Any, a: Any, n: int) -> Any:
    n = index(n)
    if n > 0:
        return _power_vjp(y_bar, a, n)
    if n == 0:
        return np.zeros(np.shape(y_bar), y_bar.dtype)
    inverse = np.linalg.inv(a)
    return inv_vjp(_power_vjp(y_bar, inverse, -n), inverse, a)


@jvp(np.linalg.matrix_power, 0, reads="a n")
def matrix_power_jvp(a_dot: Any, y: Any, a: Any, n: int) -> Any:
    n = index(n)
    if n > 0:
        return _power_jvp(a_dot, a, n)
    if n == 0:
        return np.zeros(np.shape(a_dot), a_dot.dtype)
    inverse = np.linalg.inv(a)
    return _power_jvp(inv_jvp(a_dot, inverse, a), inverse, -n)


view(np.linalg.matrix_power)  # with n=1
calls(np.linalg.matrix_power, *(call(array(3, 3), n) for n in (0, 1, 2, 3, 6, 11)))
calls(
    np.linalg.matrix_power,
    call(array(2, 1, 3, 3), 5),
    call(array(3, 3, kind="invertible"), -1),
    call(array(2, 3, 3, kind="invertible"), -6),
)

constant(np.linalg.matrix_rank)
