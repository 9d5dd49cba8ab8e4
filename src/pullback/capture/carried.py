"""What a loop carries from one turn to the next: cells, and the plan of their types.

A *plan* for a name is a structure with a type wherever a cell goes, and what a flag tells: that the name may
be unbound (`UNBOUND`), that it may be None (`NONE`), or nothing (""); a `Poison` where the turns have no type
in common.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pullback.capture.context import Context
from pullback.capture.join import FLAGS, MISSING, Nothing, cell_name, is_optional, parts_of
from pullback.capture.values import (
    Maybe,
    Poison,
    children,
    describe,
    is_numeric,
    kind_of,
    labels,
    same,
    shape_of_structure,
    with_children,
)  # fmt: skip
from pullback.ir.nodes import Var
from pullback.ir.types import Array, Scalar, join

NONE, UNBOUND = "none", "unbound"


@dataclass
class Carried:
    """The cells of a loop: for each name its value at the head, and what it is before and after the body."""

    context: Context
    types: dict[str, Any]
    head: dict[str, Any] = field(default_factory=dict)
    starts: list[tuple[Var, Any]] = field(default_factory=list)

    def enter(self, name: str) -> None:
        """Give `name` its value at the head of the loop."""
        env = self.context.env
        before = env.get(name, False if name in FLAGS else MISSING)
        plan = self.types[name]
        if isinstance(plan, Poison):
            self.head[name] = env[name] = plan
            return
        structure, flag_kind = plan
        value, flag = parts_of(before, flag_kind == NONE)
        head = self._cells(cell_name(name), structure, value)
        if flag_kind and not name.startswith("$"):
            word = "some" if flag_kind == NONE else "bound"
            cell = self.context.flag(f"{cell_name(name)}_is_{word}")
            self.starts.append((cell, flag))
            head = Maybe(head, cell, flag_kind == NONE)
        self.head[name] = env[name] = head

    def _cells(self, name: str, structure: Any, before: Any) -> Any:
        """A structure of cells; `structure` has types where the cells go, static values elsewhere."""
        if isinstance(structure, Scalar | Array):
            cell = self.context.builder.var(name, structure)
            start = Nothing(structure) if before is MISSING else before
            self.starts.append((cell, start))
            self.context.unite(cell, start)
            return cell
        parts = children(structure)
        if parts is None:
            return structure
        befores = [MISSING] * len(parts) if before is MISSING else children(before) or []
        cells = [
            self._cells(f"{name}_{word}", part, start)
            for word, part, start in zip(labels(structure), parts, befores, strict=True)
        ]
        return with_children(structure, cells, self.context.home)


def widened(name: str, plan: Any, before: Any, end: Any, context: Context) -> Any:
    """The plan for a name whose value at the head does not hold at the end of the body."""
    none = is_optional(before, end) or (plan is not None and plan[1] == NONE)
    (start, start_flag), (last, last_flag) = parts_of(before, none), parts_of(end, none)
    if none and (before is MISSING or end is MISSING):
        return Poison(f"{name} is None in one turn of the loop and unbound in another", context.location())
    needs_flag = NONE if none else UNBOUND if plan is None or not plan[1] else plan[1]
    if start_flag is True and last_flag is True and (plan is None or not plan[1]):
        needs_flag = ""
    structure = MISSING if plan is None else plan[0]
    for value in (start, last):
        structure = _join(name, structure, value, context)
        if isinstance(structure, Poison):
            return structure
    if needs_flag:
        structure = _without_ones(structure)
    return structure, needs_flag


def _join(name: str, structure: Any, value: Any, context: Context) -> Any:
    """A structure of types that holds `value` too."""
    if value is MISSING:
        return structure
    if structure is MISSING:
        return _types(value)
    if isinstance(value, Poison):
        return value
    if isinstance(structure, Scalar | Array):
        if is_numeric(value):
            kind = join(structure, kind_of(value))
            if kind is not None:
                return kind
        return _no_type(name, structure, value, context)
    parts, values = children(structure), children(value)
    if (
        parts is not None
        and values is not None
        and shape_of_structure(structure) == shape_of_structure(value)
    ):
        joined = [_join(name, part, v, context) for part, v in zip(parts, values, strict=True)]
        poison = next((part for part in joined if isinstance(part, Poison)), None)
        return poison or with_children(structure, joined, context.home)
    if same(structure, value):
        return structure
    return _no_type(name, structure, value, context)


def _no_type(name: str, structure: Any, value: Any, context: Context) -> Poison:
    words = describe(Var(name, structure) if isinstance(structure, Scalar | Array) else structure)
    return Poison(
        f"{name} is {words} in one turn of the loop and {describe(value)} in another", context.location()
    )


def _types(value: Any) -> Any:
    """A value with the types of its numbers and arrays in their places."""
    if isinstance(value, Poison):
        return value
    if is_numeric(value):
        return kind_of(value)
    parts = children(value)
    return value if parts is None else with_children(value, [_types(part) for part in parts])


def _without_ones(structure: Any) -> Any:
    """For cells that may hold an empty array while the name is unbound."""
    if isinstance(structure, Array):
        return Array(structure.dtype, structure.ndim, layout="C" if structure.layout == "C" else "A")
    parts = None if isinstance(structure, Scalar) else children(structure)
    return structure if parts is None else with_children(structure, [_without_ones(p) for p in parts])


def fits(plan: Any, before: Any) -> bool:
    """Whether a plan of an earlier capture suits the value a name has now."""
    if isinstance(plan, Poison):
        return True
    value, _ = parts_of(before, plan[1] == NONE)
    return value is MISSING or _holds(plan[0], value)


def _holds(structure: Any, value: Any) -> bool:
    if isinstance(structure, Scalar | Array):
        return is_numeric(value) and join(structure, kind_of(value)) == structure
    parts, values = children(structure), children(value)
    if parts is None or values is None or shape_of_structure(structure) != shape_of_structure(value):
        return same(structure, value)
    return all(_holds(part, v) for part, v in zip(parts, values, strict=True))


def same_plan(a: Any, b: Any) -> bool:
    if isinstance(a, Poison) or isinstance(b, Poison):
        return isinstance(a, Poison) and isinstance(b, Poison)
    return a[1] == b[1] and _same_structure(a[0], b[0])


def _same_structure(a: Any, b: Any) -> bool:
    if isinstance(a, Scalar | Array) or isinstance(b, Scalar | Array):
        return a == b
    parts_a, parts_b = children(a), children(b)
    if parts_a is None or parts_b is None:
        return same(a, b)
    return len(parts_a) == len(parts_b) and all(map(_same_structure, parts_a, parts_b))
