"""Two explicit time loops on a grid, the heat equation and Allen-Cahn's, and sweeps of Gauss and Seidel.

The boundary keeps its values. All write into `u`.

Source: LeVeque, *Finite Difference Methods*, 2007, §9.2 and §4.2; Allen & Cahn, 1979, for u - u³.
"""

import numpy as np


def heat_slices(u, steps, alpha):
    for _ in range(steps):
        u[1:-1, 1:-1] += alpha * (
            u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1]
        )
    return np.sum(u**2)


def heat_loops(u, steps, alpha):
    rows, columns = u.shape
    new = u.copy()
    for _ in range(steps):
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                around = u[i + 1, j] + u[i - 1, j] + u[i, j + 1] + u[i, j - 1]
                new[i, j] = u[i, j] + alpha * (around - 4.0 * u[i, j])
        u, new = new, u
    total = 0.0
    for i in range(rows):
        for j in range(columns):
            total += u[i, j] * u[i, j]
    return total


def allen_cahn_slices(u, steps, dt, diffusion):
    for _ in range(steps):
        inner = u[1:-1, 1:-1]
        around = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
        u[1:-1, 1:-1] = inner + dt * (diffusion * (around - 4.0 * inner) + inner - inner**3)
    return np.sum(u**2)


def allen_cahn_loops(u, steps, dt, diffusion):
    rows, columns = u.shape
    new = u.copy()
    for _ in range(steps):
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                v = u[i, j]
                around = u[i + 1, j] + u[i - 1, j] + u[i, j + 1] + u[i, j - 1]
                new[i, j] = v + dt * (diffusion * (around - 4.0 * v) + v - v * v * v)
        u, new = new, u
    total = 0.0
    for i in range(rows):
        for j in range(columns):
            total += u[i, j] * u[i, j]
    return total


def gauss_seidel_loops(u, right, steps):
    rows, columns = u.shape
    for _ in range(steps):
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                around = u[i + 1, j] + u[i - 1, j] + u[i, j + 1] + u[i, j - 1]
                u[i, j] = 0.25 * (around - right[i, j])
    return np.sum(u**2)
