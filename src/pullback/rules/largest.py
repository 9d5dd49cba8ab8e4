"""Largest and smallest entries: ``max min nanmax nanmin ptp``, and what the four ufuncs reduce to.

Convention: where several entries tie for the extreme they share its cotangent equally (an `initial` that
ties takes a share as well). Where the result is NaN no entry equals it and the derivative is NaN. The
Jacobian is a real selection, so the reader is told not to conjugate.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.dispatch import dispatched
from pullback.base.spec import dtype_of
from pullback.rules.axes import Axis, axes_of, restored, shifted
from pullback.rules.cast import astype
from pullback.rules.domain import array, call
from pullback.rules.product import scale
from pullback.rules.recurrence import recurrence
from pullback.rules.table import alias, calls, constant, jvp, vjp

_MASK = np.array([[True, False, True, True], [False, True, True, False], [True, True, False, True]])


def real_dtype(a: Any) -> np.dtype[Any]:
    """The dtype of the real part of `a`."""
    dtype = dtype_of(a)
    return dtype if dtype.kind == "f" else np.dtype(dtype.char.lower())


@dispatched
def shares(y: Any, a: Any, axis: Axis, initial: Any = None, where: Any = True) -> Any:
    """The partial of the extreme `y` in each entry of `a`: 1 over the number of entries that equal it, or 0.

    It is constant between ties, so its own derivative is zero.
    """
    if dtype_of(a) != dtype_of(y):
        a = astype(a, dtype_of(y))
    equal = a == restored(y, np.shape(a), axis)
    if where is True and initial is None and np.count_nonzero(equal) == np.size(y) and has_no_nan(y):
        return equal.astype(real_dtype(a))  # one in each place
    if where is not True:
        equal = equal & where
    count: Any = np.add.reduce(equal, axis=axis, dtype=real_dtype(a), keepdims=True)
    if initial is not None:
        count = count + restored(y == initial, np.shape(a), axis)
    return equal / count


constant(shares)


def has_no_nan(y: Any) -> bool:
    """Whether no entry is NaN; False may also mean a complex infinity."""
    total = np.vdot(y, y) if type(y) is np.ndarray else y
    return bool(total == total)


def _reduction(function: Any) -> None:
    """The row of one that takes ``(a, axis, out, keepdims, initial, where)``, largest or smallest."""

    @vjp(function, 0, reads="y a axis initial where", holomorphic=False)
    def extreme_vjp(
        y_bar: Any,
        y: Any,
        a: Any,
        axis: Axis = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        return scale(shares(y, a, axis, initial, where), restored(y_bar, np.shape(a), axis))

    @jvp(function, 0, reads="y a axis keepdims initial where")
    def extreme_jvp(
        a_dot: Any,
        y: Any,
        a: Any,
        axis: Axis = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        return np.sum(scale(shares(y, a, axis, initial, where), a_dot), axis=axis, keepdims=keepdims)


def _method(function: Any) -> None:
    """The row of a ufunc's ``reduce``, which takes a dtype and goes over the first axis by default."""

    @vjp(function, 0, reads="y array axis initial where", holomorphic=False)
    def extreme_reduce_vjp(
        y_bar: Any,
        y: Any,
        array: Any,
        axis: Axis = 0,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        return scale(shares(y, array, axis, initial, where), restored(y_bar, np.shape(array), axis))

    @jvp(function, 0, reads="y array axis keepdims initial where")
    def extreme_reduce_jvp(
        array_dot: Any,
        y: Any,
        array: Any,
        axis: Axis = 0,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        return np.sum(scale(shares(y, array, axis, initial, where), array_dot), axis=axis, keepdims=keepdims)


@dispatched
def run_starts(y: Any, axis: int) -> Any:
    """Along `axis`, 1 where a running extreme `y` equals the entry before it, else 0."""
    return (y == shifted(y, 1, axis, np.nan)).astype(real_dtype(y))


@dispatched
def hits(y: Any, a: Any) -> Any:
    """1 where an entry equals the running extreme, else 0."""
    return (astype(a, y.dtype) == y).astype(real_dtype(y))


constant(run_starts, hits)


def _running(function: Any) -> None:
    """The row of a ufunc's ``accumulate``: in a run of equal results the entries equal to them share."""

    @vjp(function, 0, reads="y array axis", holomorphic=False)
    def running_extreme_vjp(
        y_bar: Any, y: Any, array: Any, axis: int = 0, dtype: Any = None, out: Any = None
    ) -> Any:
        axis = axes_of(axis, np.ndim(array))[0]
        goes_on, hit = run_starts(y, axis), hits(y, array)
        each = scale(1 / recurrence(goes_on, hit, axis), y_bar)
        return scale(hit, recurrence(shifted(goes_on, -1, axis), each, axis, True))

    @jvp(function, 0, reads="y array axis")
    def running_extreme_jvp(
        array_dot: Any, y: Any, array: Any, axis: int = 0, dtype: Any = None, out: Any = None
    ) -> Any:
        axis = axes_of(axis, np.ndim(array))[0]
        goes_on, hit = run_starts(y, axis), hits(y, array)
        return scale(1 / recurrence(goes_on, hit, axis), recurrence(goes_on, scale(hit, array_dot), axis))


def _wide(*shape: int) -> Any:
    return array(*shape, low=-3, high=3, kind="distinct")


@vjp(np.ptp, 0, reads="a axis", holomorphic=False)
def ptp_vjp(y_bar: Any, y: Any, a: Any, axis: Axis = None, out: Any = None, keepdims: Any = False) -> Any:
    return scale(_range_shares(a, axis), restored(y_bar, np.shape(a), axis))


@jvp(np.ptp, 0, reads="a axis keepdims")
def ptp_jvp(a_dot: Any, y: Any, a: Any, axis: Axis = None, out: Any = None, keepdims: Any = False) -> Any:
    return np.sum(scale(_range_shares(a, axis), a_dot), axis=axis, keepdims=keepdims)


def _range_shares(a: Any, axis: Axis) -> Any:
    return shares(np.max(a, axis=axis), a, axis) - shares(np.min(a, axis=axis), a, axis)


_PLAIN = (
    call(_wide(3, 4), None),
    call(_wide(3, 4), 1),
    call(_wide(3, 4), axis=0, keepdims=True),
    call(_wide(2, 3, 2), axis=(0, -1)),
    call(_wide(2, 3, 2), axis=(2, 0), keepdims=True),
    call(array(1, 2), axis=0),
    call(array(0, 3), axis=1),
    call(array(), axis=None),
)
_BOUNDED = (
    call(_wide(3, 4), axis=1, initial=0.0),
    call(_wide(3, 4), axis=0, initial=-0.5, where=_MASK),
    call(_wide(3, 4), initial=-0.5, where=_MASK),
    call(array(0), initial=1.0),
)
for _function in (np.max, np.min, np.nanmax, np.nanmin):
    _reduction(_function)
    calls(_function, *_PLAIN[:6], _PLAIN[7], *_BOUNDED[:3])
calls(np.max, _PLAIN[6], _BOUNDED[3])
calls(np.min, _PLAIN[6], _BOUNDED[3])
alias(np.amax, np.max)
alias(np.amin, np.min)
calls(np.ptp, *_PLAIN[:6])
for _ufunc in (np.maximum, np.minimum, np.fmax, np.fmin):
    _method(_ufunc.reduce)
    calls(_ufunc.reduce, call(_wide(3, 4)), *_PLAIN, *_BOUNDED)
    _running(_ufunc.accumulate)
    calls(
        _ufunc.accumulate,
        call(_wide(6)),
        call(_wide(3, 4)),
        call(_wide(3, 4), axis=-1),
        call(_wide(2, 3, 2), 1),
        call(array(0)),
    )
