"""Gradients of the two Runge-Kutta loops: states before the steps are saved, stages are computed again."""

import numpy as np

from benchmarks.native.adjoints.compiled import buffer, compiled
from benchmarks.native.sources import rk4

lorenz_primal = compiled(rk4.lorenz_loops)
lotka_volterra_primal = compiled(rk4.lotka_volterra_loops)


@compiled
def lorenz_field(x, y, z, sigma, rho, beta):
    return sigma * (y - x), x * (rho - z) - y, x * y - beta * z


@compiled
def lorenz_pull(x, y, z, sigma, rho, beta, x_bar, y_bar, z_bar):
    """The cotangents of state and parameters from those of the field."""
    return (
        -sigma * x_bar + (rho - z) * y_bar + y * z_bar,
        sigma * x_bar - y_bar + x * z_bar,
        -x * y_bar - beta * z_bar,
        (y - x) * x_bar,
        x * y_bar,
        -z * z_bar,
    )


@compiled
def lorenz_adjoint(state, parameters, steps, dt, saved):
    sigma, rho, beta = parameters[0], parameters[1], parameters[2]
    x, y, z = state[0], state[1], state[2]
    half, sixth = 0.5 * dt, dt / 6.0
    for t in range(steps):
        saved[3 * t], saved[3 * t + 1], saved[3 * t + 2] = x, y, z
        x1, y1, z1 = lorenz_field(x, y, z, sigma, rho, beta)
        x2, y2, z2 = lorenz_field(x + half * x1, y + half * y1, z + half * z1, sigma, rho, beta)
        x3, y3, z3 = lorenz_field(x + half * x2, y + half * y2, z + half * z2, sigma, rho, beta)
        x4, y4, z4 = lorenz_field(x + dt * x3, y + dt * y3, z + dt * z3, sigma, rho, beta)
        x += sixth * (x1 + 2.0 * x2 + 2.0 * x3 + x4)
        y += sixth * (y1 + 2.0 * y2 + 2.0 * y3 + y4)
        z += sixth * (z1 + 2.0 * z2 + 2.0 * z3 + z4)
    value = x * x + y * y + z * z

    x_bar, y_bar, z_bar = 2.0 * x, 2.0 * y, 2.0 * z
    sigma_bar = rho_bar = beta_bar = 0.0
    for t in range(steps - 1, -1, -1):
        x, y, z = saved[3 * t], saved[3 * t + 1], saved[3 * t + 2]
        x1, y1, z1 = lorenz_field(x, y, z, sigma, rho, beta)
        xa, ya, za = x + half * x1, y + half * y1, z + half * z1
        x2, y2, z2 = lorenz_field(xa, ya, za, sigma, rho, beta)
        xb, yb, zb = x + half * x2, y + half * y2, z + half * z2
        x3, y3, z3 = lorenz_field(xb, yb, zb, sigma, rho, beta)
        xc, yc, zc = x + dt * x3, y + dt * y3, z + dt * z3

        xk, yk, zk = sixth * x_bar, sixth * y_bar, sixth * z_bar
        xs, ys, zs, s4, r4, b4 = lorenz_pull(xc, yc, zc, sigma, rho, beta, xk, yk, zk)
        x_sum, y_sum, z_sum = x_bar + xs, y_bar + ys, z_bar + zs
        xs, ys, zs, s3, r3, b3 = lorenz_pull(
            xb, yb, zb, sigma, rho, beta, 2.0 * xk + dt * xs, 2.0 * yk + dt * ys, 2.0 * zk + dt * zs
        )
        x_sum, y_sum, z_sum = x_sum + xs, y_sum + ys, z_sum + zs
        xs, ys, zs, s2, r2, b2 = lorenz_pull(
            xa, ya, za, sigma, rho, beta, 2.0 * xk + half * xs, 2.0 * yk + half * ys, 2.0 * zk + half * zs
        )
        x_sum, y_sum, z_sum = x_sum + xs, y_sum + ys, z_sum + zs
        xs, ys, zs, s1, r1, b1 = lorenz_pull(
            x, y, z, sigma, rho, beta, xk + half * xs, yk + half * ys, zk + half * zs
        )
        x_bar, y_bar, z_bar = x_sum + xs, y_sum + ys, z_sum + zs
        sigma_bar += s1 + s2 + s3 + s4
        rho_bar += r1 + r2 + r3 + r4
        beta_bar += b1 + b2 + b3 + b4
    return value, (np.array([x_bar, y_bar, z_bar]), np.array([sigma_bar, rho_bar, beta_bar]))


def lorenz_gradient(state, parameters, steps, dt):
    return lorenz_adjoint(state, parameters, steps, dt, buffer("lorenz", 3 * steps))


@compiled
def lotka_volterra_field(x, y, a, b, c, d):
    return x * (a - b * y), y * (c * x - d)


@compiled
def lotka_volterra_pull(x, y, a, b, c, d, x_bar, y_bar):
    return (
        (a - b * y) * x_bar + c * y * y_bar,
        -b * x * x_bar + (c * x - d) * y_bar,
        x * x_bar,
        -x * y * x_bar,
        x * y * y_bar,
        -y * y_bar,
    )


@compiled
def lotka_volterra_adjoint(state, parameters, steps, dt, saved):
    a, b, c, d = parameters[0], parameters[1], parameters[2], parameters[3]
    x, y = state[0], state[1]
    half, sixth = 0.5 * dt, dt / 6.0
    for t in range(steps):
        saved[2 * t], saved[2 * t + 1] = x, y
        x1, y1 = lotka_volterra_field(x, y, a, b, c, d)
        x2, y2 = lotka_volterra_field(x + half * x1, y + half * y1, a, b, c, d)
        x3, y3 = lotka_volterra_field(x + half * x2, y + half * y2, a, b, c, d)
        x4, y4 = lotka_volterra_field(x + dt * x3, y + dt * y3, a, b, c, d)
        x += sixth * (x1 + 2.0 * x2 + 2.0 * x3 + x4)
        y += sixth * (y1 + 2.0 * y2 + 2.0 * y3 + y4)
    value = x * x + y * y

    x_bar, y_bar = 2.0 * x, 2.0 * y
    a_bar = b_bar = c_bar = d_bar = 0.0
    for t in range(steps - 1, -1, -1):
        x, y = saved[2 * t], saved[2 * t + 1]
        x1, y1 = lotka_volterra_field(x, y, a, b, c, d)
        x2, y2 = x + half * x1, y + half * y1
        x1, y1 = lotka_volterra_field(x2, y2, a, b, c, d)
        x3, y3 = x + half * x1, y + half * y1
        x1, y1 = lotka_volterra_field(x3, y3, a, b, c, d)
        x4, y4 = x + dt * x1, y + dt * y1

        xk, yk = sixth * x_bar, sixth * y_bar
        xs, ys, a4, b4, c4, d4 = lotka_volterra_pull(x4, y4, a, b, c, d, xk, yk)
        x_sum, y_sum = x_bar + xs, y_bar + ys
        xs, ys, a3, b3, c3, d3 = lotka_volterra_pull(
            x3, y3, a, b, c, d, 2.0 * xk + dt * xs, 2.0 * yk + dt * ys
        )
        x_sum, y_sum = x_sum + xs, y_sum + ys
        xs, ys, a2, b2, c2, d2 = lotka_volterra_pull(
            x2, y2, a, b, c, d, 2.0 * xk + half * xs, 2.0 * yk + half * ys
        )
        x_sum, y_sum = x_sum + xs, y_sum + ys
        xs, ys, a1, b1, c1, d1 = lotka_volterra_pull(x, y, a, b, c, d, xk + half * xs, yk + half * ys)
        x_bar, y_bar = x_sum + xs, y_sum + ys
        a_bar += a1 + a2 + a3 + a4
        b_bar += b1 + b2 + b3 + b4
        c_bar += c1 + c2 + c3 + c4
        d_bar += d1 + d2 + d3 + d4
    return value, (np.array([x_bar, y_bar]), np.array([a_bar, b_bar, c_bar, d_bar]))


def lotka_volterra_gradient(state, parameters, steps, dt):
    return lotka_volterra_adjoint(state, parameters, steps, dt, buffer("lotka_volterra", 2 * steps))
