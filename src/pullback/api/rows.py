"""Jacobians of compiled functions with few outputs: all rows from one run of one program.

How many rows there are is known once the function has run; if that differs from what a program was made for,
it was run in vain.
"""

from __future__ import annotations

import contextlib
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.api.arguments import map_tree
from pullback.api.compiled import Compiled, Specialised, check_apart
from pullback.api.fitting import coerced
from pullback.api.native import asked_for, may_ask_again, output_of, positions_of
from pullback.api.quick import Answer, Part
from pullback.base.argnums import Argnums, choose
from pullback.base.dispatch import tracked_in
from pullback.base.errors import MutationError, UnsupportedError
from pullback.capture import Leaf
from pullback.ir.types import Array, Scalar

_MOST = 8
"""As many rows are written out in one program."""


@dataclass(slots=True)
class _Plan:
    """What the rows of one specialisation need.

    Attributes:
        position: that of the output among the results.
        wrt: the program's parameters to differentiate by.
        shape: of the output when it was last seen.
        run: takes the arguments and a cotangent for each entry of such an output; None where there is no such
            program.
        seeds: these cotangents.
    """

    position: int
    wrt: tuple[int, ...]
    shape: tuple[int, ...] = ()
    run: Callable[..., tuple[Any, ...]] | None = None
    seeds: list[Any] = field(default_factory=list)

    def look(self, specialised: Specialised, shape: tuple[int, ...]) -> None:
        """Prepare for an output of this shape."""
        kind = specialised.pure.interface.results[self.position]
        count = math.prod(shape)
        self.shape, self.run, self.seeds = shape, None, []
        if 2 <= count <= _MOST:
            assert isinstance(kind, Array)
            self.seeds = list(np.eye(count, dtype=kind.dtype).reshape(count, *shape))
            # Where it cannot be one program, the rows come one by one.
            with contextlib.suppress(UnsupportedError):
                several = specialised.pure.several(self.wrt, (self.position,), count)
                # The cotangents are there for the next call.
                self.run = None if several.interface.written else several.run


def rows_at_once(
    compiled: Compiled,
    argnums: Argnums,
    mode: str,
    has_aux: bool,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """The Jacobian, and what is beside the output; None where there are many rows, or fewer columns."""
    asked = ("rows", mode, asked_for(argnums, has_aux))
    for answer in () if kwargs else compiled.quick.get(asked, ()):
        known = answer(args)
        if known is not None:
            return known
    leaves, specialised = compiled.specialise(args, kwargs)
    values = specialised.values(leaves)
    if tracked_in(values):
        return None
    fitted = [coerced(v, kind) for v, kind in zip(values, specialised.params, strict=True)]
    plan = _plan_for(compiled, argnums, has_aux, args, kwargs, specialised, fitted)
    if plan is None:
        return None
    columns = sum(np.size(fitted[k]) for k in plan.wrt)
    found = None
    for _ in range(2):
        if plan.run is None or (mode == "auto" and columns <= len(plan.seeds)):
            return None
        try:
            found = plan.run(*fitted, *plan.seeds)
        except (ValueError, IndexError):
            # The cotangents may be of a wrong shape; or it is the function's own error, and comes again.
            shape = np.shape(specialised.pure(*fitted)[plan.position])
        else:
            shape = np.shape(found[plan.position])
        if shape == plan.shape:
            break
        plan.look(specialised, shape)
        found = None
    if found is None:
        return None
    count = len(specialised.pure.interface.results)
    output = specialised.captured.rebuild(found[:count])
    bars = iter([np.reshape(bar, plan.shape + bar.shape[1:]) for bar in found[count:]])
    chosen = choose(compiled, argnums, args, kwargs)
    if not kwargs and len(leaves) == len(args) and all(map(operator.is_, fitted, values)):
        captives = fitted[len(specialised.dynamic) :]
        _remember(compiled, asked, plan, specialised, leaves, captives, has_aux, chosen.single)
    blocks = [map_tree(lambda _: next(bars), value) for value in chosen.values()]
    matrix = blocks[0] if chosen.single else tuple(blocks)
    return (matrix, output[1]) if has_aux else matrix


def _remember(
    compiled: Compiled,
    asked: Any,
    plan: _Plan,
    specialised: Specialised,
    leaves: list[Any],
    captives: list[Any],
    has_aux: bool,
    single: bool,
) -> None:
    """Answer calls with arguments of such types at once from now on, where the output is a vector."""
    shape, seeds, kinds = plan.shape, plan.seeds, specialised.pure.interface.results
    result = specialised.captured.result
    beside = result[1] if has_aux else None
    if len(shape) != 1 or plan.run is None or not isinstance(beside, Leaf | None):
        return
    blocks = tuple(Part(len(kinds) + k, specialised.params[p]) for k, p in enumerate(plan.wrt))
    answered: Any = blocks[0] if single else blocks
    if isinstance(beside, Leaf):
        answered = answered, Part(beside.position, kinds[beside.position])
    given = [specialised.dynamic[k] for k in plan.wrt]
    fewest = len(seeds) if asked[1] == "auto" else 0

    def for_such(answer: Answer) -> Answer:
        def answer_if_so_many(args: tuple[Any, ...]) -> Any:
            try:
                known = answer(args)
            except (ValueError, IndexError):
                return None
            if known is None or known[0].shape != shape or sum(np.size(args[k]) for k in given) <= fewest:
                return None
            return known[1]

        return answer_if_so_many

    value = Part(plan.position, kinds[plan.position])
    rest = (*captives, *seeds)
    compiled.remember(asked, specialised, leaves, plan.run, rest, (value, answered), for_such)


def _plan_for(
    compiled: Compiled,
    argnums: Argnums,
    has_aux: bool,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    specialised: Specialised,
    fitted: list[Any],
) -> _Plan | None:
    planned = ("rows", asked_for(argnums, has_aux))
    try:
        check_apart(specialised, fitted, compiled.__name__)
    except MutationError:
        # The tape makes copies.
        return None
    if planned not in specialised.plans:
        plan = _planned(compiled, argnums, has_aux, args, kwargs, specialised)
        if plan is not None:
            plan.look(specialised, np.shape(specialised.pure(*fitted)[plan.position]))
        specialised.plans[planned] = plan
    return specialised.plans[planned]


def _planned(
    compiled: Compiled,
    argnums: Argnums,
    has_aux: bool,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    specialised: Specialised,
) -> _Plan | None:
    """What is asked for; None where the engines have to see to it."""
    result = output_of(specialised.captured, has_aux)
    if result is None or specialised.memory is not None:
        return None
    pure = specialised.pure.interface
    wrt = positions_of(compiled, argnums, args, kwargs, specialised)
    kinds = [pure.results[result.position], *(specialised.params[k] for k in wrt)]
    real = all(isinstance(kind, Scalar | Array) and kind.dtype.kind == "f" for kind in kinds)
    if not wrt or not real or not pure.computed[result.position]:
        return None
    return None if may_ask_again(specialised.captured.program) else _Plan(result.position, wrt)
