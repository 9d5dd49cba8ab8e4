"""Stencils and what surrounds them: in place, in two arrays, implicit by lines, with boundaries by slices.

Formulas: the stencils of PolyBench/C 4.2; LeVeque, *Finite Difference Methods*, 2007, §9; Barba & Forsyth,
*CFD Python: the 12 steps to Navier-Stokes equations*, 2018, steps 11 and 12 (channel flow).
"""

import numpy as np


def jacobi_1d(a, b, steps):
    for _ in range(steps):
        b[1:-1] = (a[:-2] + a[1:-1] + a[2:]) / 3.0
        a[1:-1] = (b[:-2] + b[1:-1] + b[2:]) / 3.0
    return a


def jacobi_2d(a, b, steps):
    for _ in range(steps):
        b[1:-1, 1:-1] = 0.2 * (a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + a[:-2, 1:-1])
        a[1:-1, 1:-1] = 0.2 * (b[1:-1, 1:-1] + b[1:-1, :-2] + b[1:-1, 2:] + b[2:, 1:-1] + b[:-2, 1:-1])
    return a


def jacobi_2d_swapped(a, steps):
    """The two arrays change names after each step."""
    b = a.copy()
    for _ in range(steps):
        for i in range(1, a.shape[0] - 1):
            for j in range(1, a.shape[1] - 1):
                b[i, j] = 0.2 * (a[i, j] + a[i, j - 1] + a[i, j + 1] + a[i + 1, j] + a[i - 1, j])
        a, b = b, a
    return np.sum(a * a * a)


def seidel_2d(a, steps):
    for _ in range(steps):
        for i in range(1, a.shape[0] - 1):
            for j in range(1, a.shape[1] - 1):
                a[i, j] = np.sum(a[i - 1 : i + 2, j - 1 : j + 2]) / 9.0
    return a


def seidel_2d_loops(a, steps):
    for _ in range(steps):
        for i in range(1, a.shape[0] - 1):
            for j in range(1, a.shape[1] - 1):
                a[i, j] = (
                    a[i - 1, j - 1] + a[i - 1, j] + a[i - 1, j + 1]
                    + a[i, j - 1] + a[i, j] + a[i, j + 1]
                    + a[i + 1, j - 1] + a[i + 1, j] + a[i + 1, j + 1]
                ) / 9.0  # fmt: skip
    return a


def fdtd_2d(ex, ey, hz, pulse):
    """Maxwell's equations on staggered grids, driven at one side."""
    for value in pulse:
        ey[0, :] = value
        ey[1:, :] -= 0.5 * (hz[1:, :] - hz[:-1, :])
        ex[:, 1:] -= 0.5 * (hz[:, 1:] - hz[:, :-1])
        hz[:-1, :-1] -= 0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1])
    return hz


def heat_3d(a, steps):
    for _ in range(steps):
        a[1:-1, 1:-1, 1:-1] += 0.125 * (
            (a[2:, 1:-1, 1:-1] - 2.0 * a[1:-1, 1:-1, 1:-1] + a[:-2, 1:-1, 1:-1])
            + (a[1:-1, 2:, 1:-1] - 2.0 * a[1:-1, 1:-1, 1:-1] + a[1:-1, :-2, 1:-1])
            + (a[1:-1, 1:-1, 2:] - 2.0 * a[1:-1, 1:-1, 1:-1] + a[1:-1, 1:-1, :-2])
        )
    return np.sum(a**2)


def adi(u, steps, ratio):
    """Heat, alternating directions: a tridiagonal system along each line, columns first."""
    n = u.shape[0]
    v = u.copy()
    p, q = np.zeros((n, n)), np.zeros((n, n))
    for _ in range(steps):
        v[0, 1:-1] = v[-1, 1:-1] = 1.0
        p[1:-1, 0] = 0.0
        q[1:-1, 0] = v[0, 1:-1]
        for j in range(1, n - 1):
            p[1:-1, j] = ratio / (1.0 + 2.0 * ratio - ratio * p[1:-1, j - 1])
            explicit = ratio * u[j, :-2] + (1.0 - 2.0 * ratio) * u[j, 1:-1] + ratio * u[j, 2:]
            q[1:-1, j] = (explicit + ratio * q[1:-1, j - 1]) * p[1:-1, j] / ratio
        for j in range(n - 2, 0, -1):
            v[j, 1:-1] = p[1:-1, j] * v[j + 1, 1:-1] + q[1:-1, j]
        u[1:-1, 0] = u[1:-1, -1] = 1.0
        p[1:-1, 0] = 0.0
        q[1:-1, 0] = u[1:-1, 0]
        for j in range(1, n - 1):
            p[1:-1, j] = ratio / (1.0 + 2.0 * ratio - ratio * p[1:-1, j - 1])
            explicit = ratio * v[:-2, j] + (1.0 - 2.0 * ratio) * v[1:-1, j] + ratio * v[2:, j]
            q[1:-1, j] = (explicit + ratio * q[1:-1, j - 1]) * p[1:-1, j] / ratio
        for j in range(n - 2, 0, -1):
            u[1:-1, j] = p[1:-1, j] * u[1:-1, j + 1] + q[1:-1, j]
    return u


def wave_with_boundaries(u, before, speed, steps):
    """Reflecting above and below, periodic left and right, a corner held fixed."""
    for _ in range(steps):
        after = 2.0 * u - before
        after[1:-1, 1:-1] += speed * (
            u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1]
        )
        after[0, :] = after[1, :]
        after[-1, :] = after[-2, :]
        after[:, 0] = after[:, -2]
        after[:, -1] = after[:, 1]
        after[0, 0] = 0.0
        before, u = u, after
    return u


def upwind(u, velocity, steps):
    """The difference is taken against the flow: a branch on each value."""
    for _ in range(steps):
        old = u.copy()
        for i in range(1, u.shape[0] - 1):
            if velocity[i] > 0.0:
                u[i] = old[i] - 0.4 * velocity[i] * (old[i] - old[i - 1])
            elif velocity[i] < 0.0:
                u[i] = old[i] - 0.4 * velocity[i] * (old[i + 1] - old[i])
            else:
                continue
    return u


def pressure(p, b, sweeps):
    """Poisson's equation, periodic along the channel, with walls."""
    for _ in range(sweeps):
        old = p.copy()
        p[1:-1, 1:-1] = 0.25 * (
            old[1:-1, 2:] + old[1:-1, :-2] + old[2:, 1:-1] + old[:-2, 1:-1] - b[1:-1, 1:-1]
        )
        p[1:-1, -1] = 0.25 * (old[1:-1, 0] + old[1:-1, -2] + old[2:, -1] + old[:-2, -1] - b[1:-1, -1])
        p[1:-1, 0] = 0.25 * (old[1:-1, 1] + old[1:-1, -1] + old[2:, 0] + old[:-2, 0] - b[1:-1, 0])
        p[-1, :] = p[-2, :]
        p[0, :] = p[1, :]
    return p


def channel_flow(u, v, p, force, limit):
    """Until the flow changes by less than a thousandth of a percent, at most `limit` steps."""
    dt, viscosity = 0.05, 0.2
    steps, change = 0, 1.0
    while change > 1e-5 and steps < limit:
        u_old, v_old = u.copy(), v.copy()
        along, across = np.roll(u, -1, axis=1) - np.roll(u, 1, axis=1), np.zeros_like(u)
        across[1:-1] = v[2:] - v[:-2]
        pressure(p, 0.5 * (along + across) / dt, 3)
        u[1:-1] = u_old[1:-1] + dt * (
            force
            - u_old[1:-1] * (u_old[1:-1] - np.roll(u_old, 1, axis=1)[1:-1])
            - v_old[1:-1] * (u_old[1:-1] - u_old[:-2])
            - 0.5 * (np.roll(p, -1, axis=1) - np.roll(p, 1, axis=1))[1:-1]
            + viscosity * (u_old[2:] - 2.0 * u_old[1:-1] + u_old[:-2])
        )
        v[1:-1] = v_old[1:-1] + dt * (
            -v_old[1:-1] * (v_old[1:-1] - v_old[:-2])
            - 0.5 * (p[2:] - p[:-2])
            + viscosity * (v_old[2:] - 2.0 * v_old[1:-1] + v_old[:-2])
        )
        u[0], u[-1], v[0], v[-1] = 0.0, 0.0, 0.0, 0.0
        change = np.abs(np.sum(u) - np.sum(u_old)) / np.sum(np.abs(u))
        steps += 1
    return u, v
