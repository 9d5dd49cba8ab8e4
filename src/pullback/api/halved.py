"""`pb.vjp` of compiled functions in two programs (`transform.halves`).

The first runs for the value, the second each time a cotangent is pulled back.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

from pullback.api.arguments import map_tree
from pullback.api.compiled import Compiled, Specialised, check_apart
from pullback.api.fitting import coerced
from pullback.api.native import asked_for, may_ask_again, positions_of
from pullback.api.operation import Operation
from pullback.base.dispatch import tracked_in
from pullback.base.pytrees import flatten
from pullback.capture import Captured
from pullback.ir.types import Scalar, is_inexact


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the two programs of one specialisation are.

    Attributes:
        places: for each leaf of the output, its position among the results.
        of: these positions, each once.
        taken: the positions of the parameters that `back` takes.
        weak: of the parameters to differentiate by, which are Python numbers.
    """

    ahead: Operation
    back: Operation
    places: tuple[int, ...]
    of: tuple[int, ...]
    taken: tuple[int, ...]
    weak: tuple[bool, ...]


def pulled_back(
    compiled: Compiled, primals: tuple[Any, ...], has_aux: bool
) -> tuple[Any, Callable[[list[Any]], list[Any]]] | None:
    """What a function returns, and what pulls cotangents of its leaves back; None to leave it to the tape.

    Args:
        has_aux: the leaves are those of the first of the two things that it returns.
    """
    leaves, specialised = compiled.specialise(primals, {})
    given = specialised.values(leaves)
    if tracked_in(given) or specialised.memory is not None:
        return None
    asked = ("halved", asked_for(tuple(range(len(primals))), has_aux))
    if asked not in specialised.plans:
        specialised.plans[asked] = _planned(compiled, primals, has_aux, specialised)
    plan: _Plan | None = specialised.plans[asked]
    if plan is None:
        return None
    check_apart(specialised, given, compiled.__name__)
    fitted = [coerced(v, kind) for v, kind in zip(given, specialised.params, strict=True)]
    # What the arguments become later is nothing to the cotangents.
    own = {k: fitted[k].copy("K") if isinstance(fitted[k], np.ndarray) else fitted[k] for k in plan.taken}
    found = plan.ahead(*fitted)
    count = len(specialised.pure.interface.results)
    kept = found[count:]

    def pulled(bars: list[Any]) -> list[Any]:
        seeds = [
            _sum(bar for bar, k in zip(bars, plan.places, strict=True) if k == place) for place in plan.of
        ]
        cotangents = map(_number_or_own, plan.back(*own.values(), *kept, *seeds), plan.weak, repeat(seeds))
        return [map_tree(lambda _: next(cotangents), primal) for primal in primals]

    output = specialised.captured.rebuild([_own(y, fitted) for y in found[:count]])
    return output, pulled


def _sum(bars: Iterable[Any]) -> Any:
    return functools.reduce(np.add, bars)


def _number_or_own(bar: Any, weak: bool, others: list[Any]) -> Any:
    return bar.item() if weak and not tracked_in((bar,)) else _own(bar, others)


def _own(array: Any, others: list[Any]) -> Any:
    """`array`, or a copy where it shares memory with others."""
    if not isinstance(array, np.ndarray):
        return array
    shared = (isinstance(other, np.ndarray) and np.may_share_memory(array, other) for other in others)
    return array.copy() if any(shared) else array


def _planned(
    compiled: Compiled, primals: tuple[Any, ...], has_aux: bool, specialised: Specialised
) -> _Plan | None:
    places = _places(specialised.captured, has_aux)
    wrt = positions_of(compiled, tuple(range(len(primals))), primals, {}, specialised)
    pure = specialised.pure
    if places is None or not wrt or may_ask_again(specialised.captured.program):
        return None
    results = pure.interface.results
    if not all(
        is_inexact(kind) for kind in (*(specialised.params[k] for k in wrt), *(results[k] for k in places))
    ):
        return None
    if not all(pure.interface.computed[k] for k in places):
        return None
    of = tuple(sorted(set(places)))
    ahead, back = pure.halved(wrt, of)
    if ahead.interface.written or back.interface.written:
        return None
    names = [param.name for param in pure.interface.params]
    taken = tuple(names.index(param.name) for param in back.interface.params if param.name in names)
    kinds = [specialised.params[k] for k in wrt]
    weak = tuple(isinstance(kind, Scalar) and kind.weak for kind in kinds)
    return _Plan(ahead, back, places, of, taken, weak)


def _places(captured: Captured, has_aux: bool) -> tuple[int, ...] | None:
    """Which results the leaves of the output are; None where one is no result."""
    places = [object() for _ in captured.program.results]
    result: Any = captured.rebuild(places)
    if has_aux:
        if not (isinstance(result, tuple) and len(result) == 2):
            return None
        result = result[0]
    leaves, _ = flatten(result)
    if not leaves or not all(leaf in places for leaf in leaves):
        return None
    return tuple(places.index(leaf) for leaf in leaves)
