"""Numba's versions of inverses and determinants by the factors of a matrix, which `emit.systems` finds."""

import functools
import math
from typing import Any

import numpy as np
from numba.core import types
from numba.extending import lower_builtin, register_jitable, type_callable

from pullback.emit import native
from pullback.emit.callback import call_from_compiled
from pullback.emit.lapack import checked_square, succeeding
from pullback.emit.systems import FEW, substitute
from pullback.rules.determinant import minors
from pullback.rules.substitution import Factors, inverted


def _matrix(a, factors):
    return types.Array(a.dtype, 2, "C")


def _real(kind):
    return kind.underlying_float if isinstance(kind, types.Complex) else kind


def _register(function, kind_of, maker, message=""):
    """Have compiled code do what `maker` makes for a kind of numbers; with a message it may fail."""

    @type_callable(function)
    def _type(context):
        def typer(a, factors):
            return kind_of(a, factors)

        return typer

    @lower_builtin(function, types.Array, types.Array)
    def _lower(context, builder, signature, arguments, loc=None):
        checked_square(context, builder, signature, arguments, loc)
        made = maker(signature.args[0].dtype)
        if message:
            return succeeding(context, builder, made, signature, arguments, message, loc)
        return context.compile_internal(builder, made, signature, arguments)


@functools.cache
def _inverter(kind: Any) -> Any:
    def inverse(a, factors):
        n = a.shape[0]
        failed = n > 0 and factors[n, 0].real < 0
        return inverse_by(a, factors, failed), failed

    return inverse


@register_jitable
def inverse_by(a, factors, failed):
    """The inverse by factors; anything if it has `failed`, as there is none."""
    n = a.shape[0]
    y = native.empty((n, n), a.dtype)
    if failed:
        return y
    if n > FEW:
        invert_into(y, factors)
        return y
    unit = native.zeros((n, n), a.dtype)
    for i in range(n):
        unit[i, i] = 1
    substitute(y, unit, factors, False)
    return y


def invert_into(y: Any, factors: Any) -> None:
    """Write the inverse of a matrix."""
    y[...] = inverted(Factors(factors))


@functools.cache
def _sign_and_logarithm(kind: Any) -> Any:
    real, in_complex = _real(kind), isinstance(kind, types.Complex)

    def determinant(a, factors):
        n = a.shape[0]
        if n > 0 and factors[n, 0].real < 0:
            return kind(0), real(-np.inf)
        sign, logarithm = kind(1), real(0)
        for i in range(n):
            pivot = factors[i, i]
            size = abs(pivot)
            if in_complex:
                sign *= pivot / size
            elif pivot.real < 0:
                sign = -sign
            logarithm += real(math.log(size))
        # An order is even if its length and the number of its cycles differ by an even number.
        seen = native.zeros(n, np.int64)
        for start in range(n):
            length, i = 0, start
            while seen[i] == 0:
                seen[i] = 1
                i = int(factors[n, i].real)
                length += 1
            if length > 0 and length % 2 == 0:
                sign = -sign
        return sign, logarithm

    return determinant


@functools.cache
def _determinant(kind: Any) -> Any:
    def determinant(a, factors):
        sign, logarithm = native.slogdet_by(a, factors)
        # As NumPy has it.
        return kind(sign * math.exp(logarithm))

    return determinant


@functools.cache
def _minors(kind: Any) -> Any:
    """As `rules.determinant` has them: by the inverse where the matrix is regular."""
    real = _real(kind)
    most = float(np.finfo(str(real)).eps ** -0.25)

    def cofactors(a, factors):
        n = a.shape[0]
        if n == 0:
            return native.empty((n, n), kind)
        singular = factors[n, 0].real < 0
        y = inverse_by(a, factors, singular)
        if not singular:
            first, second = 0.0, 0.0
            for i in range(n):
                for j in range(n):
                    first += abs(a[i, j]) ** 2
                    second += abs(y[i, j]) ** 2
            singular = math.sqrt(first) * math.sqrt(second) > most
        if singular:
            return minors_of_any(y, a)
        whole = native.det_by(a, factors)
        for i in range(n):
            for j in range(i):
                y[i, j], y[j, i] = y[j, i], y[i, j]
        for i in range(n):
            for j in range(n):
                y[i, j] *= whole
        return y

    return cofactors


@register_jitable
def minors_of_any(y, a):
    """The minors of a matrix that may be singular, written into `y`."""
    minors_into(y, a)
    return y


def minors_into(y: Any, a: Any) -> None:
    """Write the minors of a matrix that may be singular."""
    y[...] = minors(a)


_register(native.inverted_by, _matrix, _inverter, "Singular matrix")
_register(native.slogdet_by, lambda a, factors: types.Tuple((a.dtype, _real(a.dtype))), _sign_and_logarithm)
_register(native.det_by, lambda a, factors: a.dtype, _determinant)
_register(native.minors_by, _matrix, _minors)
for _function in (invert_into, minors_into):
    _function.__dict__["results"] = ()
    call_from_compiled(__name__, _function.__name__, _function)
