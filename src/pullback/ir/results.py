"""The types of what calls return: NumPy says them, on dummies, or a rule of ours where NumPy is not asked."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.errors import UnsupportedError
from pullback.ir import primitives
from pullback.ir.nodes import Arg, Const, Operand, Slice, Var
from pullback.ir.types import INT, Array, Scalar, Type, dummy, join, result_types, type_of
from pullback.rules.spectra.eigh import eigh_cotangent, eigh_tangent
from pullback.rules.spectra.svd import svd_cotangent
from pullback.rules.spectra.svd_tangent import svd_tangent
from pullback.rules.systems import factorised, inverted_by, minors_by, solved_by
from pullback.rules.table import TABLE
from pullback.rules.triangular import factor_cotangent


def as_arg(value: Any) -> Any:
    """`value` as an argument: what is not one yet is a constant."""
    if isinstance(value, Var | Const | Slice):
        return value
    if isinstance(value, tuple | list):
        return tuple(as_arg(part) for part in value)
    if isinstance(value, slice):
        return Slice(*(None if x is None else as_arg(x) for x in (value.start, value.stop, value.step)))
    return Const(value)


def operand_type(operand: Operand) -> Any:
    """The type of a variable, or of the number or array that a constant is."""
    return operand.type if isinstance(operand, Var) else type_of(operand.value)


class Varied:
    """Dummies that are not alike: each array that is asked for has the next of `lengths`."""

    def __init__(self, *lengths: int, scale: float = 1) -> None:
        self._lengths = itertools.cycle(lengths)
        self._scale = scale

    def of(self, kind: Scalar | Array) -> Any:
        return dummy(kind, next(self._lengths), self._scale)


Lengths = int | Varied


def dummy_arg(arg: Arg, length: Lengths = 2) -> Any:
    """What stands for an argument when NumPy is asked for types."""
    if isinstance(arg, Var):
        if not isinstance(arg.type, Scalar | Array):
            return []
        return length.of(arg.type) if isinstance(length, Varied) else dummy(arg.type, length)
    if isinstance(arg, Const):
        return arg.value
    if isinstance(arg, Slice):
        return slice(*(None if x is None else dummy_arg(x, length) for x in (arg.start, arg.stop, arg.step)))
    return tuple(dummy_arg(part, length) for part in arg)


def types_of_call(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Type, ...]:
    """The types of the results of a call: from NumPy, where the dummies' lengths do not matter."""
    special = TYPES.get(function)
    if special is not None:
        kinds = special(*args, **kwargs)
        return kinds if isinstance(kinds, tuple) else (kinds,)

    rule = TABLE.get(function)
    asked = function if rule is None or rule.stand_in is None else rule.stand_in
    key = _key((function, asked, args, tuple(kwargs.items())))
    known = _asked.get(key)
    if known is None:
        known = _types_by_numpy(function, asked, args, kwargs)
        if key is not None:
            if len(_asked) >= _MANY:
                _asked.clear()
            _asked[key] = known
    return known


_MANY = 20_000
_asked: dict[Any, tuple[Type, ...]] = {}
"""What NumPy has said, by what it was asked."""


def _key(part: Any) -> Any:
    """What decides on the dummies that stand for `part` of a call; None if that is not told soon."""
    if isinstance(part, tuple):
        parts = tuple(_key(inner) for inner in part)
        return None if None in parts else parts
    if isinstance(part, Var):
        return part.type
    if isinstance(part, Slice):
        return _key((Slice, *(Const(None) if x is None else x for x in (part.start, part.stop, part.step))))
    if isinstance(part, Const):
        return (type(part.value), repr(part.value)) if isinstance(part.value, _PLAIN) else None
    return part


_PLAIN = (bool, int, float, complex, str, type(None), type, np.generic, np.dtype)


def _types_by_numpy(
    function: Callable[..., Any], asked: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Type, ...]:
    def types(length: Lengths) -> tuple[Type, ...]:
        dummies = {key: dummy_arg(value, length) for key, value in kwargs.items()}
        return result_types(asked, tuple(dummy_arg(arg, length) for arg in args), dummies)

    kinds, length = _first_types(types, 3 if function in _OF_TRIPLES else 2)
    if len(kinds) > 1 and len(types(length + 1)) != len(kinds):
        raise UnsupportedError(
            f"the number of results of {getattr(function, '__name__', function)} is known only at run time",
            why="it is the length of an axis",
        )
    known = function is np.arange and all(isinstance(arg, Const) for arg in args)
    if known or not any(isinstance(kind, Array) and kind.ones for kind in kinds):
        return kinds
    # An axis of length 1 may be an accident of the dummies: of the difference of two elements.
    for other in (0, length + 1, length + 5, Varied(length, length + 1), Varied(length + 1, length)):
        try:
            found = types(other)
        except Exception:  # NumPy wants equal lengths, or fixed ones
            continue
        kinds = tuple(same_at_any_length(a, b, function) for a, b in zip(kinds, found, strict=True))
    return kinds


def _first_types(types: Callable[[Lengths], tuple[Type, ...]], length: int) -> tuple[tuple[Type, ...], int]:
    """The types for the first lengths of the dummies that NumPy accepts, and that length."""
    try:
        return types(length), length
    except Exception as error:
        # Constants among the arguments, such as an index, may want longer arrays, and others want less.
        for other in (3, 5, 9, 65, Varied(2, scale=0.5), Varied(2, scale=9), Varied(5, 2), Varied(5, 3)):
            try:
                return types(other), other if isinstance(other, int) else length
            except Exception:
                continue
        raise error from None


def same_at_any_length(a: Type, b: Type, function: Callable[..., Any]) -> Type:
    """What two types of one result, for dummies of other lengths, have in common."""
    if not (isinstance(a, Array) and isinstance(b, Array)):
        return a
    ones = frozenset[int]() if function in _LENGTH_FROM_VALUES else a.ones & b.ones
    return Array(a.dtype, a.ndim, ones, a.layout if a.layout == b.layout else b.layout)


_OF_TRIPLES = frozenset([np.cross, np.linalg.cross])
_LENGTH_FROM_VALUES = frozenset([
    np.unique, np.nonzero, np.flatnonzero, np.argwhere, np.compress, np.extract, np.arange, np.union1d,
    np.intersect1d, np.setdiff1d, np.setxor1d, np.bincount, np.resize, np.trim_zeros,
])  # fmt: skip


def _bind(x: Operand) -> Type:
    return operand_type(x)


def _item(array: Var, index: tuple[Arg, ...]) -> Type:
    assert isinstance(array.type, Array)
    return Scalar(array.type.dtype)


def _view(array: Var, index: tuple[Arg, ...]) -> Type:
    assert isinstance(array.type, Array)
    axes: list[int | None] = []
    axis, cut = 0, set[int]()
    for entry in index:
        if isinstance(entry, Slice):
            axes.append(axis)
            if not _is_whole(entry):
                cut.add(axis)
        elif isinstance(entry, Const) and entry.value is None:
            axes.append(None)
            continue
        axis += 1
    kept = [*axes, *range(axis, array.type.ndim)]
    ones = frozenset(i for i, a in enumerate(kept) if a is None or a in array.type.ones - cut)
    return Array(array.type.dtype, len(kept), ones, view_layout(array.type, index))


def _is_whole(entry: Slice) -> bool:
    """Whether a slice takes the whole of an axis of length 1."""
    return (
        entry.start is None and entry.stop is None and (entry.step is None or isinstance(entry.step, Const))
    )


def view_layout(kind: Array, index: tuple[Arg, ...]) -> str:
    """The layout a basic index leaves: contiguous in C order when only leading axes are cut, as in Numba."""
    if kind.layout != "C":
        return "A"
    seen_slice = False
    for entry in index:
        if isinstance(entry, Slice):
            if seen_slice and entry != Slice():
                return "A"
            if entry.step is not None:
                return "A"
            seen_slice = True
        elif seen_slice or (isinstance(entry, Const) and entry.value is None):
            return "A"
    return "C"


def _pick(array: Var, index: tuple[Arg, ...]) -> Type:
    assert isinstance(array.type, Array)
    lengths, entries = [1 if axis in array.type.ones else 3 for axis in range(array.type.ndim)], []
    axis = 0
    for entry in index:
        kind = entry.type if isinstance(entry, Var) else None
        if isinstance(kind, Array) and kind.dtype.kind == "b":
            # How many it picks is not known, and that may be one.
            lengths[axis : axis + kind.ndim] = [3] * kind.ndim
            entries.append(np.ones((3,) * kind.ndim, bool))
            axis += kind.ndim
            continue
        if isinstance(kind, Array):
            entries.append(np.zeros(tuple(1 if a in kind.ones else 2 for a in range(kind.ndim)), int))
        elif isinstance(entry, Slice):
            lengths[axis] = lengths[axis] if _is_whole(entry) else 3
            entries.append(slice(None))
        else:
            value = entry.value if isinstance(entry, Const) else 0
            entries.append(0 if isinstance(value, int) else value)
            axis -= value is None
        axis += 1
    picked = np.zeros(lengths, array.type.dtype)[tuple(entries)]
    return Array(array.type.dtype, picked.ndim, frozenset(k for k, n in enumerate(picked.shape) if n == 1))


def _integer(*_: Arg) -> Type:
    return INT


def _cast(x: Operand, dtype: Const) -> Type:
    kind = operand_type(x)
    if isinstance(kind, Scalar):
        return Scalar(np.dtype(dtype.value))
    return Array(np.dtype(dtype.value), kind.ndim, kind.ones, "F" if kind.layout == "F" else "C")


def _weaken(x: Operand) -> Type:
    return Scalar(operand_type(x).dtype, weak=True)


def _select(test: Operand, a: Operand, b: Operand) -> Type:
    kind = join(operand_type(a), operand_type(b))
    assert kind is not None
    return kind


def _transpose(a: Operand, axes: Any = None) -> Array:
    """The layout goes by the order alone, as in Numba; to NumPy an axis of length 1 may be anywhere."""
    kind = operand_type(a)
    entries = axes.value if isinstance(axes, Const) else axes
    backwards = tuple(reversed(range(kind.ndim)))
    order = backwards if entries is None else tuple(e.value if isinstance(e, Const) else e for e in entries)
    order = tuple(int(axis) % kind.ndim for axis in order)
    ones = frozenset(place for place, axis in enumerate(order) if axis in kind.ones)
    flipped = {"C": "F", "F": "C", "A": "A"}[kind.layout] if kind.ndim > 1 else kind.layout
    return Array(kind.dtype, kind.ndim, ones, flipped if order == backwards else "A")


def _reshape(array: Var, shape: tuple[Operand, ...]) -> Type:
    assert isinstance(array.type, Array)
    ones = frozenset(i for i, n in enumerate(shape) if isinstance(n, Const) and n.value == 1)
    return Array(array.type.dtype, len(shape), ones, "C")


def _broadcast_to(array: Operand, shape: tuple[Operand, ...] | Const) -> Type:
    shape = as_arg(shape.value) if isinstance(shape, Const) else shape
    shape = shape if isinstance(shape, tuple) else (shape,)
    if not shape:
        return operand_type(array)
    ones = frozenset(i for i, n in enumerate(shape) if isinstance(n, Const) and n.value == 1)
    return Array(operand_type(array).dtype, len(shape), ones, "A")


def _cholesky(a: Operand, *, upper: Const = Const(False)) -> Type:  # noqa: B008
    # The dummies are not positive definite.
    kind = operand_type(a)
    dtype = np.linalg.cholesky(np.eye(1, dtype=kind.dtype)).dtype
    return Array(dtype, np.linalg.cholesky(np.empty((0,) * kind.ndim)).ndim, kind.ones)


def _vdot(a: Operand, b: Operand) -> Type:
    return Scalar(np.result_type(*(operand_type(x).dtype for x in (a, b))))


def _tensorinv(a: Operand, ind: Const = Const(2)) -> Type:  # noqa: B008
    kind = operand_type(a)
    return Array(np.linalg.inv(np.eye(1, dtype=kind.dtype)).dtype, kind.ndim)


def _tensorsolve(a: Operand, b: Operand, axes: Arg | None = None) -> Type:
    kinds = [operand_type(x) for x in (a, b)]
    dtype = np.linalg.solve(np.eye(1, dtype=kinds[0].dtype), np.ones(1, kinds[1].dtype)).dtype
    return Array(dtype, kinds[0].ndim - kinds[1].ndim)


_TEN = Const(10)


def _histogram(a: Arg, bins: Arg = _TEN, *rest: Arg, **options: Arg) -> tuple[Type, ...]:
    # The dummies of edges do not increase.
    edges = dummy_arg(bins)
    if isinstance(edges, np.ndarray):
        edges = np.arange(3).astype(edges.dtype)
    keywords = {name: dummy_arg(value) for name, value in options.items()}
    found = np.histogram(dummy_arg(a), edges, *map(dummy_arg, rest), **keywords)
    return tuple(Array(part.dtype, 1) for part in found)


def _like(value: Operand) -> Array:
    kind = operand_type(value)
    return Array(kind.dtype, kind.ndim)


def _factor_cotangent(l: Operand, l_bar: Operand) -> Type:  # noqa: E741
    return _like(l)


def _eigh_cotangent(w_bar: Operand, v_bar: Operand, w: Operand, v: Operand, uplo: Const) -> Type:
    return _like(v)


def _eigh_tangent(a_dot: Operand, w: Operand, v: Operand, uplo: Const) -> tuple[Type, ...]:
    return _like(w), _like(v)


def _svd_cotangent(u_bar: Any, s_bar: Any, vh_bar: Any, u: Operand, s: Operand, vh: Operand) -> Type:
    return _like(u)


def _svd_tangent(a_dot: Operand, u: Operand, s: Operand, vh: Operand) -> tuple[Type, ...]:
    return _like(u), _like(s), _like(vh)


def _factorised(a: Operand) -> Type:
    # How many rows there are is the affair of `emit.systems`, and it is never one.
    return Array(operand_type(a).dtype, 2)


def _solved_by(a: Operand, b: Operand, factors: Operand, transposed: Const) -> Type:
    right = operand_type(b)
    assert isinstance(right, Array)
    return Array(right.dtype, right.ndim, right.ones)


def _of_a_matrix(a: Operand, factors: Operand) -> Type:
    return _like(a)


TYPES: dict[Callable[..., Any], Callable[..., Type | tuple[Type, ...]]] = {
    primitives.bind: _bind, primitives.item: _item, primitives.view: _view, primitives.pick: _pick,
    np.linalg.cholesky: _cholesky, np.histogram: _histogram,
    primitives.dim: _integer, primitives.cast: _cast, primitives.weaken: _weaken,
    primitives.truncate: _integer, primitives.select: _select,
    np.transpose: _transpose, np.reshape: _reshape, np.broadcast_to: _broadcast_to, np.vdot: _vdot,
    np.linalg.tensorinv: _tensorinv, np.linalg.tensorsolve: _tensorsolve,
    factor_cotangent: _factor_cotangent, factorised: _factorised, solved_by: _solved_by,
    inverted_by: _of_a_matrix, minors_by: _of_a_matrix,
    eigh_cotangent: _eigh_cotangent, eigh_tangent: _eigh_tangent,
    svd_cotangent: _svd_cotangent, svd_tangent: _svd_tangent,
}  # fmt: skip
"""What the results of a call are where NumPy is not asked."""
