"""Gradients of the stencils, gathered: each cotangent is computed once, from its neighbours'.

Cotangents of the interior are kept with a frame of zeros; what flows to the boundary is added up beside them.
"""

import numpy as np

from benchmarks.native.adjoints.compiled import buffer, compiled


@compiled
def sum_of_squares(u):
    total = 0.0
    for i in range(u.shape[0]):
        for j in range(u.shape[1]):
            total += u[i, j] * u[i, j]
    return total


@compiled
def frame(u, interior, boundary):
    """Twice `u`, split into interior and boundary; both are zero elsewhere."""
    rows, columns = u.shape
    for i in range(rows):
        for j in range(columns):
            inside = 0 < i < rows - 1 and 0 < j < columns - 1
            interior[i, j] = 2.0 * u[i, j] if inside else 0.0
            boundary[i, j] = 0.0 if inside else 2.0 * u[i, j]


@compiled
def to_boundary(share, interior, boundary):
    """Add `share` of the outermost interior cotangents to the boundary's."""
    rows, columns = interior.shape
    for j in range(1, columns - 1):
        boundary[0, j] += share * interior[1, j]
        boundary[rows - 1, j] += share * interior[rows - 2, j]
    for i in range(1, rows - 1):
        boundary[i, 0] += share * interior[i, 1]
        boundary[i, columns - 1] += share * interior[i, columns - 2]


@compiled
def heat_step(u, new, alpha):
    rows, columns = u.shape
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            around = u[i + 1, j] + u[i - 1, j] + u[i, j + 1] + u[i, j - 1]
            new[i, j] = u[i, j] + alpha * (around - 4.0 * u[i, j])


@compiled
def heat_primal(u, steps, alpha):
    u = u.copy()
    new = u.copy()
    for _ in range(steps):
        heat_step(u, new, alpha)
        u, new = new, u
    return sum_of_squares(u)


@compiled
def heat_gradient(u, steps, alpha):
    """By `u`. The step is linear: nothing is saved, and its adjoint is itself, on a frame of zeros."""
    u = u.copy()
    new = u.copy()
    for _ in range(steps):
        heat_step(u, new, alpha)
        u, new = new, u
    interior, boundary = np.empty(u.shape), np.empty(u.shape)
    frame(u, interior, boundary)
    before = np.zeros(u.shape)
    for _ in range(steps):
        to_boundary(alpha, interior, boundary)
        heat_step(interior, before, alpha)
        interior, before = before, interior
    return sum_of_squares(u), (interior + boundary,)


@compiled
def allen_cahn_step(u, new, dt, diffusion):
    rows, columns = u.shape
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            v = u[i, j]
            around = u[i + 1, j] + u[i - 1, j] + u[i, j + 1] + u[i, j - 1]
            new[i, j] = v + dt * (diffusion * (around - 4.0 * v) + v - v * v * v)


@compiled
def allen_cahn_primal(u, steps, dt, diffusion):
    u = u.copy()
    new = u.copy()
    for _ in range(steps):
        allen_cahn_step(u, new, dt, diffusion)
        u, new = new, u
    return sum_of_squares(u)


@compiled
def copy_boundary(u, new):
    """Just before the interior is written, so that the lines of the cache are fetched once."""
    rows, columns = u.shape
    for j in range(columns):
        new[0, j], new[rows - 1, j] = u[0, j], u[rows - 1, j]
    for i in range(rows):
        new[i, 0], new[i, columns - 1] = u[i, 0], u[i, columns - 1]


@compiled
def allen_cahn_step_adjoint(u, y_bar, u_bar, dt, diffusion):
    rows, columns = u.shape
    share, own = dt * diffusion, 1.0 + dt * (1.0 - 4.0 * diffusion)
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            around = y_bar[i + 1, j] + y_bar[i - 1, j] + y_bar[i, j + 1] + y_bar[i, j - 1]
            u_bar[i, j] = share * around + (own - 3.0 * dt * u[i, j] * u[i, j]) * y_bar[i, j]


@compiled
def allen_cahn_adjoint(u, steps, dt, diffusion, saved):
    """Each step writes the next of the saved fields, so that saving costs no copy."""
    saved[0] = u
    for t in range(steps):
        copy_boundary(saved[t], saved[t + 1])
        allen_cahn_step(saved[t], saved[t + 1], dt, diffusion)
    interior, boundary = np.empty(u.shape), np.empty(u.shape)
    frame(saved[steps], interior, boundary)
    before = np.zeros(u.shape)
    for t in range(steps - 1, -1, -1):
        to_boundary(dt * diffusion, interior, boundary)
        allen_cahn_step_adjoint(saved[t], interior, before, dt, diffusion)
        interior, before = before, interior
    return sum_of_squares(saved[steps]), (interior + boundary,)


def allen_cahn_gradient(u, steps, dt, diffusion):
    size = (steps + 1, *u.shape)
    saved = buffer("allen_cahn", (steps + 1) * u.size)[: (steps + 1) * u.size].reshape(size)
    return allen_cahn_adjoint(u, steps, dt, diffusion, saved)


@compiled
def gauss_seidel_sweeps(u, right, steps):
    rows, columns = u.shape
    for _ in range(steps):
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                around = u[i + 1, j] + u[i - 1, j] + u[i, j + 1] + u[i, j - 1]
                u[i, j] = 0.25 * (around - right[i, j])


@compiled
def gauss_seidel_primal(u, right, steps):
    u = u.copy()
    gauss_seidel_sweeps(u, right, steps)
    return sum_of_squares(u)


@compiled
def gauss_seidel_gradient(u, right, steps):
    """By `u` and `right`. Gathered, the adjoint of a sweep is a sweep in reverse order, in place as well.

    `share` is what each interior value gave to every neighbour it was computed from, in the sweep at hand.
    """
    rows, columns = u.shape
    u = u.copy()
    gauss_seidel_sweeps(u, right, steps)
    value = sum_of_squares(u)
    share, u_bar = np.empty(u.shape), np.empty(u.shape)
    frame(u, share, u_bar)
    if steps == 0:
        return value, (share + u_bar, np.zeros(u.shape))
    right_bar = np.zeros(u.shape)
    for i in range(rows - 2, 0, -1):
        after = 0.0
        for j in range(columns - 2, 0, -1):
            after = 0.25 * (share[i, j] + share[i + 1, j]) + 0.25 * after
            share[i, j] = after
            right_bar[i, j] = -after
    to_boundary(1.0, share, u_bar)
    for _ in range(steps - 1):
        for i in range(rows - 2, 0, -1):
            after = 0.0
            for j in range(columns - 2, 0, -1):
                others = share[i + 1, j] + share[i - 1, j] + share[i, j - 1]
                after = 0.25 * others + 0.25 * after
                share[i, j] = after
                right_bar[i, j] -= after
        to_boundary(1.0, share, u_bar)
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            u_bar[i, j] = share[i - 1, j] + share[i, j - 1]
    return value, (u_bar, right_bar)
