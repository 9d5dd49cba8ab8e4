"""`Mutable`: views and in-place writes of tracked arrays, the same for every engine.

A tracked array that is a view, has views, or has been written into has a `Cell`. A write goes to the *root*,
which owns the memory, and gives it a new value by `overwrite`, so that nothing an engine has kept is changed.
A view notices that its root's version has moved on and derives itself anew when it is next used.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from pullback.base.cast import astype
from pullback.base.lost import lost_index
from pullback.base.modes import modes
from pullback.base.overwrite import Path, Step, follow, overwrite
from pullback.base.tracked import Tracked, bare


class Cell:
    """What a tracked array that takes part in aliasing knows about it.

    Attributes:
        root: for a view, the array that owns the memory; else None.
        path: for a view, how it is derived from the root.
        leaf: for a root that began as an input of a tape, that input.
        version: for a root, how often it has been written into; for a view, the root's version that it was
            derived from.
        due: whether the value has yet to be computed, which `settle` does.
    """

    __slots__ = ()
    version: int
    root: Any = None
    path: Path = ()
    leaf: Any = None
    due: ClassVar[bool] = False


class RootCell(Cell):
    """The cell of an array that owns its memory.

    Attributes:
        owned: whether nothing else can refer to its buffer.
    """

    __slots__ = ("leaf", "owned", "version")

    def __init__(self) -> None:
        self.leaf = None
        self.owned = False
        self.version = 0


class ViewCell(Cell):
    """The cell of a view."""

    __slots__ = ("path", "root", "version")

    def __init__(self, root: Any, path: Path, version: int) -> None:
        self.root = root
        self.path = path
        self.version = version


class Mutable(Tracked):
    """A tracked value that can be written into; an engine gives it `adopt`, `frozen`, `is_box`, `boxed`."""

    __slots__ = ()
    _cell: Cell | None

    def adopt(self, result: Any) -> None:
        """Take over the value and history of `result`, which nobody else refers to."""
        raise NotImplementedError

    def frozen(self) -> Any:
        """This value and history as they are now, whatever is written later."""
        raise NotImplementedError

    @property
    def is_box(self) -> bool:
        """Whether this is a constant that holds what a higher level tracks."""
        raise NotImplementedError

    def boxed(self, part: Any) -> Mutable:
        """A constant like this one that holds `part`."""
        raise NotImplementedError

    @property
    def owner(self) -> Mutable:
        """What owns the memory: itself, or for a view its root."""
        cell = self._cell
        return self if cell is None or cell.root is None else cell.root

    def settle(self) -> None:
        """Bring a view up to date with its root, and note that the root's buffer may be kept from now on."""
        cell: Any = self._cell
        if cell is None:
            return
        root = cell.root
        if root is None:
            cell.owned = False
            return
        root_cell = root._cell
        root_cell.owned = False
        if cell.version == root_cell.version:
            return
        paused, modes.paused = modes.paused, 0
        try:
            self.adopt(follow(root, cell.path))
        finally:
            modes.paused = paused
        cell.version = root_cell.version
        root_cell.owned = False

    def has_view(self, view: Mutable, step: Step) -> None:
        """Note that `view` was derived from this array by `step` and shares its memory."""
        cell: Any = self._cell
        if cell is None:
            cell = self._cell = RootCell()
        root = cell.root
        if root is None:
            view._cell = ViewCell(self, (step,), cell.version)
        else:
            view._cell = ViewCell(root, (*cell.path, step), cell.version)

    def link(self, source: Any, step: Step) -> None:
        """Note that this value was derived from `source` by `step`, if they share memory."""
        if type(source) is not type(self):
            return
        own, other = bare(self), bare(source)
        if isinstance(own, np.ndarray) and isinstance(other, np.ndarray) and np.may_share_memory(own, other):
            source.has_view(self, step)

    # -- writes ----------------------------------------------------------------------------------------------

    def write(self, path: Path, index: Any, value: Any) -> None:
        """Write `value` at `index` of the view at `path` of this array, which is a root."""
        value = value.frozen() if isinstance(value, Mutable) else value
        self.adopt(overwrite(self.frozen(), path, index, value))

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, Tracked | tuple):
            untracked(index)
        cell = self._cell
        if cell is not None and cell.due:
            self.settle()
            cell = self._cell
        root, path = (self, ()) if cell is None or cell.root is None else (cell.root, cell.path)
        if isinstance(value, Mutable):
            value.settle()
            if _is_itself(value, root, path, index):
                return
        written: Any = root._cell
        if written is None:
            written = root._cell = RootCell()
        root.write(path, index, value)
        written.version += 1

    def astype(
        self, dtype: Any, order: Any = "K", casting: Any = "unsafe", subok: bool = True, copy: bool = True
    ) -> Any:
        """As `numpy.ndarray.astype`; integers and booleans have no derivative, so they give a plain array."""
        value = bare(self)
        if np.dtype(dtype).kind not in "fc":
            return value.astype(dtype, order, casting, subok, copy)
        if not np.can_cast(self.dtype, dtype, casting):
            raise TypeError(f"Cannot cast array data from {self.dtype} to {dtype} according to '{casting}'")
        if not copy and value.astype(dtype, order=order, copy=False) is value:
            return self
        made = astype(self, dtype)
        return made if order == "K" else np.copy(made, order=order)

    def fill(self, value: Any) -> None:
        """As `numpy.ndarray.fill`."""
        self[...] = value

    def sort(self, axis: int = -1, **kwargs: Any) -> None:
        """As `numpy.ndarray.sort`: in place."""
        self[...] = np.sort(self, axis=axis, **kwargs)

    def partition(self, kth: Any, axis: int = -1, **kwargs: Any) -> None:
        """As `numpy.ndarray.partition`: in place."""
        self[...] = np.partition(self, kth, axis=axis, **kwargs)


def untracked(index: Any) -> None:
    """Raise if an index is tracked, or has a tracked part."""
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, Tracked):
            raise lost_index(part.kind)


def _is_itself(value: Mutable, root: Mutable, path: Path, index: Any) -> bool:
    """Whether writing `value` there would write a view onto itself, as ``x[1:] *= 2`` does at its end."""
    cell = value._cell
    if cell is None:
        return False
    if value is root:
        return index is Ellipsis and not path
    if cell.root is not root or len(cell.path) != len(path) + 1:
        return False
    if any(mine is not its for mine, its in zip(path, cell.path, strict=False)):
        return False
    function, args, _, _ = cell.path[-1]
    return function is operator.getitem and args[0] is index


def _augmented(function: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        if not isinstance(bare(self), np.ndarray):
            return function(self, other)
        write_result(self, function(self, other), function.__name__)
        return self

    return method


def write_result(target: Any, result: Any, name: str) -> None:
    """Write the result of the ufunc `name` into `target`, with NumPy's rules for ``out=``."""
    if not np.can_cast(result.dtype, target.dtype, "same_kind"):
        raise TypeError(f"Cannot cast ufunc '{name}' output from {result.dtype!r} to {target.dtype!r}")
    if np.shape(result) != np.shape(target):
        raise ValueError(f"non-broadcastable output operand with shape {target.shape} for {np.shape(result)}")
    target[...] = result


for _name, _function in {
    "iadd": np.add, "isub": np.subtract, "imul": np.multiply, "itruediv": np.true_divide, "ipow": np.power,
    "imatmul": np.matmul, "imod": np.remainder, "ifloordiv": np.floor_divide,
}.items():  # fmt: skip
    setattr(Mutable, f"__{_name}__", _augmented(_function))
