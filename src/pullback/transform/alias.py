"""Which names may share memory: classes of array variables, without regard to the order of statements.

Two arrays are in one class if a chain of `bind`, `view`, `transpose`, `reshape` or stack traffic leads from
one to the other. (Steensgaard, *Points-to analysis in almost linear time*, 1996.)
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pullback.ir.nodes import Assign, Pop, Program, Push, Statement, Store, Var
from pullback.ir.primitives import ALIASING
from pullback.ir.types import Array, Stack
from pullback.ir.walk import assigns, walk


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


def is_alias(statement: Statement) -> bool:
    """Whether the statement's target refers to its first argument's memory."""
    return (
        isinstance(statement, Assign)
        and statement.function in ALIASING
        and isinstance(statement.args[0], Var)
        and isinstance(statement.targets[0].type, Array)
    )


def alias_classes(program: Program, cells: set[str]) -> dict[str, AliasClass]:
    """The class of each array and stack variable, by name."""
    parent: dict[str, str] = {}

    def find(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            name = parent[name]
        return name

    statements = list(walk(program.body))
    for statement in statements:
        if is_alias(statement):
            assert isinstance(statement, Assign)
            parent[find(statement.targets[0].name)] = find(statement.args[0].name)  # type: ignore[union-attr]
        elif isinstance(statement, Push) and isinstance(statement.value, Var):
            parent[find(statement.stack.name)] = find(statement.value.name)
        elif isinstance(statement, Pop):
            parent[find(statement.target.name)] = find(statement.stack.name)
        for target in assigns(statement):
            find(target.name)
    found: dict[str, AliasClass] = {}
    for param in program.params:
        found.setdefault(find(param.name), AliasClass()).params.append(param)
    by_name = {name: found.setdefault(find(name), AliasClass()) for name in [*parent]}
    by_name |= {param.name: found[find(param.name)] for param in program.params}
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
