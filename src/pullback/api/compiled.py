"""`pb.compile`: a plain Python function as a native one, specialised to the types it is called with."""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from pullback.api.arguments import Static, key_of, leaves_of, map_tree, short_axes
from pullback.api.fitting import coerced
from pullback.api.operation import Operation
from pullback.api.quick import ENTRIES, Answer, Part, answer_for
from pullback.api.recipe import Recipe
from pullback.base.collector import collector_paused
from pullback.base.dispatch import tracked_in
from pullback.base.errors import MutationError
from pullback.base.mutable import Mutable
from pullback.base.tracked import bare
from pullback.capture import Captured, Leaf, StaticNeededError, capture
from pullback.emit.load import entry_of
from pullback.ir.lengths import with_lengths
from pullback.ir.nodes import Program
from pullback.ir.types import Array, Scalar


class Specialised:
    """A function for one combination of argument types.

    Attributes:
        captured: the program as the source says it, and how to rebuild the result.
        dynamic: which leaves of the arguments are the program's parameters; the others are static.
        lengths: what axes of the parameters have to be long, by parameter and axis.
        recipe: makes the program as loops.
        written: positions of the parameters that it writes into.
    """

    def __init__(
        self,
        captured: Captured,
        dynamic: list[int],
        jit: bool,
        memory: int | None = None,
        lengths: Mapping[tuple[int, int], int] = MappingProxyType({}),
    ) -> None:
        if lengths:
            program = with_lengths(captured.program, lengths)
            captured = dataclasses.replace(captured, program=program)
        self.captured = captured
        self.dynamic = dynamic
        self.lengths = lengths
        self.jit = jit
        self.memory = memory
        self.recipe = Recipe.of(captured.program).then("optimize")
        self.written = self.recipe.interface.written
        self.params = tuple(param.type for param in self.recipe.interface.params)
        self.plans: dict[Any, Any] = {}  # of gradients, by what is asked for (`api.native`)

    @property
    def lowered(self) -> Program:
        """The program as loops."""
        return self.recipe.program

    @functools.cached_property
    def run(self) -> Callable[..., tuple[Any, ...]]:
        """The function as it is, effects included."""
        return self.recipe.load(jit=self.jit)

    @functools.cached_property
    def operation(self) -> Operation:
        """The function without effects, with what it wrote as further results."""
        return Operation(self._purified(returned=True), jit=self.jit, memory=self.memory)

    @functools.cached_property
    def pure(self) -> Operation:
        """The function without effects."""
        return Operation(self._purified(returned=False), jit=self.jit, memory=self.memory)

    def _purified(self, *, returned: bool) -> Recipe:
        return self.recipe.then("purified", returned=returned) if self.written else self.recipe

    def fits(self, leaves: list[Any]) -> bool:
        """Whether arguments of the right types have the right lengths as well."""
        return all(
            leaves[self.dynamic[k]].shape[axis] == length for (k, axis), length in self.lengths.items()
        )

    def values(self, leaves: list[Any]) -> list[Any]:
        """The program's arguments."""
        return [*(leaves[k] for k in self.dynamic), *self.captured.captives]


class Compiled:
    """A function compiled from its source (see `pullback.compile`)."""

    is_native = True

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        jit: bool = True,
        effects: bool = True,
        memory: int | None = None,
    ) -> None:
        functools.update_wrapper(self, function)
        self.__name__: str = getattr(function, "__name__", type(function).__name__)
        self.function = function
        self.jit = jit
        self.effects = effects
        self.quick: dict[Any, list[Answer]] = {None: []}  # to calls, and to those of gradients (`api.native`)
        self.memory = memory
        self._static: set[Any] = set()
        self._specialised: dict[Any, list[Specialised]] = {}

    def __repr__(self) -> str:
        return f"<compiled {getattr(self.function, '__qualname__', self.function)}>"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            for answer in self.quick[None]:
                known = answer(args)
                if known is not None:
                    return known
        leaves, specialised = self.specialise(args, kwargs)
        values = specialised.values(leaves)
        if tracked_in(values):
            results = self._follow(specialised, values)
        else:
            check_apart(specialised, values, self.__name__)
            fitted = [coerced(v, kind) for v, kind in zip(values, specialised.params, strict=True)]
            results = specialised.run(*fitted)
            if not kwargs and len(leaves) == len(args) and all(map(operator.is_, fitted, values)):
                self._remember(specialised, leaves, fitted[len(specialised.dynamic) :])
            for k in specialised.written:
                if fitted[k] is not values[k]:
                    values[k][...] = fitted[k]
        return specialised.captured.rebuild(results)

    def _remember(self, specialised: Specialised, leaves: list[Any], captives: list[Any]) -> None:
        """Answer calls with arguments of such types at once, where numbers and arrays come back."""
        result = specialised.captured.result
        parts = result if type(result) is tuple else (result,)
        if not parts or not all(isinstance(part, Leaf) for part in parts):
            return
        if specialised.written and entry_of(specialised.run)[1]:
            # In doubt it would run again, on arguments that it has written into.
            return
        kinds = specialised.recipe.interface.results
        answered = tuple(Part(part.position, kinds[part.position]) for part in parts)
        run, shown = specialised.run, answered if parts is result else answered[0]
        self.remember(None, specialised, leaves, run, tuple(captives), shown)

    def remember(
        self,
        asked: Any,
        specialised: Specialised,
        leaves: list[Any],
        run: Callable[..., tuple[Any, ...]],
        rest: tuple[Any, ...],
        answered: Any,
        careful: Callable[[Answer], Answer] | None = None,
    ) -> None:
        """Answer calls with arguments like `leaves` at once from now on, if it can be (`answer_for`).

        What `careful` makes of the answer may give None for some of them.
        """
        kinds = dict(zip(specialised.dynamic, specialised.params, strict=False))
        given: list[Any] = [kinds.get(k, leaf) for k, leaf in enumerate(leaves)]
        lengths = {(specialised.dynamic[k], axis): n for (k, axis), n in specialised.lengths.items()}
        if any(k >= len(kinds) for k in specialised.written):
            return
        if not all(isinstance(x, Scalar | Array | int) for x in given):
            return
        written = [specialised.dynamic[k] for k in specialised.written]
        answer = answer_for(specialised.captured, given, lengths, written, run, rest, answered)
        if answer is not None:
            known = self.quick.setdefault(asked, [])
            known.insert(0, careful(answer) if careful else answer)
            del known[ENTRIES:]

    def check(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raise if an array that is written into shares memory with another argument."""
        leaves, specialised = self.specialise(args, kwargs)
        check_apart(specialised, specialised.values(leaves), self.__name__)

    def followed(self, *args: Any, **kwargs: Any) -> Any:
        """A call by a transform of this very function: it leaves plain arrays as they are, captured ones too.

        A gradient does, and nothing reads them before it is done.
        """
        leaves, specialised = self.specialise(args, kwargs)
        values = specialised.values(leaves)
        if not tracked_in(values):
            return self(*args, **kwargs)
        results = self._follow(specialised, values, writes=False)
        return specialised.captured.rebuild(results)

    def _follow(self, specialised: Specialised, values: list[Any], *, writes: bool = True) -> list[Any]:
        """Run as one operation that an engine records; effects are written back as the engine's writes.

        Args:
            writes: whether into plain arrays as well.
        """
        check_apart(specialised, values, self.__name__)
        plain = [v.frozen() if isinstance(v, Mutable) else v for v in values]
        if not self.effects:
            return list(specialised.pure(*plain))
        results = list(specialised.operation(*plain))
        for k in reversed(specialised.written):
            content, target = results.pop(), values[k]
            if not writes and not isinstance(target, Mutable):
                continue
            if tracked_in((content,)) and not isinstance(target, Mutable):
                raise MutationError(
                    f"{self.__name__} writes a tracked result into a plain array",
                    why="a plain array cannot hold a derivative",
                    remedy="make the array with pb.zeros or pb.empty, or use pb.purify.",
                )
            target[...] = content
        return results

    def specialise(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], Specialised]:
        """The leaves of the arguments, and the function for their types."""
        kinds: list[Any] = []
        key = key_of((args, kwargs), kinds)
        leaves = list(leaves_of((args, kwargs)))
        if key in self._static:
            # Some number decides the program's form, so its value is part of the key.
            key = (key, tuple(leaf for leaf in leaves if isinstance(leaf, bool | int)))
        known = self._specialised.get(key, ())
        specialised = next((one for one in known if one.fits(leaves)), None)
        if specialised is None or not specialised.captured.valid():
            with collector_paused():
                specialised = self._specialise(args, kwargs, kinds, leaves, key)
        return leaves, specialised

    def _specialise(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], kinds: list[Any], leaves: list[Any], key: Any
    ) -> Specialised:
        static = {k for k, kind in enumerate(kinds) if isinstance(kind, Static)}
        while True:
            numbers = iter(range(len(leaves)))

            def typed(leaf: Any) -> Any:
                k = next(numbers)  # noqa: B023
                return leaf if k in static else kinds[k]

            new_args, new_kwargs = map_tree(typed, (args, kwargs))
            dynamic = [k for k in range(len(leaves)) if k not in static]
            try:
                captured = capture(self.function, new_args, new_kwargs)
            except StaticNeededError as error:
                position = self._position(error, dynamic, leaves)
                if position is None:
                    raise
                static.add(position)
                if key not in self._static:
                    self._static.add(key)
                    key = (key, tuple(leaf for leaf in leaves if isinstance(leaf, bool | int)))
                continue
            known = [one for one in self._specialised.get(key, ()) if one.captured.valid()]
            # What comes second takes any lengths: code is not made for each shape.
            short = () if known else enumerate(short_axes(leaves[k]) for k in dynamic)
            lengths = {(k, axis): length for k, axes in short for axis, length in axes}
            specialised = Specialised(captured, dynamic, self.jit, self.memory, lengths)
            self._specialised[key] = [*known, specialised]
            return specialised

    @staticmethod
    def _position(error: StaticNeededError, dynamic: list[int], leaves: list[Any]) -> int | None:
        """The leaf whose value the program's form depends on; None if it is no integer argument."""
        if error.position is None or error.position >= len(dynamic):
            return None
        position = dynamic[error.position]
        return position if isinstance(leaves[position], bool | int) else None


def check_apart(specialised: Specialised, values: list[Any], name: str) -> None:
    """Raise if an array that is written into shares memory with another argument."""
    for k in specialised.written:
        for j, other in enumerate(values):
            if j != k and _share(values[k], other):
                first, second = (specialised.recipe.interface.params[i].name for i in (k, j))
                raise MutationError(
                    f"{name} writes into {first!r}, which shares memory with {second!r}",
                    why="compiled code is made for arguments that are apart",
                    remedy="pass a copy of one of them.",
                )


def _share(one: Any, other: Any) -> bool:
    """Whether two arrays share memory: plain ones, or two that an engine follows."""
    if isinstance(one, Mutable) and isinstance(other, Mutable):
        if one.owner is not other.owner:
            return False
        one.settle()
        other.settle()
        one, other = bare(one), bare(other)
    plain = isinstance(one, np.ndarray) and isinstance(other, np.ndarray)
    return plain and np.may_share_memory(one, other)
