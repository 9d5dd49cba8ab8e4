"""Where control flow meets: the values that names have on two ways become cells of the program.

A branch is captured with names of its own; at its end every live name that the two ways disagree on is bound
to a new cell, of the type that holds both values. Where the value was made in the branch itself the cell
takes its place, so that the program reads as the user's does. (Cytron et al., *Efficiently computing static
single assignment form*, 1991: the cells are its φ-functions.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.capture.coalesce import coalesce
from pullback.capture.context import Context
from pullback.capture.values import (
    BOTTOM,
    DROPPED,
    Maybe,
    Poison,
    UnreachedError,
    children,
    describe,
    is_lent,
    is_mixed,
    is_numeric,
    is_scalar,
    is_static,
    kind_of,
    labels,
    same,
    shape_of_structure,
    with_children,
)  # fmt: skip
from pullback.ir.nodes import Block, If, Var
from pullback.ir.primitives import select
from pullback.ir.types import Array, Scalar, join

RESULT, RETURN, BREAK, CONTINUE, DEAD = "$result", "$return", "$break", "$continue", "$dead"
FLAGS = (RETURN, BREAK, CONTINUE)
"""Static True, or a Var; absent is False. `DEAD` marks a way that ends in a `raise`."""

MISSING = object()


@dataclass
class Merge:
    """The cells that a meeting of two ways needs, with the value each gets on either way."""

    context: Context
    before: dict[str, Any]
    pairs: list[tuple[Var, Any, Any]] = field(default_factory=list)
    known: dict[Any, Var] = field(default_factory=dict)

    def value(self, name: str, a: Any, b: Any) -> Any:
        """One value for both; `Poison` where there is none."""
        if same(a, b):
            return a
        if is_optional(a, b):
            return self._maybe(name, a, b, none=True)
        if a is DROPPED or b is DROPPED:
            other = b if a is DROPPED else a
            return self._maybe(name, a, b, none=isinstance(other, Maybe) and other.none)
        if a is MISSING or b is MISSING or isinstance(a, Maybe) or isinstance(b, Maybe):
            if any(isinstance(x, Maybe) and x.none for x in (a, b)):
                return Poison(f"{name} is None on one way and unbound on the other", self.context.location())
            return self._maybe(name, a, b, none=False)
        if isinstance(a, Poison) or isinstance(b, Poison):
            return a if isinstance(a, Poison) else b
        if is_numeric(a) and is_numeric(b):
            return self._cell(name, a, b)
        parts_a, parts_b = children(a), children(b)
        if parts_a is not None and parts_b is not None and shape_of_structure(a) == shape_of_structure(b):
            words = labels(a)
            parts = [
                self.value(f"{name}_{word}", x, y) for word, x, y in zip(words, parts_a, parts_b, strict=True)
            ]
            poison = next((part for part in parts if isinstance(part, Poison)), None)
            return poison or with_children(a, parts, self.context.home)
        return self._poison(name, a, b)

    def _poison(self, name: str, a: Any, b: Any) -> Poison:
        plain = name if not name.startswith("$") else "the result"
        return Poison(
            f"{plain} is {describe(a)} on one way and {describe(b)} on the other",
            self.context.location(),
            is_mixed(a, b),
        )

    def _cell(self, name: str, a: Any, b: Any) -> Any:
        key = tuple(x.name if isinstance(x, Var) else repr(x) for x in (a, b))
        if key in self.known:
            return self.known[key]
        kind = join(kind_of(a), kind_of(b))
        if kind is None:
            return self._poison(name, a, b)
        cell = self.context.builder.var(cell_name(name), kind)
        self.known[key] = cell
        self.pairs.append((cell, a, b))
        self.context.unite(cell, a)
        self.context.unite(cell, b)
        return cell

    def _maybe(self, name: str, a: Any, b: Any, none: bool) -> Any:
        (value_a, flag_a), (value_b, flag_b) = parts_of(a, none), parts_of(b, none)
        if value_a is MISSING or value_b is MISSING:
            present = value_b if value_a is MISSING else value_a
            merged = self._padded(name, present, value_a is MISSING)
        else:
            merged = self.value(name, value_a, value_b)
        if isinstance(merged, Poison):
            return merged
        if name.startswith("$"):
            return merged
        before = self.before.get(name)
        if isinstance(before, Maybe) and all(_still(before, side) for side in (a, b)):
            # Bound on the way where it was read: what is known there is not worth a new flag.
            return before
        flag = self.value(f"{cell_name(name)}_is_{'some' if none else 'bound'}", flag_a, flag_b)
        return merged if flag is True else Maybe(merged, flag, none)

    def _padded(self, name: str, present: Any, first: bool) -> Any:
        """`present`, with cells that hold something of its type on the way where the name is unbound."""
        if isinstance(present, Poison) or present is MISSING or is_static(present):
            return present
        if same(present, parts_of(self.before.get(name, MISSING))[0]):
            return present
        parts = children(present)
        if parts is not None:
            merged = [
                self._padded(f"{name}_{word}", part, first)
                for word, part in zip(labels(present), parts, strict=True)
            ]
            return with_children(present, merged, self.context.home)
        if not is_numeric(present):
            return present
        nothing = Nothing(kind_of(present))
        a, b = (nothing, present) if first else (present, nothing)
        kind = nothing.cell_type
        cell = self.context.builder.var(cell_name(name), kind)
        self.pairs.append((cell, a, b))
        self.context.unite(cell, present)
        return cell


def _still(before: Maybe, value: Any) -> bool:
    """Whether a name has the value it had, known to be bound or not."""
    now, flag = parts_of(value, before.none)
    return same(before.value, now) and (flag is True or same(before.flag, flag))


@dataclass
class Nothing:
    """Stands for a value that is never read: the cell only needs to hold something."""

    kind: Scalar | Array

    @property
    def cell_type(self) -> Scalar | Array:
        if isinstance(self.kind, Scalar):
            return self.kind
        return Array(self.kind.dtype, self.kind.ndim, layout="C" if self.kind.layout == "C" else "A")


def cell_name(name: str) -> str:
    """The name of a variable for a name or a flag."""
    return {RETURN: "returned", BREAK: "broke", CONTINUE: "skipped"}.get(
        name, name.lstrip("$").partition(" ")[0]
    )


def is_optional(a: Any, b: Any) -> bool:
    """Whether a name is None on one way and a value on the other."""

    def may_be_none(x: Any) -> bool:
        return x is None or (isinstance(x, Maybe) and x.none)

    def has_value(x: Any) -> bool:
        if isinstance(x, Maybe):
            return x.none
        return is_numeric(x) or children(x) is not None

    return (may_be_none(a) and has_value(b)) or (may_be_none(b) and has_value(a))


def parts_of(value: Any, none: bool = False) -> tuple[Any, Any]:
    """A value and whether it is there; with `none`, None stands for a value that is not."""
    if value is MISSING or value is BOTTOM or (none and value is None):
        return MISSING, False
    if value is DROPPED:
        return MISSING, True
    if isinstance(value, Maybe):
        return value.value, value.flag
    return value, True


def set_cell(context: Context, cell: Var, value: Any) -> None:
    """Add ``cell = value``."""
    if isinstance(value, Nothing):
        kind = value.kind
        if isinstance(kind, Scalar):
            value = kind.dtype.type(0)
        else:
            value = context.call(np.empty, (0,) * kind.ndim, dtype=kind.dtype, name=cell.name)
    context.assign(cell, value)


def fork(
    context: Context,
    test: Var,
    then: Callable[[], None],
    orelse: Callable[[], None],
    live: frozenset[str],
) -> None:
    """``if test: then() else: orelse()``; names in `live` are joined after it."""
    before = dict(context.env)
    with context.block() as first:
        _way(context, then)
    env_then = context.env
    context.frame.env = dict(before)
    with context.block() as second:
        _way(context, orelse)
    env_else = context.env
    if env_then.get(DEAD) or env_else.get(DEAD):
        _one_way(context, test, (env_then, first.block), (env_else, second.block))
        return
    merge = Merge(context, before)
    context.frame.env = merged_env(merge, env_then, env_else, live)
    blocks_ = []
    for side, block in enumerate((first.block, second.block)):
        with context.block() as more:
            for pair in merge.pairs:
                set_cell(context, pair[0], pair[1 + side])
        blocks_.append(coalesce(block + more.block, [(p[0], p[1 + side]) for p in merge.pairs]))
    if blocks_[0] or blocks_[1]:
        context.add(If(test, *_either(blocks_)))


def chosen(context: Context, test: Any, a: Any, b: Any) -> Any:
    """``a if test else b`` of values that are there already."""
    if isinstance(test, bool):
        return a if test else b
    if is_scalar(a) and is_scalar(b) and kind_of(a) == kind_of(b):
        return context.call(select, test, a, b)
    name = "$value"

    def first() -> None:
        context.env[name] = a

    def second() -> None:
        context.env[name] = b

    fork(context, test, first, second, frozenset(context.frame.local_names))
    value = context.env.pop(name)
    if isinstance(value, Poison):
        context.fail("the two values have no type in common", value.why, "make them of one type")
    return value


def _way(context: Context, capture: Callable[[], None]) -> None:
    try:
        capture()
    except UnreachedError:
        context.env[DEAD] = True


def _either(sides: list[Block]) -> tuple[Block, Block]:
    return sides[0], sides[1]


def _one_way(context: Context, test: Var, then: tuple[Any, Block], orelse: tuple[Any, Block]) -> None:
    """An `If` of which at least one side raises: what follows goes on from the other."""
    if then[0].get(DEAD) and orelse[0].get(DEAD):
        context.add(If(test, then[1], orelse[1]))
        context.frame.env = dict(then[0])
        return
    dead, alive = (then, orelse) if then[0].get(DEAD) else (orelse, then)
    if dead is orelse:
        test = context.call(np.logical_not, test, name=f"not_{test.name}")
    context.add(If(test, dead[1]))
    context.builder.extend(alive[1])
    context.frame.env = dict(alive[0])


def merged_env(merge: Merge, a: dict[str, Any], b: dict[str, Any], live: frozenset[str]) -> dict[str, Any]:
    """The names after two ways meet."""
    merged: dict[str, Any] = {}
    for name in dict.fromkeys((*a, *b)):
        absent: Any = False if name in FLAGS else MISSING
        x, y = a.get(name, absent), b.get(name, absent)
        if x is not y:
            x, y = (MISSING if v is BOTTOM else v for v in (x, y))
        if name.startswith("$") or is_lent(name) or name in live or same(x, y):
            value = merge.value(name, x, y)
            if not (name in FLAGS and value is False):
                merged[name] = value
        else:
            merged[name] = DROPPED
    return merged


def any_flag(context: Context, names: tuple[str, ...] = FLAGS) -> Any:
    """Whether any of these exits was taken: False, True, or a variable."""
    found: Any = False
    for name in names:
        flag = context.env.get(name, False)
        if flag is True:
            return True
        if isinstance(flag, Var):
            found = flag if found is False else context.call(np.logical_or, found, flag, name="left")
    return found


def guarded(
    context: Context,
    rest: Callable[[], None],
    live: frozenset[str],
    flags: tuple[str, ...] = FLAGS,
    used_up: str = "",
) -> None:
    """Capture `rest` for the runs that have not left by one of `flags`, which is known at run time only.

    The flag `used_up` means nothing afterwards: a `break` after the ``else`` of its loop.
    """
    left = any_flag(context, flags)
    assert isinstance(left, Var)
    taken = [flag for flag in flags if isinstance(context.env.get(flag), Var)]
    stay = context.call(np.logical_not, left, name="stay")

    def go_on() -> None:
        for flag in taken:
            context.env.pop(flag, None)
        rest()

    def leave() -> None:
        if len(taken) == 1 and taken[0] != used_up:
            context.env[taken[0]] = True

    if used_up:
        context.env.pop(used_up, None)

    fork(context, stay, go_on, leave, live)
