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
    if not (is_large(b) and are_alike(x, b)):
        return x @ adjoint(b)
    y = np.empty((*x.shape[:-1], b.shape[-2]), x.dtype)
    for turned, part in adjoints(b):
        np.matmul(listed(x)[part], turned, out=listed(y)[part])
    return y


def adjoint_times(a: Any, x: Any) -> Any:
    """``aᴴ @ x``, of matrices or stacks of them."""
    if not (is_large(a) and are_alike(a, x)):
        return adjoint(a) @ x
    y = np.empty((*a.shape[:-2], a.shape[-1], x.shape[-1]), x.dtype)
    for turned, part in adjoints(a):
        np.matmul(turned, listed(x)[part], out=listed(y)[part])
    return y


def both_products(a: Any, x: Any, b: Any, owned: bool) -> tuple[Any, Any] | None:
    """``x @ bᴴ`` and ``aᴴ @ x``, where all three are large stacks; else None.

    The second in the memory of `x`, if that is `owned` and has room for it.
    """
    if not (is_large(x) and is_large(a) and are_alike(a, x) and are_alike(x, b)):
        return None
    left, right = np.empty_like(a), x if owned and x.shape == b.shape else np.empty_like(b)
    for conjugates, part in conjugated(listed(x)):
        for first, second, y in (
            (conjugates, listed(b)[part].swapaxes(-1, -2), listed(left)[part]),
            (listed(a)[part].swapaxes(-1, -2), conjugates, listed(right)[part]),
        ):
            np.conjugate(np.matmul(first, second, out=y), out=y)
    return left, right


def adjoint_multiples(x: Any, factor: Any) -> Any:
    """A new array: each matrix of a stack, conjugated and transposed, times a number of its own."""
    if not is_large(x):
        y = x.conj()
        return np.multiply(y, factor, out=y).swapaxes(-1, -2)
    y = np.empty_like(x)
    factors = factor.reshape(-1, 1, 1)
    for conjugates, part in conjugated(listed(x), listed(y)):
        np.multiply(conjugates, factors[part], out=conjugates)
    return y.swapaxes(-1, -2)


def is_large(x: Any) -> bool:
    """Whether a stack is conjugated in parts."""
    return x.nbytes > 2 * _CACHED and x.dtype.kind == "c" and x.ndim > 2 and x.flags.c_contiguous


def are_alike(x: Any, z: Any) -> bool:
    """Whether two stacks are of one dtype, have as many matrices, and can be gone through together."""
    return (
        x.shape[:-2] == z.shape[:-2] and x.dtype is z.dtype and x.flags.c_contiguous and z.flags.c_contiguous
    )


def listed(x: Any) -> Any:
    """A stack with one axis in front of its matrices."""
    return x.reshape(-1, *x.shape[-2:])


def adjoints(x: Any) -> Any:
    """Parts of a stack, conjugated and transposed, and which they are; the next overwrites their memory."""
    for conjugates, part in conjugated(listed(x)):
        yield conjugates.swapaxes(-1, -2), part


def conjugated(matrices: Any, y: Any = None) -> Any:
    """Parts of some matrices, conjugated, and which they are; in `y`, or where the next overwrites them."""
    count = max(1, _CACHED // matrices[0].nbytes)
    room = np.empty_like(matrices[:count]) if y is None else y
    for start in range(0, len(matrices), count):
        part = slice(start, min(start + count, len(matrices)))
        yield np.conjugate(matrices[part], out=room[: part.stop - start] if y is None else y[part]), part
