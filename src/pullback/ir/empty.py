"""Proofs that a system of affine inequalities between integers has no solution.

Equations with a coefficient of 1 are solved; of the rest, symbols are eliminated one by one: each lower
bound of a symbol is at most each upper bound. Constants are rounded to what integers allow. No proof is
found where the rationals have a solution, or where the system grows large. (Fourier and Motzkin; Schrijver,
*Theory of Linear and Integer Programming*, 1986, 12.2; Pugh, *The Omega test*, 1991, for the rounding.)
"""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd

from pullback.ir.affine import Affine, add

MAX_SIZE = 150
"""The number of inequalities beyond which a system is left alone."""


def is_empty(facts: Iterable[Affine], equations: Iterable[Affine] = ()) -> bool:
    """Whether no integers make every fact not negative and every equation 0."""
    system = _solved(list(facts), list(equations))
    if system is None:
        return True
    known = _rounded(system)
    while known is not None:
        symbols = {symbol for fact in known for symbol in fact if symbol}
        if not symbols or len(known) > MAX_SIZE:
            return False
        best = min(symbols, key=lambda symbol: (_growth(known, symbol), symbol))
        known = _rounded(_without(known, best))
    return True


def _solved(facts: list[Affine], equations: list[Affine]) -> list[Affine] | None:
    """The inequalities that are left once equations are solved for a symbol; None if that is impossible."""
    while equations:
        equation = equations.pop()
        divisor = gcd(*(abs(c) for s, c in equation.items() if s))
        if divisor == 0:
            if equation:
                return None
            continue
        if equation.get(0, 0) % divisor:
            return None
        equation = {s: c // divisor for s, c in equation.items()}
        symbol = next((s for s, c in equation.items() if s and abs(c) == 1), 0)
        if not symbol:
            facts += [equation, add({}, equation, -1)]
            continue
        sign = equation[symbol]
        facts = [add(fact, equation, -sign * fact.get(symbol, 0)) for fact in facts]
        equations = [add(other, equation, -sign * other.get(symbol, 0)) for other in equations]
    return facts


def _rounded(facts: list[Affine]) -> list[Affine] | None:
    """The tightest of facts that differ by a number, in lowest terms; None if a number is negative."""
    tightest: dict[tuple[tuple[int, int], ...], int] = {}
    for fact in facts:
        divisor = gcd(*(abs(c) for s, c in fact.items() if s))
        constant = fact.get(0, 0)
        if divisor == 0:
            if constant < 0:
                return None
            continue
        key = tuple(sorted((s, c // divisor) for s, c in fact.items() if s))
        constant //= divisor
        tightest[key] = min(constant, tightest.get(key, constant))
    return [dict(key) | ({0: constant} if constant else {}) for key, constant in tightest.items()]


def _growth(facts: list[Affine], symbol: int) -> int:
    lower = sum(fact.get(symbol, 0) > 0 for fact in facts)
    upper = sum(fact.get(symbol, 0) < 0 for fact in facts)
    return lower * upper - lower - upper


def _without(facts: list[Affine], symbol: int) -> list[Affine]:
    lower = [fact for fact in facts if fact.get(symbol, 0) > 0]
    upper = [fact for fact in facts if fact.get(symbol, 0) < 0]
    rest = [fact for fact in facts if symbol not in fact]
    return rest + [add(add({}, low, -up[symbol]), up, low[symbol]) for low in lower for up in upper]
