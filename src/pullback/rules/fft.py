"""Fourier transforms (`numpy.fft`): linear maps, whose adjoint is the conjugate transform.

Comes in: a module with NumPy's names, so that `scipy.fft` gets the same rows. With ``F`` the matrix of a
transform, ``Fᴴ`` is the matrix of the inverse one under the other normalisation ("backward" for "forward").
An axis that `n` or `s` cut short or filled with zeros is filled or cut back.

The real ones keep half of the spectrum. With c = 1 at frequency 0 and, for an even length, at the last one,
and c = 2 elsewhere (the frequencies that stand for their conjugate too), the adjoint of ``rfft`` is the
unnormalised ``irfft`` of ``y_bar / c``, and that of ``irfft`` is c times an ``rfft``. Where c = 1, ``irfft``
reads the real part alone, and so does its adjoint.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.errors import UnsupportedError
from pullback.base.spec import dtype_of
from pullback.rules.domain import Call, array, call
from pullback.rules.table import calls, jvp, linear, vjp, whole

SWAPPED = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def fitted(x: Any, shape: Any, axes: Any) -> Any:
    """`x` cut or filled with zeros at the end of `axes`, to the lengths that `shape` has there."""
    for axis in axes:
        axis = axis % len(shape)
        length, wanted = np.shape(x)[axis], shape[axis]
        if length > wanted:
            x = x[(slice(None),) * axis + (slice(wanted),)]
        elif length < wanted:
            x = np.pad(x, [(0, wanted - length if k == axis else 0) for k in range(len(shape))])
    return x


def _counts(y: Any, n: int, axis: int) -> Any:
    """How many of the n frequencies each entry of a half spectrum stands for, along `axis` of `y`."""
    counts = np.full(n // 2 + 1, 2, dtype_of(y).char.lower())
    counts[0] = 1
    if n % 2 == 0:
        counts[-1] = 1
    return np.reshape(counts, [-1 if k == axis % np.ndim(y) else 1 for k in range(np.ndim(y))])


def lengths_of(shape: Any, s: Any, axes: Any) -> tuple[list[int], list[int]]:
    """The length of the real array along each axis of a transform of one of `shape`, and the axes.

    SciPy takes a number where there is one axis.
    """
    s, axes = (x if x is None or np.ndim(x) else (x,) for x in (s, axes))
    if axes is None:
        axes = range(-(len(shape) if s is None else len(s)), 0)
    axes = [int(axis) % len(shape) for axis in axes]
    if len(set(axes)) < len(axes):
        raise UnsupportedError(
            "a Fourier transform over the same axis twice",
            why="there is no rule for it",
            remedy="transform one axis after the other.",
        )
    given = [None] * len(axes) if s is None else s
    return [shape[k] if n is None or n == -1 else int(n) for n, k in zip(given, axes, strict=True)], axes


def transforms(module: Any) -> None:
    """Give the transforms of `module`, `numpy.fft` or `scipy.fft`, their rows."""
    _one_axis(module.fft, module.ifft)
    _one_axis(module.ifft, module.fft)
    for dimensions in ("2", "n"):
        fft, ifft, rfft, irfft = (
            getattr(module, f"{name}{dimensions}") for name in ("fft", "ifft", "rfft", "irfft")
        )
        default = (-2, -1) if dimensions == "2" else None
        _many_axes(fft, module.ifftn, default)
        _many_axes(ifft, module.fftn, default)
        _many_axes_to_half(rfft, module.irfftn, default)
        _many_axes_from_half(irfft, module.rfftn, default)
    _to_half(module.rfft, module.irfft, conjugate=False)
    _from_half(module.irfft, module.rfft, conjugate=False)
    _from_half(module.hfft, module.rfft, conjugate=True)
    _to_half(module.ihfft, module.irfft, conjugate=True)
    _shift(module.fftshift, module.ifftshift)
    _shift(module.ifftshift, module.fftshift)
    _frequencies(module.fftfreq)
    _frequencies(module.rfftfreq)
    _examples(module)


def _along_one(function: Callable[..., Any], pull: Callable[..., Any]) -> None:
    """State that ``function(a, n, axis, norm)`` is linear, with ``pull(y_bar, y, shape, n, axis, norm)``."""

    @vjp(function, 0, reads="", holomorphic=False)
    def fft_vjp(
        y_bar: Any, y: Any, a: Any, n: Any = None, axis: int = -1, norm: Any = None, *rest: Any,
        **options: Any,
    ) -> Any:  # fmt: skip
        return pull(y_bar, y, np.shape(a), n, axis, norm)

    linear(function, 0)


def _along_many(function: Callable[..., Any], pull: Callable[..., Any], default: Any) -> None:
    """The same of ``function(a, s, axes, norm)``, with ``pull(y_bar, y, shape, s, axes, norm)``."""

    @vjp(function, 0, reads="", holomorphic=False)
    def fftn_vjp(
        y_bar: Any, y: Any, a: Any, s: Any = None, axes: Any = default, norm: Any = None, *rest: Any,
        **options: Any,
    ) -> Any:  # fmt: skip
        return pull(y_bar, y, np.shape(a), s, axes, norm)

    linear(function, 0)


def _one_axis(function: Callable[..., Any], inverse: Callable[..., Any]) -> None:
    def pull(y_bar: Any, y: Any, shape: Any, n: Any, axis: int, norm: Any) -> Any:
        x_bar = inverse(y_bar, None, axis, SWAPPED[norm])
        return x_bar if n is None else fitted(x_bar, shape, [axis])

    _along_one(function, pull)


def _many_axes(function: Callable[..., Any], inverse: Callable[..., Any], default: Any) -> None:
    def pull(y_bar: Any, y: Any, shape: Any, s: Any, axes: Any, norm: Any) -> Any:
        _, axes = lengths_of(shape, s, axes)
        x_bar = inverse(y_bar, None, axes, SWAPPED[norm])
        return x_bar if s is None else fitted(x_bar, shape, axes)

    _along_many(function, pull, default)


def _to_half(function: Callable[..., Any], inverse: Callable[..., Any], conjugate: bool) -> None:
    """``rfft``; for ``ihfft`` the result is conjugated, under the other normalisation."""

    def pull(y_bar: Any, y: Any, shape: Any, n: Any, axis: int, norm: Any) -> Any:
        length = shape[axis] if n is None else n
        half = np.conj(y_bar) if conjugate else y_bar
        norm = norm if conjugate else SWAPPED[norm]
        return fitted(inverse(half / _counts(y, length, axis), length, axis, norm), shape, [axis])

    _along_one(function, pull)


def _from_half(function: Callable[..., Any], inverse: Callable[..., Any], conjugate: bool) -> None:
    """``irfft``; for ``hfft`` the argument is conjugated, under the other normalisation."""

    def pull(y_bar: Any, y: Any, shape: Any, n: Any, axis: int, norm: Any) -> Any:
        half = inverse(y_bar, None, axis, norm if conjugate else SWAPPED[norm])
        half = fitted(half * _counts(y, np.shape(y)[axis], axis), shape, [axis])
        return np.conj(half) if conjugate else half

    _along_one(function, pull)


def _many_axes_to_half(function: Callable[..., Any], inverse: Callable[..., Any], default: Any) -> None:
    def pull(y_bar: Any, y: Any, shape: Any, s: Any, axes: Any, norm: Any) -> Any:
        lengths, axes = lengths_of(shape, s, axes)
        x_bar = inverse(y_bar / _counts(y, lengths[-1], axes[-1]), lengths, axes, SWAPPED[norm])
        return fitted(x_bar, shape, axes)

    _along_many(function, pull, default)


def _many_axes_from_half(function: Callable[..., Any], inverse: Callable[..., Any], default: Any) -> None:
    def pull(y_bar: Any, y: Any, shape: Any, s: Any, axes: Any, norm: Any) -> Any:
        _, axes = lengths_of(shape, s, axes)
        half = inverse(y_bar, None, axes, SWAPPED[norm])
        return fitted(half * _counts(y, np.shape(y)[axes[-1]], axes[-1]), shape, axes)

    _along_many(function, pull, default)


def _shift(function: Callable[..., Any], inverse: Callable[..., Any]) -> None:
    @vjp(function, 0, reads="", holomorphic=False)
    def fftshift_vjp(y_bar: Any, y: Any, x: Any, axes: Any = None) -> Any:
        return inverse(y_bar, axes)

    linear(function, 0)


def _frequencies(function: Callable[..., Any]) -> None:
    """Multiples of ``1 / (n d)``. Engines see the division; this row is for compiled code."""

    @vjp(function, 1, reads="y d")
    def fftfreq_vjp(y_bar: Any, y: Any, n: Any, d: Any = 1.0, *rest: Any, **options: Any) -> Any:
        return -np.sum(y_bar * y) / d

    @jvp(function, 1, reads="y d")
    def fftfreq_jvp(d_dot: Any, y: Any, n: Any, d: Any = 1.0, *rest: Any, **options: Any) -> Any:
        return -y * (d_dot / d)

    whole(function, 0)
    calls(function, call(5, array(low=0.5)), call(4, array(low=0.5)), complex=False)


def _examples(module: Any) -> None:
    one = [
        call(array(5)),
        call(array(3, 4)),
        call(array(4, 3), 5, 0),
        call(array(2, 6, 3), 3, 1, "ortho"),
        call(array(3, 7), 4, -1, "forward"),
        call(array(4, 2), None, 0, "forward"),
        call(array(3, 5), 8, -1, "backward"),
        call(array(0, 4)),
        call(array(2, 3), n=1),
    ]
    two = [
        call(array(3, 4)),
        call(array(2, 3, 5)),
        call(array(3, 4, 2), (4, 3), (0, 1)),
        call(array(4, 3), (2, 5), (1, 0), "ortho"),
        call(array(3, 4), None, (-2, -1), "forward"),
        call(array(0, 2, 3), None, (1, 2)),
    ]
    many = [
        *two,
        call(array(5)),
        call(array(2, 3, 4), None, (2, 0)),
        call(array(2, 3, 4), (3, 4, 2), (0, 2, 1), "forward"),
        call(array(4, 5), (-1, 3), (0, 1), "ortho"),
        call(array(3, 4), None, (1,)),
    ]
    half = [call(array(3, 4), 7), call(array(3, 5), 9, -1, "forward"), call(array(2, 4), axis=-1)]
    by_name: list[tuple[str, list[Call], bool]] = [
        ("fft", one, True),
        ("ifft", one, True),
        ("rfft", one, False),
        ("irfft", [*one, *half], True),
        ("hfft", [*one, *half], True),
        ("ihfft", one, False),
        ("fft2", two, True),
        ("ifft2", two, True),
        ("rfft2", two, False),
        ("irfft2", two, True),
        ("fftn", many, True),
        ("ifftn", many, True),
        ("rfftn", many, False),
        ("irfftn", many, True),
    ]
    for name, examples, of_complex in by_name:
        calls(getattr(module, name), *examples, complex=of_complex)
    shifts = [call(array(5)), call(array(3, 4)), call(array(3, 4), 1), call(array(2, 3, 5), (0, 2))]
    for name in ("fftshift", "ifftshift"):
        calls(getattr(module, name), *shifts)


transforms(np.fft)
