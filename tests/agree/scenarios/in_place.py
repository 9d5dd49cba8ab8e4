"""Writes: into buffers, into arguments, through views of them, through views of views."""

import numpy as np

from scenarios.scenario import WRITES, Scenario


def filled_buffer(x):
    """Powers stored one after the other."""
    y = np.zeros(5)
    y[0] = 1.0
    for i in range(1, 5):
        y[i] = y[i - 1] * x + 0.1 * i
    return y


def scaled_tail(x):
    """A view that is changed changes its base."""
    tail = x[1:]
    tail *= 2.0
    x[0] = x[1] * x[2]
    return x * x


def row_and_column(a):
    """Two views that cross in one entry."""
    row, column = a[1], a[:, 0]
    row += column[: len(row)] if len(column) >= len(row) else 0.5
    column *= 3.0
    row[0] = row[-1] ** 2
    return np.sum(a * a)


def masked_update(x):
    """A mask and integer indices with duplicates."""
    x[x < 0] *= -0.5
    x[np.array([0, 2, 2])] += np.array([1.0, 2.0, 3.0]) * x[1]
    return np.sin(x)


def accumulated(x, index):
    """``np.add.at`` counts duplicates, indexed ``+=`` does not."""
    bins = np.zeros(3)
    np.add.at(bins, index, x * x)
    bins[index[:2]] += x[:2]
    return bins * bins[::-1]


def out_arguments(x, y):
    """Results written where the operands were."""
    np.multiply(x, y, out=x)
    np.sin(x, out=x)
    np.add(x, y, out=y)
    return x + y * x


def stencil(u):
    """Jacobi's relaxation on the inner points, in two buffers that swap."""
    v = u.copy()
    for _ in range(3):
        v[1:-1] = 0.5 * (u[:-2] + u[2:]) + 0.1 * u[1:-1] ** 2
        u, v = v, u
    return u[1:-1] * u[0]


def gauss_seidel(u):
    """Each entry is updated from those that were updated before it."""
    for _ in range(2):
        for i in range(1, len(u) - 1):
            u[i] = 0.4 * (u[i - 1] + u[i + 1]) + 0.1 * np.sin(u[i])
    return np.sum(u * np.arange(len(u)))


def view_of_a_view(a):
    """A diagonal through a reshaped transpose."""
    flat = a.T.reshape(-1)
    flat = flat * 1.5
    square = flat.reshape(2, 2)
    square[0] -= square[1] * 0.25
    square.T[1] *= square[0, 0]
    return square


def overwritten_after_use(x):
    """What is overwritten was needed before: the derivative reads the old value."""
    y = np.exp(x)
    z = y * x
    y *= 0.1
    x[:] = z - y
    z += 1.0
    return np.sum(x * y) + np.sum(z)


def swapped_entries(x):
    """Bubble sort: entries change places."""
    for i in range(len(x)):
        for j in range(len(x) - 1 - i):
            if x[j] > x[j + 1]:
                x[j], x[j + 1] = x[j + 1] * 1.0, x[j] * 1.0
    return x * np.arange(1.0, len(x) + 1)


def prefix_table(a):
    """Dynamic programming over a table: the softened shortest path."""
    n, m = a.shape
    cost = np.zeros((n, m))
    for i in range(n):
        for j in range(m):
            best = 0.0
            if i > 0 and j > 0:
                best = -np.log(np.exp(-cost[i - 1, j]) + np.exp(-cost[i, j - 1]))
            elif i > 0:
                best = cost[i - 1, j]
            elif j > 0:
                best = cost[i, j - 1]
            cost[i, j] = a[i, j] + best
    return cost[-1, -1]


VECTOR = np.array([0.4, -0.7, 1.1, 0.3])
MATRIX = np.array([[0.5, -0.2, 0.9], [1.3, 0.1, -0.8]])

SCENARIOS = [
    Scenario(filled_buffer, (0.8,), beyond_autograd=WRITES),
    Scenario(scaled_tail, (VECTOR,), beyond_autograd=WRITES),
    Scenario(row_and_column, (MATRIX,), beyond_autograd=WRITES),
    Scenario(masked_update, (VECTOR,), beyond_autograd=WRITES),
    Scenario(accumulated, (VECTOR, np.array([0, 2, 2, 1])), beyond_autograd=WRITES),
    Scenario(out_arguments, (VECTOR, VECTOR[::-1] * 0.8), beyond_autograd=WRITES),
    Scenario(stencil, (np.array([1.0, 0.3, -0.2, 0.5, 0.4]),), beyond_autograd=WRITES),
    Scenario(gauss_seidel, (np.array([1.0, 0.3, -0.2, 0.5, 0.4]),), beyond_autograd=WRITES),
    Scenario(view_of_a_view, (np.array([[0.6, 1.2], [-0.4, 0.8]]),), beyond_autograd=WRITES),
    Scenario(overwritten_after_use, (VECTOR,), beyond_autograd=WRITES),
    Scenario(swapped_entries, (VECTOR,), beyond_autograd=WRITES, hessian=False),
    Scenario(prefix_table, (np.abs(MATRIX),), beyond_autograd=WRITES),
]
