"""What is known of each group of names that may share memory (`ir.memory`): who allocates it, who writes."""

from __future__ import annotations

from dataclasses import dataclass, field

from pullback.ir.memory import is_alias, memory_of
from pullback.ir.nodes import Assign, Block, Program, Push, Return, Statement, Store, Var
from pullback.ir.types import Array, Stack
from pullback.ir.walk import assigns, blocks, reads, walk


@dataclass(slots=True)
class AliasClass:
    """Names that may share memory.

    Attributes:
        members: the names of the variables, stacks among them.
        origins: the statements that allocate its memory.
        params: the parameters in it.
        stores: the statements that write into it.
        plain: every member is assigned once, by an allocation, a view or a binding of another member, and
            none is kept on a stack.
    """

    members: set[str] = field(default_factory=set)
    origins: list[Assign] = field(default_factory=list)
    params: list[Var] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)
    plain: bool = True


def alias_classes(program: Program, cells: set[str]) -> dict[str, AliasClass]:
    """The class of each array and stack variable, by name."""
    memory = memory_of(program)
    statements = list(walk(program.body))
    found: dict[str, AliasClass] = {}
    by_name: dict[str, AliasClass] = {}
    for variable in (*program.params, *(target for s in statements for target in assigns(s))):
        by_name[variable.name] = found.setdefault(memory.group(variable.name), AliasClass())
    for param in program.params:
        by_name[param.name].params.append(param)
    for name, group in by_name.items():
        group.members.add(name)
        group.plain = group.plain and name not in cells
    _classify(statements, by_name)
    return by_name


def _classify(statements: list[Statement], by_name: dict[str, AliasClass]) -> None:
    for statement in statements:
        match statement:
            case Store():
                by_name[statement.array.name].stores.append(statement)
            case Push():
                by_name[statement.stack.name].plain = False
            case Assign() if not is_alias(statement):
                for target in statement.targets:
                    if isinstance(target.type, Array | Stack):
                        by_name[target.name].origins.append(statement)


def is_final(memory: AliasClass, body: Block, cells: set[str], apart: Statement | None) -> bool:
    """Whether arrays of this memory are written into only before they have a second name.

    Args:
        body: the statements of the program.
        apart: a statement that may see copies of what is allocated outside it.
    """
    inside = set() if apart is None else {id(s) for s in walk((apart,))}
    return all(_is_filled_first(store, memory, body, cells, inside) for store in memory.stores)


def _is_filled_first(
    store: Store, memory: AliasClass, body: Block, cells: set[str], inside: set[int]
) -> bool:
    array = store.array
    origin = next((s for s in memory.origins if array in s.targets), None)
    if origin is None or array.name in cells or (id(origin) in inside) != (id(store) in inside):
        return False
    every = (body, *(b for s in walk(body) for b in blocks(s)))
    block = next(b for b in every if any(s is origin for s in b))
    stored = [k for k, s in enumerate(block) if any(inner is store for inner in walk((s,)))]
    named = [k for k, s in enumerate(block) if any(_names(inner, array) for inner in walk((s,)))]
    return bool(stored) and all(k > stored[0] for k in named)


def _names(statement: Statement, array: Var) -> bool:
    """Whether a statement makes another name for an array, or gives it away."""
    gives = isinstance(statement, Push | Return) or is_alias(statement)
    return gives and array in tuple(reads(statement))
