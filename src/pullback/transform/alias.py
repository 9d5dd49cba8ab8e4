"""What is known of each group of names that may share memory (`ir.memory`): who allocates it, who writes."""

from __future__ import annotations

from dataclasses import dataclass, field

from pullback.ir.memory import Memory, is_alias
from pullback.ir.nodes import Assign, Program, Push, Statement, Store, Var
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


def alias_classes(program: Program, cells: set[str]) -> dict[str, AliasClass]:
    """The class of each array and stack variable, by name."""
    memory = Memory(program)
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
