"""Loops that stop by what they compute: while, break, early return, for with else.

Formulas: Press et al., *Numerical Recipes*, 2007, §9; Golub & Van Loan, *Matrix Computations*, 2013, §7.3 and
§11.2.
"""

import numpy as np


def newton_cube_root(a):
    """Each entry by its own number of steps."""
    roots = np.empty_like(a)
    for i in range(a.shape[0]):
        x = 1.0 + a[i] / 3.0
        while abs(x * x * x - a[i]) > 1e-12 * (1.0 + a[i]):
            x -= (x * x * x - a[i]) / (3.0 * x * x)
        roots[i] = x
    return roots


def newton_scalar(a):
    """One number, with an early return."""
    x = 1.0
    for _ in range(50):
        step = (np.exp(x) * x - a) / (np.exp(x) * (x + 1.0))
        x = x - step
        if abs(step) < 1e-13:
            return x
    return x


def bisection(a, b, low, high):
    """Ten halvings for a root of ``x³ + a x - b``, then two steps of Newton's that carry derivatives."""
    for _ in range(10):
        middle = 0.5 * (low + high)
        if middle * middle * middle + a * middle - b > 0.0:
            high = middle
        else:
            low = middle
    x = 0.5 * (low + high)
    for _ in range(2):
        x = x - (x * x * x + a * x - b) / (3.0 * x * x + a)
    return x


def power_iteration(a, x):
    """The largest eigenvalue, until it does not change."""
    value, change = 0.0, 1.0
    while change > 1e-13:
        y = a @ x
        x = y / np.sqrt(np.sum(y * y))
        change = abs(x @ a @ x - value)
        value = x @ a @ x
    return value


def jacobi_solve(a, b):
    """A diagonally dominant system, until the residual is small."""
    diagonal = np.diag(a)
    x = b / diagonal
    while True:
        residual = b - a @ x
        if np.max(np.abs(residual)) < 1e-12:
            break
        x = x + residual / diagonal
    return x


def conjugate_gradients(a, b):
    """In place, at most as many steps as there are unknowns."""
    x = np.zeros_like(b)
    r = b.copy()
    p = b.copy()
    square = r @ r
    for _ in range(b.shape[0]):
        if square < 1e-24:
            break
        image = a @ p
        alpha = square / (p @ image)
        x = x + alpha * p
        r = r - alpha * image
        new = r @ r
        p = r + (new / square) * p
        square = new
    return x


def fixed_point_grid(c, limit):
    """How each point moves until it is far away, with an else for those that stay (Mandelbrot's map)."""
    total = 0.0
    for i in range(c.shape[0]):
        x = 0.0
        for _ in range(limit):
            x = x * x + c[i]
            if x > 4.0:
                total += np.log(x)
                break
        else:
            total += x * x
    return total


def adaptive_euler(y, rate, end):
    """Logistic growth with steps chosen by the value: the last one ends in time."""
    t = 0.0
    while t < end:
        h = min(0.25 / (1.0 + rate * y), end - t)
        y = y + h * rate * y * (1.0 - y)
        t = t + h
    return y
