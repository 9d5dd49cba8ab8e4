"""How a loop's trips are walked backwards in bounded memory: portions of trips, and when to keep a state.

The trips are divided into *portions*. The derivative of one portion keeps what it needs of all its trips; of
the rest only states are kept, by the binomial schedule, and trips are run again from them. (Griewank &
Walther, *Algorithm 799: revolve*, ACM TOMS 26, 2000.)
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pullback.base.errors import UnsupportedError
from pullback.base.location import Location

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12,
          "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}  # fmt: skip
_SIZE = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*([kmgt]i?)?b?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Plan:
    """How to walk back.

    Attributes:
        trips: the trips of the loop.
        portion: how many of them a portion has; the last one may have fewer.
        snapshots: how many states may be kept.
    """

    trips: int
    portion: int
    snapshots: int

    @property
    def portions(self) -> int:
        return -(-self.trips // self.portion)

    def first(self, portion: int) -> int:
        """The first trip of a portion."""
        return min(portion * self.portion, self.trips)

    @property
    def again(self) -> int:
        """How many portions are run for a state only, the first run included."""
        return runs(self.portions, self.snapshots)


def runs(portions: int, snapshots: int) -> int:
    """The least number of portions to run for states alone (Griewank & Walther, Prop. 1)."""
    sweeps = 0
    while math.comb(snapshots + sweeps, snapshots) < portions:
        sweeps += 1
    return sweeps * portions - math.comb(snapshots + sweeps, sweeps - 1) if sweeps else 0


def planned(trips: int, room: int, state: int, per_trip: int) -> Plan | None:
    """The plan that runs the fewest trips again, and of those the one of the fewest portions.

    Args:
        room: bytes for states, and for what the derivative of a portion keeps.
        state: bytes of one state.
        per_trip: bytes that a portion keeps for each trip.

    Returns:
        None if there is no room for one trip and one state.
    """
    best: tuple[tuple[int, int], Plan] | None = None
    for portions in _candidates(trips):
        portion = -(-trips // portions)
        snapshots = (room - portion * per_trip) // max(state, 1)
        if snapshots < (portion < trips):
            continue
        plan = Plan(trips, portion, min(snapshots, -(-trips // portion) - 1))
        cost = (plan.again * plan.portion, plan.portions)
        if best is None or cost < best[0]:
            best = cost, plan
    return best[1] if best else None


def _candidates(trips: int) -> Iterator[int]:
    """Numbers of portions, each some percent more than the last."""
    portions = 1
    while portions < trips:
        yield portions
        portions = max(portions + 1, portions * 9 // 8)
    yield trips


def actions(plan: Plan) -> Iterator[Any]:
    """The schedule's actions on portions, as the package checkpoint-schedules has them."""
    return iter(schedules().MultistageCheckpointSchedule(plan.portions, plan.snapshots, 0))


@functools.cache
def schedules() -> ModuleType:
    """The package checkpoint-schedules.

    Raises:
        UnsupportedError: if it is not installed.
    """
    from numba.core import config as numba_config

    config: Any = numba_config
    jit = config.DISABLE_JIT
    # It lets Numba compile, for seconds, a function that takes microseconds as it is.
    config.DISABLE_JIT = 1
    try:
        import checkpoint_schedules
    except ImportError:
        raise UnsupportedError(
            "memory= needs the package checkpoint-schedules",
            remedy="pip install 'pullback[memory]', or pip install checkpoint-schedules.",
        ) from None
    finally:
        config.DISABLE_JIT = jit
    return checkpoint_schedules


def bytes_of(memory: int | str) -> int:
    """A number of bytes, or a text such as "200MB" or "1.5 GiB".

    Raises:
        UnsupportedError: for anything else.
    """
    if isinstance(memory, int) and not isinstance(memory, bool) and memory > 0:
        return memory
    match = _SIZE.fullmatch(memory) if isinstance(memory, str) else None
    size = int(float(match[1]) * _UNITS[(match[2] or "").lower()]) if match else 0
    if not size:
        raise UnsupportedError(f"memory={memory!r} is no size", remedy="bytes, '200MB' or '1.5GiB'.")
    return size


def shown(size: float) -> str:
    """A number of bytes for the reader: "1.5 MB"."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}" if unit != "bytes" else f"{int(size)} bytes"
        size /= 1000
    return f"{size:.3g} GB"


class TooLittleError(UnsupportedError):
    """A bound that cannot be met."""


def too_little(name: str, bound: int, needed: int, why: str, where: Location | None) -> TooLittleError:
    """The bound cannot be met; `where` is the loop that takes the most."""
    return TooLittleError(
        f"the derivative of {name} does not fit into {shown(bound)}",
        why=f"{why}; together at least {shown(needed)} are needed",
        remedy=f"pb.compile(f, memory={needed}) or more, or fewer arrays in the loop.",
        where=where,
    )
