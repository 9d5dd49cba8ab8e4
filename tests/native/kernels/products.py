"""Products of dense matrices and vectors, by ``@`` and by loops.

Formulas: the BLAS and linear-algebra kernels of PolyBench/C 4.2 (Pouchet & Yuki), written anew.
"""

import numpy as np


def gemm_matmul(alpha, beta, c, a, b):
    return alpha * (a @ b) + beta * c


def gemm_loops(alpha, beta, c, a, b):
    for i in range(c.shape[0]):
        for j in range(c.shape[1]):
            c[i, j] *= beta
        for k in range(a.shape[1]):
            for j in range(c.shape[1]):
                c[i, j] += alpha * a[i, k] * b[k, j]
    return c


def two_mm(alpha, beta, a, b, c, d):
    d *= beta
    d += alpha * a @ b @ c
    return d


def three_mm(a, b, c, d):
    left = np.dot(a, b)
    right = np.dot(c, d)
    return np.dot(left, right)


def atax(a, x):
    return a.T @ (a @ x)


def atax_loops(a, x):
    y = np.zeros(a.shape[1])
    for i in range(a.shape[0]):
        t = 0.0
        for j in range(a.shape[1]):
            t += a[i, j] * x[j]
        for j in range(a.shape[1]):
            y[j] += a[i, j] * t
    return y


def bicg(a, p, r):
    return r @ a, a @ p


def bicg_loops(a, p, r):
    s, q = np.zeros(a.shape[1]), np.zeros(a.shape[0])
    for i, row in enumerate(a):
        for j in range(row.shape[0]):
            s[j] += r[i] * row[j]
            q[i] += row[j] * p[j]
    return s, q


def mvt(x1, x2, y1, y2, a):
    x1 += a @ y1
    x2 += a.T @ y2
    return x1, x2


def gemver(alpha, beta, a, u1, v1, u2, v2, y, z):
    updated = a + np.outer(u1, v1) + np.outer(u2, v2)
    x = beta * y @ updated + z
    return alpha * updated @ x


def gesummv(alpha, beta, a, b, x):
    return alpha * a @ x + beta * b @ x


def symm_loops(alpha, beta, c, a, b):
    """``alpha A B + beta C`` with the lower triangle of a symmetric A."""
    m, n = c.shape
    for i in range(m):
        for j in range(n):
            t = 0.0
            for k in range(i):
                c[k, j] += alpha * b[i, j] * a[i, k]
                t += b[k, j] * a[i, k]
            c[i, j] = beta * c[i, j] + alpha * (b[i, j] * a[i, i] + t)
    return c


def syrk_slices(alpha, beta, c, a):
    """The lower triangle of ``alpha A Aᵀ + beta C``."""
    for i in range(c.shape[0]):
        c[i, : i + 1] *= beta
        for k in range(a.shape[1]):
            c[i, : i + 1] += alpha * a[i, k] * a[: i + 1, k]
    return c


def syr2k_slices(alpha, beta, c, a, b):
    for i in range(c.shape[0]):
        c[i, : i + 1] *= beta
        for k in range(a.shape[1]):
            c[i, : i + 1] += alpha * (a[: i + 1, k] * b[i, k] + b[: i + 1, k] * a[i, k])
    return c


def trmm_loops(alpha, a, b):
    """``alpha Aᵀ B`` in place, A being unit lower triangular."""
    m, n = b.shape
    for i in range(m):
        for j in range(n):
            for k in range(i + 1, m):
                b[i, j] += a[k, i] * b[k, j]
            b[i, j] = alpha * b[i, j]
    return b


def doitgen(a, c):
    """Each vector of a cube, times a matrix."""
    for r in range(a.shape[0]):
        for q in range(a.shape[1]):
            a[r, q, :] = np.sum(a[r, q, :, None] * c, axis=0)
    return a
