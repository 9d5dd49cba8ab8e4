"""Finding stencils: nests that do nothing with an array but add to it, at their indices plus numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pullback.ir.build import operand_type
from pullback.ir.nodes import Const, For, Program, Store, Var
from pullback.ir.types import Array, Scalar
from pullback.ir.walk import assigns, reads, walk
from pullback.optimize.extents import Form
from pullback.optimize.linear import Linear
from pullback.optimize.uses import Uses

_RANK = 3
_FEWEST = 3  # places: for two, a loop for each is as good
_MOST = 4  # arrays of shares


@dataclass(frozen=True, slots=True)
class Stencil:
    """The additions of a nest to one array.

    Attributes:
        nest: the loops, the outermost first; the additions are in the body of the last.
        axes: for each axis of the array, the loop whose index is in its entry, or None.
        rest: for each axis, what its entry has besides that index and a number that depends on the addition.
        places: the additions by that number, one for each loop.
        cells: variables that may not hold the same value all through an iteration.
        others: arrays in the nest that this one has to be apart from, which is known only at run time.
    """

    nest: tuple[For, ...]
    axes: tuple[int | None, ...]
    rest: tuple[Form, ...]
    places: dict[tuple[int, ...], list[Store]]
    others: tuple[Var, ...]
    cells: frozenset[str]

    @property
    def array(self) -> Var:
        return next(iter(self.places.values()))[0].array

    def reach(self, loop: int) -> tuple[int, int]:
        """The smallest and the greatest number for a loop."""
        numbers = [place[loop] for place in self.places]
        return min(numbers), max(numbers)

    def key(self, store: Store) -> object:
        """What stands for the value that is added, the same only where that is."""
        value = store.value
        if isinstance(value, Const):
            return type(value.value), repr(value.value)
        return id(store) if value.name in self.cells else value.name

    def values(self, kept: tuple[int, ...] | None) -> list[object]:
        """What is added at other places than `kept`, each once."""
        others = [s for place, stores in self.places.items() if place != kept for s in stores]
        return list(dict.fromkeys(self.key(s) for s in others))

    def kept(self) -> tuple[int, ...]:
        """The place where the nest goes on adding: the one that saves most shares, or that in the middle."""

        def preference(place: tuple[int, ...]) -> tuple[int, int]:
            off = sum(abs(2 * by - sum(self.reach(loop))) for loop, by in enumerate(place))
            return len(self.values(place)), off

        return min(self.places, key=preference)


class Search:
    """Looks for stencils in a program.

    Attributes:
        known: the variables that are assigned by now, on the way to which there is no loop or branch.
        open: the indices of the loops around.
    """

    def __init__(self, program: Program, uses: Uses, linear: Linear) -> None:
        self._uses = uses
        self._linear = linear
        self.known = {param.name for param in program.params}
        self.open: set[str] = set()

    def stencil(self, loop: For) -> Stencil | None:
        """A stencil whose outermost loop this is."""
        for nest in _nests(loop):
            if not all(self._is_plain(inner) for inner in nest):
                continue
            additions = [s for s in nest[-1].body if isinstance(s, Store) and s.accumulate]
            for name in dict.fromkeys(s.array.name for s in additions):
                group = [s for s in additions if s.array.name == name]
                others = self._others(loop, group)
                found = None if others is None else self._placed(nest, group, others)
                if found is not None and self._pays(found):
                    return found
        return None

    def _is_plain(self, loop: For) -> bool:
        """Whether a loop counts by one between bounds that are known ahead of all loops and branches."""
        bounds = [x.name for x in (loop.start, loop.stop) if isinstance(x, Var)]
        unit = isinstance(loop.step, Const) and loop.step.value in (1, -1)
        if unit and isinstance(loop.start, Const) and isinstance(loop.stop, Const):
            return len(range(loop.start.value, loop.stop.value, loop.step.value)) > 0  # type: ignore
        return unit and all(name in self.known and name not in self._uses.cells for name in bounds)

    def _others(self, loop: For, group: list[Store]) -> tuple[Var, ...] | None:
        """The other arrays of the loop that may share memory with the one that a group of stores adds to.

        None if the loop does anything else with that one, or makes one of the arrays.
        """
        array = group[0].array
        others: dict[str, Var] = {}
        for statement in walk((loop,)):
            for variable in (*reads(statement), *assigns(statement)):
                if not isinstance(variable.type, Array):
                    continue
                if variable.name == array.name:
                    if not any(statement is store for store in group):
                        return None
                elif self._uses.memory(variable.name) == self._uses.memory(array.name):
                    others[variable.name] = variable
        if others and not self._is_separate(loop):
            return None
        return tuple(others.values())

    def _is_separate(self, loop: For) -> bool:
        """Whether nothing that the loop assigns is an array, assigned elsewhere too or read elsewhere."""
        inside = [v.name for s in walk((loop,)) for v in {v.name: v for v in reads(s)}.values()]
        return not any(
            isinstance(target.type, Array)
            or target.name in self._uses.cells
            or self._uses.count(target.name) != inside.count(target.name)
            for s in walk((loop,))
            for target in assigns(s)
        )

    def _placed(self, nest: tuple[For, ...], group: list[Store], others: tuple[Var, ...]) -> Stencil | None:
        names = [loop.index.name for loop in nest]
        inside = {target.name for s in walk(nest[:1]) for target in assigns(s)}
        inside |= self._linear.indices - self.open
        places: dict[tuple[int, ...], list[Store]] = {}
        shared: tuple[tuple[int | None, ...], tuple[Form, ...]] | None = None
        for store in group:
            if store.array != group[0].array or not self._is_shareable(store):
                return None
            axes: list[int | None] = []
            rest: list[Form] = []
            place = [0] * len(nest)
            for entry in store.index:
                form = self._linear.form(entry) if isinstance(entry, Var | Const) else None
                if form is None:
                    return None
                terms = dict(form.terms)
                own = [k for k, name in enumerate(names) if terms.get(name) == 1]
                terms = {atom: c for atom, c in terms.items() if not own or atom != names[own[0]]}
                if len(own) > 1 or any(atom in inside for atom in terms):
                    return None
                axes.append(own[0] if own else None)
                constant = 0 if own else form.constant
                rest.append(Form(constant, tuple(sorted(terms.items()))))
                if own:
                    place[own[0]] = form.constant
            if sorted(k for k in axes if k is not None) != list(range(len(nest))):
                return None
            if shared is not None and shared != (tuple(axes), tuple(rest)):
                return None
            shared = tuple(axes), tuple(rest)
            places.setdefault(tuple(place), []).append(store)
        assert shared is not None
        return Stencil(nest, *shared, places, others, self._uses.cells)

    @staticmethod
    def _is_shareable(store: Store) -> bool:
        kind, value = store.array.type, operand_type(store.value)
        return isinstance(kind, Array) and isinstance(value, Scalar) and value == Scalar(kind.dtype)

    def _pays(self, stencil: Stencil) -> bool:
        lowest, highest = stencil.reach(0)
        if lowest == highest or len(stencil.places) < _FEWEST:
            return False
        return len(stencil.values(stencil.kept())) <= min(_MOST, len(stencil.places) - 1)


def _nests(loop: For) -> Iterator[tuple[For, ...]]:
    """The chains of loops, each in the body of the one before, that begin with this one."""

    def below(nest: tuple[For, ...]) -> Iterator[tuple[For, ...]]:
        yield nest
        if len(nest) < _RANK:
            for statement in nest[-1].body:
                if isinstance(statement, For):
                    yield from below((*nest, statement))

    return below((loop,))
