"""Branches: on values, inside array expressions, piecewise functions, recursion."""

import numpy as np

from scenarios.scenario import Scenario


def sign_dependent(x):
    """One of three formulas by the value."""
    if x > 1.0:
        y = x * x
    elif x > 0.0:
        y = np.sin(x)
    else:
        y = np.exp(x) * 2.0
    return y


def branch_in_a_loop(a):
    """Another formula for another entry."""
    y = 0.0
    for i, x in enumerate(a):
        y = y + (x**2 if x > 0 else 3.0 * x) * (i + 1)
    return y


def root_where_positive(x):
    """``np.where`` over a formula that is infinite on the other side."""
    return np.where(x > 0, np.sqrt(x), 0.0)


def double_well(x):
    """``np.select`` among three pieces."""
    return np.select([x < -1.0, x < 0.5], [(x + 1.0) ** 2, x**3], 2.0 * x)


def clipped(x):
    """Bounds that hold for some entries."""
    return np.clip(x, -0.5, 0.6) * x


def largest_and_smallest(a):
    """Extrema along an axis, without ties."""
    return np.max(a, axis=1) - np.min(a, axis=0)[:2] * np.maximum(a[:, 0], a[:, 1])


def recursion(x, depth):
    """A function that calls itself."""
    if depth == 0:
        return x
    return np.sin(recursion(x * 1.1, depth - 1)) + 0.5 * recursion(x - 0.2, depth - 1)


def median_and_order(a):
    """Order statistics."""
    return np.median(a) + np.sum(np.sort(a) * np.arange(1.0, 5.0)) + np.sum(a[np.argsort(a)[:2]] ** 2)


def conditional_expression(a, b):
    """Shapes decide, then values."""
    x = a if a.shape == b.shape else a[:, None]
    return np.sum(x * b) if np.sum(a) > 0 else np.sum(x / (2.0 + b))


VECTOR = np.array([0.4, -0.7, 1.1, 0.3])
MATRIX = np.array([[0.5, -0.2, 0.9], [1.3, 0.1, -0.8]])

SCENARIOS = [
    Scenario(sign_dependent, (0.6,)),
    Scenario(branch_in_a_loop, (VECTOR,)),
    Scenario(root_where_positive, (VECTOR,), beyond_autograd="it multiplies zero by infinity"),
    Scenario(double_well, (np.array([-1.4, 0.2, 0.9]),), beyond_autograd="it has no rule for select"),
    Scenario(clipped, (VECTOR,), not_analytic="clip compares and orders complex numbers"),
    Scenario(largest_and_smallest, (MATRIX,), not_analytic="extrema of complex numbers"),
    Scenario(recursion, (0.8, 4)),
    Scenario(median_and_order, (VECTOR,), beyond_autograd="it has no rule for median"),
    Scenario(conditional_expression, (np.array([0.7, 0.4]), MATRIX)),
]
