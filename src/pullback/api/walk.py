"""`Walk`: one run through a program that is cut at a loop, and back, in bounded memory.

It plans by what the first trips take, follows the schedule, and counts what is allocated at a time.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.api.schedule import Plan, actions, planned, schedules, shown, too_little
from pullback.base.errors import UnsupportedError
from pullback.ir.types import Array, Scalar
from pullback.transform.cut import BOUNDS

if TYPE_CHECKING:
    from pullback.api.bounded import Bounded, Loop

_STACKS = 1 << 15
"""What empty stacks take."""


class Walk:
    """One run through a cut program and back."""

    def __init__(
        self, owner: Bounded, loop: Loop, values: Sequence[Any], seeds: Sequence[Any], bound: int
    ) -> None:
        self.owner, self.loop, self.pieces = owner, loop, loop.pieces
        self.values, self.seeds, self.bound = values, seeds, bound
        self.now: list[Any] = []  # the variables
        self.bars: dict[int, Any] = {}  # their cotangents
        self.kept: dict[int, list[Any]] = {}  # states, by portion
        self.range = range(0)
        self.fixed = 0

    def run(self) -> tuple[Any, Any]:
        """The results and the cotangents of the parameters."""
        *found, allocated = self.loop.start(*self.values)
        self._charge(0, allocated, "what comes before the loop")
        self.now = list(found[BOUNDS:])
        start, stop, step = found[:BOUNDS]
        given = [value for value in self.values if isinstance(value, np.ndarray)]
        self.fixed = sum(
            _size(value)
            for k, value in enumerate(self.now)
            if k not in self.pieces.changed and not _shares(value, given)
        )
        self._check_apart()
        self.range = range(start, stop, step)
        if self.pieces.count is not None:
            self.range = range(self._counted())
        plan = self._plan(allocated) if len(self.range) else Plan(0, 1, 0)
        if plan is None:
            return self.owner.whole(self.values, self.seeds, self.bound)
        self.owner.spent.plan = plan
        results = self._follow(plan)
        bars = [self._bar(k) for k in self.pieces.active]
        *cotangents, allocated = self.loop.start_back(*self.values, *bars)
        self._charge(self._held(bars, results), allocated, "the derivative of what comes before the loop")
        return results, cotangents

    # -- the plan --------------------------------------------------------------------------------------------

    def _counted(self) -> int:
        trips, allocated = self.loop.count(*self._inside(self._copied(self._state())))
        self._charge(self.fixed + 2 * self._state_size(), allocated, "one trip")
        return trips

    def _plan(self, before: int) -> Plan | None:
        """How to walk back; None if everything can be kept."""
        trips = len(self.range)
        after, forward = self._probed(1)
        # What has no value before the loop is large only then.
        sizes = {k: max(_size(value), _size(after.get(k, value))) for k, value in enumerate(self.now)}
        state = sum(sizes[k] for k in self.pieces.changed)
        bars = sum(sizes[k] for k in self.pieces.active)
        first = per_trip = self._probed_back(1)
        if 3 * first + self.fixed + 2 * (state + bars) <= self.bound:
            # The first trip may be of another kind than those that follow.
            more = [first, *(self._probed_back(min(k, trips)) for k in (2, 3))]
            per_trip = max(0, *(b - a for a, b in itertools.pairwise(more)))
        rest = 2 * bars + state
        whole = trips * per_trip
        if self.pieces.count is not None:
            # Without a bound the trips are not counted first, and what is kept of them is on stacks.
            whole = 3 * whole + _STACKS
        if whole + first + before + bars + rest + state <= self.bound - self.bound // 32:
            return None
        peaks = (2 * state + forward, 2 * state + rest, state + bars + first - per_trip)
        # Memory that is given back is not always used again at once.
        slack = min(self.bound // 8, 4 * state + self.bound // 32)
        room = self.bound - self.fixed - max(peaks) - slack
        plan = planned(trips, room, state, per_trip)
        if plan is None:
            needed = self.bound - room - slack + per_trip + state
            raise too_little(
                self.owner.original.name, self.bound, needed * 8 // 7 + 1,
                f"its state takes {shown(state)} and the derivative of one trip {shown(first)}",
                self.loop.where,
            )  # fmt: skip
        if self.loop.rest.loops and plan.snapshots:
            # The loops that follow need room for states while those of this loop are held.
            own = room // (1 + self.loop.rest.loops)
            plan = planned(trips, max(own, per_trip + state), state, per_trip) or plan
        return plan

    def _probed(self, trips: int) -> tuple[dict[int, Any], int]:
        """What the first trips rebind variables to, and the bytes that they allocate."""
        *found, allocated = self.loop.advance(
            *self._bounds(0, trips), *self._inside(self._copied(self._state()))
        )
        return dict(zip(self.pieces.rebound, found, strict=True)), allocated

    def _probed_back(self, trips: int) -> int:
        """The bytes that the derivative of the first trips allocates."""
        variables = self._inside(self._copied(self._state()))
        after = self._probed(trips)[0]
        bars = [self._nothing(k, after.get(k, self.now[k])) for k in self.loop.active]
        *_, allocated = self.loop.back(*self._bounds(0, trips), *variables, *bars)
        return allocated

    # -- the schedule ----------------------------------------------------------------------------------------

    def _follow(self, plan: Plan) -> list[Any]:
        """Run the loop and the rest, and walk back to where the loop starts."""
        if not plan.trips:
            return self._rest()
        package, results = schedules(), []
        tail: list[Any] | None = None
        for action in actions(plan):
            match action:
                case package.Forward(n0=n0, n1=n1, write_ics=write, write_adj_deps=last):
                    if write:
                        self.kept[n0] = self._copied(self._state())
                    if last and n1 == plan.portions and tail is None:
                        tail = self._copied(self._state())
                    elif last:
                        continue
                    self._advance(plan, n0, n1)
                case package.EndForward():
                    results = self._rest(self._size_of_states() + _total(tail or []))
                    assert tail is not None
                    self._restore(tail)
                case package.Copy(n=n):
                    self._restore(self._copied(self.kept[n]))
                case package.Move(n=n):
                    self._restore(self.kept.pop(n))
                case package.Reverse(n1=n1, n0=n0):
                    self._back(plan, n0, n1, results)
        return results

    def _advance(self, plan: Plan, first: int, last: int) -> None:
        bounds = self._bounds(plan.first(first), plan.first(last))
        *found, allocated = self.loop.advance(*bounds, *self._inside(self._state()))
        held = self.fixed + self._size_of_states() + 2 * self._state_size()
        self._charge(held, allocated, "some trips of the loop")
        for k, value in zip(self.pieces.rebound, found, strict=True):
            self.now[k] = value
        self._check_apart()
        self.owner.spent.portions += last - first

    def _back(self, plan: Plan, first: int, last: int, results: list[Any]) -> None:
        bounds = self._bounds(plan.first(first), plan.first(last))
        variables = self._inside(self._state())
        bars = [self._bar(k) for k in self.loop.active]
        *found, allocated = self.loop.back(*bounds, *variables, *bars)
        held = self.fixed + self._size_of_states() + self._state_size() + self._held(bars, results)
        self._charge(held, allocated, f"the derivative of {plan.portion} trips")
        for i, value in zip(self.loop.returned, found, strict=True):
            self.bars[self.pieces.inside[i]] = value
        self.owner.spent.reversed += last - first

    def _rest(self, states: int = 0) -> list[Any]:
        """Run what comes after the loop, and walk it back."""
        rest = self.loop.rest
        values = [self.now[k] for k in self.pieces.after]
        held = self.fixed + states + self._state_size()
        results, cotangents = rest.within(values, self.seeds, max(self.bound - held, 0))
        self._charge(held, rest.spent.peak, "what comes after the loop")
        self.bars = {self.pieces.after[i]: bar for i, bar in zip(rest.wrt, cotangents, strict=True)}
        for k in self.pieces.active:
            self.bars.setdefault(k, self._nothing(k, self.now[k]))
        return list(results)

    # -- variables -------------------------------------------------------------------------------------------

    def _bounds(self, first: int, last: int) -> tuple[int, int]:
        """The trips from `first` to before `last` as a range of the loop's index."""
        start, step = self.range.start, self.range.step
        return start + first * step, start + last * step

    def _state(self) -> list[Any]:
        """The values of what a trip changes."""
        return [self.now[k] for k in self.pieces.changed]

    def _copied(self, state: list[Any]) -> list[Any]:
        return [np.array(x, order="K") if isinstance(x, np.ndarray) else x for x in state]

    def _restore(self, state: list[Any]) -> None:
        for k, value in zip(self.pieces.changed, state, strict=True):
            self.now[k] = value

    def _inside(self, state: list[Any]) -> list[Any]:
        """What a portion takes, with the changed variables from `state`."""
        known = dict(zip(self.pieces.changed, state, strict=True))
        return [known.get(k, self.now[k]) for k in self.pieces.inside]

    def _bar(self, k: int) -> Any:
        return self.bars[k]

    def _nothing(self, k: int, value: Any) -> Any:
        """The cotangent zero of a variable, for its value."""
        kind = self.pieces.variables[k].type
        if isinstance(kind, Scalar):
            return kind.dtype.type(0)
        assert isinstance(kind, Array)
        return np.zeros(np.shape(value), kind.dtype, order="F" if kind.layout == "F" else "C")

    def _check_apart(self) -> None:
        for j, k in self.pieces.shared:
            if np.may_share_memory(self.now[j], self.now[k]):
                first, second = (self.pieces.variables[i].name for i in (j, k))
                raise UnsupportedError(
                    f"{first!r} and {second!r} are one array in {self.owner.original.name}",
                    why="under memory= the states of a loop have each variable by itself",
                    remedy=f"make one of them a copy: {second} = {first}.copy().",
                )

    # -- memory ----------------------------------------------------------------------------------------------

    def _state_size(self) -> int:
        return _total(self._state())

    def _size_of_states(self) -> int:
        return sum(_total(state) for state in self.kept.values())

    @staticmethod
    def _held(*groups: Sequence[Any]) -> int:
        return sum(_total(group) for group in groups)

    def _charge(self, held: int, allocated: int, what: str) -> None:
        peak = held + allocated
        self.owner.spent.peak = max(self.owner.spent.peak, peak)
        if peak > self.bound:
            raise too_little(
                self.owner.original.name,
                self.bound,
                peak,
                f"{what} takes {shown(allocated)}",
                self.loop.where,
            )


def _size(value: Any) -> int:
    return value.nbytes + 128 if isinstance(value, np.ndarray) else 32


def _total(values: Sequence[Any]) -> int:
    return sum(map(_size, values))


def _shares(value: Any, others: list[np.ndarray]) -> bool:
    return isinstance(value, np.ndarray) and any(np.may_share_memory(value, other) for other in others)
