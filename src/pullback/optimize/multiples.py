"""Values of a loop's body that are multiples of one: that one is all that has to be kept of them.

    t = alpha * x
    around = 4.0 * t                 each is made of x alone, and is 0 where x is
    own = x - around

A variable by which `x` is multiplied has to be finite for that, which is for a test at run time to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from pullback.ir.build import Builder
from pullback.ir.nodes import Arg, Assign, Const, For, Operand, Var
from pullback.ir.types import Scalar
from pullback.ir.walk import assigns, walk


@dataclass(frozen=True, slots=True)
class Multiples:
    """What values are made of.

    Attributes:
        root: the variable that they are multiples of.
        factors: the variables that it is multiplied by; their value is the same all through the nest.
        made: the statements that make them of it, by what they assign.
    """

    root: Var
    factors: tuple[Var, ...]
    made: dict[str, Assign]

    def of(self, builder: Builder, value: Var, other: Operand) -> Operand:
        """Write what `value` would be if `other` were the root."""
        if value == self.root:
            return other
        statement = self.made[value.name]
        args = tuple(
            self.of(builder, arg, other)
            if isinstance(arg, Var) and (arg == self.root or arg.name in self.made)
            else arg
            for arg in statement.args
        )
        target = builder.var(value.name, value.type)
        builder.extend((replace(statement, targets=(target,), args=args),))
        return target


def multiples(values: Iterable[Operand], nest: tuple[For, ...], cells: Iterable[str]) -> Multiples | None:
    """What the values that the innermost loop of a nest makes are multiples of; None if that is not one."""
    search = _Search(nest, set(cells))
    roots = {search.root(value) if isinstance(value, Var) else None for value in values}
    root = roots.pop() if len(roots) == 1 else None
    return None if root is None else Multiples(root, tuple(search.factors.values()), search.made)


class _Search:
    def __init__(self, nest: tuple[For, ...], cells: set[str]) -> None:
        self._inside = {target.name for s in walk(nest[:1]) for target in assigns(s)}
        self._inside |= {s.index.name for s in walk(nest[:1]) if isinstance(s, For)}
        self._body = {
            s.targets[0].name: s
            for s in nest[-1].body
            if isinstance(s, Assign) and len(s.targets) == 1 and s.targets[0].name not in cells
        }
        self._roots: dict[str, Var | None] = {}
        self.factors: dict[str, Var] = {}
        self.made: dict[str, Assign] = {}

    def root(self, value: Var) -> Var | None:
        """What a value is a multiple of, which may be itself; None if the loop does not make it."""
        if value.name not in self._roots:
            # What is made of itself, in an invalid program, ends here.
            self._roots[value.name] = None
            statement = self._body.get(value.name)
            kind = value.type
            if statement is not None and isinstance(kind, Scalar) and kind.dtype.kind in "fc":
                found = None if statement.kwargs else self._of(statement, kind)
                if found is not None:
                    self.made[value.name] = statement
                self._roots[value.name] = value if found is None else found
        return self._roots[value.name]

    def _of(self, statement: Assign, kind: Scalar) -> Var | None:
        """The root of what a statement makes, if that is another variable."""
        match statement.function, statement.args:
            case np.negative, (Var() as a,):
                return self._alike(a, kind)
            case ((np.add | np.subtract), (Var() as a, Var() as b)):
                root = self._alike(a, kind)
                return root if root is not None and root == self._alike(b, kind) else None
            case np.multiply, (a, b):
                for factor, other in ((a, b), (b, a)):
                    if isinstance(other, Var) and self._is_factor(factor, kind):
                        root = self._alike(other, kind)
                        if root is not None and isinstance(factor, Var):
                            self.factors[factor.name] = factor
                        return root
        return None

    def _alike(self, value: Var, kind: Scalar) -> Var | None:
        root = self.root(value) if value.type == kind else None
        return root if root is not None and root.type == kind else None

    def _is_factor(self, factor: Arg, kind: Scalar) -> bool:
        if isinstance(factor, Const):
            number = isinstance(factor.value, int | float) and not isinstance(factor.value, bool)
            return number and abs(float(factor.value)) < 1e30
        return (
            isinstance(factor, Var)
            and factor.name not in self._inside
            and isinstance(factor.type, Scalar)
            and factor.type.dtype == np.finfo(kind.dtype).dtype
        )
