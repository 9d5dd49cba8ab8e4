"""Gradients of compiled functions, straight from the compiled adjoint.

What is out of the ordinary (an argument that another transform follows, a wrong dtype, an output that is no
number) is left to the tape, which takes a compiled function as one operation and knows the errors.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.api.again import settled
from pullback.api.arguments import leaves_of, map_tree
from pullback.api.compiled import Compiled, Specialised, check_apart
from pullback.api.fitting import coerced
from pullback.api.quick import Part
from pullback.api.recipe import Interface
from pullback.base.argnums import Argnums, choose
from pullback.base.dispatch import tracked_in
from pullback.capture import Captured, Leaf
from pullback.ir.nodes import Assign, Program
from pullback.ir.types import Scalar, is_inexact
from pullback.ir.walk import walk
from pullback.rules.spectra import GENERIC

_UNSETTLED = GENERIC | {np.linalg.pinv, np.linalg.lstsq}
"""The functions that choose a basis where there is more than one, and those with a derivative at one rank."""


class Plan:
    """What a gradient needs to know for one specialisation.

    Attributes:
        wrt: the program's parameters to differentiate by, argument by argument.
        interface, run: the adjoint's, and it as compiled: arguments and seed in, results and cotangents out.
    """

    def __init__(self, specialised: Specialised, wrt: tuple[int, ...], adjoint: Any, seed: Any) -> None:
        self.specialised = specialised
        self.wrt = wrt
        self.interface: Interface = adjoint.interface
        self.run: Callable[..., tuple[Any, ...]] = adjoint.run
        self.seed = seed
        self.results = len(specialised.pure.interface.results)
        self.weak = [isinstance(kind, Scalar) and kind.weak for kind in (specialised.params[k] for k in wrt)]


def value_and_gradient(
    compiled: Compiled, argnums: Argnums, has_aux: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, Any] | None:
    """What `function` returns, and the gradient of its (first) number; None to leave it to the tape."""
    asked = asked_for(argnums, has_aux)
    leaves, specialised = compiled.specialise(args, kwargs)
    values = specialised.values(leaves)
    if tracked_in(values):
        return None
    if asked not in specialised.plans:
        specialised.plans[asked] = planned(compiled, argnums, has_aux, args, kwargs, specialised)
    plan = specialised.plans[asked]
    if plan is None:
        return None
    check_apart(specialised, values, compiled.__name__)
    fitted = [coerced(v, kind) for v, kind in zip(values, specialised.params, strict=True)]
    found = plan.run(*fitted, plan.seed)
    bars = iter(
        bar.item() if weak else bar for bar, weak in zip(found[plan.results :], plan.weak, strict=True)
    )
    output = specialised.captured.rebuild(found[: plan.results])
    chosen = choose(compiled, argnums, args, kwargs)
    if not kwargs and len(leaves) == len(args) and all(map(operator.is_, fitted, values)):
        _remember(compiled, asked, plan, leaves, fitted[len(specialised.dynamic) :], chosen.single)
    gradients = [map_tree(lambda _: next(bars), value) for value in chosen.values()]
    return output, gradients[0] if chosen.single else tuple(gradients)


def quick_or_planned(
    compiled: Compiled, argnums: Argnums, has_aux: bool, args: tuple[Any, ...]
) -> tuple[Any, Any] | None:
    """`value_and_gradient`, at once where such arguments have been answered before."""
    for answer in compiled.quick.get(asked_for(argnums, has_aux), ()):
        known = answer(args)
        if known is not None:
            return known
    return value_and_gradient(compiled, argnums, has_aux, args, {})


def _remember(
    compiled: Compiled, asked: Any, plan: Plan, leaves: list[Any], captives: list[Any], single: bool
) -> None:
    """Answer calls with arguments of such types at once from now on, where the result is one number."""
    specialised = plan.specialised
    result = specialised.captured.result
    if not isinstance(result, Leaf):
        return
    params = [specialised.params[position] for position in plan.wrt]
    gradients = tuple(
        Part(plan.results + k, kind, isinstance(kind, Scalar) and kind.weak) for k, kind in enumerate(params)
    )
    value = Part(result.position, plan.interface.results[result.position])
    answered = (value, gradients[0] if single else gradients)
    careful = settled if may_ask_again(specialised.captured.program) else None
    compiled.remember(asked, specialised, leaves, plan.run, (*captives, plan.seed), answered, careful)


def may_ask_again(program: Program) -> bool:
    """Whether a run may leave the derivative unsettled (see `again`)."""
    return any(isinstance(s, Assign) and s.function in _UNSETTLED for s in walk(program.body))


def asked_for(argnums: Argnums, has_aux: bool) -> Any:
    """What two gradients of a function share that are the same."""
    return (tuple(argnums) if isinstance(argnums, list) else argnums, has_aux)


def output_of(captured: Captured, has_aux: bool) -> Leaf | None:
    """Which of a program's results is differentiated; None where there is no one such result."""
    result = captured.result
    if has_aux:
        result = result[0] if isinstance(result, tuple) and len(result) == 2 else None
    return result if isinstance(result, Leaf) else None


def planned(
    compiled: Compiled,
    argnums: Argnums,
    has_aux: bool,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    specialised: Specialised,
) -> Plan | None:
    """The plan for this specialisation; None where the tape has to say what is wrong."""
    result = output_of(specialised.captured, has_aux)
    if result is None:
        return None
    pure = specialised.pure.interface
    kind = pure.results[result.position]
    wrt = positions_of(compiled, argnums, args, kwargs, specialised)
    if not pure.computed[result.position] or not isinstance(kind, Scalar) or kind.dtype.kind != "f":
        return None
    if not wrt or not all(is_inexact(specialised.params[k]) for k in wrt):
        return None
    adjoint = specialised.pure.adjoint(wrt, (result.position,))
    return Plan(specialised, wrt, adjoint, kind.dtype.type(1))


def positions_of(
    compiled: Compiled,
    argnums: Argnums,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    specialised: Specialised,
) -> tuple[int, ...]:
    """The program's parameters that come from the chosen arguments; () if a leaf there is no number."""
    chosen = choose(compiled, argnums, args, kwargs)
    first, ranges = 0, {}
    for name, value in [*enumerate(args), *kwargs.items()]:
        count = len(list(leaves_of(value)))
        ranges[name] = range(first, first + count)
        first += count
    leaves = [leaf for key in chosen.keys for leaf in ranges[key]]
    if any(leaf not in specialised.dynamic for leaf in leaves):
        return ()
    return tuple(specialised.dynamic.index(leaf) for leaf in leaves)
