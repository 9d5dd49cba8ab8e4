"""Which variables carry a derivative: those that depend on the inputs *and* matter to the outputs.

Flow-insensitive, to a fixpoint: a variable is varied if anywhere something varied reaches it, useful if
anywhere it reaches something useful; arrays that may share memory are one. (Hascoët, Naumann & Pascual,
"*To be recorded*" *analysis in reverse-mode automatic differentiation*, 2005; Griewank & Walther, ch. 6.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from pullback.base.errors import UnsupportedError
from pullback.ir import primitives
from pullback.ir.nodes import Arg, Assign, Const, Pop, Program, Push, Statement, Store, Var
from pullback.ir.primitives import ALIASING
from pullback.ir.types import is_inexact
from pullback.ir.walk import arguments, variables, walk
from pullback.rules.conjugating import PRODUCTS
from pullback.rules.table import TABLE, name_of
from pullback.transform.alias import AliasClass

_CONSTANT = frozenset([
    primitives.dim, primitives.truncate, primitives.stopped, np.empty, np.zeros, np.ones, np.eye,
    np.empty_like, np.zeros_like, np.ones_like, np.shape, np.arange,
])  # fmt: skip
"""What carries no derivative from its arguments to its result."""


REGULAR = frozenset([
    np.add, np.subtract, np.multiply, np.negative, np.positive, np.square, np.sin, np.cos, np.exp, np.exp2,
    np.expm1, np.tanh, np.sinh, np.cosh, np.arctan, np.arcsinh, np.maximum, np.minimum, np.fmax, np.fmin,
    np.absolute, np.fabs, np.conjugate, np.real, np.imag, np.deg2rad, np.rad2deg, np.logaddexp, np.sum,
    *PRODUCTS, np.where, np.copy, *ALIASING, primitives.item, primitives.pick, primitives.select,
    primitives.cast, primitives.weaken, primitives.scale,
])  # fmt: skip
"""What has finite values and derivatives wherever its arguments are finite (overflow aside)."""


class Activity:
    """The active variables of a program, by name (`name in activity`)."""

    def __init__(
        self,
        program: Program,
        classes: dict[str, AliasClass],
        wrt: Iterable[str],
        of: Iterable[str],
        singular: Iterable[str] = (),
        steep: Iterable[str] = (),
    ) -> None:
        self._classes = classes
        statements = list(walk(program.body))
        flows = [_flow(statement) for statement in statements]
        self.varied = self._closure(flows, wrt)
        backwards = [(targets, sources) for sources, targets in reversed(flows)]
        self.useful = self._closure(backwards, of)
        self.singular = self._closure(flows, [*singular, *_singular_results(statements)])
        self.steep = self._closure(backwards, [*steep, *_singular_arguments(statements)])

    def guards(self, statement: Assign) -> bool:
        """Whether a derivative of this assignment may be infinite, and has to yield to a seed of 0."""
        if not is_regular(statement):
            return True
        return any(v.name in self.singular for arg in arguments(statement) for v in _inexact(arg))

    def guards_in_reverse(self, statement: Assign) -> bool:
        """Whether its derivative or the cotangent it is multiplied with may be infinite, and the other 0."""
        return self.guards(statement) or any(target.name in self.steep for target in statement.targets)

    def __contains__(self, name: str) -> bool:
        return name in self.varied and name in self.useful

    def is_active(self, arg: Arg) -> bool:
        """Whether an argument is an active variable that can carry a derivative."""
        return isinstance(arg, Var) and is_inexact(arg.type) and arg.name in self

    def require_positional(self, statement: Assign) -> None:
        """Raise if a derivative would have to pass through a keyword, or through a tuple in a tuple."""
        inner = [part for arg in statement.args if isinstance(arg, tuple) for part in arg]
        hidden = [value for _, value in statement.kwargs] + [
            part for part in inner if isinstance(part, tuple)
        ]
        if any(self.is_active(v) for arg in hidden for v in variables(arg)):
            raise UnsupportedError(
                f"{name_of(statement.function)} with a differentiated value in a keyword or a nested list",
                remedy="pass it as a positional argument, or make the list an array first",
                where=statement.location,
            )

    def _closure(self, flows: list[Flow], seeds: Iterable[str]) -> set[str]:
        reached: set[str] = set()
        for seed in seeds:
            self._add(seed, reached)
        before = -1
        while before != len(reached):
            before = len(reached)
            for sources, targets in flows:
                if not reached.isdisjoint(sources):
                    for target in targets:
                        self._add(target, reached)
        return reached

    def _add(self, name: str, reached: set[str]) -> None:
        reached.add(name)
        if name in self._classes:
            reached |= self._classes[name].members


Flow = tuple[list[str], list[str]]


def _flow(statement: Statement) -> Flow:
    """The names of the variables from which, and to which, a statement can pass a derivative."""
    match statement:
        case Assign() if carries(statement):
            sources = [v.name for arg in arguments(statement) for v in _inexact(arg)]
            return sources, [target.name for target in statement.targets if is_inexact(target.type)]
        case Store():
            return [v.name for v in _inexact(statement.value)], [statement.array.name]
        case Push():
            return [v.name for v in _inexact(statement.value)], [statement.stack.name]
        case Pop():
            return [statement.stack.name], [statement.target.name]
    return [], []


def results_at(program: Program, positions: Iterable[int]) -> list[str]:
    """The names of the results at some positions, without those that are constants."""
    return [r.name for r in (program.results[k] for k in positions) if isinstance(r, Var)]


def carries(statement: Assign) -> bool:
    """Whether a derivative can pass from the arguments of an assignment to its targets."""
    if statement.function in _CONSTANT:
        return False
    rule = TABLE.get(statement.function)
    return rule is None or not rule.constant


def is_regular(statement: Assign) -> bool:
    """Whether values and derivatives are finite wherever the arguments are (overflow aside)."""
    if statement.function in (np.power, np.divide) and isinstance(statement.args[1], Const):
        constant = statement.args[1].value
        if statement.function is np.divide:
            return bool(np.isfinite(1 / constant)) if constant else False
        return isinstance(constant, int) and constant >= 1
    return statement.function in REGULAR


def _singular(statements: list[Statement]) -> Iterator[Assign]:
    return (
        s for s in statements if isinstance(s, Assign) and not is_regular(s) and s.function not in _CONSTANT
    )


def _singular_results(statements: list[Statement]) -> list[str]:
    return [target.name for s in _singular(statements) for target in s.targets if is_inexact(target.type)]


def _singular_arguments(statements: list[Statement]) -> list[str]:
    return [v.name for s in _singular(statements) for arg in arguments(s) for v in _inexact(arg)]


def _inexact(arg: Arg) -> list[Var]:
    return [v for v in variables(arg) if is_inexact(v.type)]
