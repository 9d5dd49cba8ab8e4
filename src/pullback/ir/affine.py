"""Affine integer expressions over symbols, and proofs that they are not negative.

A symbol stands for one integer value that never changes: what a variable held at one point, the length of
an axis, the index of a loop in one iteration. (Bounds of loop indices are eliminated one by one, after
Fourier and Motzkin; Schrijver, *Theory of Linear and Integer Programming*, 12.2, for a rectangle of loops.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

Affine = dict[int, int]
"""Coefficients by symbol; symbol 0 is the number 1."""

MAX_FACTS_IN_PAIRS = 40


def constant(value: int) -> Affine:
    """The expression that is a number."""
    return {0: value} if value else {}


def add(a: Affine, b: Affine, factor: int = 1) -> Affine:
    """``a + factor * b``."""
    total = dict(a)
    for symbol, coefficient in b.items():
        value = total.get(symbol, 0) + factor * coefficient
        if value:
            total[symbol] = value
        else:
            total.pop(symbol, None)
    return total


def as_number(a: Affine) -> int | None:
    """The number that the expression is, if it is one."""
    return a.get(0, 0) if not set(a) - {0} else None


@dataclass(slots=True)
class Symbols:
    """Symbols, numbered in the order in which their values come about.

    Attributes:
        bounds: the smallest and greatest value of a loop's index, in terms of earlier symbols.
        lengths: symbols that are lengths of axes, which are not negative.
        clamped: what symbols are that are that or 0, whichever is greater.
    """

    count: int = 0
    bounds: dict[int, tuple[Affine, Affine]] = field(default_factory=dict)
    lengths: set[int] = field(default_factory=set)
    clamped: dict[int, Affine] = field(default_factory=dict)

    def fresh(self) -> Affine:
        """A new symbol."""
        self.count += 1
        return {self.count: 1}

    def length(self) -> Affine:
        """A new symbol that is the length of an axis."""
        symbol = self.fresh()
        self.lengths.add(self.count)
        return symbol

    def index(self, smallest: Affine, greatest: Affine) -> Affine:
        """A new symbol between these bounds."""
        symbol = self.fresh()
        self.bounds[self.count] = (smallest, greatest)
        return symbol

    def clamp(self, a: Affine) -> Affine:
        """A new symbol that is `a`, or 0 where `a` is negative."""
        symbol = self.length()
        self.clamped[self.count] = a
        return symbol

    def unclamped(self, a: Affine) -> Affine:
        """`a`, which is known to be positive, without the clamped symbol that it is up to a constant."""
        symbols = [s for s in a if s]
        if len(symbols) == 1 and a[symbols[0]] == 1 and a.get(0, 0) < 0 and symbols[0] in self.clamped:
            return add(constant(a[0]), self.clamped[symbols[0]])
        return a

    def at_least(self, a: Affine, first: int = 1) -> Affine:
        """`a` at its smallest: a bound for each loop index that is numbered `first` or later."""
        while True:
            inner = max((s for s in a if s >= first and s in self.bounds), default=0)
            if not inner:
                return a
            coefficient = a[inner]
            bound = self.bounds[inner][0 if coefficient > 0 else 1]
            a = add({s: c for s, c in a.items() if s != inner}, bound, coefficient)

    def is_nonnegative(self, a: Affine, facts: list[Affine]) -> bool:
        """Whether ``a >= 0`` follows from the bounds and from ``fact >= 0`` for every fact."""
        a, facts = solved(a, facts)
        for start in (a, self.at_least(a)):
            if self._plainly(start):
                return True
            known = [fact for fact in facts if set(fact) & set(start)]
            if any(self._plainly(add(start, fact, -1)) for fact in known):
                return True
            known = facts[-MAX_FACTS_IN_PAIRS:]
            if any(self._plainly(add(add(start, f, -1), g, -1)) for f, g in combinations(known, 2)):
                return True
        return False

    def _plainly(self, a: Affine) -> bool:
        a = self.at_least(a)
        return all(c >= 0 for c in a.values()) and all(s in self.lengths for s in a if s)


def solved(a: Affine, facts: list[Affine]) -> tuple[Affine, list[Affine]]:
    """`a` and the facts without the symbols that the facts, two by two, determine."""
    facts = list(facts)
    while True:
        seen = {tuple(sorted(fact.items())) for fact in facts}
        for fact in facts:
            opposite = tuple(sorted((s, -c) for s, c in fact.items()))
            symbol = max((s for s, c in fact.items() if s and abs(c) == 1), default=0)
            if symbol and opposite in seen:
                break
        else:
            return a, facts
        factor = fact[symbol]
        a = add(a, fact, -factor * a.get(symbol, 0))
        facts = [add(f, fact, -factor * f.get(symbol, 0)) for f in facts]
        facts = [f for f in facts if f]
