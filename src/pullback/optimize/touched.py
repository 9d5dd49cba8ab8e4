"""What a statement, with all that is in it, does to variables and to memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pullback.ir import primitives
from pullback.ir.nodes import Arg, Assign, Const, For, If, Raise, Statement, Store, Var
from pullback.ir.types import Array, Scalar
from pullback.ir.walk import assigns, reads, walk
from pullback.optimize.broadcast import is_elementwise
from pullback.optimize.uses import Uses

_PURE = (
    primitives.item, primitives.bind, primitives.cast, primitives.select, primitives.dim,
    primitives.weaken, primitives.truncate, np.empty,
)  # fmt: skip

Access = tuple[str, str, tuple[Arg, ...]]
"""The memory, the variable that refers to it, and the index."""


@dataclass(slots=True)
class Touched:
    """What a statement reads, assigns, and does to memory; `known` if that is all it does.

    Attributes:
        sums: the stores that only add to what is there.
    """

    reads: set[str] = field(default_factory=set)
    assigned: set[str] = field(default_factory=set)
    loads: list[Access] = field(default_factory=list)
    stores: list[Access] = field(default_factory=list)
    sums: list[Access] = field(default_factory=list)
    raises: bool = False
    known: bool = True

    def conflicts(self, later: Touched) -> list[tuple[Access, Access]]:
        """Accesses to one memory, of this and of a later statement, whose order matters.

        At least one is a store, and they do not both add.
        """
        pairs = [(x, y) for x in self.stores for y in (*later.loads, *later.stores, *later.sums)]
        pairs += [(x, y) for x in self.loads for y in (*later.stores, *later.sums)]
        pairs += [(x, y) for x in self.sums for y in (*later.loads, *later.stores)]
        return [(x, y) for x, y in pairs if x[0] == y[0]]


def touched(statement: Statement, uses: Uses) -> Touched:
    """What is known of a statement."""
    found = Touched()
    for part in walk((statement,)):
        found.assigned.update(target.name for target in assigns(part))
        found.reads.update(variable.name for variable in reads(part))
        match part:
            case Assign(function=primitives.item, args=(Var(name=name), tuple(index))):
                found.loads.append((uses.memory(name), name, index))
            case Store(array=Var(name=name), index=index, accumulate=adds):
                (found.sums if adds else found.stores).append((uses.memory(name), name, index))
                if not isinstance(getattr(part.value, "type", Scalar(np.dtype(float))), Scalar):
                    found.known = False
                if not all(_is_integer(entry) for entry in index):
                    found.known = False
            case Raise():
                found.raises = True
            case Assign(function=function, targets=targets):
                pure = function in _PURE or is_elementwise(function)
                views = any(isinstance(t.type, Array) for t in targets) and function is not np.empty
                found.known = found.known and pure and not views
            case For() | If():
                pass
            case _:
                found.known = False
    return found


def apart(first: Touched, second: Touched) -> bool:
    """Whether two statements may change places."""
    if first.assigned & (second.reads | second.assigned) or second.assigned & first.reads:
        return False
    return not first.conflicts(second)


def _is_integer(entry: Arg) -> bool:
    if isinstance(entry, Const):
        return isinstance(entry.value, int | np.integer)
    return isinstance(entry, Var) and isinstance(entry.type, Scalar)
