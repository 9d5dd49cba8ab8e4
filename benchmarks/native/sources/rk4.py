"""Two ordinary differential equations by the classical method of Runge and Kutta; the final squared norm.

Source: Hairer, Nørsett, Wanner, *Solving Ordinary Differential Equations I*, 1993, §I.16 and §II.1.
"""

import numpy as np


def lorenz_field(s, p):
    return np.array([p[0] * (s[1] - s[0]), s[0] * (p[1] - s[2]) - s[1], s[0] * s[1] - p[2] * s[2]])


def lorenz_slices(state, parameters, steps, dt):
    for _ in range(steps):
        k1 = lorenz_field(state, parameters)
        k2 = lorenz_field(state + 0.5 * dt * k1, parameters)
        k3 = lorenz_field(state + 0.5 * dt * k2, parameters)
        k4 = lorenz_field(state + dt * k3, parameters)
        state = state + dt / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return np.sum(state**2)


def lorenz_loops(state, parameters, steps, dt):
    sigma, rho, beta = parameters[0], parameters[1], parameters[2]
    x, y, z = state[0], state[1], state[2]
    half, sixth = 0.5 * dt, dt / 6.0
    for _ in range(steps):
        x1, y1, z1 = sigma * (y - x), x * (rho - z) - y, x * y - beta * z
        xa, ya, za = x + half * x1, y + half * y1, z + half * z1
        x2, y2, z2 = sigma * (ya - xa), xa * (rho - za) - ya, xa * ya - beta * za
        xa, ya, za = x + half * x2, y + half * y2, z + half * z2
        x3, y3, z3 = sigma * (ya - xa), xa * (rho - za) - ya, xa * ya - beta * za
        xa, ya, za = x + dt * x3, y + dt * y3, z + dt * z3
        x4, y4, z4 = sigma * (ya - xa), xa * (rho - za) - ya, xa * ya - beta * za
        x = x + sixth * (x1 + 2.0 * x2 + 2.0 * x3 + x4)
        y = y + sixth * (y1 + 2.0 * y2 + 2.0 * y3 + y4)
        z = z + sixth * (z1 + 2.0 * z2 + 2.0 * z3 + z4)
    return x * x + y * y + z * z


def lotka_volterra_field(s, p):
    return np.array([s[0] * (p[0] - p[1] * s[1]), s[1] * (p[2] * s[0] - p[3])])


def lotka_volterra_slices(state, parameters, steps, dt):
    for _ in range(steps):
        k1 = lotka_volterra_field(state, parameters)
        k2 = lotka_volterra_field(state + 0.5 * dt * k1, parameters)
        k3 = lotka_volterra_field(state + 0.5 * dt * k2, parameters)
        k4 = lotka_volterra_field(state + dt * k3, parameters)
        state = state + dt / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return np.sum(state**2)


def lotka_volterra_loops(state, parameters, steps, dt):
    a, b, c, d = parameters[0], parameters[1], parameters[2], parameters[3]
    x, y = state[0], state[1]
    half, sixth = 0.5 * dt, dt / 6.0
    for _ in range(steps):
        x1, y1 = x * (a - b * y), y * (c * x - d)
        xa, ya = x + half * x1, y + half * y1
        x2, y2 = xa * (a - b * ya), ya * (c * xa - d)
        xa, ya = x + half * x2, y + half * y2
        x3, y3 = xa * (a - b * ya), ya * (c * xa - d)
        xa, ya = x + dt * x3, y + dt * y3
        x4, y4 = xa * (a - b * ya), ya * (c * xa - d)
        x = x + sixth * (x1 + 2.0 * x2 + 2.0 * x3 + x4)
        y = y + sixth * (y1 + 2.0 * y2 + 2.0 * y3 + y4)
    return x * x + y * y
