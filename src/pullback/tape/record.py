"""From an operation to a node: any NumPy function, any arguments.

`dispatch` is the general way; `fast` has shorter ones for elementwise operations on real arrays. An operation
is handled by the highest level among its arguments; what lies below that level are ordinary values, which
NumPy dispatches in turn.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Set
from typing import Any

import numpy as np

from pullback.base.boxes import unboxed
from pullback.base.composed import COMPOSED
from pullback.base.creation import CREATION, created
from pullback.base.dispatch import tracked_in
from pullback.base.errors import NonFiniteError
from pullback.base.foreign import refuse_foreign, refuse_objects
from pullback.base.location import user_location
from pullback.base.modes import modes, switch
from pullback.base.operands import elementwise, plain, positional, rebuilt, unfollowed
from pullback.base.overwrite import Step, derivation
from pullback.base.separate import SEPARATE
from pullback.base.spec import is_whole, spec_of, spec_tree
from pullback.base.tracked import Tracked, bare
from pullback.rules.lookup import rule_of, sparse_product
from pullback.rules.read import cotangent, fit, vjp_direction
from pullback.rules.table import ALL, Rule
from pullback.tape.accumulate import Parts
from pullback.tape.keep import snapshot
from pullback.tape.node import ROOT, LocatedNode, Node, Recording
from pullback.tape.variable import Variable, variable

Place = tuple[int, ...]
"""Where an operand stands: its argument position, then the indices in a list that is that argument."""


def dispatch(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Apply a function that NumPy hands over; `NotImplemented` if a higher level has to do it."""
    if function in CREATION:
        return created(function, args, kwargs, _writable)
    if function in SEPARATE and len(args) > 1:
        return SEPARATE[function](*args, **kwargs)
    if function in COMPOSED:
        return COMPOSED[function](*args, **kwargs)
    if function is np.matmul and (multiply := sparse_product(function, args)):
        return multiply(*args)
    rule = rule_of(function)
    refuse_foreign(args, f"an argument of {rule.name}")
    if rule.constant:
        return function(
            *(plain(value) for value in args), **{key: plain(value) for key, value in kwargs.items()}
        )
    if any(tracked_in((value,)) for value in kwargs.values()):
        args, kwargs = positional(function, args, kwargs)
    if rule.partials is not None:
        args, kwargs = elementwise(function, args, kwargs)
    operands: list[tuple[Place, Variable]] = []
    others: list[Tracked] = []
    _find(args, (), operands, others)
    if any(x.is_box for _, x in operands):
        return unboxed(rule.function, rule.view, args, kwargs)
    tape = _highest(operands)
    if others and max(other.level for other in others) > (-1 if tape is None else tape.level):
        return NotImplemented
    return _record(rule, args, kwargs, operands, tape)


def _writable(y: Any) -> Variable:
    return variable(y, None, ROOT)


def _record(
    rule: Rule,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    operands: list[tuple[Place, Variable]],
    tape: Recording | None,
) -> Any:
    if tape is None:
        return _constant(rule, args, kwargs)
    if switch.on and tape.level < modes.paused:
        return unfollowed(rule.function, args, kwargs)
    followed = [(place, x) for place, x in operands if x._node is not None and x._tape is tape]
    followed_ids = {id(x) for _, x in followed}
    values = tuple(_lowered(value, followed_ids) for value in args)
    places = tuple(place for place, _ in followed)
    keeps = keeps_of(rule, tuple(dict.fromkeys(place[0] for place in places)), len(values))
    y = rule.compute(*values, **kwargs)
    if is_whole(y):
        return y
    refuse_objects(y, f"the result of {rule.name}")
    node = _node(rule, places, keeps, y, values, kwargs, followed, tape)
    return _outputs(rule, y, node, tape, args, kwargs)


def _find(values: Any, place: Place, found: list[tuple[Place, Variable]], others: list[Tracked]) -> None:
    """The variables in `values` and their places, views brought up to date, and what else is tracked."""
    for i, value in enumerate(values):
        if type(value) is np.ndarray:
            continue
        if isinstance(value, Variable):
            if value._cell is not None:
                value.settle()
            found.append(((*place, i), value))
        elif isinstance(value, Tracked):
            others.append(value)
        elif isinstance(value, (list, tuple)):
            _find(value, (*place, i), found, others)


def _highest(operands: list[tuple[Place, Variable]]) -> Recording | None:
    """The tape with the highest level among operands that are followed; None if none is."""
    highest: Recording | None = None
    for _, x in operands:
        tape = x._tape
        if tape is not highest and x._node is not None and (highest is None or tape.level > highest.level):
            highest = tape
    return highest


def _lowered(value: Any, followed: Set[int]) -> Any:
    """`value` as this tape's function sees it: followed variables peeled, others as they are now."""
    kind = type(value)
    if kind is Variable:
        return value._value if id(value) in followed else value.frozen()
    if kind is np.ndarray:
        return value
    return rebuilt(value, lambda x: x._value if id(x) in followed else x.frozen())


def _constant(rule: Rule, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Apply a function to constants; the result can be written into."""
    y = rule.function(*(_lowered(value, frozenset()) for value in args), **kwargs)
    return _outputs(rule, y, None, ROOT, args, kwargs)


@functools.cache
def keeps_of(rule: Rule, positions: tuple[int, ...], count: int) -> tuple[bool, ...]:
    """Whether ``y`` and each of `count` arguments are read for the cotangents of `positions`."""
    total = [False] * (count + 1)
    for position in positions:
        if rule.partials is not None:
            partial: Any = rule.partials[position]
            reads = partial.keeps(count) if hasattr(partial, "keeps") else (False,) * (count + 1)
            if position in rule.refusals:
                vjp_direction(rule, position)
        else:
            if position in rule.refusals:
                vjp_direction(rule, position)
            reads = vjp_direction(rule, position)[1].keeps(count)
        total = [a or b for a, b in zip(total, reads, strict=True)]
    return tuple(total)


class Saved:
    """What `pull_general` needs: the rule, the places that are followed, and what was kept."""

    __slots__ = ("args", "complex", "kwargs", "places", "rule", "specs", "y", "y_specs")


def _node(
    rule: Rule,
    places: tuple[Place, ...],
    keeps: tuple[bool, ...],
    y: Any,
    values: tuple[Any, ...],
    kwargs: dict[str, Any],
    followed: list[tuple[Place, Variable]],
    tape: Recording,
) -> Node:
    saved = Saved()
    saved.rule = rule
    saved.places = places
    saved.kwargs = {key: snapshot(value) for key, value in kwargs.items()} if kwargs else kwargs
    several = isinstance(y, (tuple, list))
    saved.y = y if keeps[0] else spec_tree(y)
    saved.y_specs = [spec_of(bare(part)) for part in y] if several else None
    variables = {place[0] for place in places if len(place) == 1}
    saved.args = tuple(
        (value if i in variables else snapshot(value)) if keep else spec_tree(value)
        for i, (keep, value) in enumerate(zip(keeps[1:], values, strict=True))
    )
    saved.specs = [spec_of(bare(x._value)) for _, x in followed]
    saved.complex = any(spec.dtype.kind == "c" for spec in saved.y_specs or [spec_of(bare(y))])
    parents: Any = tuple(x._node for _, x in followed)
    if len(parents) == 1:
        parents = parents[0]
    if switch.on and modes.watching:
        where = user_location()
        look_at_value(rule, y, where)
        node: Node = LocatedNode(pull_general, parents, saved, where)
    else:
        node = Node(pull_general, parents, saved)
    if tape.nodes is not None:
        tape.nodes.append(node)
    return node


def look_at_value(rule: Rule, y: Any, where: Any) -> None:
    """Raise if a value holds a NaN or an infinity (under `debug_nans`)."""
    for part in y if isinstance(y, (tuple, list)) else (y,):
        if not np.all(np.isfinite(bare(part))):
            raise NonFiniteError(
                f"{rule.name} is the first operation to yield a NaN or an infinity",
                where=where,
                why="the function is not finite at this argument",
            )


def pull_general(saved: Saved, y_bar: Any) -> Any:
    """The cotangents of the followed operands of any operation, in the order of their places."""
    rule = saved.rule
    if type(y_bar) is Parts:
        y_bar = y_bar.filled(saved.y_specs)
    by_position: dict[int, Any] = {}
    joint = rule.partials is None and ALL in rule.vjps
    bars = []
    for place, spec in zip(saved.places, saved.specs, strict=True):
        position = place[0]
        if position not in by_position:
            x_bar = cotangent(rule, position, y_bar, saved.y, saved.args, saved.kwargs, saved.complex)
            if joint and vjp_direction(rule, position)[0] == ALL:
                by_position.update(enumerate(x_bar))
            else:
                by_position[position] = x_bar
        x_bar = by_position[position]
        for i in place[1:]:
            x_bar = x_bar[i]
        bars.append(fit(x_bar, spec))
    return bars if len(bars) > 1 else bars[0]


def pull_part(saved: tuple[int, int], y_bar: Any) -> Parts:
    """The cotangent of one output of an operation with several."""
    return Parts(saved[0], saved[1], y_bar)


def _outputs(
    rule: Rule,
    y: Any,
    node: Node | None,
    tape: Recording,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """The variable for `y`, or one for each of several outputs; linked to what it is a view of."""
    if not isinstance(y, (tuple, list)):
        made = variable(y, node, tape)
        if rule.view:
            _linked(made, args, derivation(rule.function, args, kwargs, None))
        return made
    parts = []
    for i, part in enumerate(y):
        dtype = getattr(bare(part), "dtype", None)
        if isinstance(part, int) or (dtype is not None and dtype.kind not in "fc"):
            parts.append(part)
            continue
        part_node = None
        if node is not None:
            part_node = Node(pull_part, node, (len(y), i))
            if tape.nodes is not None:
                tape.nodes.append(part_node)
        made = variable(part, part_node, tape)
        if rule.view:
            _linked(made, args, derivation(rule.function, args, kwargs, i))
        parts.append(made)
    return type(y)(*parts) if hasattr(y, "_fields") else type(y)(parts)


def _linked(made: Variable, args: tuple[Any, ...], derived: tuple[int, Step]) -> None:
    place, step = derived
    made.link(args[place], step)
