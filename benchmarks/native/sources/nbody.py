"""Bodies under gravity by the leapfrog method, with two branches for each pair.

Closer than `near` the force grows linearly, as inside a ball; farther than `far` there is none. Both are
squared distances. The result is the kinetic energy plus the squared distances from the origin.

Source: Hairer, Lubich, Wanner, *Geometric Numerical Integration*, 2006, §I.1.4 and §I.2.
"""

import numpy as np


def nbody_slices(positions, velocities, masses, steps, dt, near, far):
    x, v = positions.copy(), velocities.copy()
    n = x.shape[0]
    for _ in range(steps):
        x += 0.5 * dt * v
        acceleration = np.zeros_like(x)
        for i in range(n - 1):
            apart = x[i + 1 :] - x[i]
            square = np.maximum(np.sum(apart * apart, axis=1), near)
            strength = np.where(square > far, 0.0, 1.0 / (square * np.sqrt(square)))
            pull = strength[:, None] * apart
            acceleration[i] += np.sum(masses[i + 1 :, None] * pull, axis=0)
            acceleration[i + 1 :] -= masses[i] * pull
        v += dt * acceleration
        x += 0.5 * dt * v
    return 0.5 * np.sum(masses[:, None] * v * v) + np.sum(x * x)


def nbody_loops(positions, velocities, masses, steps, dt, near, far):
    x, v = positions.copy(), velocities.copy()
    n = x.shape[0]
    acceleration = np.zeros_like(x)
    for _ in range(steps):
        for i in range(n):
            for c in range(3):
                x[i, c] += 0.5 * dt * v[i, c]
                acceleration[i, c] = 0.0
        for i in range(n - 1):
            for j in range(i + 1, n):
                dx, dy, dz = x[j, 0] - x[i, 0], x[j, 1] - x[i, 1], x[j, 2] - x[i, 2]
                square = dx * dx + dy * dy + dz * dz
                if square > far:
                    continue
                if square < near:
                    strength = 1.0 / (near * np.sqrt(near))
                else:
                    strength = 1.0 / (square * np.sqrt(square))
                acceleration[i, 0] += masses[j] * strength * dx
                acceleration[i, 1] += masses[j] * strength * dy
                acceleration[i, 2] += masses[j] * strength * dz
                acceleration[j, 0] -= masses[i] * strength * dx
                acceleration[j, 1] -= masses[i] * strength * dy
                acceleration[j, 2] -= masses[i] * strength * dz
        for i in range(n):
            for c in range(3):
                v[i, c] += dt * acceleration[i, c]
                x[i, c] += 0.5 * dt * v[i, c]
    total = 0.0
    for i in range(n):
        for c in range(3):
            total += 0.5 * masses[i] * v[i, c] * v[i, c] + x[i, c] * x[i, c]
    return total
