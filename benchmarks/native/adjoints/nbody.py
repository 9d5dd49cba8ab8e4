"""Gradient of the leapfrog loop: at each step positions are saved, and strength and slope for each pair."""

import numpy as np

from benchmarks.native.adjoints.compiled import buffer, compiled
from benchmarks.native.sources import nbody

primal = compiled(nbody.nbody_loops)


@compiled
def forces(x, masses, near, far, acceleration, strengths, slopes):
    """`slopes` are derivatives of strengths by the distance, over the distance; 0 where there is none."""
    n = x.shape[0]
    within = 1.0 / (near * np.sqrt(near))
    acceleration[:] = 0.0
    pair = 0
    for i in range(n - 1):
        xi, yi, zi, mass = x[i, 0], x[i, 1], x[i, 2], masses[i]
        ax, ay, az = 0.0, 0.0, 0.0
        for j in range(i + 1, n):
            dx, dy, dz = x[j, 0] - xi, x[j, 1] - yi, x[j, 2] - zi
            square = dx * dx + dy * dy + dz * dz
            strength, slope = 0.0, 0.0
            if square <= far:
                if square < near:
                    strength = within
                else:
                    inverse = 1.0 / square
                    strength = inverse * np.sqrt(inverse)
                    slope = -3.0 * strength * inverse
                ax += masses[j] * strength * dx
                ay += masses[j] * strength * dy
                az += masses[j] * strength * dz
                acceleration[j, 0] -= mass * strength * dx
                acceleration[j, 1] -= mass * strength * dy
                acceleration[j, 2] -= mass * strength * dz
            strengths[pair], slopes[pair] = strength, slope
            pair += 1
        acceleration[i, 0] += ax
        acceleration[i, 1] += ay
        acceleration[i, 2] += az


@compiled
def forces_adjoint(x, masses, strengths, slopes, acceleration_bar, x_bar, masses_bar):
    n = x.shape[0]
    pair = 0
    for i in range(n - 1):
        xi, yi, zi, mass = x[i, 0], x[i, 1], x[i, 2], masses[i]
        ax, ay, az = acceleration_bar[i, 0], acceleration_bar[i, 1], acceleration_bar[i, 2]
        x_sum, y_sum, z_sum, mass_sum = 0.0, 0.0, 0.0, 0.0
        for j in range(i + 1, n):
            strength, slope = strengths[pair], slopes[pair]
            pair += 1
            if strength == 0.0:
                continue
            dx, dy, dz = x[j, 0] - xi, x[j, 1] - yi, x[j, 2] - zi
            bx, by, bz = acceleration_bar[j, 0], acceleration_bar[j, 1], acceleration_bar[j, 2]
            along_i, along_j = ax * dx + ay * dy + az * dz, bx * dx + by * dy + bz * dz
            masses_bar[j] += strength * along_i
            mass_sum -= strength * along_j
            bent = slope * (masses[j] * along_i - mass * along_j)
            dx_bar = strength * (masses[j] * ax - mass * bx) + bent * dx
            dy_bar = strength * (masses[j] * ay - mass * by) + bent * dy
            dz_bar = strength * (masses[j] * az - mass * bz) + bent * dz
            x_bar[j, 0] += dx_bar
            x_bar[j, 1] += dy_bar
            x_bar[j, 2] += dz_bar
            x_sum += dx_bar
            y_sum += dy_bar
            z_sum += dz_bar
        x_bar[i, 0] -= x_sum
        x_bar[i, 1] -= y_sum
        x_bar[i, 2] -= z_sum
        masses_bar[i] += mass_sum


@compiled
def step(x, v, masses, dt, near, far, acceleration, kept):
    """Forward, with the row of what is kept filled."""
    n = x.shape[0]
    pairs = n * (n - 1) // 2
    for i in range(n):
        for c in range(3):
            x[i, c] += 0.5 * dt * v[i, c]
            kept[3 * i + c] = x[i, c]
    forces(x, masses, near, far, acceleration, kept[3 * n : 3 * n + pairs], kept[3 * n + pairs :])
    for i in range(n):
        for c in range(3):
            v[i, c] += dt * acceleration[i, c]
            x[i, c] += 0.5 * dt * v[i, c]


@compiled
def adjoint(positions, velocities, masses, steps, dt, near, far, saved):
    n = positions.shape[0]
    pairs = n * (n - 1) // 2
    row = 3 * n + 2 * pairs
    x, v, acceleration = positions.copy(), velocities.copy(), np.empty((n, 3))
    for t in range(steps):
        step(x, v, masses, dt, near, far, acceleration, saved[t * row : (t + 1) * row])
    total = 0.0
    x_bar, v_bar, masses_bar = np.empty((n, 3)), np.empty((n, 3)), np.zeros(n)
    for i in range(n):
        for c in range(3):
            total += 0.5 * masses[i] * v[i, c] * v[i, c] + x[i, c] * x[i, c]
            x_bar[i, c], v_bar[i, c] = 2.0 * x[i, c], masses[i] * v[i, c]
            masses_bar[i] += 0.5 * v[i, c] * v[i, c]

    for t in range(steps - 1, -1, -1):
        kept = saved[t * row : (t + 1) * row]
        for i in range(n):
            for c in range(3):
                v_bar[i, c] += 0.5 * dt * x_bar[i, c]
                acceleration[i, c] = dt * v_bar[i, c]
        forces_adjoint(
            kept[: 3 * n].reshape(n, 3), masses, kept[3 * n : 3 * n + pairs], kept[3 * n + pairs :],
            acceleration, x_bar, masses_bar,
        )  # fmt: skip
        for i in range(n):
            for c in range(3):
                v_bar[i, c] += 0.5 * dt * x_bar[i, c]
    return total, (x_bar, v_bar, masses_bar)


def nbody_gradient(positions, velocities, masses, steps, dt, near, far):
    n = masses.shape[0]
    saved = buffer("nbody", steps * (3 * n + n * (n - 1)))
    return adjoint(positions, velocities, masses, steps, dt, near, far, saved)
