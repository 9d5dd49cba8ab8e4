"""Numba's versions of a linear system, and of its two steps: the factors of a matrix, and solutions by them.

What else factors serve is in `emit.determinants`.

The factors are those of `rules.substitution`, which also has the work done where there is much; of small
matrices they have no inverses of blocks. The order begins with -1 if the matrix is singular.
"""

import functools
from typing import Any

from numba.core import types
from numba.extending import lower_builtin, overload, register_jitable, type_callable
from numba.np.arrayobj import make_array

from pullback.emit import native
from pullback.emit.allocation import raise_if
from pullback.emit.callback import call_from_compiled
from pullback.emit.lapack import (
    PIVOT,
    are_matrices,
    arrays,
    called,
    checked_square,
    routine,
    shape_of,
    succeeding,
)
from pullback.rules.substitution import Factors, rows_of, substituted

FEW = 32
"""Larger matrices are left to Python's BLAS."""
_ROOM = rows_of(0)


@routine
def gesv(typing, a, pivots, b):
    """``b = a⁻¹ b``, of matrices in Fortran's order whose transposes these are."""

    def generate(context, builder, signature, arguments):
        a, pivots, b = arrays(context, builder, signature, arguments)
        count, n = shape_of(builder, b)
        given = (n, count, a.data, n, pivots.data, b.data, n)
        return called(context, builder, "numba_xgesv", signature.args[0], given)

    return types.int32(a, pivots, b), generate


@routine
def getrf(typing, a, pivots):
    """The factors of a square matrix in Fortran's order, whose transpose this is, in its first rows."""

    def generate(context, builder, signature, arguments):
        a, pivots = arrays(context, builder, signature, arguments)
        _, n = shape_of(builder, a)
        given = (n, n, a.data, n, pivots.data)
        return called(context, builder, "numba_xxgetrf", signature.args[0], given)

    return types.int32(a, pivots), generate


@type_callable(native.solve)
def _type_of_solve(context):
    def typer(a, b):
        fit = are_matrices(a) and isinstance(b, types.Array) and b.dtype == a.dtype and b.ndim in (1, 2)
        return types.Array(a.dtype, b.ndim, "C") if fit else None

    return typer


@lower_builtin(native.solve, types.Array, types.Array)
def _solve(context, builder, signature, arguments, loc=None):
    rows = checked_square(context, builder, signature, arguments, loc)
    check_rows(context, builder, signature, arguments, rows, loc)
    function = solver(signature.args[0].dtype, signature.args[1].ndim == 1)
    return succeeding(context, builder, function, signature, arguments, "Singular matrix", loc)


def check_rows(context, builder, signature, arguments, rows, loc):
    """Raise if the right-hand side of a system has not so many."""
    right = make_array(signature.args[1])(context, builder, arguments[1])
    differ = builder.icmp_signed("!=", shape_of(builder, right)[0], rows)
    message = "solve: the two have not the same number of rows"
    raise_if(context, builder, differ, ValueError, message, loc)


@functools.cache
def solver(kind: Any, vector: bool) -> Any:
    """What solves a system of numbers of this kind, for a vector or for a matrix."""

    def solved(a, b):
        n = a.shape[0]
        right = b.reshape((n, 1)) if vector else b
        count = right.shape[1]
        turned, y = native.empty((n, n), kind), native.empty((count, n), kind)
        for i in range(n):
            for j in range(n):
                turned[j, i] = a[i, j]
            for j in range(count):
                y[j, i] = right[i, j]
        failed = False
        if n and count:
            failed = gesv(turned, native.empty(n, PIVOT), y) > 0
        if vector:
            return y.reshape(n), failed
        found = native.empty((n, count), kind)
        for i in range(n):
            for j in range(count):
                found[i, j] = y[j, i]
        return found, failed

    return solved


@overload(native.factorised)
def _factorised(a):
    kind = a.dtype

    def factorised(a):
        n = a.shape[1]
        if a.shape[0] != n or not n:
            return native.empty((0, n), kind)
        factors = native.empty((n + 1 if n <= FEW else n + _ROOM, n), kind)
        if n > FEW:
            factorise_into(factors, a)
            return factors
        pivots = native.empty(n, PIVOT)
        for i in range(n):
            for j in range(n):
                factors[j, i] = a[i, j]
            factors[n, i] = i
        if getrf(factors, pivots) > 0:
            factors[n, 0] = -1
            return factors
        for i in range(n):
            k = pivots[i] - 1
            factors[n, i], factors[n, k] = factors[n, k], factors[n, i]
        return factors

    return factorised


def factorise_into(factors: Any, a: Any) -> None:
    """Fill what is allocated for the factors of a matrix."""
    if Factors.of(a, factors) is None:
        factors[len(a), 0] = -1


@type_callable(native.solved_by)
def _type_of_solved_by(context):
    def typer(a, b, factors, transposed):
        return types.Array(a.dtype, b.ndim, "C")

    return typer


@lower_builtin(native.solved_by, types.Array, types.Array, types.Array, types.Boolean)
def _solved_by(context, builder, signature, arguments, loc=None):
    rows = checked_square(context, builder, signature, arguments, loc)
    check_rows(context, builder, signature, arguments, rows, loc)
    function = solution_of(signature.args[0].dtype, signature.args[1].ndim == 1)
    return succeeding(context, builder, function, signature, arguments, "Singular matrix", loc)


@functools.cache
def solution_of(kind: Any, vector: bool) -> Any:
    """What solves a system, of a vector or a matrix, by factors: the solution, and whether there is none."""

    def solution(a, b, factors, transposed):
        n = a.shape[0]
        right = b.reshape((n, 1)) if vector else b
        columns = right.shape[1]
        y = native.empty((n, columns), kind)
        failed = n > 0 and columns > 0 and factors[n, 0].real < 0
        if not failed:
            if n > FEW and columns:
                solve_into(y, right, factors, transposed)
            else:
                substitute(y, right, factors, transposed)
        return y.reshape(n) if vector else y, failed

    return solution


@register_jitable
def substitute(y, right, factors, transposed):
    """With L from above and U from below, or with their transposes the other way round."""
    n, columns = y.shape[0], y.shape[1]
    x = native.empty((n, columns), y.dtype)
    for i in range(n):
        k = i if transposed else int(factors[n, i].real)
        for j in range(columns):
            x[i, j] = right[k, j]
    for sweep in range(2):
        for step in range(n):
            i = n - 1 - step if sweep else step
            first = i + 1 if sweep else 0
            for k in range(first, first + step):
                # Choices outside the inner loop alone: LLVM would make four nests of them.
                row, column = (i, k) if transposed else (k, i)
                factor = factors[row, column]
                for j in range(columns):
                    x[i, j] -= factor * x[k, j]
            if transposed == (sweep == 0):
                pivot = factors[i, i]
                for j in range(columns):
                    x[i, j] /= pivot
    for i in range(n):
        k = int(factors[n, i].real) if transposed else i
        for j in range(columns):
            y[k, j] = x[i, j]


def solve_into(y: Any, b: Any, factors: Any, transposed: Any) -> None:
    """Write the solution of a system."""
    substituted(Factors(factors), b, transposed=transposed, out=y)


for _function in (factorise_into, solve_into):
    _function.__dict__["results"] = ()
    call_from_compiled(__name__, _function.__name__, _function)
