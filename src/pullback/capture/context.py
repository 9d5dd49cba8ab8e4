"""The state of a capture, on which every other module of `capture` works.

It holds the program under construction, the frames of the functions being inlined, and what the result
depends on.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from pullback.base.errors import PullbackError, UnsupportedError
from pullback.base.location import Location
from pullback.capture.frame import Frame, Guard, StaticNeededError
from pullback.capture.source import Source, first_line, is_library, location_of
from pullback.capture.values import describe, is_number, variables_in
from pullback.ir.build import Builder
from pullback.ir.nodes import Block, If, Raise, Statement, Store, Var
from pullback.ir.primitives import ALIASING
from pullback.ir.types import BOOL, MAKES_ARRAYS, Array, Scalar, type_of
from pullback.ir.walk import assigns, substitute, walk
from pullback.rules.table import name_of

_PARTS = {"real": "value + 1j * z[i].imag", "imag": "z[i].real + 1j * value"}
"""What gives an element of `z` another part of this name."""


@dataclass(slots=True)
class _Uncertain:
    """A copy in the program where NumPy may have given a view."""

    result: str
    base: str
    made_by: Any
    function: str


_EAGER = "engine='tape' or 'dual', which run the function as it is"
_IF_IT_DOES = "arguments that it takes; if these are such, engine='tape' runs the function as it is"
_OF_NO_USE = "what Python and NumPy take: the function fails in the same way without pullback"


class Context:
    """See the module's docstring.

    Attributes:
        node: the syntax being captured, for locations.
        axisless: numbers that are arrays without axes in NumPy (`capture.axisless`).
        unordered: arrays that are in C order here, and in NumPy perhaps in another.
        plans: for each loop, which names are carried and with what types, as far as known.
    """

    def __init__(self) -> None:
        self.builder = Builder()
        self.frames: list[Frame] = []
        self.node: ast.AST | None = None
        self.blocks: list[object] = [object()]
        self.dims: list[dict[tuple[str, int], Any]] = [{}]
        self.roots: dict[str, str] = {}
        self.uncertain: list[_Uncertain] = []
        self.axisless: set[str] = set()
        self.outside: set[str] = set()
        self.unordered: set[str] = set()
        self.unreached = False
        self.tables: dict[Any, Var] = {}
        self.kept: set[str] = set()
        self.prologue: list[Statement] = []
        self.temporaries: set[str] = set()
        self.made: list[ast.AST] = []
        self.plans: dict[Any, dict[str, Any]] = {}
        self.guards: dict[Any, Guard] = {}
        self.sources: dict[Any, Source] = {}
        self.captives: dict[int, tuple[Any, Var]] = {}
        self.captive_getters: list[Callable[[], Any]] = []

    # Where we are

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    @property
    def env(self) -> dict[str, Any]:
        return self.frame.env

    @property
    def home(self) -> object:
        """The identity of the innermost block."""
        return self.blocks[-1]

    def location(self, node: ast.AST | None = None) -> Location | None:
        """The place of `node`, or of what is captured; in a library's code that of the user's call."""
        node = node or self.node
        depth = len(self.frames) - 1
        while depth > 0 and is_library(self.frames[depth].file):
            node = self.frames[depth].called_at
            depth -= 1
        if node is None or depth < 0 or not hasattr(node, "lineno"):
            return None
        return location_of(node, self.frames[depth].file)

    @contextmanager
    def at(self, node: ast.AST) -> Iterator[None]:
        """Capture `node`: what fails or is added in the ``with`` belongs there."""
        before, comment = self.node, self.builder.comment
        if hasattr(node, "lineno"):
            self.node = node
        if isinstance(node, ast.stmt):
            self.builder.comment = first_line(node, self.frame.file)
        try:
            yield
        finally:
            self.node = before
            self.builder.comment = comment

    def refusal(
        self, what: str, why: str = "", remedy: str = "", node: ast.AST | None = None
    ) -> UnsupportedError:
        """An `UnsupportedError` at `node`, or at what is being captured."""
        if not remedy:
            remedy = _EAGER
            if why.startswith(("Python ", "NumPy ")):
                remedy = _OF_NO_USE if why.startswith(("Python ", "NumPy raises")) else _IF_IT_DOES
        return UnsupportedError(what, why=why or None, remedy=remedy, where=self.location(node))

    def fail(self, what: str, why: str = "", remedy: str = "", node: ast.AST | None = None) -> NoReturn:
        """Raise what `refusal` makes."""
        raise self.refusal(what, why, remedy, node)

    def static_needed(self, what: str, value: Any, remedy: str = "", node: ast.AST | None = None) -> NoReturn:
        """Raise `StaticNeededError`: `value` would have to be known before the program runs."""
        error = StaticNeededError(
            what,
            why=f"it is {describe(value)}, and the program's form depends on it",
            remedy=remedy or "pass a Python constant",
            where=self.location(node),
        )
        error.operand = next(variables_in(value), None)
        raise error

    def changes_shape(self, what: str, home: object) -> None:
        """Refuse to change a list or dict that was made outside the innermost loop or branch.

        Raises:
            StaticNeededError: since a constant loop around may be unrolled.
        """
        if home is self.home:
            return
        if home is None:
            self.fail(what, "it is the caller's, and outlives the call", "return the value")
        raise StaticNeededError(
            what,
            why="it was made outside the loop or branch that changes it: its length would depend on the run",
            remedy="fill an array of known length, such as np.empty(n), or make a new list",
            where=self.location(),
        )

    # Statements

    def call(self, function: Callable[..., Any], *args: Any, name: Any = "t", **kwargs: Any) -> Any:
        """Add an assignment of what `function` returns, and return the variable(s).

        Raises:
            UnsupportedError: with NumPy's own words where it does not accept such arguments.
        """
        self.builder.location = self.location()
        try:
            result = self.builder.call(function, *args, name=name, **kwargs)
        except PullbackError:
            raise
        except Exception as error:
            self.fail(
                f"{name_of(function)} does not take these arguments",
                f"NumPy says: {str(error) or type(error).__name__}",
            )
        for v in variables_in(result):
            if isinstance(v.type, Scalar | Array) and v.type.dtype.char in "egG":
                self.fail(
                    f"{name_of(function)} gives values of {v.type.dtype}",
                    "compiled code computes in single and double precision",
                    "convert what it is given: x.astype(float)",
                )
        if name == "t":
            self.temporaries.update(v.name for v in variables_in(result))
        if function in ALIASING:
            self.unite(result, args[0])
        elif function not in MAKES_ARRAYS or function is np.copy:
            self._note_order(result, args)
        return result

    def _note_order(self, result: Any, args: tuple[Any, ...]) -> None:
        """Results are in the order of the arguments in NumPy, where that is known only at run time."""
        given = [v for v in variables_in(args) if isinstance(v.type, Array) and v.type.ndim > 1]
        if any(v.type.layout == "A" or v.name in self.unordered for v in given):  # type: ignore[union-attr]
            self.unordered.update(v.name for v in variables_in(result))

    def add(self, statement: Statement) -> None:
        self.builder.location = self.location()
        self.builder.add(statement)

    def assign(self, target: Var, value: Any) -> None:
        """``target = value``, converted to the target's type."""
        self.builder.location = self.location()
        kind = target.type
        if isinstance(kind, Scalar) and is_number(value) and type_of(value) != kind:
            value = _converted(value, kind)
        if isinstance(value, Var):
            self.unite(target, value)
            if value.name in self.unordered:
                self.unordered.add(target.name)
        self.builder.assign(target, value)

    def raise_if(self, test: Var, exception: type[BaseException], message: str) -> None:
        """``if test: raise exception(message)``."""
        location = self.location()
        self.add(If(test, (Raise(exception, message, location=location),)))

    @contextmanager
    def block(self) -> Iterator[Collected]:
        """Collect what is added in the ``with`` as an inner block."""
        collected = Collected()
        self.blocks.append(object())
        self.dims.append({})
        try:
            with self.builder.block() as inner:
                yield collected
        finally:
            self.blocks.pop()
            self.dims.pop()
        collected.block = inner.statements()

    def named(self, value: Any, wish: str) -> Any:
        """Give a temporary of this statement the name `wish`; any other value stays as it is."""
        if not isinstance(value, Var) or value.name not in self.temporaries:
            return value
        block = self.builder.innermost
        place = next((k for k in range(len(block) - 1, -1, -1) if value in assigns(block[k])), None)
        self.temporaries.discard(value.name)
        if place is None:
            return value
        self.builder.names.free(value.name)
        renamed = self.builder.var(wish, value.type)
        for known in (self.unordered, self.axisless):
            if value.name in known:
                known.add(renamed.name)
        block[place:] = substitute(tuple(block[place:]), {value.name: renamed})
        if value.name in self.roots:
            self.roots[renamed.name] = self.roots.pop(value.name)
            self.roots.update({k: renamed.name for k, v in self.roots.items() if v == value.name})
        for pair in self.uncertain:
            pair.result = renamed.name if pair.result == value.name else pair.result
        for (name, axis), length in list(self.dims[-1].items()):
            if name == value.name:
                self.dims[-1][renamed.name, axis] = length
        return renamed

    def keep(self, values: Any) -> None:
        """Note that something holds these values, so that their variables keep their names."""
        self.temporaries.difference_update(v.name for v in variables_in(values))

    # Shapes

    def dim(self, array: Var, axis: int) -> Any:
        """The length of an axis: a static 1 where the type says so, else a variable."""
        kind = array.type
        assert isinstance(kind, Array)
        if axis in kind.ones:
            return 1
        for known in reversed(self.dims):
            if (array.name, axis) in known:
                return known[array.name, axis]
        self.builder.location = self.location()
        length = self.builder.dim(array, axis)
        self.dims[-1][array.name, axis] = length
        return length

    def is_length(self, number: Var) -> bool:
        """Whether a variable holds the length of an axis, as `dim` has found it."""
        return any(known == number for scope in self.dims for known in scope.values())

    def table(self, numbers: list[Any]) -> Var:
        """A constant array of these numbers, made where the program begins."""
        key = tuple(map(repr, numbers))
        if key not in self.tables:
            apart = Builder(self.builder.names)
            apart.location = self.location()
            self.tables[key] = apart.call(np.array, tuple(numbers), name="table")
            self.prologue.extend(apart.statements())
            self.kept.add(self.tables[key].name)
        return self.tables[key]

    # Aliases

    def root(self, name: str) -> str:
        """The representative of the arrays that may share memory with `name`."""
        while self.roots.get(name, name) != name:
            name = self.roots[name]
        return name

    def unite(self, a: Any, b: Any) -> None:
        if isinstance(a, Var) and isinstance(b, Var) and isinstance(a.type, Array):
            self.roots[self.root(a.name)] = self.root(b.name)
            self.roots.setdefault(b.name, b.name)

    def copied(self, result: Var, base: Var, function: str) -> None:
        """Note that the program copies where NumPy may give a view."""
        if isinstance(result.type, Array) and isinstance(base, Var):
            self.uncertain.append(_Uncertain(result.name, base.name, self.frame.statement, function))

    def check_store(self, array: Var) -> None:
        """Refuse a store that could be seen through a view which the program holds as a copy."""
        root = self.root(array.name)
        for pair in self.uncertain:
            result, base = self.root(pair.result), self.root(pair.base)
            other = base if root == result else result if root == base else None
            if other is not None and (self._alive(other) or self._unfinished(pair)):
                what = f"a store into an array that shares memory with a result of {pair.function}"
                why = "whether NumPy copies there depends on the array at run time"
                remedy = f"write `{pair.function}(...).copy()`, or store before it"
                part = pair.function.rpartition(".")[2]
                if part in _PARTS:
                    why = "in a program the real parts are no view of the array, nor are the imaginary ones"
                    remedy = f"store complex numbers: z[i] = {_PARTS[part]}"
                self.fail(what, why, remedy)

    def _unfinished(self, pair: _Uncertain) -> bool:
        """Whether the statement that made the copy is still being captured, and may hold it namelessly."""
        making = (f for f in self.frames if f.statement is pair.made_by and not f.storing)
        return pair.made_by is not None and any(making)

    def _alive(self, root: str) -> bool:
        """Whether a name that may still be read, or the caller, has an array of this memory."""
        if any(self.root(name) == root for name in self.outside):
            return True
        return any(
            self.root(v.name) == root
            for frame in self.frames
            for name, value in frame.env.items()
            if frame.may_read(name)
            for v in variables_in(value)
        )

    def check_turns(self, node: ast.AST, since: int, block: Block, carried: list[Any]) -> None:
        """`check_store` for copies made in one turn of a loop and kept to the next, which stores first."""
        stored = {self.root(s.array.name) for s in walk(block) if isinstance(s, Store)}
        kept = {self.root(v.name) for value in carried for v in variables_in(value)}
        for pair in self.uncertain[since:]:
            roots = {self.root(pair.result), self.root(pair.base)}
            if self.root(pair.result) in kept and roots & stored:
                self.fail(
                    f"a result of {pair.function} is kept from turn to turn while its array changes",
                    "whether NumPy copies there depends on the array at run time",
                    f"write `{pair.function}(...).copy()`",
                    node,
                )

    # Trying again

    def snapshot(self) -> Any:
        """The state to come back to when a loop is captured anew."""
        return (
            dict(self.env), self.builder.names.copy(), dict(self.roots), list(self.uncertain),
            [dict(d) for d in self.dims],
        )  # fmt: skip

    def restore(self, state: Any) -> None:
        env, names, roots, uncertain, dims = state
        names[0].update(self.kept)
        self.frame.env = dict(env)
        self.builder.names.restore(names)
        self.roots, self.uncertain = dict(roots), list(uncertain)
        self.dims[:] = [dict(d) for d in dims]

    def flag(self, name: str) -> Var:
        return self.builder.var(name, BOOL)


class Collected:
    """The statements of a finished ``with context.block()``."""

    block: Block = ()


def _converted(value: Any, kind: Scalar) -> Any:
    """A static number as a scalar of another type."""
    number = value.item() if isinstance(value, np.generic) else value
    if not kind.weak:
        return kind.dtype.type(number)
    return {"b": bool, "i": int, "f": float, "c": complex}[kind.dtype.kind](number)
