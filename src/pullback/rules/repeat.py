"""Functions whose result holds entries of an argument several times: tile, repeat, meshgrid and pad.

The adjoint of repeating is summing over the copies. The Jacobians are real (``holomorphic=False``, see
`rules.shape`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.errors import UnsupportedError
from pullback.base.spec import Spec, dtype_of
from pullback.rules.domain import array, call
from pullback.rules.join import along
from pullback.rules.scatter import scatter
from pullback.rules.table import EACH, calls, jvp, linear, view, vjp

# -- tile and repeat -----------------------------------------------------------------------------------------


@vjp(np.tile, 0, reads="", holomorphic=False)
def tile_vjp(y_bar: Any, y: Any, A: Any, reps: Any) -> Any:
    total = np.shape(y)
    own = (1,) * (len(total) - np.ndim(A)) + np.shape(A)
    if np.size(A) == 0:
        return np.zeros(np.shape(A), dtype_of(A))
    split = tuple(part for n, m in zip(total, own, strict=True) for part in (n // m, m))
    return np.reshape(np.sum(np.reshape(y_bar, split), axis=tuple(range(0, len(split), 2))), np.shape(A))


linear(np.tile, 0)


@vjp(np.repeat, 0, reads="repeats", holomorphic=False)
def repeat_vjp(y_bar: Any, y: Any, a: Any, repeats: Any, axis: Any = None) -> Any:
    shape = (np.size(a),) if axis is None else np.shape(a)
    place = 0 if axis is None else axis % len(shape)
    if np.size(repeats) == 1:
        count = np.shape(y)[place] // max(shape[place], 1)
        copies = np.reshape(y_bar, (*shape[: place + 1], count, *shape[place + 1 :]))
        return np.reshape(np.sum(copies, axis=place + 1), np.shape(a))
    index = np.repeat(np.arange(shape[place]), repeats)
    return np.reshape(scatter(y_bar, along(place, index), Spec(shape, dtype_of(a))), np.shape(a))


linear(np.repeat, 0)

# -- meshgrid ------------------------------------------------------------------------------------------------


@vjp(np.meshgrid, EACH, reads="", holomorphic=False)
def meshgrid_vjp(
    position: int, y_bar: Any, y: Any, *xi: Any, copy: bool = True, sparse: bool = False, indexing: Any = "xy"
) -> Any:
    axis = 1 - position if indexing == "xy" and len(xi) > 1 and position < 2 else position
    others = tuple(i for i in range(len(xi)) if i != axis)
    return np.reshape(np.sum(y_bar[position], axis=others), np.shape(xi[position]))


@jvp(np.meshgrid, EACH, reads="")
def meshgrid_jvp(
    position: int, x_dot: Any, y: Any, *xi: Any, copy: bool = True, sparse: bool = False, indexing: Any = "xy"
) -> Any:
    moved = (x_dot if i == position else np.zeros(np.shape(x), dtype_of(y[i])) for i, x in enumerate(xi))
    return np.meshgrid(*moved, sparse=sparse, indexing=indexing)


view(np.meshgrid)  # with copy=False, of each argument

# -- pad -----------------------------------------------------------------------------------------------------

_FIXED = ("constant", "empty")
_COPIED = ("edge", "reflect", "symmetric", "wrap")


@vjp(np.pad, 0, reads="pad_width", holomorphic=False)
def pad_vjp(y_bar: Any, y: Any, array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """Axis by axis, last to first: the entries in the middle, plus what the padding holds of them."""
    _check_mode(mode, kwargs)
    widths = pad_widths(pad_width, np.ndim(array))
    for axis in reversed(range(len(widths))):
        before, after = widths[axis]
        length = np.shape(array)[axis]
        middle = y_bar[along(axis, slice(before, before + length))]
        if mode not in _FIXED and (before or after):
            padding = np.delete(np.arange(before + length + after), slice(before, before + length))
            pads = np.take(y_bar, padding, axis=axis)
            if mode == "linear_ramp":
                ramp = np.concatenate(
                    [np.arange(before) / max(before, 1), np.arange(after)[::-1] / max(after, 1)]
                )
                pads = pads * np.reshape(
                    ramp.astype(dtype_of(y_bar).char.lower()), (-1,) + (1,) * (np.ndim(pads) - axis - 1)
                )
            sources = np.pad(np.arange(length), (before, after), "edge" if mode == "linear_ramp" else mode)[
                padding
            ]
            middle = middle + scatter(pads, along(axis, sources), Spec(np.shape(middle), dtype_of(middle)))
        y_bar = middle
    return y_bar


@jvp(np.pad, 0, reads="pad_width")
def pad_jvp(array_dot: Any, y: Any, array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    _check_mode(mode, kwargs)
    # Without `constant_values` and `end_values`: those do not move.
    return np.pad(array_dot, pad_width, "constant" if mode == "empty" else mode)


def pad_widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    """How many entries are put before and after, for each axis, in every form `numpy.pad` takes it."""
    if isinstance(pad_width, dict):
        pairs = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            pairs[axis] = width if isinstance(width, tuple) else (width, width)
        return pairs
    return [(int(before), int(after)) for before, after in np.broadcast_to(pad_width, (ndim, 2))]


def _check_mode(mode: Any, kwargs: dict[str, Any]) -> None:
    if mode not in (*_FIXED, *_COPIED, "linear_ramp"):
        raise UnsupportedError(
            f"numpy.pad with mode={mode!r} has no derivative rule",
            why="its padding is a statistic of the array, or what a function of yours writes in place",
            remedy="compute the padding and join it with np.concatenate.",
        )
    if kwargs.get("reflect_type", "even") != "even":
        raise UnsupportedError(
            "numpy.pad with reflect_type='odd' has no derivative rule",
            remedy="join 2 * edge - reflected part with np.concatenate.",
        )


# -- what the rows are tested on -----------------------------------------------------------------------------

calls(
    np.tile,
    call(array(3), 2),
    call(array(), 3),
    call(array(2, 3), (2, 2)),
    call(array(2, 3), [2, 1, 2]),
    call(array(2, 1, 3), 2),
    call(array(2, 3), np.array([3, 1])),
    call(array(2, 3), 0),
    call(array(2, 3), ()),
    call(array(0, 3), 2),
)
calls(
    np.repeat,
    call(array(3), 2),
    call(array(), 3),
    call(array(2, 3), 2),
    call(array(2, 3), 2, axis=-1),
    call(array(2, 3), [2], 0),
    call(array(2, 3), 0, 0),
    call(array(0, 3), 2, 0),
    call(array(2, 3), [1, 0, 3], axis=1),
    call(array(2, 3), np.array([2, 1]), -2),
    call(array(3), np.array([2, 0, 1])),
    call(array(2, 2), [2, 0, 1, 3]),
)
calls(
    np.meshgrid,
    call(array(2), array(3)),
    call(array(2), array(3), indexing="ij"),
    call(array(2), array(3), array(4), sparse=True),
    call(array(2), array(3), array(4), indexing="ij", copy=False),
    call(array(2), array(), array(1, 2)),
    call(array(3)),
)
calls(
    np.pad,
    call(array(3), 2),
    call(array(2, 3), ((1, 2), (0, 3))),
    call(array(2, 3), (1, 2), constant_values=3.0),
    call(array(2, 3), np.array([[1], [2]]), "edge"),
    call(array(), 1),
    call(array(4), (2, 3), "reflect"),
    call(array(3, 4), ((1, 2), (0, 3)), mode="reflect"),
    call(array(3), (7, 8), "reflect"),
    call(array(1), 2, "reflect"),
    call(array(3, 2), ((5, 1), (3, 4)), mode="symmetric"),
    call(array(3, 2), ((5, 1), (3, 4)), mode="wrap"),
    call(array(3, 2), ((2, 4), (3, 0)), mode="linear_ramp", end_values=2.0),
    call(array(3, 2, 2), ((0, 0), (1, 0), (2, 1)), mode="edge"),
    call(array(0, 2), 1),
)
if np.lib.NumpyVersion(np.__version__) >= "2.2.0":
    calls(np.pad, call(array(2, 3), {-1: (1, 2)}), call(array(2, 3), {0: 2, 1: (0, 1)}, "wrap"))
