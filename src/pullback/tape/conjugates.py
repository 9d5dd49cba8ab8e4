"""Products of stacks of complex matrices with conjugate transposes.

The conjugate of a large stack is made a few matrices at a time, which are then still in the cache when they
are multiplied.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_CACHED = 1 << 18
"""Bytes of conjugates that are made at a time."""


def adjoint(x: Any) -> Any:
    """The conjugate transpose of a matrix, or of each in a stack."""
    turned = x.swapaxes(-1, -2)
    return turned.conj() if x.dtype.kind == "c" else turned


def times_adjoint(x: Any, b: Any) -> Any:
    """``x @ bᴴ``, of matrices or stacks of them."""
    if not is_large(b, x):
        return x @ adjoint(b)
    y = np.empty((*x.shape[:-1], b.shape[-2]), x.dtype)
    for turned, part in adjoints(b):
        np.matmul(listed(x)[part], turned, out=listed(y)[part])
    return y


def adjoint_times(a: Any, x: Any) -> Any:
    """``aᴴ @ x``, of matrices or stacks of them."""
    if not is_large(a, x):
        return adjoint(a) @ x
    y = np.empty((*a.shape[:-2], a.shape[-1], x.shape[-1]), x.dtype)
    for turned, part in adjoints(a):
        np.matmul(turned, listed(x)[part], out=listed(y)[part])
    return y


def is_large(conjugated: Any, other: Any) -> bool:
    """Whether a stack is conjugated in parts."""
    return (
        conjugated.nbytes > 2 * _CACHED
        and conjugated.dtype.kind == "c"
        and conjugated.ndim > 2
        and conjugated.shape[:-2] == other.shape[:-2]
        and conjugated.dtype is other.dtype
        and conjugated.flags.c_contiguous
        and other.flags.c_contiguous
    )


def listed(x: Any) -> Any:
    """A stack with one axis in front of its matrices."""
    return x.reshape(-1, *x.shape[-2:])


def adjoints(x: Any) -> Any:
    """Parts of a stack, conjugated and transposed, and which they are; the next overwrites their memory."""
    matrices = listed(x)
    count = max(1, _CACHED // matrices[0].nbytes)
    room = np.empty_like(matrices[:count])
    for start in range(0, len(matrices), count):
        part = slice(start, min(start + count, len(matrices)))
        conjugates = np.conjugate(matrices[part], out=room[: part.stop - start])
        yield conjugates.swapaxes(-1, -2), part
