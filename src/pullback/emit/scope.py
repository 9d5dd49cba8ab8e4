"""What is known about integers, lengths and tests at one point of a program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.ir import primitives
from pullback.ir.affine import Affine, Symbols, add, as_number, constant
from pullback.ir.nodes import Arg, Assign, Const, Operand, Slice, Statement, Var
from pullback.ir.types import Array, Scalar
from pullback.ir.walk import assigns, walk

Facts = list[Affine]
Test = tuple[Facts, Facts]
"""What is not negative if a test holds, and if it does not."""

_NEW = frozenset([np.empty, np.zeros, np.ones, np.full])
_LIKE = frozenset([np.empty_like, np.zeros_like, np.ones_like, np.full_like, np.copy, primitives.cast])
_BOTH = frozenset([np.logical_and, np.bitwise_and])
_EITHER = frozenset([np.logical_or, np.bitwise_or])


@dataclass(slots=True)
class Scope:
    """Values by variable, in terms of symbols.

    Attributes:
        variables: those that the others know by name.
        integers: what each integer variable holds.
        lengths: the lengths of the axes of the array that each array variable refers to.
        tests: what follows from each boolean variable.
        facts: what is not negative here.
    """

    symbols: Symbols
    variables: dict[str, Var] = field(default_factory=dict)
    integers: dict[str, Affine] = field(default_factory=dict)
    lengths: dict[str, tuple[Affine, ...]] = field(default_factory=dict)
    tests: dict[str, Test] = field(default_factory=dict)
    facts: Facts = field(default_factory=list)

    def copy(self) -> Scope:
        """A scope for an inner block."""
        return Scope(
            self.symbols,
            self.variables,
            dict(self.integers),
            dict(self.lengths),
            dict(self.tests),
            list(self.facts),
        )

    def forget(self, variable: Var) -> None:
        """The variable holds something of which nothing is known."""
        kind = variable.type
        self.variables[variable.name] = variable
        self.tests.pop(variable.name, None)
        if isinstance(kind, Array):
            self.lengths[variable.name] = tuple(
                constant(1) if axis in kind.ones else self.symbols.length() for axis in range(kind.ndim)
            )
        elif isinstance(kind, Scalar) and kind.dtype.kind in "iu":
            self.integers[variable.name] = self.symbols.fresh()

    def forget_assigned(self, statement: Statement) -> None:
        """What a statement and those in it assign holds something of which nothing is known."""
        for inner in walk((statement,)):
            for target in assigns(inner):
                self.forget(target)

    def integer(self, operand: Arg) -> Affine | None:
        """What an integer operand is; None if it is no integer."""
        if isinstance(operand, Const):
            whole = isinstance(operand.value, int | np.integer) and not isinstance(operand.value, bool)
            return constant(int(operand.value)) if whole else None
        return self.integers.get(operand.name) if isinstance(operand, Var) else None

    def shape(self, array: Operand) -> tuple[Affine, ...]:
        """The lengths of the axes of an array."""
        if isinstance(array, Const):
            return tuple(constant(n) for n in array.value.shape)
        return self.lengths[array.name]

    def test(self, operand: Operand) -> Test:
        """What follows if the test holds, and if not."""
        return self.tests.get(operand.name, ([], [])) if isinstance(operand, Var) else ([], [])

    def assign(self, statement: Assign) -> None:
        """Take note of what an assignment's targets hold from now on."""
        known = None
        if len(statement.targets) == 1:
            target = statement.targets[0]
            known = self._learn(target, statement)
        for target in statement.targets:
            if known is None:
                self.forget(target)

    def _learn(self, target: Var, statement: Assign) -> bool | None:
        kind = target.type
        self.variables[target.name] = target
        if isinstance(kind, Array):
            lengths = self._lengths(statement)
            if lengths is None or len(lengths) != kind.ndim:
                return None
            self.lengths[target.name] = lengths
            return True
        if isinstance(kind, Scalar) and kind.dtype.kind == "b":
            self.tests[target.name] = self._test(statement)
            return True
        if isinstance(kind, Scalar) and kind.dtype.kind in "iu":
            value = self._integer(statement)
            if value is None:
                return None
            self.integers[target.name] = value
            return True
        return None

    def _integer(self, statement: Assign) -> Affine | None:
        function, args = statement.function, statement.args
        if function is primitives.dim:
            array, axis = args
            assert isinstance(array, Var | Const)
            assert isinstance(axis, Const)
            return self.shape(array)[axis.value]
        if function is primitives.select:
            return self._selected(statement)
        values = [value for value in (self.integer(arg) for arg in args) if value is not None]
        if len(values) < len(args):
            return None
        if function is np.bitwise_and:
            return self._masked(values[1])
        if function in (np.minimum, min) and len(values) == 2:
            return self.minimum(*values)
        if function in (np.maximum, max) and len(values) == 2:
            return self.maximum(*values)
        return _ARITHMETIC[function](*values) if function in _ARITHMETIC else None

    def _selected(self, statement: Assign) -> Affine | None:
        """``0 if a < 0 else a`` and its like."""
        test, a, b = statement.args
        values = [self.integer(a), self.integer(b)]
        if None in values or not isinstance(test, Var | Const):
            return None
        facts = self.test(test)
        for (value, here), (other, there) in (
            ((values[0], facts[0]), (values[1], facts[1])),
            ((values[1], facts[1]), (values[0], facts[0])),
        ):
            # Where it is 0, the other value is not positive; elsewhere it is not negative.
            if value == {} and other is not None:
                below = add({}, other, -1)
                if any(as_number(add(below, f, -1)) in (0, 1) for f in here) and any(
                    as_number(add(other, f, -1)) in (0, 1) for f in there
                ):
                    return self._clamped(other)
        return self._either(*values)  # type: ignore[arg-type]

    def _either(self, a: Affine, b: Affine) -> Affine:
        """One of the two: a symbol between them, where it is known which is the greater."""
        symbol = self.symbols.fresh()
        if all(self.symbols.is_nonnegative(x, self.facts) for x in (a, b)):
            self.facts += [symbol]
        for greater, smaller in ((a, b), (b, a)):
            if self.symbols.is_nonnegative(add(greater, smaller, -1), self.facts):
                self.facts += [add(greater, symbol, -1), add(symbol, smaller, -1)]
        return symbol

    def _masked(self, mask: Affine) -> Affine | None:
        """What is left of an integer by ``&`` with a number that is not negative."""
        greatest = as_number(mask)
        if greatest is None or greatest < 0:
            return None
        symbol = self.symbols.fresh()
        self.facts += [symbol, add(mask, symbol, -1)]
        return symbol

    def _clamped(self, a: Affine) -> Affine:
        # Which symbols there are may not depend on what is known: two passes number them alike.
        symbol = self.symbols.clamp(a)
        if self.symbols.is_nonnegative(a, self.facts):
            self.facts += [add(a, symbol, -1)]
        self.facts += [add(symbol, a, -1)]
        return symbol

    def resolve(self) -> None:
        """Take note of what clamped symbols are that are known to be positive."""
        for symbol, value in self.symbols.clamped.items():
            if self.symbols.is_nonnegative({symbol: 1, 0: -1}, self.facts):
                self.facts += [add({symbol: 1}, value, -1), add(value, {symbol: 1}, -1)]

    def minimum(self, a: Affine, b: Affine) -> Affine:
        """A symbol that is no greater than both."""
        symbol = self.symbols.fresh()
        self.facts += [add(a, symbol, -1), add(b, symbol, -1)]
        return symbol

    def maximum(self, a: Affine, b: Affine) -> Affine:
        """A symbol that is no smaller than both."""
        for one, other in ((a, b), (b, a)):
            if not one:
                return self._clamped(other)
        symbol = self.symbols.fresh()
        self.facts += [add(symbol, a, -1), add(symbol, b, -1)]
        return symbol

    def _lengths(self, statement: Assign) -> tuple[Affine, ...] | None:
        function, args = statement.function, statement.args
        first = args[0] if args else None
        if function in _NEW:
            shape = first if isinstance(first, tuple) else (first,)
            values = [self.integer(n) if n is not None else None for n in shape]
            return tuple(value for value in values if value is not None) if None not in values else None
        if not isinstance(first, Var) or not isinstance(first.type, Array):
            return None
        if function is np.reshape:
            shape = args[1] if isinstance(args[1], tuple) else (args[1],)
            values = [None if isinstance(n, Slice | tuple) else self.integer(n) for n in shape]
            known = [value for value in values if value is not None and as_number(value) != -1]
            return tuple(known) if len(known) == len(shape) else None
        lengths = self.lengths[first.name]
        if function in _LIKE or function is primitives.bind:
            return lengths
        if function is np.transpose:
            axes = args[-1] if len(args) > 1 else dict(statement.kwargs).get("axes", Const(None))
            if isinstance(axes, Const) and axes.value is None:
                return lengths[::-1]
        index = args[-1] if args else ()
        if function is primitives.view and isinstance(index, tuple):
            return self._viewed(lengths, index)
        return None

    def _viewed(self, lengths: tuple[Affine, ...], index: tuple[Arg, ...]) -> tuple[Affine, ...]:
        axis, kept = 0, []
        for entry in index:
            if isinstance(entry, Const) and entry.value is None:
                kept.append(constant(1))
                continue
            if isinstance(entry, Slice):
                kept.append(lengths[axis] if entry == Slice() else self.symbols.length())
            axis += 1
        return (*kept, *lengths[axis:])

    def _test(self, statement: Assign) -> Test:
        function, args = statement.function, statement.args
        if function in _BOTH or function in _EITHER or function is np.logical_not:
            tests = [self.test(arg) if isinstance(arg, Var | Const) else ([], []) for arg in args]
            if function is np.logical_not:
                return tests[0][1], tests[0][0]
            both = ([*tests[0][0], *tests[-1][0]], [*tests[0][1], *tests[-1][1]])
            return (both[0], []) if function in _BOTH else ([], both[1])
        if function is primitives.bind:
            return self.test(args[0]) if isinstance(args[0], Var | Const) else ([], [])
        if function not in _COMPARISONS:
            return [], []
        a, b = (self.integer(arg) for arg in args)
        return ([], []) if a is None or b is None else _COMPARISONS[function](a, b)


def _times(a: Affine, b: Affine) -> Affine | None:
    for number, other in ((as_number(a), b), (as_number(b), a)):
        if number is not None:
            return add({}, other, number) if number else {}
    return None


_ARITHMETIC: dict[Callable[..., Any], Callable[..., Affine | None]] = {
    primitives.bind: lambda a: a,
    primitives.weaken: lambda a: a,
    np.add: add,
    np.subtract: lambda a, b: add(a, b, -1),
    np.negative: lambda a: add({}, a, -1),
    np.multiply: _times,
}
_ONE = constant(1)
_COMPARISONS: dict[Callable[..., Any], Callable[[Affine, Affine], Test]] = {
    np.less: lambda a, b: ([add(add(b, a, -1), _ONE, -1)], [add(a, b, -1)]),
    np.less_equal: lambda a, b: ([add(b, a, -1)], [add(add(a, b, -1), _ONE, -1)]),
    np.greater: lambda a, b: ([add(add(a, b, -1), _ONE, -1)], [add(b, a, -1)]),
    np.greater_equal: lambda a, b: ([add(a, b, -1)], [add(add(b, a, -1), _ONE, -1)]),
    np.equal: lambda a, b: ([add(a, b, -1), add(b, a, -1)], []),
    np.not_equal: lambda a, b: ([], [add(a, b, -1), add(b, a, -1)]),
}
