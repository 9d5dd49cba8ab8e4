"""The workloads in JAX, as one would write them there: no stores, loops by ``lax``, else whole arrays.

`candidate` gives value and gradient of one workload, compiled at the first call.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from benchmarks.native.sources import bundle, matrices, rk4
from benchmarks.native.workload import Workload


def load() -> Any:
    """JAX with double precision on one thread that is the caller's, or None if it is not installed."""
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ.setdefault("XLA_FLAGS", flags)
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    try:
        jax = importlib.import_module("jax")
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    return jax


def rebound(function: Any, names: dict[str, Any]) -> Any:
    """The same source over other names, for a source that stores into nothing."""
    return FunctionType(function.__code__, {**function.__globals__, **names}, function.__name__)


def gradient(jax: Any, function: Callable[..., Any], workload: Workload, arguments: Any) -> Callable[[], Any]:
    """Value and gradient by the workload's arguments, the others being constants of the program."""
    active = [jax.numpy.asarray(arguments[i]) for i in workload.argnums]

    def of_active(*values: Any) -> Any:
        full = list(arguments)
        for position, value in zip(workload.argnums, values, strict=True):
            full[position] = value
        return function(*full)

    if workload.seeds is None:
        run = jax.jit(jax.value_and_grad(of_active, argnums=tuple(range(len(active)))))
    else:
        seeds = workload.seeds(workload.primal(*arguments))

        @jax.jit
        def run(*values: Any) -> Any:
            result, pull = jax.vjp(of_active, *values)
            return result, [pull(seed) for seed in seeds]

    return lambda: jax.block_until_ready(run(*active))


def functions(jax: Any) -> dict[str, Callable[..., Any]]:
    """Each workload's function by the beginning of its name."""
    jnp, lax = jax.numpy, jax.lax
    errors = rebound(bundle.errors_slices, {"np": jnp})
    return {
        "GMM": lambda *arguments: mixture(jax, *arguments),
        "BA1 loss": rebound(bundle.loss_slices, {"np": jnp, "errors_slices": errors}),
        "BA1 sparse": errors,
        "LSTM": lambda *arguments: lstm(jax, *arguments),
        "HAND": lambda *arguments: hand(jax, *arguments),
        "RK4 Lorenz": runge_kutta(jnp, lax, rebound(rk4.lorenz_field, {"np": jnp})),
        "RK4 Lotka": runge_kutta(jnp, lax, rebound(rk4.lotka_volterra_field, {"np": jnp})),
        "heat": lambda *arguments: heat(jnp, lax, *arguments),
        "Allen-Cahn": lambda *arguments: allen_cahn(jnp, lax, *arguments),
        "Gauss-Seidel": lambda *arguments: gauss_seidel(jnp, lax, *arguments),
        "tr(": rebound(matrices.trace_slices, {"np": jnp}),
        "N-body": lambda *arguments: nbody(jnp, lax, *arguments),
        "Thomas": lambda *arguments: thomas(jnp, lax, *arguments),
        "Cholesky": lambda *arguments: cholesky(jax, *arguments),
    }


def candidate(jax: Any, workload: Workload, arguments: Any) -> Callable[[], Any]:
    """What to time for one workload."""
    written = functions(jax)
    beginning = next(name for name in written if workload.name.startswith(name))
    return gradient(jax, written[beginning], workload, arguments)


def mixture(jax: Any, alphas: Any, means: Any, icf: Any, x: Any, gamma: Any, m: Any, constant: Any) -> Any:
    jnp, log_sum_exp = jax.numpy, jax.scipy.special.logsumexp
    components, d = means.shape
    columns, rows = np.triu_indices(d, 1)
    lower = jnp.zeros((components, d, d)).at[:, rows, columns].set(icf[:, d:])
    diagonal, sum_q = jnp.exp(icf[:, :d]), jnp.sum(icf[:, :d], axis=1)
    centered = x[:, None, :] - means
    q = diagonal * centered + jnp.einsum("kij,nkj->nki", lower, centered)
    terms = alphas + sum_q - 0.5 * jnp.sum(q * q, axis=2)
    squares = jnp.sum(diagonal**2) + jnp.sum(icf[:, d:] ** 2)
    prior = 0.5 * gamma**2 * squares - m * jnp.sum(sum_q)
    return jnp.sum(log_sum_exp(terms, axis=1)) - x.shape[0] * log_sum_exp(alphas) + prior + constant


def lstm(jax: Any, main: Any, extra: Any, state: Any, sequence: Any) -> Any:
    jnp, sigmoid = jax.numpy, jax.nn.sigmoid
    layers, bits = main.shape[0] // 2, state.shape[1]

    def step(state: Any, characters: Any) -> Any:
        character, following = characters
        x, after = character * extra[0], []
        for layer in range(layers):
            w, b = main[2 * layer].reshape(4, bits), main[2 * layer + 1].reshape(4, bits)
            output, memory = state[2 * layer], state[2 * layer + 1]
            change = jnp.tanh(output * w[3] + b[3])
            memory = memory * sigmoid(x * w[0] + b[0]) + sigmoid(output * w[1] + b[1]) * change
            x = sigmoid(x * w[2] + b[2]) * jnp.tanh(memory)
            after += [x, memory]
        predicted = x * extra[1] + extra[2]
        normalized = predicted - jnp.log(jnp.sum(jnp.exp(predicted)) + 2.0)
        return jnp.stack(after), jnp.sum(following * normalized)

    _, totals = jax.lax.scan(step, jnp.asarray(state), (sequence[:-1], sequence[1:]))
    return -jnp.sum(totals) / (bits * (sequence.shape[0] - 1))


def hand(
    jax: Any, theta: Any, parents: Any, base: Any, inverse: Any, positions: Any, weights: Any, points: Any
) -> Any:
    jnp = jax.numpy
    pose = jnp.zeros((len(parents), 3))
    for finger in range(5):
        first = 4 * finger + 2
        pose = pose.at[first, :2].set(theta[6 + 4 * finger : 8 + 4 * finger])
        pose = pose.at[first + 1 : first + 3, 0].set(theta[8 + 4 * finger : 10 + 4 * finger])
    cosine, sine = jnp.cos(pose), jnp.sin(pose)
    eye = jnp.broadcast_to(jnp.eye(4), (len(parents), 4, 4))

    def about(first: int, second: int, angle: int) -> Any:
        turn = eye.at[:, first, first].set(cosine[:, angle]).at[:, second, second].set(cosine[:, angle])
        return turn.at[:, first, second].set(-sine[:, angle]).at[:, second, first].set(sine[:, angle])

    relatives = base @ (about(0, 1, 1) @ about(2, 0, 2) @ about(1, 2, 0))
    absolutes: list[Any] = []
    for bone, parent in enumerate(parents):
        absolutes.append(relatives[bone] if parent < 0 else absolutes[parent] @ relatives[bone])
    transforms = jnp.stack(absolutes) @ inverse
    homogeneous = np.concatenate((positions, np.ones((len(positions), 1))), axis=1)
    moved = jnp.einsum("nb,brc,nc->nr", weights, transforms[:, :3], homogeneous)
    angle = jnp.sqrt(jnp.sum(theta[:3] ** 2))
    x, y, z = theta[:3] / angle
    cross = jnp.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    rotation = jnp.eye(3) + jnp.sin(angle) * cross + (1.0 - jnp.cos(angle)) * cross @ cross
    return 0.5 * jnp.sum((points - moved @ rotation.T - theta[3:6]) ** 2)


def runge_kutta(jnp: Any, lax: Any, field: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def function(state: Any, parameters: Any, steps: int, dt: float) -> Any:
        def step(_: Any, s: Any) -> Any:
            k1 = field(s, parameters)
            k2 = field(s + 0.5 * dt * k1, parameters)
            k3 = field(s + 0.5 * dt * k2, parameters)
            k4 = field(s + dt * k3, parameters)
            return s + dt / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)

        return jnp.sum(lax.fori_loop(0, steps, step, state) ** 2)

    return function


def around(u: Any) -> Any:
    return u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]


def heat(jnp: Any, lax: Any, u: Any, steps: int, alpha: float) -> Any:
    def step(_: Any, u: Any) -> Any:
        return u.at[1:-1, 1:-1].add(alpha * (around(u) - 4.0 * u[1:-1, 1:-1]))

    return jnp.sum(lax.fori_loop(0, steps, step, u) ** 2)


def allen_cahn(jnp: Any, lax: Any, u: Any, steps: int, dt: float, diffusion: float) -> Any:
    def step(_: Any, u: Any) -> Any:
        inner = u[1:-1, 1:-1]
        return u.at[1:-1, 1:-1].add(dt * (diffusion * (around(u) - 4.0 * inner) + inner - inner**3))

    return jnp.sum(lax.fori_loop(0, steps, step, u) ** 2)


def gauss_seidel(jnp: Any, lax: Any, u: Any, right: Any, steps: int) -> Any:
    """A row at a time: within one, each entry needs the one before it, which is a scan."""
    rows = u.shape[0]

    def row(i: Any, u: Any) -> Any:
        others = u[i + 1, 1:-1] + u[i - 1, 1:-1] + u[i, 2:] - right[i, 1:-1]

        def entry(before: Any, other: Any) -> Any:
            value = 0.25 * (before + other)
            return value, value

        return u.at[i, 1:-1].set(lax.scan(entry, u[i, 0], others)[1])

    right = jnp.asarray(right)
    final = lax.fori_loop(0, steps, lambda _, u: lax.fori_loop(1, rows - 1, row, u), u)
    return jnp.sum(final**2)


def nbody(jnp: Any, lax: Any, x: Any, v: Any, masses: Any, steps: int, dt: Any, near: Any, far: Any) -> Any:
    def step(_: Any, state: Any) -> Any:
        x, v = state
        x = x + 0.5 * dt * v
        apart = x[None, :, :] - x[:, None, :]
        square = jnp.maximum(jnp.sum(apart * apart, axis=2), near)
        strength = jnp.where(square > far, 0.0, 1.0 / (square * jnp.sqrt(square)))
        v = v + dt * jnp.einsum("ij,ijc->ic", strength * masses, apart)
        return x + 0.5 * dt * v, v

    x, v = lax.fori_loop(0, steps, step, (x, v))
    return 0.5 * jnp.sum(masses[:, None] * v * v) + jnp.sum(x * x)


def thomas(jnp: Any, lax: Any, lower: Any, diagonal: Any, upper: Any, right: Any) -> Any:
    def eliminate(carried: Any, row: Any) -> Any:
        pivot, x, above = carried
        a, b, c, r = row
        factor = a / pivot
        after = b - factor * above, r - factor * x, c
        return after, after[:2]

    first = diagonal[0], right[0], upper[0]
    last, (pivots, eliminated) = lax.scan(eliminate, first, (lower[1:], diagonal[1:], upper[1:], right[1:]))
    pivots = jnp.concatenate((diagonal[:1], pivots))
    eliminated = jnp.concatenate((right[:1], eliminated))

    def substitute(after: Any, row: Any) -> Any:
        pivot, r, c = row
        x = (r - c * after) / pivot
        return x, x

    end = last[1] / last[0]
    _, xs = lax.scan(substitute, end, (pivots[:-1], eliminated[:-1], upper[:-1]), reverse=True)
    return jnp.sum(xs**2) + end**2


def cholesky(jax: Any, a: Any, b: Any) -> Any:
    jnp = jax.numpy
    factor = jax.lax.linalg.cholesky(a, symmetrize_input=False)
    x = jax.scipy.linalg.solve_triangular(factor, b, lower=True)
    return 0.5 * jnp.sum(x**2) + jnp.sum(jnp.log(jnp.diag(factor)))
