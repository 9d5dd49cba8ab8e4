"""`Variable`: an array or number whose history is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from pullback.base.errors import MutationError, NotDifferentiableError, UnsupportedError
from pullback.base.foreign import refuse_foreign
from pullback.base.memory import aligned_copy
from pullback.base.modes import modes, switch
from pullback.base.mutable import Cell, Mutable, RootCell, ViewCell
from pullback.base.overwrite import Path, Step, overwrite, write_at
from pullback.base.spec import spec_of
from pullback.base.tracked import Tracked, bare
from pullback.tape.node import ROOT, Leaf, Node, Pull, Recording, number
from pullback.tape.sweep import pull_write


class Due(Cell):
    """In place of the cell of a product of matrices whose value nobody has asked for: its trace needs none.

    Attributes:
        factors: the two matrices.
    """

    __slots__ = ("factors",)
    due: ClassVar[bool] = True
    leaf: ClassVar[Any] = None


class Variable(Mutable):
    """An array or number that NumPy functions can be applied to, and that remembers how its value came about.

    Args:
        value: a floating or complex array, number or nested list; it is copied.

    Raises:
        NotDifferentiableError: for integers, booleans, objects and strings, which have no derivative.

    Example:
        >>> import numpy as np, pullback as pb
        >>> x = pb.Variable(np.array([1.0, 2.0]))
        >>> y = np.sum(np.sin(x) * x)
        >>> y.backward()
        >>> np.allclose(x.grad, np.cos([1.0, 2.0]) * [1.0, 2.0] + np.sin([1.0, 2.0]))
        True
    """

    __slots__ = ("_cell", "_node", "_tape", "_value")
    kind: ClassVar[str] = "Variable"

    _value: Any
    _node: Node | None
    _tape: Recording
    _cell: Cell | None
    backward: Callable[..., None]

    def __init__(self, value: Any) -> None:
        if isinstance(value, Tracked):
            raise UnsupportedError(
                f"the argument of pb.Variable is a {value.kind} already",
                remedy="use it as it is, or wrap its bare value: pb.Variable(pb.stop_gradient(x)).",
            )
        self._value = checked(value, "pb.Variable")
        self._node = Leaf(spec_of(self._value))
        self._tape = ROOT
        self._cell = None

    @property
    def level(self) -> int:
        if self._node is None and isinstance(self._value, Tracked):
            return self._value.level
        return self._tape.level

    @property
    def constant(self) -> bool:
        """Whether nothing follows this value: `pb.zeros`, say, before anything tracked is written into it."""
        self.settle()
        return self._node is None and not isinstance(self._value, Tracked)

    def peel(self) -> Any:
        if self._cell is not None:
            self.settle()
        return self._value

    # -- what users read

    @property
    def value(self) -> Any:
        """The bare value: a copy of the array, or the number. An input can be assigned another."""
        value = bare(self)
        return value.copy() if isinstance(value, np.ndarray) else value

    @value.setter
    def value(self, new: Any) -> None:
        leaf = self._node
        if not isinstance(leaf, Leaf):
            raise MutationError(
                "the value of a computed Variable cannot be assigned",
                why="its derivative would no longer belong to its value",
                remedy="assign to an input made with pb.Variable(...), or write x[...] = value.",
            )
        value = checked(new, "the value of a Variable")
        spec = spec_of(value)
        if spec.shape != leaf.spec.shape:
            raise MutationError(
                f"a value of shape {spec.shape} cannot replace one of shape {leaf.spec.shape}"
            )
        self._value = (
            value if spec.dtype == leaf.spec.dtype else np.asarray(value).astype(leaf.spec.dtype)[()]
        )
        self._node = Leaf(leaf.spec, leaf.gradient)
        cell: Any = self._cell
        if cell is not None:
            cell.version += 1
            cell.owned = False

    @property
    def leaf(self) -> Leaf | None:
        """The input this variable is, or began as before it was written into; None for a computed one."""
        if isinstance(self._node, Leaf):
            return self._node
        return self._cell.leaf if self._cell is not None else None

    @property
    def grad(self) -> Any:
        """What `backward` has accumulated for this input, or None; by the value before any write."""
        leaf = self._node
        if type(leaf) is not Leaf:
            leaf = self.leaf
        return None if leaf is None else leaf.gradient[0]

    @grad.setter
    def grad(self, gradient: Any) -> None:
        leaf = self._node
        if type(leaf) is not Leaf:
            leaf = self.leaf
        if leaf is None:
            raise MutationError("only an input made with pb.Variable(...) has a grad")
        leaf.gradient[0] = gradient

    def __repr__(self) -> str:
        dtype = "" if self.dtype in (np.float64, np.complex128) else f", dtype={self.dtype}"
        return (
            f"Variable({np.array2string(np.asarray(bare(self)), separator=', ', prefix='Variable(')}{dtype})"
        )

    def __format__(self, spec: str) -> str:
        return format(bare(self), spec) if spec else repr(self)

    def __copy__(self) -> Any:
        """A value of its own: an input again for a user's input, else a recorded copy."""
        return Variable(self.value) if self.is_leaf and self._tape is ROOT else np.copy(self)

    def __deepcopy__(self, memo: Any) -> Any:
        return self.__copy__()

    def __reduce__(self) -> Any:
        if not self.is_leaf:
            raise UnsupportedError(
                "a computed Variable cannot be pickled",
                why="its history would be lost",
                remedy="pickle x.value, or the inputs it is computed from.",
            )
        return Variable, (self.value,)

    @property
    def is_leaf(self) -> bool:
        """Whether this is an input, and not computed."""
        return isinstance(self._node, Leaf)

    # -- views and writes

    def settle(self) -> None:
        cell: Any = self._cell
        kind = type(cell)
        if kind is ViewCell and cell.version == (root_cell := cell.root._cell).version:
            root_cell.owned = False
        elif kind is RootCell:
            cell.owned = False
        elif kind is Due:
            a, b = cell.factors
            self._value = a @ b
            self._cell = None
        else:
            Mutable.settle(self)

    def adopt(self, result: Any) -> None:
        if isinstance(result, Variable):
            self._value, self._node, self._tape = result._value, result._node, result._tape
        else:
            self._value, self._node, self._tape = result, None, ROOT

    def frozen(self) -> Any:
        self.settle()
        return self._value if self._node is None else variable(self._value, self._node, self._tape)

    @property
    def is_box(self) -> bool:
        return self._node is None and isinstance(self._value, Tracked)

    def boxed(self, part: Any) -> Variable:
        return variable(part, None, ROOT)

    def write(self, path: Path, index: Any, value: Any) -> None:
        cell: Any = self._cell
        followed = value.frozen() if isinstance(value, Mutable) else value
        plain = followed._value if type(followed) is Variable else followed
        if isinstance(self._value, Tracked) or isinstance(plain, Tracked) or switch.on:
            self._write_slowly(path, index, followed)
            return
        tracked = type(followed) is Variable
        if self._node is not None and tracked and followed._tape is not self._tape:
            self._write_slowly(path, index, followed)
            return
        if not cell.owned:
            self._value = np.array(self._value)
        write_at(self._value, path, index, plain)
        cell.owned = True
        if tracked:
            self._record_write(path, index, followed, followed._tape)
        elif self._node is not None:
            self._record_write(path, index, None, self._tape)

    def _record_write(self, path: Path, index: Any, value: Variable | None, tape: Recording) -> None:
        self._keep_leaf()
        own = self._node
        nodes = [node for node in (own, None if value is None else value._node) if node is not None]
        parents = nodes[0] if len(nodes) == 1 else tuple(nodes)
        spec = None if value is None else spec_of(value._value)
        self._node = Node(pull_write, parents, (path, copied_index(index), own is not None, spec))
        self._tape = tape
        if tape.nodes is not None:
            tape.nodes.append(self._node)

    def _write_slowly(self, path: Path, index: Any, value: Any) -> None:
        paused = self._node is not None and self._tape.level < modes.paused
        if paused and not (isinstance(value, Tracked) and value.level >= modes.paused):
            self._replace_leaf(path, index, value)
            return
        self._keep_leaf()
        self.adopt(overwrite(self.frozen(), path, copied_index(index), value))
        cell: Any = self._cell
        cell.owned = False

    def _replace_leaf(self, path: Path, index: Any, value: Any) -> None:
        """Write under `no_grad`: an input gets a new value, and stays an input."""
        leaf = self._node
        if not isinstance(leaf, Leaf):
            raise MutationError(
                "a computed Variable is written into under pb.no_grad()",
                why="its history would not lead to its value any more",
                remedy="write outside no_grad, or into an input made with pb.Variable(...).",
            )
        self._value = overwrite(self._value, path, index, bare(value))
        self._node = Leaf(leaf.spec, leaf.gradient)
        cell: Any = self._cell
        cell.owned = True

    def _keep_leaf(self) -> None:
        if isinstance(self._node, Leaf):
            cell: Any = self._cell
            cell.leaf = self._node


def copied_index(index: Any) -> Any:
    """`index` with its arrays copied, so that nobody can change it before the reverse sweep."""
    if isinstance(index, tuple):
        return tuple(copied_index(part) for part in index)
    if isinstance(index, list):
        return np.array(index) if index else np.zeros(0, np.intp)
    return np.array(index) if isinstance(index, np.ndarray) else index


def checked(value: Any, what: str) -> Any:
    """`value` as a number or a copied array of a floating or complex dtype, or an error."""
    if type(value) is float or type(value) is complex:
        return value
    if isinstance(value, list | tuple) or not hasattr(value, "dtype"):
        array = np.array(value)
        dtype = array.dtype
        value = array if array.ndim else array[()]
    else:
        dtype = value.dtype
    if dtype.kind not in "fc":
        names = {"i": "integers", "u": "integers", "b": "booleans", "O": "Python objects"}
        raise NotDifferentiableError(
            f"{what} holds {names.get(dtype.kind, f'values of dtype {dtype}')}",
            why="only floating and complex numbers have a derivative",
            remedy="convert it first: np.asarray(x, float).",
        )
    refuse_foreign((value,), what)
    return aligned_copy(np.asarray(value)) if isinstance(value, np.ndarray) else value


_new: Callable[[type], Any] = object.__new__


def variable(value: Any, node: Node | None, tape: Recording) -> Variable:
    """A `Variable` for a computed value."""
    made = _new(Variable)
    made._value = value
    made._node = node
    made._tape = tape
    made._cell = None
    return made


def recorded(value: Any, tape: Recording, pull: Pull, parents: Any, saved: Any) -> Variable:
    """Record a node on `tape`, and return the `Variable` for its value."""
    node = _new(Node)
    node.pull = pull
    node.parents = parents
    node.saved = saved
    node.number = number()
    nodes = tape.nodes
    if nodes is not None:
        nodes.append(node)
    made = _new(Variable)
    made._value = value
    made._node = node
    made._tape = tape
    made._cell = None
    return made


def recorded_view(source: Variable, value: Any, pull: Pull, saved: Any, step: Step) -> Variable:
    """As `recorded`, for a `value` that is derived from `source` alone, by `step`, and shares its memory."""
    cell: Any = source._cell
    if cell is None:
        cell = source._cell = RootCell()
    view = _new(ViewCell)
    view.version = cell.version
    if (root := cell.root) is None:
        view.root = source
        view.path = (step,)
    else:
        view.root = root
        view.path = (*cell.path, step)
    made = recorded(value, source._tape, pull, source._node, saved)
    made._cell = view
    return made
