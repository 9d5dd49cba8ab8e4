"""Numba's versions of the linear algebra in `native`: LAPACK, called from the code itself.

Numba's own functions of `numpy.linalg` compile for a second each, and a call-back costs three microseconds
and what NumPy adds to LAPACK, which is more than LAPACK takes for small matrices. Copies are in Fortran's
order where NumPy's are, so that LAPACK is given what NumPy gives it.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import signature as signature_of
from numba.extending import intrinsic, lower_builtin, overload, type_callable
from numba.np.arrayobj import make_array
from numba.np.linalg import F_INT_nptype, ensure_lapack, get_blas_kind, ll_char, ll_void_p

from pullback.emit import native
from pullback.emit.allocation import raise_if
from pullback.emit.callback import call_from_compiled
from pullback.emit.sizes import all_apart, is_finite, largest, least_gap
from pullback.rules.spectra.gauge import JOINED, eps_of, hidden_of

PIVOT = F_INT_nptype
EQUAL = JOINED * eps_of(np.dtype(np.float64))
"""Times the size of a matrix, how far apart equal values may be, as a part of the largest."""
NEAR = eps_of(np.dtype(np.float64)) ** 0.5
"""How far apart values have to be for the formulas to hold."""
HIDDEN = hidden_of(np.dtype(np.float64))

_ROWS = 64
"""Rows of a triangle that are computed at a time."""

_status = types.int32


def called(context, builder, name, kind, arguments):
    """The status that a function of Numba's returns, of a kind of numbers, letters, lengths and arrays."""
    ensure_lapack()
    values = [ir.Constant(ll_char, ord(get_blas_kind(kind.dtype)))]
    for argument in arguments:
        if isinstance(argument, str):
            values.append(ir.Constant(ll_char, ord(argument)))
        elif isinstance(argument.type, ir.PointerType):
            values.append(builder.bitcast(argument, ll_void_p))
        else:
            values.append(argument)
    signature = ir.FunctionType(ir.IntType(32), [value.type for value in values])
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), values)


def arrays(context, builder, signature, arguments):
    return [
        make_array(kind)(context, builder, value)
        for kind, value in zip(signature.args, arguments, strict=True)
    ]


def shape_of(builder, array):
    return cgutils.unpack_tuple(builder, array.shape)


def routine(function: Any) -> Any:
    """A function for compiled code alone, without the context that its generator takes."""
    return intrinsic(function)


@routine
def potrf(typing, a):
    """The factor of a matrix, in its upper triangle as Fortran sees it."""

    def generate(context, builder, signature, arguments):
        (a,) = arrays(context, builder, signature, arguments)
        n, _ = shape_of(builder, a)
        return called(context, builder, "numba_xxpotrf", signature.args[0], ("U", n, a.data, n))

    return _status(a), generate


@routine
def evd(typing, a, w):
    """Eigenvalues, and eigenvectors in place of the matrix: its rows, as Fortran's columns are."""

    def generate(context, builder, signature, arguments):
        a, w = arrays(context, builder, signature, arguments)
        n, _ = shape_of(builder, a)
        given = ("V", "L", n, a.data, n, w.data)
        return called(context, builder, "numba_ez_xxxevd", signature.args[0], given)

    return _status(a, w), generate


@routine
def gesdd(typing, a, u, s, vh):
    """The thin decomposition, all matrices transposed."""

    def generate(context, builder, signature, arguments):
        a, u, s, vh = arrays(context, builder, signature, arguments)
        columns, rows = shape_of(builder, a)
        (count,) = shape_of(builder, s)
        given = ("S", rows, columns, a.data, rows, s.data, u.data, rows, vh.data, count)
        return called(context, builder, "numba_ez_gesdd", signature.args[0], given)

    return _status(a, u, s, vh), generate


@type_callable(native.cholesky)
def _type_of_cholesky(context):
    def typer(a):
        return types.Array(a.dtype, 2, "C") if are_matrices(a) else None

    return typer


def are_matrices(*kinds):
    return all(isinstance(kind, types.Array) and kind.ndim == 2 for kind in kinds)


@lower_builtin(native.cholesky, types.Array)
def _cholesky(context, builder, signature, arguments, loc=None):
    checked_square(context, builder, signature, arguments, loc)
    message = "Matrix is not positive definite"
    return succeeding(context, builder, factored, signature, arguments, message, loc)


def checked_square(context, builder, signature, arguments, loc):
    """The length of both axes of the first argument."""
    rows, columns = shape_of(builder, make_array(signature.args[0])(context, builder, arguments[0]))
    message = "Last 2 dimensions of the array must be square"
    not_square = builder.icmp_signed("!=", rows, columns)
    raise_if(context, builder, not_square, np.linalg.LinAlgError, message, loc)
    return rows


def succeeding(context, builder, function, signature, arguments, message, loc):
    """What `function` gives, which is an array and whether there is none: an error of the line `loc` then."""
    kind = signature.return_type
    both = signature_of(types.Tuple((kind, types.boolean)), *signature.args)
    value, failed = cgutils.unpack_tuple(
        builder, context.compile_internal(builder, function, both, arguments), count=2
    )
    with cgutils.if_unlikely(builder, cgutils.is_not_null(builder, failed)):
        context.nrt.decref(builder, kind, value)
        context.call_conv.return_user_exc(builder, np.linalg.LinAlgError, (message,), loc, "compiled")
    return value


def factored(a: Any) -> Any:
    """The lower factor, and whether there is none."""
    n = a.shape[0]
    factor = native.zeros((n, n), a.dtype)
    for i in range(n):
        for j in range(i + 1):
            factor[i, j] = a[i, j]
    failed = False
    if n:
        failed = potrf(factor) > 0
    return factor, failed


@overload(native.eigh)
def _eigh(a):
    kind = a.dtype

    def eigh(a):
        n = a.shape[0]
        if a.shape[1] != n or n < 2 or not is_finite(a):
            return eigh_of_any(a)
        rows, w = native.empty((n, n), kind), native.empty(n, kind)
        for i in range(n):
            for j in range(n):
                rows[j, i] = a[i, j]
        failed = evd(rows, w) != 0
        if failed or not all_apart(w, n * EQUAL):
            return eigh_of_any(a)
        v = native.empty((n, n), kind)
        for i in range(n):
            for j in range(n):
                v[i, j] = rows[j, i]
        return w, v

    return eigh


@native.interpreted("float64[::1]", "float64[:, ::1]")
def eigh_of_any(a: Any) -> Any:
    """As `native.eigh`, where values are equal, or LAPACK has failed."""
    return native.eigh(a)


@overload(native.eigh_cotangent)
def _eigh_cotangent(w_bar, v_bar, w, v):
    """The formula of `rules.spectra.eigh`, where it is one."""

    def eigh_cotangent(w_bar, v_bar, w, v):
        n = w.shape[0]
        if not all_apart(w, NEAR):
            return eigh_cotangent_of_any(w_bar, v_bar, w, v)
        m = native.matmul(v.T, v_bar)
        inner = native.empty((n, n), np.float64)
        size = 0.0
        for i in range(n):
            for j in range(n):
                inner[i, j] = (m[i, j] - m[j, i]) / 2 / (w[j] - w[i])
            inner[i, i] = w_bar[i]
            for j in range(n):
                size = max(size, abs(inner[i, j]))
        if HIDDEN * largest(v_bar) > size * least_gap(w):
            return eigh_cotangent_of_any(w_bar, v_bar, w, v)
        left, a_bar = native.matmul(v, inner), native.zeros((n, n), np.float64)
        step = _ROWS if n >= 2 * _ROWS else n
        for start in range(0, n, step):
            stop = min(start + step, n)
            rows = native.matmul(left[start:stop], v[:stop].T)
            for i in range(start, stop):
                for j in range(i):
                    a_bar[i, j] = 2 * rows[i - start, j]
                a_bar[i, i] = rows[i - start, i]
        return a_bar

    return eigh_cotangent


@native.interpreted("float64[:, ::1]")
def eigh_cotangent_of_any(w_bar: Any, v_bar: Any, w: Any, v: Any) -> Any:
    """As `native.eigh_cotangent`."""
    return np.ascontiguousarray(native.eigh_cotangent(w_bar, v_bar, w, v))


@overload(native.svd)
def _svd(a):
    kind = a.dtype

    def svd(a):
        n = a.shape[0]
        if a.shape[1] != n or n < 2 or not is_finite(a):
            return svd_of_any(a)
        turned, s = native.empty((n, n), kind), native.empty(n, kind)
        first, second = native.empty((n, n), kind), native.empty((n, n), kind)
        for i in range(n):
            for j in range(n):
                turned[j, i] = a[i, j]
        failed = gesdd(turned, first, s, second) != 0
        if failed or not all_apart(s, n * EQUAL) or not s[n - 1] > n * EQUAL * s[0]:
            return svd_of_any(a)
        u, vh = native.empty((n, n), kind), native.empty((n, n), kind)
        for i in range(n):
            for j in range(n):
                u[i, j], vh[i, j] = first[j, i], second[j, i]
        return u, s, vh

    return svd


@native.interpreted("float64[:, ::1]", "float64[::1]", "float64[:, ::1]")
def svd_of_any(a: Any) -> Any:
    """As `native.svd`, where values are equal or zero, matrices are not square, or LAPACK has failed."""
    return tuple(map(np.ascontiguousarray, native.svd(a)))


@overload(native.svd_cotangent)
def _svd_cotangent(u_bar, s_bar, vh_bar, u, s, vh):
    """The formula of `rules.spectra.svd`, where it is one, of a square matrix."""

    def svd_cotangent(u_bar, s_bar, vh_bar, u, s, vh):
        n = s.shape[0]
        if (
            u.shape[0] != n
            or vh.shape[1] != n
            or n < 2
            or not all_apart(s, NEAR)
            or not s[n - 1] > NEAR * s[0]
        ):
            return svd_cotangent_of_any(u_bar, s_bar, vh_bar, u, s, vh)
        of_u, of_v = native.matmul(u.T, u_bar), native.matmul(vh, vh_bar.T)
        inner = native.empty((n, n), np.float64)
        size = 0.0
        for i in range(n):
            for j in range(n):
                left, right = (of_u[i, j] - of_u[j, i]) / 2, (of_v[i, j] - of_v[j, i]) / 2
                together, apart = (left + right) / (s[j] - s[i]), (left - right) / (s[i] + s[j])
                inner[i, j] = together + apart
                if i != j:
                    size = max(size, abs(together), abs(apart))
            inner[i, i] = s_bar[i]
            size = max(size, abs(s_bar[i]))
        least = min(least_gap(s), s[n - 1])
        if HIDDEN * max(largest(u_bar), largest(vh_bar)) > size * least:
            return svd_cotangent_of_any(u_bar, s_bar, vh_bar, u, s, vh)
        return native.matmul(native.matmul(u, inner), vh)

    return svd_cotangent


@native.interpreted("float64[:, ::1]")
def svd_cotangent_of_any(u_bar: Any, s_bar: Any, vh_bar: Any, u: Any, s: Any, vh: Any) -> Any:
    """As `native.svd_cotangent`."""
    return np.ascontiguousarray(native.svd_cotangent(u_bar, s_bar, vh_bar, u, s, vh))


for _function in (eigh_of_any, eigh_cotangent_of_any, svd_of_any, svd_cotangent_of_any):
    call_from_compiled(__name__, _function.__name__, _function)
