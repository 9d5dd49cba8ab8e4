"""Linear algebra: products and solvers of NumPy, and factorisations written as loops."""

import numpy as np

from scenarios.scenario import WRITES, Scenario


def trace_of_product(a, b):
    """The benchmark of the thread."""
    return np.trace(a @ b)


def quadratic_form(a, x):
    """``xᵀ A x`` through an inverse."""
    return x @ np.linalg.inv(a) @ x


def least_squares(a, b):
    """The normal equations and the residual."""
    x = np.linalg.solve(a.T @ a + 0.1 * np.eye(a.shape[1]), a.T @ b)
    return np.sum((a @ x - b) ** 2) + np.sum(x**3)


def log_likelihood(a, x):
    """A Gaussian's: a determinant and a solution."""
    covariance = a @ a.T + np.eye(a.shape[0])
    return 0.5 * np.linalg.slogdet(covariance)[1] + 0.5 * x @ np.linalg.solve(covariance, x)


def batched_product(a, b):
    """Stacks of matrices that broadcast against each other."""
    return np.einsum("bij,jk,bk->b", a, b, a[:, 0] @ b) + np.trace(a @ b, axis1=1, axis2=2)


def cholesky_by_loops(a):
    """Cholesky's factorisation, entry by entry, of ``A Aᵀ + 1``; its log-determinant and its last row."""
    m = a @ a.T + np.eye(a.shape[0])
    n = m.shape[0]
    lower = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            rest = m[i, j] - np.sum(lower[i, :j] * lower[j, :j])
            lower[i, j] = np.sqrt(rest) if i == j else rest / lower[j, j]
    return np.sum(np.log(np.diag(lower))) + np.sum(lower[-1] ** 3)


def elimination(a, b):
    """Gauss's elimination in place, without pivots, and back substitution."""
    n = len(b)
    for k in range(n):
        for i in range(k + 1, n):
            factor = a[i, k] / a[k, k]
            a[i, k:] -= factor * a[k, k:]
            b[i] -= factor * b[k]
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        x[i] = (b[i] - np.sum(a[i, i + 1 :] * x[i + 1 :])) / a[i, i]
    return x


def power_iteration(a, x):
    """The largest eigenvalue of a symmetric matrix."""
    symmetric = a + a.T
    for _ in range(6):
        y = symmetric @ x
        x = y / np.sqrt(np.sum(y * y))
    return x @ symmetric @ x


def gram_schmidt(a):
    """Orthogonal columns, by a list that grows."""
    columns = []
    for k in range(a.shape[1]):
        v = a[:, k]
        for q in columns:
            v = v - (q @ v) * q
        columns.append(v / np.sqrt(v @ v))
    q = np.stack(columns, axis=1)
    return q[0] * np.array([1.0, 2.0]) + q[2]


def matrix_exponential(a):
    """Scaling, a Taylor series, and squaring."""
    x = a / 4.0
    term = total = np.eye(a.shape[0])
    for n in range(1, 8):
        term = term @ x / n
        total = total + term
    return np.linalg.matrix_power(total, 4)


def conjugate_gradients(a, b):
    """Hestenes and Stiefel's method for a definite matrix, as many steps as unknowns."""
    m = a @ a.T + 2.0 * np.eye(len(b))
    x, r = 0.0 * b, b
    p, rr = r, r @ r
    for _ in range(2):
        mp = m @ p
        alpha = rr / (p @ mp)
        x = x + alpha * p
        r = r - alpha * mp
        rr, old = r @ r, rr
        p = r + (rr / old) * p
    return x


SQUARE = np.array([[1.4, 0.3, -0.2], [0.1, 1.1, 0.5], [-0.3, 0.2, 0.9]])
TALL = np.array([[0.5, -0.2], [1.3, 0.1], [0.4, -0.8]])
X = np.array([0.7, -0.4, 1.2])

SCENARIOS = [
    Scenario(trace_of_product, (SQUARE, SQUARE[::-1] * 0.5)),
    Scenario(quadratic_form, (SQUARE, X)),
    Scenario(least_squares, (TALL, X)),
    Scenario(log_likelihood, (SQUARE, X), not_analytic="slogdet of a complex matrix takes a modulus"),
    Scenario(
        batched_product,
        (np.stack([SQUARE[:2, :2], SQUARE[1:, 1:]]), TALL[:2]),
        beyond_autograd="it has no trace of other axes",
    ),
    Scenario(cholesky_by_loops, (SQUARE,), beyond_autograd=WRITES),
    Scenario(elimination, (SQUARE, X), beyond_autograd=WRITES),
    Scenario(power_iteration, (SQUARE, X)),
    Scenario(gram_schmidt, (TALL,)),
    Scenario(matrix_exponential, (SQUARE[:2, :2] * 0.5,), beyond_autograd="it has no rule for matrix_power"),
    Scenario(conjugate_gradients, (TALL[:2], X[:2])),
]
