"""Accesses to memory, one array after the other.

    for k in range(count):                        for k in range(count):
        x[k, 0] = …; y[k, 0] = …                      x[k, 0] = …; x[k, 1] = …
        x[k, 1] = …; y[k, 1] = …         →        for k in range(count):
                                                      y[k, 0] = …; y[k, 1] = …

A processor stores twice in a cycle where both go to one line of the cache, and sees better what comes next
where it follows one array. Loads of what nothing stores into have any order; stores have another where no two
meet: in arrays apart, or in elements of one array that a number in their index tells apart.
"""

from __future__ import annotations

from collections.abc import Iterable

from pullback.ir import primitives
from pullback.ir.memory import Memory
from pullback.ir.nodes import Arg, Assign, Const, Statement, Store, Var
from pullback.ir.walk import assigns, operands, reads, walk

Streams = list[list[Statement]]


def streams(statements: list[Statement], memory: Memory) -> Streams:
    """The statements in parts, each of which can be done for many iterations before the next.

    Args:
        statements: of a level (`levels`): what is loaded is of arrays that are not stored into.
        memory: tells which arrays may share memory.
    """
    stores = [statement for statement in statements if isinstance(statement, Store)]
    return _of_stores(stores, memory) if len(stores) == len(statements) else _of_loads(statements)


def _of_loads(statements: list[Statement]) -> Streams:
    """What is loaded by array, after whatever is not loaded or is connected with another statement."""
    used = {v.name for statement in walk(tuple(statements)) for v in reads(statement)}
    made = {target.name for statement in statements for target in assigns(statement)}
    rest: list[Statement] = []
    loads: dict[str, list[tuple[tuple[int, ...], int, Statement]]] = {}
    for position, statement in enumerate(statements):
        match statement:
            case Assign(targets=(target,), function=primitives.item, args=(Var(name=name), index)) if (
                target.name not in used and made.isdisjoint(v.name for v in reads(statement))
            ):
                loads.setdefault(name, []).append((_numbers(index), position, statement))
            case _:
                rest.append(statement)
    found = [[statement for *_, statement in sorted(each, key=lambda x: x[:2])] for each in loads.values()]
    return [rest, *found] if rest else found


def _of_stores(stores: list[Store], memory: Memory) -> Streams:
    groups: dict[str, list[Store]] = {}
    for store in stores:
        groups.setdefault(memory.group(store.array.name), []).append(store)
    found: Streams = []
    for group in groups.values():
        axes = _told_apart(group)
        if axes is None:
            found.append([*group])
            continue
        ahead = sum(axis == place for place, axis in enumerate(axes))
        parts: dict[tuple[int, ...], list[Statement]] = {}
        for numbers, store in sorted(((_numbers(store.index, axes), store) for store in group), key=_first):
            parts.setdefault(numbers[:ahead], []).append(store)
        found += parts.values()
    return found


def _told_apart(stores: list[Store]) -> list[int] | None:
    """The axes at which all have a number, if these tell every two elements of one array apart."""
    indices = [list(operands(store.index)) for store in stores]
    axes = [axis for axis, entries in enumerate(zip(*indices, strict=False)) if all(map(_is_number, entries))]
    places = {_numbers(store.index, axes) for store in stores}
    alone = len({store.array.name for store in stores}) == 1 and len({*map(len, indices)}) == 1
    return axes if alone and len(places) == len(stores) else None


def _first(pair: tuple[tuple[int, ...], Store]) -> tuple[int, ...]:
    return pair[0]


def _is_number(entry: Arg) -> bool:
    return isinstance(entry, Const) and isinstance(entry.value, int) and entry.value >= 0


def _numbers(index: Arg, axes: Iterable[int] | None = None) -> tuple[int, ...]:
    """The entries of an index at some axes, -1 for what is not known."""
    entries = list(operands(index))
    chosen = entries if axes is None else [entries[axis] for axis in axes]
    return tuple(entry.value if _is_number(entry) else -1 for entry in chosen)  # type: ignore[union-attr]
