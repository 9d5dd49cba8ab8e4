"""The reverse sweep: from the cotangents of the outputs to those of the leaves (Griewank & Walther, §3.2).

Comes in: nodes in an order in which each stands after its parents, and the seed cotangents. Goes out: the
cotangents that reached the leaves. No recursion; a node is released as soon as it has been passed, unless it
is to be walked again.
"""

from __future__ import annotations

from heapq import heappop, heappush, heappushpop
from typing import Any

import numpy as np

from pullback.base.errors import NonFiniteError
from pullback.base.memory import keep_what_is_freed
from pullback.base.modes import modes, switch
from pullback.base.overwrite import Path, overwrite, write_at
from pullback.base.quiet import restore, silence
from pullback.base.spec import Spec
from pullback.base.tracked import bare
from pullback.rules.overwrite import whole_for, written_part
from pullback.rules.read import fit, map_arrays
from pullback.rules.structured import dense
from pullback.tape.accumulate import Owned, Parts, accumulate
from pullback.tape.node import LocatedNode, Node, released

Cotangents = dict[Node, Any]

OWNING: set[Any] = set()
"""The pulls that receive a cotangent as `Owned`, and may write into it."""

keep_what_is_freed()


def descend(output: Node, bars: Cotangents, retain: bool) -> Cotangents:
    """Walk everything that `output`, whose cotangent `bars` holds, depends on; as `walk` without an order.

    A node is passed when every other that is reached has a lower number: its cotangent is complete then. The
    last node that was reached waits outside the heap: where nothing else waits, it is the next.
    """
    watching = switch.on and is_watched(bars)
    pending: list[tuple[int, Node]] = []
    node: Any = output
    y_bar = bars.pop(node)
    while True:
        pull: Any = node.pull
        if type(y_bar) is Owned and pull not in OWNING:
            y_bar = y_bar.value
        parents = node.parents
        reached = None
        if type(parents) is not tuple:
            x_bar = pull(node.saved, y_bar)
            if watching:
                look_at(node, x_bar)
            if not retain:
                node.pull = released
                node.parents = ()
                node.saved = None
            if parents in bars:
                bars[parents] = accumulate(bars[parents], x_bar)
            elif parents.pull is None:
                bars[parents] = x_bar
            elif pending:
                bars[parents] = x_bar
                reached = parents
            else:
                node, y_bar = parents, x_bar
                continue
        else:
            for parent, x_bar in zip(parents, pull(node.saved, y_bar), strict=True):
                if watching:
                    look_at(node, x_bar)
                if parent in bars:
                    bars[parent] = accumulate(bars[parent], x_bar)
                else:
                    bars[parent] = x_bar
                    if parent.pull is not None:
                        if reached is not None:
                            heappush(pending, (-reached.number, reached))
                        reached = parent
            if not retain:
                node.pull = released
                node.parents = ()
                node.saved = None
        if reached is None:
            if not pending:
                return bars
            node = heappop(pending)[1]
        else:
            node = heappushpop(pending, (-reached.number, reached))[1] if pending else reached
        y_bar = bars.pop(node)


def sweep_from(output: Node, y_bar: Any, retain: bool, order: list[Node] | None = None) -> Cotangents:
    """The cotangents that reach the leaves from that of one output.

    As long as all operands of an operation but one are leaves, there is nothing to order: no other operation
    can receive a cotangent there.

    Args:
        order: the recording that `output` is on, if there is one; it is used up.
        retain: as for `sweep`.
    """
    bars: Cotangents = {}
    state = silence()
    try:
        if switch.on and modes.watching and output.pull is not None:
            bars[output] = y_bar
            return descend(output, bars, retain) if order is None else walk(order, bars, retain)
        while (pull := output.pull) is not None:
            parents = output.parents
            if type(y_bar) is Owned and pull not in OWNING:
                y_bar = y_bar.value
            if type(parents) is not tuple:
                y_bar = pull(output.saved, y_bar)
                inner = parents
            else:
                inner = None
                for parent in parents:
                    if parent.pull is not None:
                        if inner is not None:
                            bars[output] = y_bar
                            if order is None:
                                return descend(output, bars, retain)
                            return walk(order, bars, retain)
                        inner = parent
                for parent, x_bar in zip(parents, pull(output.saved, y_bar), strict=True):
                    if parent is inner:
                        y_bar = x_bar
                    elif parent in bars:
                        bars[parent] = accumulate(bars[parent], x_bar)
                    else:
                        bars[parent] = x_bar
            if not retain:
                output.pull = released
                output.parents = ()
                output.saved = None
            if inner is None:
                return bars
            output = inner
        bars[output] = accumulate(bars[output], y_bar) if output in bars else y_bar
        return bars
    finally:
        restore(state)


def sweep(order: list[Node], cotangents: Cotangents, retain: bool) -> Cotangents:
    """Walk `order` backwards, which uses it up; return what has reached the leaves.

    Args:
        order: nodes, each after its parents; those that no cotangent reaches are passed over.
        cotangents: the seeds by node; changed in place and returned.
        retain: whether the nodes keep their saved values for another sweep.
    """
    state = silence()
    try:
        return walk(order, cotangents, retain)
    finally:
        restore(state)


def walk(order: list[Node], cotangents: Cotangents, retain: bool) -> Cotangents:
    """`sweep`, where NumPy's warnings are off already."""
    watching = switch.on and is_watched(cotangents)
    while order:
        node = order.pop()
        y_bar = cotangents.pop(node, None)
        if y_bar is not None:
            pull: Any = node.pull
            if type(y_bar) is Owned and pull not in OWNING:
                y_bar = y_bar.value
            parents = node.parents
            if type(parents) is not tuple:
                x_bar = pull(node.saved, y_bar)
                if watching:
                    look_at(node, x_bar)
                if parents in cotangents:
                    x_bar = accumulate(cotangents[parents], x_bar)
                cotangents[parents] = x_bar
            else:
                for parent, x_bar in zip(parents, pull(node.saved, y_bar), strict=True):
                    if watching:
                        look_at(node, x_bar)
                    if parent in cotangents:
                        cotangents[parent] = accumulate(cotangents[parent], x_bar)
                    else:
                        cotangents[parent] = x_bar
        if not retain:
            node.pull = released
            node.parents = ()
            node.saved = None
    return cotangents


def look_at(node: Node, x_bar: Any) -> None:
    """Raise if a cotangent that `node` gave holds a NaN or an infinity (under `debug_nans`)."""
    if is_finite(x_bar):
        return
    rule = getattr(node.saved, "rule", None)
    located = isinstance(node, LocatedNode)
    raise NonFiniteError(
        f"the adjoint of {'an operation' if rule is None else rule.name} is the first "
        "to yield a NaN or an infinity",
        where=node.where if located else None,
        why="the derivative is not finite at this value",
        remedy="keep the argument away from the singular point, or select with np.where what is finite."
        if located
        else "compute the value within pb.debug_nans(), too: then this names the operation and its line.",
    )


def is_watched(seeds: Cotangents) -> bool:
    """Whether `debug_nans` is on; it raises if a sweep starts from a NaN or an infinity."""
    if modes.watching and not all(is_finite(seed) for seed in seeds.values()):
        raise NonFiniteError(
            "the cotangent that the reverse sweep starts from holds a NaN or an infinity",
            why="every derivative would be one",
        )
    return modes.watching


def is_finite(x_bar: Any) -> bool:
    """Whether a cotangent, or each in a list, holds neither a NaN nor an infinity."""
    finite = True

    def inspect(part: Any) -> None:
        nonlocal finite
        finite = finite and bool(np.all(np.isfinite(bare(dense(part)))))

    map_arrays(inspect, x_bar.value if type(x_bar) is Owned or type(x_bar) is Parts else x_bar)
    return finite


def pull_write(saved: tuple[Path, Any, bool, Spec | None], y_bar: Any) -> Any:
    """The adjoint of an in-place write: take the value's cotangent out, and leave zero behind.

    `saved` is the path, the index, whether the array is followed, and the `Spec` of the value if that is. In
    place where the sweep owns `y_bar`.
    """
    path, index, array_followed, value_spec = saved
    owned = type(y_bar) is Owned
    y_bar = whole_for(path, dense(y_bar))
    if type(y_bar) is float or type(y_bar) is complex:
        y_bar = np.asarray(y_bar)
    value_bar = None
    if value_spec is not None:
        value_bar = fit(written_part(y_bar, path, index), value_spec)
        if not array_followed:
            return value_bar
        if owned and isinstance(value_bar, np.ndarray):
            value_bar = value_bar.copy()
    if type(y_bar) is np.ndarray:
        x_bar = y_bar if owned else y_bar.copy()
        write_at(x_bar, path, index, 0)
        remaining: Any = Owned(x_bar)
    else:
        remaining = overwrite(y_bar, path, index, 0)
    return remaining if value_spec is None else (remaining, value_bar)


OWNING.add(pull_write)
