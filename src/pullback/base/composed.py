"""Functions that NumPy composes of others after it has made plain arrays of its arguments.

Composed here of the same functions in the same order, so that the values are NumPy's and the derivatives are
those of the parts. Where NumPy looks at values (leading zeros, negative numbers), so do these, at bare ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.cast import astype
from pullback.base.errors import UnsupportedError
from pullback.base.spec import dtype_of
from pullback.base.tracked import Tracked, bare


def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """As `numpy.apply_along_axis`."""
    last = np.moveaxis(arr, axis, -1)
    lead = np.shape(last)[:-1]
    if 0 in lead:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    stacked = np.stack([func1d(last[place], *args, **kwargs) for place in np.ndindex(*lead)])
    own = np.shape(stacked)[1:]
    axis = axis % np.ndim(arr)
    here = tuple(range(len(lead), len(lead) + len(own)))
    return np.moveaxis(np.reshape(stacked, (*lead, *own)), here, tuple(range(axis, axis + len(own))))


def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """As `numpy.apply_over_axes`."""
    value = a
    for axis in np.atleast_1d(axes).tolist():
        axis = axis % np.ndim(a)
        result = func(value, axis)
        value = result if np.ndim(result) == np.ndim(value) else np.expand_dims(result, axis)
    return value


def ix_(*args: Any) -> Any:
    """As `numpy.ix_`, whose open mesh may be of numbers as well as of indices."""
    mesh = np.ix_(*map(bare, args))
    return tuple(
        np.reshape(x, np.shape(grid)) if isinstance(x, Tracked) else grid
        for x, grid in zip(args, mesh, strict=True)
    )


def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None, fweights: Any = None,
    aweights: Any = None, *, dtype: Any = None,
) -> Any:  # fmt: skip
    """As `numpy.cov`; weights are constants."""
    if fweights is not None or aweights is not None:
        raise UnsupportedError(
            "numpy.cov of tracked values with weights",
            remedy="write it as a product: centre x with np.average, then (x * w) @ x.T.",
        )
    if dtype is None:
        dtype = np.result_type(dtype_of(bare(m)), np.float64, *([] if y is None else [dtype_of(bare(y))]))
    x = _rows(m, rowvar, dtype)
    if y is not None:
        x = np.concatenate((x, _rows(y, rowvar, dtype)), axis=0)
    x = x - np.average(x, axis=1, keepdims=True)
    factor = np.shape(x)[1] - ((0 if bias else 1) if ddof is None else ddof)
    product = np.dot(x, np.conj(x.T))
    return np.squeeze(product * np.true_divide(1, max(factor, 0)))


def _rows(m: Any, rowvar: bool, dtype: Any) -> Any:
    two = np.reshape(m, (1, -1)) if np.ndim(m) < 2 else m
    return astype(two.T if not rowvar and np.shape(m) != () and np.ndim(m) == 2 else two, dtype)


def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """As `numpy.corrcoef`."""
    c = cov(x, y, rowvar, dtype=dtype)
    if np.ndim(c) == 0:
        return c / c
    deviation = np.sqrt(np.real(np.diag(c)))
    c = c / deviation[:, None] / deviation[None, :]
    if dtype_of(bare(c)).kind != "c":
        return np.clip(c, -1, 1)
    return np.clip(np.real(c), -1, 1) + 1j * np.clip(np.imag(c), -1, 1)


def _polynomial(p: Any) -> Any:
    return np.atleast_1d(np.stack(list(p)) if isinstance(p, list | tuple) else p)


def polyder(p: Any, m: int = 1) -> Any:
    """As `numpy.polyder`."""
    p = _polynomial(p)
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """As `numpy.polyint`."""
    p = _polynomial(p)
    constants = np.broadcast_to(np.atleast_1d(0.0 if k is None else k), (m,))
    for i in range(m):
        p = np.concatenate((p / np.arange(len(p), 0, -1), constants[i : i + 1]))
    return p


def polyadd(a1: Any, a2: Any) -> Any:
    """As `numpy.polyadd`."""
    a1, a2 = _polynomial(a1), _polynomial(a2)
    size = max(len(a1), len(a2))
    return np.pad(a1, (size - len(a1), 0)) + np.pad(a2, (size - len(a2), 0))


def polysub(a1: Any, a2: Any) -> Any:
    """As `numpy.polysub`."""
    return polyadd(a1, -_polynomial(a2))


def polymul(a1: Any, a2: Any) -> Any:
    """As `numpy.polymul`, which drops leading zeros."""
    a1, a2 = (trim_zeros(_polynomial(a), "f") for a in (a1, a2))
    return np.convolve(a1 if len(a1) else np.zeros(1), a2 if len(a2) else np.zeros(1))


def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """As `numpy.trim_zeros`, of one axis."""
    if np.ndim(filt) != 1 or axis not in (None, 0, -1):
        raise UnsupportedError("numpy.trim_zeros of tracked values with more than one axis")
    filled = np.flatnonzero(bare(filt))
    if not len(filled):
        return filt[:0]
    start = filled[0] if "f" in trim.lower() else 0
    return filt[start : filled[-1] + 1 if "b" in trim.lower() else len(filt)]


def poly(seq_of_zeros: Any) -> Any:
    """As `numpy.poly`, of roots or of a matrix."""
    roots = _polynomial(seq_of_zeros)
    if np.ndim(roots) != 1:
        roots = np.linalg.eigvals(roots)
    p = np.ones(1, dtype_of(bare(roots)))
    for root in roots:
        p = np.convolve(p, np.stack([1.0 + 0 * root, -root]))
    values = bare(roots)
    if dtype_of(values).kind == "c" and np.all(np.sort(values) == np.sort(values.conjugate())):
        return np.real(p)
    return p


def _widened(function: Callable[..., Any], outside: Callable[[Any], Any]) -> Callable[..., Any]:
    """`function` of complex numbers where `outside` finds an entry for which the real one is NaN."""
    return lambda x: function(_wide(x, outside))


def _wide(x: Any, outside: Callable[[Any], Any]) -> Any:
    dtype = dtype_of(bare(x))
    if dtype.kind == "c" or not np.any(outside(bare(x))):
        return x
    return astype(x, np.result_type(dtype, np.complex64))


def _power(x: Any, p: Any) -> Any:
    if dtype_of(bare(p)).kind in "iu" and np.any(_negative(p)):
        p = p * 1.0
    return np.power(_wide(x, _negative), p)


def _logarithm(n: Any, x: Any) -> Any:
    return np.log(_wide(x, _negative)) / np.log(_wide(n, _negative))


def _negative(x: Any) -> Any:
    return np.asarray(x) < 0


def _beyond_one(x: Any) -> Any:
    return np.abs(x) > 1


COMPOSED: dict[Callable[..., Any], Callable[..., Any]] = {
    np.apply_along_axis: apply_along_axis,
    np.apply_over_axes: apply_over_axes,
    np.ix_: ix_,
    np.cov: cov,
    np.corrcoef: corrcoef,
    np.polyder: polyder,
    np.polyint: polyint,
    np.polyadd: polyadd,
    np.polysub: polysub,
    np.polymul: polymul,
    np.poly: poly,
    np.trim_zeros: trim_zeros,
    np.emath.sqrt: _widened(np.sqrt, _negative),
    np.emath.log: _widened(np.log, _negative),
    np.emath.log2: _widened(np.log2, _negative),
    np.emath.log10: _widened(np.log10, _negative),
    np.emath.logn: _logarithm,
    np.emath.power: _power,
    np.emath.arccos: _widened(np.arccos, _beyond_one),
    np.emath.arcsin: _widened(np.arcsin, _beyond_one),
    np.emath.arctanh: _widened(np.arctanh, _beyond_one),
}
"""How to apply such a function to tracked values."""
