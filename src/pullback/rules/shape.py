"""Functions that only move entries: reshape, transpose, flip, roll, broadcast, and their relatives.

Every Jacobian here is a matrix of zeros and ones, so a vjp moves the entries back (or sums those that were
repeated) and reads nothing but shapes. As such a matrix is real, a rule maps cotangents by the complex
convention as it stands: ``holomorphic=False`` spares the reader two conjugations. (Harville, *Matrix Algebra
From a Statistician's Perspective*, 1997, ch. 16, on vec-permutation matrices.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.errors import UnsupportedError
from pullback.base.spec import Spec, dtype_of
from pullback.rules.cast import astype
from pullback.rules.domain import array, call
from pullback.rules.scatter import scatter
from pullback.rules.structured import Filled, Matrix, Structured
from pullback.rules.table import EACH, calls, jvp, linear, view, vjp

# -- the same entries in the same order ----------------------------------------------------------------------


def restored(y_bar: Any, shape: tuple[int, ...]) -> Any:
    """`y_bar` reshaped to `shape`; a cotangent that is one number everywhere stays one."""
    if type(y_bar) is np.ndarray:
        return y_bar.reshape(shape)
    if isinstance(y_bar, Structured):
        if isinstance(y_bar, Filled):
            return Filled(y_bar.value, shape)
        y_bar = y_bar.dense()
    return np.reshape(y_bar, shape)


def known_order(order: Any, a: Any, name: str) -> Any:
    """`order`, where shapes alone decide what it means.

    Orders "A" and "K" follow the memory layout of `a`, which a cotangent or tangent does not share.
    """
    if order in ("A", "K"):
        if np.ndim(a) > 1:
            raise UnsupportedError(
                f"{name} with order={order!r} has no derivative",
                why="the order of the entries then depends on how the array lies in memory",
                remedy='use order="C" or order="F".',
            )
        return "C"
    return order


@vjp(np.reshape, 0, reads="", structured=True, holomorphic=False)
def reshape_vjp(
    y_bar: Any, y: Any, a: Any, shape: Any = None, order: Any = "C", *, newshape: Any = None, copy: Any = None
) -> Any:
    if order == "C":
        return restored(y_bar, np.shape(a))
    if isinstance(y_bar, Structured):
        y_bar = y_bar.dense()
    return np.reshape(y_bar, np.shape(a), order=known_order(order, a, "numpy.reshape"))


@jvp(np.reshape, 0, reads="")
def reshape_jvp(
    a_dot: Any, y: Any, a: Any, shape: Any = None, order: Any = "C", *, newshape: Any = None, copy: Any = None
) -> Any:
    return np.reshape(a_dot, np.shape(y), order=known_order(order, a, "numpy.reshape"))


@vjp(np.ravel, 0, reads="", structured=True, holomorphic=False)
def ravel_vjp(y_bar: Any, y: Any, a: Any, order: Any = "C") -> Any:
    if order == "C":
        return restored(y_bar, np.shape(a))
    if isinstance(y_bar, Structured):
        y_bar = y_bar.dense()
    return np.reshape(y_bar, np.shape(a), order=known_order(order, a, "numpy.ravel"))


@jvp(np.ravel, 0, reads="")
def ravel_jvp(a_dot: Any, y: Any, a: Any, order: Any = "C") -> Any:
    return np.ravel(a_dot, order=known_order(order, a, "numpy.ravel"))


@vjp(np.squeeze, 0, reads="", structured=True, holomorphic=False)
@vjp(np.expand_dims, 0, reads="", structured=True, holomorphic=False)
def axes_of_length_one_vjp(y_bar: Any, y: Any, a: Any, axis: Any = None) -> Any:
    return restored(y_bar, np.shape(a))


linear(np.squeeze, 0)
linear(np.expand_dims, 0)


@vjp(np.atleast_1d, EACH, reads="", holomorphic=False)
@vjp(np.atleast_2d, EACH, reads="", holomorphic=False)
@vjp(np.atleast_3d, EACH, reads="", holomorphic=False)
def atleast_vjp(position: int, y_bar: Any, y: Any, *arys: Any) -> Any:
    return np.reshape(y_bar if len(arys) == 1 else y_bar[position], np.shape(arys[position]))


@jvp(np.atleast_1d, EACH, reads="")
@jvp(np.atleast_2d, EACH, reads="")
@jvp(np.atleast_3d, EACH, reads="")
def atleast_jvp(position: int, ary_dot: Any, y: Any, *arys: Any) -> Any:
    if len(arys) == 1:
        return np.reshape(ary_dot, np.shape(y))
    return tuple(
        np.reshape(ary_dot, np.shape(part)) if i == position else zeros_of(part) for i, part in enumerate(y)
    )


def zeros_of(value: Any) -> Any:
    """Zeros of the shape and dtype of an array, number or `Spec`, tracked or not."""
    return np.zeros(np.shape(value), dtype_of(value))


@vjp(np.copy, 0, reads="", structured=True, holomorphic=False)
def copy_vjp(y_bar: Any, y: Any, a: Any, order: Any = "K", subok: bool = False) -> Any:
    return y_bar


linear(np.copy, 0)

# -- axes in another order -----------------------------------------------------------------------------------


@vjp(np.transpose, 0, reads="axes", structured=True, holomorphic=False)
def transpose_vjp(y_bar: Any, y: Any, a: Any, axes: Any = None) -> Any:
    if axes is None and type(y_bar) is np.ndarray:
        return y_bar.T
    if isinstance(y_bar, Structured):
        if isinstance(y_bar, Filled):
            return Filled(y_bar.value, np.shape(a))
        if isinstance(y_bar, Matrix) and axes is None and len(y_bar.shape) == 2:
            return y_bar.turned()
        y_bar = y_bar.dense()
    if axes is None:
        return np.transpose(y_bar)
    places = [axis % len(axes) for axis in axes]
    return np.transpose(y_bar, sorted(range(len(places)), key=places.__getitem__))


@vjp(np.matrix_transpose, 0, reads="", structured=True, holomorphic=False)
@vjp(np.linalg.matrix_transpose, 0, reads="", structured=True, holomorphic=False)
def matrix_transpose_vjp(y_bar: Any, y: Any, x: Any) -> Any:
    if isinstance(y_bar, Structured):
        if isinstance(y_bar, Matrix):
            return y_bar.turned()
        y_bar = y_bar.dense()
    return np.matrix_transpose(y_bar)


@vjp(np.swapaxes, 0, reads="axis1 axis2", holomorphic=False)
def swapaxes_vjp(y_bar: Any, y: Any, a: Any, axis1: int, axis2: int) -> Any:
    return np.swapaxes(y_bar, axis1, axis2)


@vjp(np.moveaxis, 0, reads="source destination", holomorphic=False)
def moveaxis_vjp(y_bar: Any, y: Any, a: Any, source: Any, destination: Any) -> Any:
    return np.moveaxis(y_bar, destination, source)


@vjp(np.rollaxis, 0, reads="axis start", holomorphic=False)
def rollaxis_vjp(y_bar: Any, y: Any, a: Any, axis: int, start: int = 0) -> Any:
    axis = axis % a.ndim
    start = start + a.ndim if start < 0 else start
    return np.moveaxis(y_bar, start - 1 if axis < start else start, axis)


# -- entries moved along axes --------------------------------------------------------------------------------


@vjp(np.flip, 0, reads="axis", holomorphic=False)
def flip_vjp(y_bar: Any, y: Any, m: Any, axis: Any = None) -> Any:
    return np.flip(y_bar, axis)


@vjp(np.flipud, 0, reads="", holomorphic=False)
def flipud_vjp(y_bar: Any, y: Any, m: Any) -> Any:
    return np.flipud(y_bar)


@vjp(np.fliplr, 0, reads="", holomorphic=False)
def fliplr_vjp(y_bar: Any, y: Any, m: Any) -> Any:
    return np.fliplr(y_bar)


@vjp(np.rot90, 0, reads="k axes", holomorphic=False)
def rot90_vjp(y_bar: Any, y: Any, m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    return np.rot90(y_bar, -k, axes)


@vjp(np.roll, 0, reads="shift axis", holomorphic=False)
def roll_vjp(y_bar: Any, y: Any, a: Any, shift: Any, axis: Any = None) -> Any:
    # As signed integers: the negative of an unsigned shift would wrap around.
    return np.roll(y_bar, np.negative(np.asarray(shift, np.intp)), axis)


for _function in (
    np.transpose, np.matrix_transpose, np.linalg.matrix_transpose, np.swapaxes, np.moveaxis, np.rollaxis,
    np.flip, np.flipud, np.fliplr, np.rot90, np.roll,
):  # fmt: skip
    linear(_function, 0)

# -- repeated entries ----------------------------------------------------------------------------------------


@vjp(np.broadcast_to, 0, reads="", holomorphic=False)
def broadcast_to_vjp(y_bar: Any, y: Any, array: Any, shape: Any, subok: bool = False) -> Any:
    return y_bar  # the reader sums over broadcast axes


linear(np.broadcast_to, 0)


@vjp(np.broadcast_arrays, EACH, reads="", holomorphic=False)
def broadcast_arrays_vjp(position: int, y_bar: Any, y: Any, *args: Any, subok: bool = False) -> Any:
    return y_bar[position]  # the reader sums over broadcast axes


@jvp(np.broadcast_arrays, EACH, reads="")
def broadcast_arrays_jvp(position: int, arg_dot: Any, y: Any, *args: Any, subok: bool = False) -> Any:
    return tuple(
        np.broadcast_to(arg_dot, np.shape(part)) if i == position else zeros_of(part)
        for i, part in enumerate(y)
    )


@vjp(np.resize, 0, reads="", holomorphic=False)
def resize_vjp(y_bar: Any, y: Any, a: Any, new_shape: Any) -> Any:
    if np.size(a) == 0:
        return zeros_of(a)
    index = np.arange(np.size(y)) % np.size(a)
    return np.reshape(scatter(np.ravel(y_bar), index, Spec((np.size(a),), dtype_of(a))), np.shape(a))


linear(np.resize, 0)

# -- the same entries in another dtype -----------------------------------------------------------------------

if hasattr(np, "astype"):  # from NumPy 2.1 on

    @vjp(np.astype, 0, reads="", holomorphic=False)
    def numpy_astype_vjp(
        y_bar: Any, y: Any, x: Any, dtype: Any, *, copy: bool = True, device: Any = None
    ) -> Any:
        return y_bar  # the reader casts

    @jvp(np.astype, 0, reads="")
    def numpy_astype_jvp(
        x_dot: Any, y: Any, x: Any, dtype: Any, *, copy: bool = True, device: Any = None
    ) -> Any:
        return astype(x_dot, dtype)

    calls(np.astype, call(array(2, 3), np.complex128))

# -- what may share memory, and what the rows are tested on --------------------------------------------------

view(
    np.reshape, np.ravel, np.squeeze, np.expand_dims, np.atleast_1d, np.atleast_2d, np.atleast_3d,
    np.transpose, np.matrix_transpose, np.linalg.matrix_transpose, np.swapaxes, np.moveaxis, np.rollaxis,
    np.flip, np.flipud, np.fliplr, np.rot90, np.broadcast_to, np.broadcast_arrays,
)  # fmt: skip
if hasattr(np, "astype"):
    view(np.astype)  # with copy=False

calls(
    np.reshape,
    call(array(2, 3), (3, 2)),
    call(array(2, 3), -1),
    call(array(2, 3), (3, -1), order="F"),
    call(array(2, 3), (1, 6), "F"),
    call(array(), (1, 1)),
    call(array(1), ()),
    call(array(0, 3), (3, 0)),
    call(array(4), (2, 2), order="A"),
)
calls(np.ravel, call(array(2, 3)), call(array(2, 3), "F"), call(array()), call(array(3), order="K"))
calls(
    np.squeeze,
    call(array(1, 3, 1)),
    call(array(1, 3, 1), axis=0),
    call(array(1, 1), axis=(0, -1)),
    call(array()),
)
calls(np.expand_dims, call(array(3), 0), call(array(3), axis=(0, -1)), call(array(), 0))
calls(np.atleast_1d, call(array()), call(array(2)), call(array(), array(2), array(2, 1)))
calls(np.atleast_2d, call(array()), call(array(2)), call(array(), array(2), array(2, 1, 2)))
calls(np.atleast_3d, call(array()), call(array(2)), call(array(2, 3)), call(array(), array(2), array(2, 1)))
calls(np.copy, call(array(2, 3)), call(array(2, 3), order="F"), call(array()))
calls(
    np.transpose,
    call(array(2, 3)),
    call(array(2, 3, 4), (2, 0, 1)),
    call(array(2, 3, 4), axes=(-1, 0, -2)),
    call(array(2, 3, 4), np.array([1, 2, 0])),
    call(array(3)),
    call(array()),
    call(array(), ()),
)
for _function in (np.matrix_transpose, np.linalg.matrix_transpose):
    calls(_function, call(array(2, 3)), call(array(2, 3, 4)))
calls(np.swapaxes, call(array(2, 3, 4), 0, -1), call(array(2, 3), 1, 1))
calls(
    np.moveaxis,
    call(array(2, 3, 4), 0, -1),
    call(array(2, 3, 4), (0, 1), (-1, 0)),
    call(array(2, 3, 4), [2], [0]),
)
calls(
    np.rollaxis,
    *(call(array(2, 3, 4), axis, start) for axis in (-3, -1, 0, 1, 2) for start in (-3, -1, 0, 1, 2, 3)),
)
calls(np.flip, call(array(2, 3)), call(array(2, 3), 0), call(array(2, 3, 2), axis=(0, -1)), call(array()))
calls(np.flipud, call(array(3)), call(array(2, 3)))
calls(np.fliplr, call(array(2, 3)), call(array(2, 3, 2)))
calls(
    np.rot90,
    call(array(2, 3)),
    call(array(2, 3), 2),
    call(array(2, 3, 4), k=-1, axes=(-1, 0)),
    call(array(2, 3), 7, (1, 0)),
)
calls(
    np.roll,
    call(array(5), 2),
    call(array(2, 3), -1),
    call(array(2, 3), 4, axis=-1),
    call(array(2, 3), (1, -1), axis=(0, 1)),
    call(array(2, 3), 2, axis=(0, 1)),
    call(array(2, 5), np.array([1, 2]), (1, 1)),
    call(array(), 1),
)
calls(
    np.broadcast_to,
    call(array(3), (2, 3)),
    call(array(2, 1), (4, 2, 3)),
    call(array(), (2, 2)),
    call(array(1), (0,)),
)
calls(np.broadcast_arrays, call(array(3), array(2, 1)), call(array()), call(array(2), array(), array(1, 1)))
calls(
    np.resize,
    call(array(2, 3), (2, 2)),
    call(array(2, 3), 8),
    call(array(3), (3, 4)),
    call(array(), 3),
    call(array(3), (0, 2)),
)
