"""Dense and banded linear algebra: the trace of a product, a tridiagonal system, a Cholesky factor.

Source: Golub & Van Loan, *Matrix Computations*, 2013, §4.3.6 (tridiagonal) and §4.2 (Cholesky); the quantity
computed from the factor is the negative logarithm of a normal density, but for a constant.
"""

import numpy as np


def trace_slices(x1, x2):
    return np.trace(x1 @ x2)


def trace_loops(x1, x2):
    total = 0.0
    for i in range(x1.shape[0]):
        for j in range(x1.shape[1]):
            total += x1[i, j] * x2[j, i]
    return total


def thomas_loops(lower, diagonal, upper, right):
    n = diagonal.shape[0]
    pivot, x = np.empty_like(diagonal), np.empty_like(right)
    pivot[0], x[0] = diagonal[0], right[0]
    for i in range(1, n):
        factor = lower[i] / pivot[i - 1]
        pivot[i] = diagonal[i] - factor * upper[i - 1]
        x[i] = right[i] - factor * x[i - 1]
    x[n - 1] = x[n - 1] / pivot[n - 1]
    for i in range(n - 2, -1, -1):
        x[i] = (x[i] - upper[i] * x[i + 1]) / pivot[i]
    return np.sum(x**2)


def cholesky_slices(a, b):
    n = a.shape[0]
    factor, x = np.zeros_like(a), np.zeros_like(b)
    for i in range(n):
        for j in range(i):
            factor[i, j] = (a[i, j] - np.sum(factor[i, :j] * factor[j, :j])) / factor[j, j]
        factor[i, i] = np.sqrt(a[i, i] - np.sum(factor[i, :i] ** 2))
        x[i] = (b[i] - np.sum(factor[i, :i] * x[:i])) / factor[i, i]
    return 0.5 * np.sum(x**2) + np.sum(np.log(np.diag(factor)))


def cholesky_loops(a, b):
    n = a.shape[0]
    factor, x = np.zeros_like(a), np.zeros_like(b)
    total = 0.0
    for i in range(n):
        for j in range(i):
            s = a[i, j]
            for k in range(j):
                s -= factor[i, k] * factor[j, k]
            factor[i, j] = s / factor[j, j]
        s, t = a[i, i], b[i]
        for k in range(i):
            s -= factor[i, k] * factor[i, k]
            t -= factor[i, k] * x[k]
        factor[i, i] = np.sqrt(s)
        x[i] = t / factor[i, i]
        total += 0.5 * x[i] * x[i] + np.log(factor[i, i])
    return total
