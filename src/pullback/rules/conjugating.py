"""Products that conjugate their first or second argument: vdot, vecdot, vecmat, correlate, and convolve beside it.

They are not holomorphic in that argument, so their rules obey the complex convention themselves: for ``y = conj(a) b``,
``a_bar = conj(y_bar) b`` and ``b_bar = a y_bar`` (Hirsh et al., *ChainRules*, "Complex numbers"). Tangents are still
the product itself: it is linear over the reals.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.rules.broadcast import unbroadcast
from pullback.rules.domain import array, call
from pullback.rules.products import no_axes
from pullback.rules.table import alias, calls, linear, vjp

# -- vdot, vecdot, vecmat ----------------------------------------------------------------------------------------------


@vjp(np.vdot, 0, reads="b", holomorphic=False)
def vdot_a_vjp(y_bar: Any, y: Any, a: Any, b: Any) -> Any:
    return np.reshape(np.conj(y_bar) * np.ravel(b), np.shape(a))


@vjp(np.vdot, 1, reads="a", holomorphic=False)
def vdot_b_vjp(y_bar: Any, y: Any, a: Any, b: Any) -> Any:
    return np.reshape(y_bar * np.ravel(a), np.shape(b))


linear(np.vdot, 0, 1)
calls(np.vdot, call(array(3), array(3)), call(array(2, 3), array(6)), call(array(), array()), call(array(0), array(0)))


def _last(x: Any, axis: int) -> Any:
    return x if axis == -1 else np.moveaxis(x, axis, -1)


def _restored(x_bar: Any, shape: tuple[int, ...], axis: int) -> Any:
    """The cotangent of an argument of `shape` from one whose vectors lie along the last axis."""
    if axis == -1:
        return x_bar
    place = axis % len(shape)
    return np.moveaxis(unbroadcast(x_bar, (*shape[:place], *shape[place + 1 :], shape[place])), -1, axis)


def _kept(y_bar: Any, axis: int, keepdims: bool) -> Any:
    """The cotangent of vecdot's output with a last axis of length 1."""
    return _last(y_bar, axis) if keepdims else np.expand_dims(y_bar, -1)


@vjp(np.vecdot, 0, reads="b", holomorphic=False)
def vecdot_a_vjp(
    y_bar: Any, y: Any, a: Any, b: Any, out: Any = None, *, axis: int = -1, keepdims: bool = False, axes: Any = None
) -> Any:
    no_axes(np.vecdot, axes)
    return _restored(np.conj(_kept(y_bar, axis, keepdims)) * _last(b, axis), np.shape(a), axis)


@vjp(np.vecdot, 1, reads="a", holomorphic=False)
def vecdot_b_vjp(
    y_bar: Any, y: Any, a: Any, b: Any, out: Any = None, *, axis: int = -1, keepdims: bool = False, axes: Any = None
) -> Any:
    no_axes(np.vecdot, axes)
    return _restored(_kept(y_bar, axis, keepdims) * _last(a, axis), np.shape(b), axis)


linear(np.vecdot, 0, 1)
calls(
    np.vecdot,
    call(array(3), array(3)),
    call(array(4, 3), array(3)),
    call(array(4, 1, 3), array(2, 3)),
    call(array(3, 4), array(3, 4), axis=0),
    call(array(3, 4), array(3), axis=0),
    call(array(3, 4), array(3, 1), axis=0, keepdims=True),
    call(array(4, 3), array(4, 3), keepdims=True),
)
alias(np.linalg.vecdot, np.vecdot)

if hasattr(np, "vecmat"):  # NumPy 2.2

    @vjp(np.vecmat, 0, reads="b", holomorphic=False)
    def vecmat_a_vjp(y_bar: Any, y: Any, a: Any, b: Any, out: Any = None, *, axes: Any = None) -> Any:
        no_axes(np.vecmat, axes)
        return (b @ np.conj(y_bar)[..., None])[..., 0]

    @vjp(np.vecmat, 1, reads="a", holomorphic=False)
    def vecmat_b_vjp(y_bar: Any, y: Any, a: Any, b: Any, out: Any = None, *, axes: Any = None) -> Any:
        no_axes(np.vecmat, axes)
        return a[..., :, None] * y_bar[..., None, :]

    linear(np.vecmat, 0, 1)
    calls(
        np.vecmat,
        call(array(3), array(3, 2)),
        call(array(4, 3), array(3, 2)),
        call(array(3), array(4, 3, 2)),
        call(array(5, 3), array(4, 1, 3, 2)),
    )


# -- convolve and correlate --------------------------------------------------------------------------------------------


def _full_convolution(y_bar: Any, start: int, length: int) -> Any:
    """The cotangent of the full product, `length` long, of which the output is the part from `start`."""
    size = np.shape(y_bar)[0]
    if size == length:
        return y_bar
    before = np.zeros(start, np.result_type(y_bar))
    return np.concatenate((before, y_bar, np.zeros(length - start - size, before.dtype)))


def _start(mode: Any, longer: int, shorter: int) -> int:
    """Where in the full product of `longer` and `shorter` the output of `mode` begins."""
    kind = "vsf"[mode] if isinstance(mode, int) else mode[0].lower()
    return {"f": 0, "s": (shorter - 1) // 2, "v": shorter - 1}[kind]


def _convolve_seed(y_bar: Any, a: Any, v: Any, mode: Any) -> Any:
    n, m = np.size(a), np.size(v)
    return _full_convolution(y_bar, _start(mode, max(n, m), min(n, m)), n + m - 1)


@vjp(np.convolve, 0, reads="v")
def convolve_a_vjp(y_bar: Any, y: Any, a: Any, v: Any, mode: Any = "full") -> Any:
    seed = _convolve_seed(y_bar, a, v, mode)
    return np.reshape(np.convolve(seed, np.ravel(v)[::-1], "valid"), np.shape(a))


@vjp(np.convolve, 1, reads="a")
def convolve_v_vjp(y_bar: Any, y: Any, a: Any, v: Any, mode: Any = "full") -> Any:
    seed = _convolve_seed(y_bar, a, v, mode)
    return np.reshape(np.convolve(seed, np.ravel(a)[::-1], "valid"), np.shape(v))


linear(np.convolve, 0, 1)


def _correlate_seed(y_bar: Any, a: Any, v: Any, mode: Any) -> Any:
    n, m = np.size(a), np.size(v)
    # NumPy correlates the longer with the shorter and reverses the result, which matters for "same".
    start = _start(mode, max(n, m), min(n, m))
    return _full_convolution(y_bar, start if n >= m else n + m - 1 - start - np.size(y_bar), n + m - 1)


@vjp(np.correlate, 0, reads="v", holomorphic=False)
def correlate_a_vjp(y_bar: Any, y: Any, a: Any, v: Any, mode: Any = "valid") -> Any:
    return np.reshape(np.convolve(_correlate_seed(y_bar, a, v, mode), np.ravel(v), "valid"), np.shape(a))


@vjp(np.correlate, 1, reads="a", holomorphic=False)
def correlate_v_vjp(y_bar: Any, y: Any, a: Any, v: Any, mode: Any = "valid") -> Any:
    seed = _correlate_seed(y_bar, a, v, mode)
    kernel_bar = np.convolve(seed, np.conj(np.ravel(a))[::-1], "valid")
    return np.reshape(np.conj(kernel_bar)[::-1], np.shape(v))


linear(np.correlate, 0, 1)
for _function in (np.convolve, np.correlate):
    calls(
        _function,
        *(
            call(array(n), array(m), mode)
            for mode in ("full", "same", "valid")
            for n, m in ((5, 3), (5, 4), (6, 3), (6, 4), (3, 5), (4, 5), (3, 6), (4, 6), (4, 4), (1, 3), (3, 1))
        ),
    )
    calls(_function, call(array(5), array(2)))
calls(np.convolve, call(array(), array(2)), call(array(3), array()))
