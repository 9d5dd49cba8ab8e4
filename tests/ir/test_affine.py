"""What is proved of integers holds of all that the facts allow."""

from __future__ import annotations

import itertools
import random

from pullback.ir.affine import Affine, Symbols, add, constant


def value_of(a: Affine, values: dict[int, int]) -> int:
    return sum(coefficient * values.get(symbol, 1) for symbol, coefficient in a.items())


def some_affine(rng: random.Random, symbols: int) -> Affine:
    chosen = rng.sample(range(symbols + 1), rng.randint(1, 3))
    return {symbol: rng.choice((-2, -1, 1, 2)) for symbol in chosen}


def test_two_facts_together() -> None:
    symbols = Symbols()
    n, k, m = symbols.length(), symbols.fresh(), symbols.fresh()
    at_least_m, at_least_n = add(k, m, -1), add(m, n, -1)
    assert symbols.is_nonnegative(k, [at_least_m, at_least_n])
    assert not symbols.is_nonnegative(add(k, constant(1), -1), [at_least_m, at_least_n])
    assert not symbols.is_nonnegative(add(k, m), [at_least_m, at_least_n, add(n, n)][:1])
    # The one is less than the sum of the facts by a number that may be negative.
    assert not symbols.is_nonnegative(add(k, m, 2), [at_least_m, at_least_n])


def test_what_is_proved_holds() -> None:
    rng = random.Random(0)
    proved = 0
    for _ in range(3000):
        symbols = Symbols()
        symbols.length()
        symbols.length()
        symbols.fresh()
        facts = [some_affine(rng, symbols.count) for _ in range(rng.randint(0, 4))]
        asked = some_affine(rng, symbols.count)
        if facts and rng.random() < 0.5:
            asked = add(rng.choice(facts), rng.choice(facts))
        if not symbols.is_nonnegative(asked, facts):
            continue
        proved += 1
        for first, second, third in itertools.product(range(4), range(4), range(-4, 5)):
            values = {1: first, 2: second, 3: third}
            if all(value_of(fact, values) >= 0 for fact in facts):
                assert value_of(asked, values) >= 0
    assert proved > 300


def test_indices_stay_within_their_bounds() -> None:
    symbols = Symbols()
    n = symbols.length()
    i = symbols.index(constant(0), add(n, constant(1), -1))
    j = symbols.index(i, add(n, constant(1), -1))
    assert symbols.is_nonnegative(add(j, i, -1), [])
    assert symbols.is_nonnegative(add(add(n, j, -1), constant(1), -1), [])
    assert not symbols.is_nonnegative(add(i, j, -1), [])
    assert not symbols.is_nonnegative(add(add(i, n), constant(3), -1), [add(n, constant(2), -1)])
    assert symbols.is_nonnegative(add(add(i, n), constant(2), -1), [add(n, constant(2), -1)])
