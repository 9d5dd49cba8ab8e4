"""`WORKLOADS`: every row of the native engine's table, with the sizes of its rows.

A runner iterates over the list::

    data = adbench.folder()
    for workload in WORKLOADS:
        arguments = workload.arguments(data)
        value, cotangents = workload.gradient(*arguments)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.native import adbench
from benchmarks.native.adjoints import bundle, gmm, hand_model, lstm, matrices, nbody, rk4, stencils
from benchmarks.native.sources import bundle as bundle_source
from benchmarks.native.sources import gmm as gmm_source
from benchmarks.native.sources import hand_model as hand_source
from benchmarks.native.sources import lstm as lstm_source
from benchmarks.native.sources import matrices as matrices_source
from benchmarks.native.sources import nbody as nbody_source
from benchmarks.native.sources import rk4 as rk4_source
from benchmarks.native.sources import stencils as stencils_source
from benchmarks.native.workload import Workload

Arguments = tuple[Any, ...]


def observed(arguments: Arguments) -> Arguments:
    """Cameras and points, one for each observation, so that the Jacobian of the errors has blocks only."""
    cameras, points, weights, features, camera_of, point_of = arguments
    return cameras[camera_of], points[point_of], weights, features


def columns_of(errors: np.ndarray) -> tuple[np.ndarray, ...]:
    """A cotangent for each column of the errors: together they give every block of the Jacobian."""
    seeds = []
    for column in range(errors.shape[1]):
        seed = np.zeros(errors.shape)
        seed[:, column] = 1.0
        seeds.append(seed)
    return tuple(seeds)


def lorenz(steps: int) -> Arguments:
    return np.array([1.0, 0.5, 0.7]), np.array([10.0, 28.0, 8.0 / 3.0]), steps, 1e-3


def lotka_volterra(steps: int) -> Arguments:
    return np.array([1.0, 0.5]), np.array([1.1, 0.4, 0.1, 0.4]), steps, 1e-3


def field(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(6).random((rows, columns))


def two_fields(rows: int, columns: int, steps: int) -> Arguments:
    return field(rows, columns), np.random.default_rng(7).standard_normal((rows, columns)), steps


def factors(rows: int, columns: int) -> Arguments:
    rng = np.random.default_rng(8)
    return rng.standard_normal((rows, columns)), rng.standard_normal((columns, rows))


def tridiagonal(n: int) -> Arguments:
    rng = np.random.default_rng(9)
    return rng.random(n), 3.0 + rng.random(n), rng.random(n), rng.standard_normal(n)


def definite(n: int) -> Arguments:
    rng = np.random.default_rng(10)
    root = rng.standard_normal((n, n))
    return root @ root.T + n * np.eye(n), rng.standard_normal(n)


def bodies(n: int, steps: int, near: float) -> Arguments:
    rng = np.random.default_rng(11)
    return (
        rng.standard_normal((n, 3)), 0.1 * rng.standard_normal((n, 3)), 0.5 + rng.random(n),
        steps, 0.01, near, 6.0,
    )  # fmt: skip


def mixture(name: str, file: str, d: int, components: int, n: int) -> Workload:
    return Workload(
        name,
        {"slices": gmm_source.gmm_slices, "loops": gmm_source.gmm_loops},
        (0, 1, 2),
        lambda data: adbench.gmm(data, file, d, components, n),
        gmm.gmm_gradient,
        gmm.gmm_primal,
        lambda: adbench.gmm(None, "", 3, 4, 5),
    )


def adjusted(data: Path | None) -> Arguments:
    return adbench.bundle(data, "ba1_n49_m7776_p31843.txt", 49, 7776, 31843)


WORKLOADS = [
    mixture("GMM d10 K25 1k", "1k/gmm_d10_K25.txt", 10, 25, 1_000),
    mixture("GMM d32 K25 10k", "10k/gmm_d32_K25.txt", 32, 25, 10_000),
    Workload(
        "BA1 loss",
        {"slices": bundle_source.loss_slices, "loops": bundle_source.loss_loops},
        (0, 1, 2),
        adjusted,
        bundle.loss_gradient,
        bundle.loss_primal,
        lambda: adbench.bundle(None, "", 2, 3, 4),
        of_jax=1 / 10,
    ),
    Workload(
        "BA1 sparse Jacobian",
        {"slices": bundle_source.errors_slices, "loops": bundle_source.errors_loops},
        (0, 1, 2),
        lambda data: observed(adjusted(data)),
        bundle.errors_blocks,
        bundle.errors_primal,
        lambda: observed(adbench.bundle(None, "", 2, 3, 4)),
        seeds=columns_of,
        of_jax=1 / 10,
    ),
    Workload(
        "LSTM l2 c1024",
        {"slices": lstm_source.lstm_slices, "loops": lstm_source.lstm_loops},
        (0, 1),
        lambda data: adbench.lstm(data, "lstm_l2_c1024.txt", 2, 1024, 14),
        lstm.lstm_gradient,
        lstm.primal,
        lambda: adbench.lstm(None, "", 2, 4, 3),
        of_jax=1 / 2.5,
    ),
    Workload(
        "HAND simple t26 c100",
        {"slices": hand_source.hand_slices, "loops": hand_source.hand_loops},
        (0,),
        lambda data: adbench.hand(data, "simple_small/hand1_t26_c100.txt", 100),
        hand_model.hand_gradient,
        hand_model.hand_primal,
        lambda: adbench.hand(None, "", 4),
    ),
    Workload(
        "RK4 Lorenz, 10k steps",
        {"slices": rk4_source.lorenz_slices, "loops": rk4_source.lorenz_loops},
        (0, 1),
        lambda data: lorenz(10_000),
        rk4.lorenz_gradient,
        rk4.lorenz_primal,
        lambda: lorenz(5),
        of_jax=1 / 60,
    ),
    Workload(
        "RK4 Lotka-Volterra, 10k steps",
        {"slices": rk4_source.lotka_volterra_slices, "loops": rk4_source.lotka_volterra_loops},
        (0, 1),
        lambda data: lotka_volterra(10_000),
        rk4.lotka_volterra_gradient,
        rk4.lotka_volterra_primal,
        lambda: lotka_volterra(5),
        of_jax=1 / 60,
    ),
    Workload(
        "heat 64²×200",
        {"slices": stencils_source.heat_slices, "loops": stencils_source.heat_loops},
        (0,),
        lambda data: (field(64, 64), 200, 0.1),
        stencils.heat_gradient,
        stencils.heat_primal,
        lambda: (field(5, 6), 3, 0.1),
        writes=(0,),
        of_jax=1 / 3,
    ),
    Workload(
        "Allen-Cahn 64²×200",
        {"slices": stencils_source.allen_cahn_slices, "loops": stencils_source.allen_cahn_loops},
        (0,),
        lambda data: (field(64, 64), 200, 0.05, 0.7),
        stencils.allen_cahn_gradient,
        stencils.allen_cahn_primal,
        lambda: (field(5, 6), 3, 0.05, 0.7),
        writes=(0,),
        of_jax=1 / 3,
    ),
    Workload(
        "Gauss-Seidel in place, 64²×200",
        {"loops": stencils_source.gauss_seidel_loops},
        (0, 1),
        lambda data: two_fields(64, 64, 200),
        stencils.gauss_seidel_gradient,
        stencils.gauss_seidel_primal,
        lambda: two_fields(5, 6, 3),
        writes=(0,),
        of_jax=1 / 3,
    ),
    Workload(
        "tr(x1 @ x2) 30×30",
        {"slices": matrices_source.trace_slices, "loops": matrices_source.trace_loops},
        (0, 1),
        lambda data: factors(30, 30),
        matrices.trace_gradient,
        matrices.trace_primal,
        lambda: factors(3, 4),
    ),
    Workload(
        "N-body leapfrog, 16 bodies, 200 steps",
        {"slices": nbody_source.nbody_slices, "loops": nbody_source.nbody_loops},
        (0, 1, 2),
        lambda data: bodies(16, 200, 0.1),
        nbody.nbody_gradient,
        nbody.primal,
        lambda: bodies(5, 3, 2.0),
    ),
    Workload(
        "Thomas, 1,000 unknowns",
        {"loops": matrices_source.thomas_loops},
        (0, 1, 2, 3),
        lambda data: tridiagonal(1_000),
        matrices.thomas_gradient,
        matrices.thomas_primal,
        lambda: tridiagonal(5),
    ),
    Workload(
        "Cholesky 64×64",
        {"slices": matrices_source.cholesky_slices, "loops": matrices_source.cholesky_loops},
        (0, 1),
        lambda data: definite(64),
        matrices.cholesky_gradient,
        matrices.cholesky_primal,
        lambda: definite(4),
    ),
]
