"""Loops: over numbers, over entries, nested, until convergence, with early exits."""

import numpy as np

from scenarios.scenario import Scenario


def horner(coefficients, x):
    """A polynomial by Horner's rule."""
    y = 0.0
    for c in coefficients:
        y = y * x + c
    return y


def power_by_squaring(x, n):
    """An integer power, the loop's trip count and branches taken from a static integer."""
    y = 1.0
    while n > 0:
        if n % 2 == 1:
            y = y * x
        x = x * x
        n //= 2
    return y


def logistic_map(r, x):
    """A chaotic recurrence: forty dependent scalar operations."""
    for _ in range(10):
        x = r * x * (1.0 - x)
    return x


def heron(x):
    """A square root by iteration to convergence: the number of steps depends on the value."""
    y = x
    while abs(y * y - x) > 1e-14 * x:
        y = 0.5 * (y + x / y)
    return y


def newton_for_kepler(eccentricity, anomaly):
    """Kepler's equation by Newton's method, a fixed number of steps."""
    e = anomaly
    for _ in range(8):
        e = e - (e - eccentricity * np.sin(e) - anomaly) / (1.0 - eccentricity * np.cos(e))
    return e


def nested_loops(a):
    """A double sum over pairs of entries, element by element."""
    total = 0.0
    for i in range(a.shape[0]):
        for j in range(i):
            total = total + np.sin(a[i] - a[j]) * a[i]
    return total


def taylor_until_small(x):
    """A series that is cut off where its terms become small: ``break`` on a value."""
    term, total = 1.0, 1.0
    for n in range(1, 60):
        term = term * x / n
        total = total + term
        if abs(term) < 1e-17:
            break
    return total


def skipping(a):
    """``continue`` on a value, and an early return."""
    total = 0.0
    for x in a:
        if x < 0:
            continue
        total = total + x * x * x
        if total > 100.0:
            return total
    return 2.0 * total


def arithmetic_geometric_mean(a, b):
    """Two quantities updated at once, until they meet."""
    while abs(a - b) > 1e-14:
        a, b = 0.5 * (a + b), np.sqrt(a * b)
    return a


def fold_of_rows(a, x):
    """A vector that goes through every row."""
    for row in a:
        x = np.tanh(x * row + 0.1)
    return x


VECTOR = np.array([0.4, -0.7, 1.1, 0.3])

SCENARIOS = [
    Scenario(horner, (np.array([0.5, -1.2, 0.3, 2.0]), 0.7)),
    Scenario(power_by_squaring, (1.1, 13)),
    Scenario(logistic_map, (3.3, 0.4)),
    Scenario(heron, (2.7,), not_analytic="it stops at a modulus"),
    Scenario(newton_for_kepler, (0.3, 0.8)),
    Scenario(nested_loops, (VECTOR,)),
    Scenario(taylor_until_small, (0.9,), not_analytic="it stops at a modulus"),
    Scenario(skipping, (VECTOR,)),
    Scenario(arithmetic_geometric_mean, (1.0, 2.3), not_analytic="it stops at a modulus"),
    Scenario(fold_of_rows, (np.outer([0.5, -0.3, 0.8], [1.0, 0.4]), np.array([0.2, 0.9]))),
]
