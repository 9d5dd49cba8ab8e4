"""Affine integer expressions over symbols, and proofs that they are not negative.

A symbol stands for one integer value that never changes: what a variable held at one point, the length of
an axis, the index of a loop in one iteration. (Bounds of loop indices are eliminated one by one, after
Fourier and Motzkin; Schrijver, *Theory of Linear and Integer Programming*, 12.2, for a rectangle of loops.)
"""

from __future__ import annotations

from dataclasses import dataclass, field

Affine = dict[int, int]
"""Coefficients by symbol; symbol 0 is the number 1."""

MAX_FACTS_IN_PAIRS = 40
MAX_FACTS_ADDED = 8


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
        known: lists of facts that were solved, by the identity of the facts, which they keep alive.
    """

    count: int = 0
    bounds: dict[int, tuple[Affine, Affine]] = field(default_factory=dict)
    lengths: set[int] = field(default_factory=set)
    clamped: dict[int, Affine] = field(default_factory=dict)
    known: dict[tuple[int, ...], Solved] = field(default_factory=dict, repr=False)

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
            inner = 0
            for symbol in a:
                if symbol > inner and symbol >= first and symbol in self.bounds:
                    inner = symbol
            if not inner:
                return a
            coefficient = a[inner]
            bound = self.bounds[inner][0 if coefficient > 0 else 1]
            a = add({s: c for s, c in a.items() if s != inner}, bound, coefficient)

    def is_nonnegative(self, a: Affine, facts: list[Affine]) -> bool:
        """Whether ``a >= 0`` follows from the bounds and from ``fact >= 0`` for every fact."""
        solved = self._solved(facts)
        # A bound may be in terms of a symbol that the facts determine.
        bound = solved.reduced(self.at_least(a))
        a, facts = solved.reduced(a), solved.facts
        for start in (a, bound):
            if self._plainly(start):
                return True
            known = [fact for fact in facts if not start.keys().isdisjoint(fact)]
            if any(self._plainly(add(start, fact, -1)) for fact in known):
                return True
            if self._follows_from_two(start, facts[-MAX_FACTS_IN_PAIRS:]):
                return True
        return False

    def _follows_from_two(self, a: Affine, facts: list[Affine]) -> bool:
        unbound = self.bounds.keys().isdisjoint
        # Without indices the signs say, for which the difference need not be made.
        simple = list(map(unbound, facts))
        for k, fact in enumerate(facts):
            less = add(a, fact, -1)
            is_simple = unbound(less)
            for other, both in zip(facts[k + 1 :], simple[k + 1 :], strict=True):
                if self._exceeds(less, other) if both and is_simple else self._plainly(add(less, other, -1)):
                    return True
        return False

    def _exceeds(self, a: Affine, b: Affine) -> bool:
        """Whether ``a - b`` is plainly not negative, where neither has a loop's index."""
        for symbol, coefficient in b.items():
            more = a.get(symbol, 0) - coefficient
            if more < 0 or (more and symbol and symbol not in self.lengths):
                return False
        return all(
            symbol in b or (coefficient >= 0 and (not symbol or symbol in self.lengths))
            for symbol, coefficient in a.items()
        )

    def _solved(self, facts: list[Affine]) -> Solved:
        # Few lists of facts are asked about, each of them often, and most are others with something added.
        key = tuple(map(id, facts))
        solved = self.known.get(key)
        if solved is None:
            shorter = (self.known.get(key[:-k]) for k in range(1, min(len(key), MAX_FACTS_ADDED)))
            base = next((known for known in shorter if known is not None), None)
            solved = self.known[key] = Solved(facts, base)
        return solved

    def _plainly(self, a: Affine) -> bool:
        for symbol, coefficient in self.at_least(a).items():
            if coefficient < 0 or (symbol and symbol not in self.lengths):
                return False
        return True


class Solved:
    """Facts without the symbols that two of them, opposite to each other, determine.

    Args:
        base: the first of these facts, already solved.

    Attributes:
        given: the facts as they were.
        facts: those that are left.
    """

    def __init__(self, facts: list[Affine], base: Solved | None = None) -> None:
        self.given = list(facts)
        self._steps: list[tuple[int, Affine]] = [] if base is None else list(base._steps)
        new = facts if base is None else [self.reduced(fact) for fact in facts[len(base.given) :]]
        left = [] if base is None else list(base._left)
        left += [(fact, _key(fact)) for fact in new if fact]
        while (step := _determined(left)) is not None:
            symbol, fact = step
            self._steps.append(step)
            changed = []
            for f, key in left:
                if symbol not in f:
                    changed.append((f, key))
                elif f := add(f, fact, -fact[symbol] * f[symbol]):
                    changed.append((f, _key(f)))
            left = changed
        self._left = left
        self.facts = [fact for fact, _ in left]

    def reduced(self, a: Affine) -> Affine:
        """`a` without the symbols that are determined."""
        for symbol, fact in self._steps:
            if symbol in a:
                a = add(a, fact, -fact[symbol] * a[symbol])
        return a


Key = tuple[tuple[int, int], ...]


def _key(fact: Affine) -> Key:
    return tuple(sorted(fact.items()))


def _determined(facts: list[tuple[Affine, Key]]) -> tuple[int, Affine] | None:
    """The first fact whose opposite holds too, and the youngest symbol that they determine."""
    seen = {key for _, key in facts}
    for fact, key in facts:
        if tuple([(s, -c) for s, c in key]) in seen:
            symbol = max((s for s, c in key if s and abs(c) == 1), default=0)
            if symbol:
                return symbol, fact
    return None
