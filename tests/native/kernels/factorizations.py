"""Triangular solves and factorizations, most of them in place.

Formulas: the solvers of PolyBench/C 4.2; Golub & Van Loan, *Matrix Computations*, 2013, §3.1, §3.2, §4.2,
§4.7 and §5.2.8.
"""

import numpy as np


def trisolv(lower, b):
    x = np.zeros_like(b)
    for i in range(b.shape[0]):
        x[i] = (b[i] - lower[i, :i] @ x[:i]) / lower[i, i]
    return x


def trisolv_backward_loops(upper, b):
    """By a negative step, in place."""
    n = b.shape[0]
    for i in range(n - 1, -1, -1):
        for j in range(n - 1, i, -1):
            b[i] -= upper[i, j] * b[j]
        b[i] /= upper[i, i]
    return b


def cholesky_loops(a):
    n = a.shape[0]
    for i in range(n):
        for j in range(i):
            for k in range(j):
                a[i, j] -= a[i, k] * a[j, k]
            a[i, j] /= a[j, j]
        for k in range(i):
            a[i, i] -= a[i, k] ** 2
        a[i, i] = np.sqrt(a[i, i])
    return np.sum(np.tril(a) ** 3)


def cholesky_slices(a):
    """Right-looking: each column is scaled, then taken from what is right of it."""
    for j in range(a.shape[0]):
        a[j:, j] /= np.sqrt(a[j, j])
        for k in range(j + 1, a.shape[0]):
            a[k:, k] -= a[k:, j] * a[k, j]
    return np.sum(np.log(np.diag(a)))


def lu_slices(a):
    for k in range(a.shape[0] - 1):
        a[k + 1 :, k] /= a[k, k]
        a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])
    return a


def lu_loops(a):
    n = a.shape[0]
    for i in range(n):
        for j in range(i):
            for k in range(j):
                a[i, j] -= a[i, k] * a[k, j]
            a[i, j] /= a[j, j]
        for j in range(i, n):
            for k in range(i):
                a[i, j] -= a[i, k] * a[k, j]
    return a


def ludcmp(a, b):
    """A linear system by elimination with the largest pivot, rows being swapped."""
    n = a.shape[0]
    for k in range(n):
        best = k
        for i in range(k + 1, n):
            if abs(a[i, k]) > abs(a[best, k]):
                best = i
        if best != k:
            a[[k, best]] = a[[best, k]]
            b[[k, best]] = b[[best, k]]
        for i in range(k + 1, n):
            factor = a[i, k] / a[k, k]
            a[i, k:] -= factor * a[k, k:]
            b[i] -= factor * b[k]
    for i in reversed(range(n)):
        b[i] = (b[i] - np.sum(a[i, i + 1 :] * b[i + 1 :])) / a[i, i]
    return b


def durbin(r):
    """The Yule-Walker equations of a Toeplitz matrix, by a recursion that reverses a slice."""
    y = np.zeros_like(r)
    y[0] = -r[0]
    beta, alpha = 1.0, -r[0]
    for k in range(1, r.shape[0]):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.sum(r[k - 1 :: -1] * y[:k])) / beta
        y[:k] = y[:k] + alpha * y[k - 1 :: -1]
        y[k] = alpha
    return y


def gramschmidt(a):
    """Modified; the columns of A become orthonormal."""
    n = a.shape[1]
    r = np.zeros((n, n))
    for k in range(n):
        r[k, k] = np.sqrt(np.sum(a[:, k] ** 2))
        a[:, k] /= r[k, k]
        for j in range(k + 1, n):
            r[k, j] = np.sum(a[:, k] * a[:, j])
            a[:, j] -= a[:, k] * r[k, j]
    return a, r
