"""Gradients of the trace of a product, the tridiagonal solver and the Cholesky factor, line by line."""

import numpy as np

from benchmarks.native.adjoints.compiled import compiled
from benchmarks.native.sources import matrices

trace_primal = compiled(matrices.trace_loops)
cholesky_primal = compiled(matrices.cholesky_loops)


@compiled
def trace_gradient(x1, x2):
    rows, columns = x1.shape
    x1_bar, x2_bar = np.empty((rows, columns)), np.empty((columns, rows))
    for i in range(rows):
        for j in range(columns):
            x1_bar[i, j] = x2[j, i]
    for j in range(columns):
        for i in range(rows):
            x2_bar[j, i] = x1[i, j]
    total = 0.0
    for i in range(rows):
        for j in range(columns):
            total += x1[i, j] * x1_bar[i, j]
    return total, (x1_bar, x2_bar)


@compiled
def thomas_primal(lower, diagonal, upper, right):
    n = diagonal.shape[0]
    pivot, x = np.empty(n), np.empty(n)
    pivot[0], x[0] = diagonal[0], right[0]
    for i in range(1, n):
        factor = lower[i] / pivot[i - 1]
        pivot[i] = diagonal[i] - factor * upper[i - 1]
        x[i] = right[i] - factor * x[i - 1]
    x[n - 1] /= pivot[n - 1]
    total = x[n - 1] * x[n - 1]
    for i in range(n - 2, -1, -1):
        x[i] = (x[i] - upper[i] * x[i + 1]) / pivot[i]
        total += x[i] * x[i]
    return total


@compiled
def thomas_gradient(lower, diagonal, upper, right):
    """Reciprocals of pivots are saved, since each would otherwise be a division in three places."""
    n = diagonal.shape[0]
    inverse, eliminated, x = np.empty(n), np.empty(n), np.empty(n)
    inverse[0], eliminated[0] = 1.0 / diagonal[0], right[0]
    for i in range(1, n):
        factor = lower[i] * inverse[i - 1]
        inverse[i] = 1.0 / (diagonal[i] - factor * upper[i - 1])
        eliminated[i] = right[i] - factor * eliminated[i - 1]
    x[n - 1] = eliminated[n - 1] * inverse[n - 1]
    total = x[n - 1] * x[n - 1]
    for i in range(n - 2, -1, -1):
        x[i] = (eliminated[i] - upper[i] * x[i + 1]) * inverse[i]
        total += x[i] * x[i]

    lower_bar, diagonal_bar, upper_bar, right_bar = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    carried = 0.0
    for i in range(n - 1):
        solved_bar = (2.0 * x[i] + carried) * inverse[i]
        right_bar[i] = solved_bar
        diagonal_bar[i] = -solved_bar * x[i]
        upper_bar[i] = -solved_bar * x[i + 1]
        carried = -solved_bar * upper[i]
    solved_bar = (2.0 * x[n - 1] + carried) * inverse[n - 1]
    right_bar[n - 1], diagonal_bar[n - 1], upper_bar[n - 1] = solved_bar, -solved_bar * x[n - 1], 0.0
    for i in range(n - 1, 0, -1):
        factor = lower[i] * inverse[i - 1]
        factor_bar = -(right_bar[i] * eliminated[i - 1] + diagonal_bar[i] * upper[i - 1])
        upper_bar[i - 1] -= factor * diagonal_bar[i]
        right_bar[i - 1] -= factor * right_bar[i]
        lower_bar[i] = factor_bar * inverse[i - 1]
        diagonal_bar[i - 1] -= factor * lower_bar[i]
    lower_bar[0] = 0.0
    return total, (lower_bar, diagonal_bar, upper_bar, right_bar)


@compiled
def cholesky_gradient(a, b):
    """The factor itself is all that is saved; the adjoint of each inner product is two updates of rows."""
    n = a.shape[0]
    factor, x = np.empty((n, n)), np.empty(n)
    inverse = np.empty(n)
    total = 0.0
    for i in range(n):
        row = factor[i]
        for j in range(i):
            other, s = factor[j], a[i, j]
            for k in range(j):
                s -= row[k] * other[k]
            row[j] = s * inverse[j]
        s, t = a[i, i], b[i]
        for k in range(i):
            s -= row[k] * row[k]
            t -= row[k] * x[k]
        row[i] = np.sqrt(s)
        inverse[i] = 1.0 / row[i]
        x[i] = t * inverse[i]
        total += 0.5 * x[i] * x[i] + np.log(row[i])

    a_bar, b_bar = np.zeros((n, n)), np.empty(n)
    factor_bar, x_bar = np.zeros((n, n)), x.copy()
    for i in range(n - 1, -1, -1):
        row, row_bar = factor[i], factor_bar[i]
        t_bar = x_bar[i] * inverse[i]
        b_bar[i] = t_bar
        s_bar = 0.5 * inverse[i] * (row_bar[i] + inverse[i] - t_bar * x[i])
        a_bar[i, i] = s_bar
        for k in range(i):
            row_bar[k] -= 2.0 * s_bar * row[k] + t_bar * x[k]
        for k in range(i):
            x_bar[k] -= t_bar * row[k]
        for j in range(i - 1, -1, -1):
            other, other_bar = factor[j], factor_bar[j]
            s_bar = row_bar[j] * inverse[j]
            a_bar[i, j] = s_bar
            other_bar[j] -= s_bar * row[j]
            for k in range(j):
                row_bar[k] -= s_bar * other[k]
                other_bar[k] -= s_bar * row[k]
    return total, (a_bar, b_bar)
