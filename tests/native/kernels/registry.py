"""`KERNELS`: every kernel with its arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels import convergence, factorizations, mining, nets, products, signals, sparse, stencils
from kernels.kernel import Kernel

Rng = np.random.Generator


def normal(*axes: int | str) -> Any:
    """Draws from the normal distribution; an axis is a length, or "n", "n+1", "n-2" for the size."""

    def length(axis: int | str, n: int) -> int:
        return n + int(axis[1:] or 0) if isinstance(axis, str) else axis

    return lambda rng, n: rng.standard_normal([length(axis, n) for axis in axes])


def shaped(*makers: Any) -> Any:
    """One argument for each maker, drawn in order; what is not a function is itself an argument."""
    return lambda rng, n: tuple(maker(rng, n) if callable(maker) else maker for maker in makers)


def positive(rng: Rng, n: int) -> np.ndarray:
    return 0.5 + rng.random(n)


def dominant(rng: Rng, n: int) -> np.ndarray:
    return rng.standard_normal((n, n)) + 3.0 * n**0.5 * np.eye(n)


def definite(rng: Rng, n: int) -> np.ndarray:
    root = rng.standard_normal((n, n))
    return root @ root.T / n + np.eye(n)


def spread(rng: Rng, n: int) -> np.ndarray:
    """A symmetric matrix whose largest eigenvalue stands alone."""
    noise = 0.1 * rng.standard_normal((n, n)) / n
    return np.diag(np.linspace(0.5, 1.0, n) ** 4) + noise + noise.T + 2.0 * np.ones((n, n)) / n


def distances(rng: Rng, n: int) -> np.ndarray:
    return 0.5 + 2.0 * rng.random((n, n))


def sequence(rng: Rng, n: int) -> np.ndarray:
    """Reflection coefficients small enough for Durbin's recursion."""
    return 0.5 ** np.arange(1.0, n + 1.0) + 0.05 * rng.random(n)


def waves(rng: Rng, n: int) -> np.ndarray:
    return rng.standard_normal(n) + 1j * rng.standard_normal(n)


def csr(rng: Rng, n: int) -> tuple[Any, ...]:
    """Three entries a row, one row without any."""
    counts = np.full(n, 3)
    counts[n // 2] = 0
    starts = np.concatenate(([0], np.cumsum(counts)))
    return starts, rng.integers(0, n, starts[-1]), 0.2 + rng.random(starts[-1]), 0.2 + rng.random(n)


def coo(rng: Rng, n: int) -> tuple[Any, ...]:
    return rng.integers(0, n, 3 * n), rng.integers(0, n, 3 * n), rng.standard_normal(3 * n)


def perceptron(rng: Rng, n: int) -> tuple[Any, ...]:
    return (
        rng.standard_normal((5, n)), rng.standard_normal((n, n + 1)), rng.standard_normal(n + 1),
        rng.standard_normal((n + 1, 3)), rng.standard_normal(3), rng.integers(0, 3, 5),
    )  # fmt: skip


def images(rng: Rng, n: int) -> tuple[Any, ...]:
    rows = (n - 2) // 2
    return (
        rng.standard_normal((2, n, n, 2)), rng.standard_normal((3, 3, 2, 3)), rng.standard_normal(3),
        rng.standard_normal((rows * rows * 3, 2)),
    )  # fmt: skip


def flow(rng: Rng, n: int) -> tuple[Any, ...]:
    u, v, p = (0.1 * rng.standard_normal((n, n)) for _ in range(3))
    return u, v, p, 1.0, 6


def pairs(rng: Rng, n: int) -> tuple[Any, ...]:
    return rng.standard_normal((n, n)), np.array([1, -1, 1, 0]), np.array([0, 2, 0, -1])


def bins(rng: Rng, n: int) -> tuple[Any, ...]:
    return rng.random(4 * n), rng.standard_normal(4 * n), n


def scattered(rng: Rng, n: int) -> tuple[Any, ...]:
    return (rng.standard_normal((n, n)), *coo(rng, n))


def compressed(rng: Rng, n: int) -> tuple[Any, ...]:
    return (*coo(rng, n), rng.standard_normal(n))


def repeated(rng: Rng, n: int) -> tuple[Any, ...]:
    """Without an empty row, so that no entry of the vector vanishes."""
    starts = np.arange(0, 3 * n + 1, 3)
    return starts, rng.integers(0, n, 3 * n), 0.2 + rng.random(3 * n), 0.2 + rng.random(n), 3


SQUARE, VECTOR = normal("n", "n"), normal("n")
ALPHA, BETA = 1.5, 1.2

PRODUCTS = [
    Kernel(
        products.gemm_matmul,
        shaped(ALPHA, BETA, normal("n", "n+1"), normal("n", "n+2"), normal("n+2", "n+1")),
        (2, 3, 4),
    ),
    Kernel(
        products.gemm_loops,
        shaped(ALPHA, BETA, normal("n", "n+1"), normal("n", "n+2"), normal("n+2", "n+1")),
        (2, 3, 4),
    ),
    Kernel(
        products.two_mm,
        shaped(ALPHA, BETA, normal("n", "n+1"), normal("n+1", "n+2"), normal("n+2", "n"), SQUARE),
        (2, 3, 4, 5),
    ),
    Kernel(
        products.three_mm,
        shaped(normal("n", "n+1"), normal("n+1", "n+2"), normal("n+2", "n"), normal("n", "n+1")),
        (0, 1, 2, 3),
    ),
    Kernel(products.atax, shaped(normal("n", "n+2"), normal("n+2")), (0, 1)),
    Kernel(products.atax_loops, shaped(normal("n", "n+2"), normal("n+2")), (0, 1), eager=False),
    Kernel(products.bicg, shaped(normal("n", "n+2"), normal("n+2"), VECTOR), (0, 1, 2)),
    Kernel(products.bicg_loops, shaped(normal("n", "n+2"), normal("n+2"), VECTOR), (0, 1, 2), eager=False),
    Kernel(products.mvt, shaped(VECTOR, VECTOR, VECTOR, VECTOR, SQUARE), (0, 1, 2, 3, 4)),
    Kernel(
        products.gemver,
        shaped(ALPHA, BETA, SQUARE, VECTOR, VECTOR, VECTOR, VECTOR, VECTOR, VECTOR),
        (0, 2, 3, 6, 7, 8),
    ),
    Kernel(products.gesummv, shaped(ALPHA, BETA, SQUARE, SQUARE, VECTOR), (0, 1, 2, 3, 4)),
    Kernel(
        products.symm_loops, shaped(ALPHA, BETA, normal("n", "n+1"), SQUARE, normal("n", "n+1")), (2, 3, 4)
    ),
    Kernel(products.syrk_slices, shaped(ALPHA, BETA, SQUARE, normal("n", "n+1")), (2, 3)),
    Kernel(
        products.syr2k_slices, shaped(ALPHA, BETA, SQUARE, normal("n", "n+1"), normal("n", "n+1")), (2, 3, 4)
    ),
    Kernel(products.trmm_loops, shaped(ALPHA, SQUARE, normal("n", "n+1")), (1, 2)),
    Kernel(products.doitgen, shaped(normal("n", 3, "n"), SQUARE), (0, 1), large=32),
]

FACTORIZATIONS = [
    Kernel(factorizations.trisolv, shaped(dominant, VECTOR), (0, 1)),
    Kernel(factorizations.trisolv_backward_loops, shaped(dominant, VECTOR), (0, 1)),
    Kernel(factorizations.cholesky_loops, shaped(definite), (0,)),
    Kernel(factorizations.cholesky_slices, shaped(definite), (0,)),
    Kernel(factorizations.lu_slices, shaped(dominant), (0,)),
    Kernel(factorizations.lu_loops, shaped(dominant), (0,)),
    Kernel(factorizations.ludcmp, shaped(SQUARE, VECTOR), (0, 1), step=1e-4),
    Kernel(factorizations.durbin, shaped(sequence), (0,)),
    Kernel(factorizations.gramschmidt, shaped(normal("n+1", "n")), (0,), eager=False),
]

STENCILS = [
    Kernel(stencils.jacobi_1d, shaped(VECTOR, VECTOR, 3), (0, 1), small=6, large=1000),
    Kernel(stencils.jacobi_2d, shaped(SQUARE, SQUARE, 3), (0, 1)),
    Kernel(stencils.jacobi_2d_swapped, shaped(SQUARE, 3), (0,)),
    Kernel(stencils.seidel_2d, shaped(SQUARE, 2), (0,)),
    Kernel(stencils.seidel_2d_loops, shaped(SQUARE, 2), (0,)),
    Kernel(stencils.fdtd_2d, shaped(SQUARE, SQUARE, SQUARE, normal(3)), (0, 1, 2, 3)),
    Kernel(stencils.heat_3d, shaped(normal("n", "n", "n"), 2), (0,), large=24),
    Kernel(stencils.adi, shaped(SQUARE, 2, 0.4), (0, 2), eager=False),
    Kernel(stencils.wave_with_boundaries, shaped(SQUARE, SQUARE, 0.3, 3), (0, 1, 2)),
    Kernel(stencils.upwind, shaped(VECTOR, VECTOR, 3), (0, 1), small=8, large=1000),
    Kernel(stencils.channel_flow, flow, (0, 1, 2, 3), small=5),
]

MINING = [
    Kernel(mining.covariance, shaped(normal("n+2", "n")), (0,)),
    Kernel(mining.covariance_loops, shaped(normal("n+2", "n")), (0,), eager=False),
    Kernel(mining.correlation, shaped(normal("n+2", "n")), (0,)),
    Kernel(mining.softmin_floyd_warshall, shaped(distances), (0,)),
    Kernel(mining.floyd_warshall_loops, shaped(distances), (0,)),
    Kernel(mining.nussinov, shaped(distances), (0,), small=6, eager=False),
    Kernel(mining.k_means_step, shaped(normal("n", 2), normal(3, 2)), (0, 1), small=9, large=1000),
    Kernel(mining.masked_energy, shaped(VECTOR, 0.4), (0,), small=9, large=10000, step=1e-4),
]

SIGNALS = [
    Kernel(signals.deriche, shaped(normal("n", "n+1"), 0.25), (0, 1), eager=False),
    Kernel(signals.deriche_slices, shaped(normal("n", "n+1"), 0.25), (0, 1)),
    Kernel(signals.fft_stages, shaped(waves), (0,), small=8, large=1024),
    Kernel(signals.fft_in_place, shaped(waves), (0,), small=8, large=1024),
    Kernel(signals.fourier_series, shaped(VECTOR, 3), (0,), small=7, large=256),
    Kernel(signals.convolution_2d, shaped(normal("n", "n+1"), normal(3, 2)), (0, 1)),
    Kernel(signals.convolution_2d_loops, shaped(normal("n", "n+1"), normal(3, 2)), (0, 1), eager=False),
    Kernel(signals.downsampled, shaped(normal("n"), normal(3)), (0, 1), small=10, large=1000),
]

SPARSE = [
    Kernel(sparse.csr_matvec, csr, (2, 3), large=1000, eager=False),
    Kernel(sparse.csr_matvec_loops, csr, (2, 3), large=1000, eager=False),
    Kernel(sparse.csr_power, repeated, (2, 3), large=1000),
    Kernel(sparse.coo_matvec, compressed, (2, 3), large=1000),
    Kernel(sparse.coo_accumulate, scattered, (0, 3), large=100),
    Kernel(sparse.weighted_bins, bins, (1,), large=1000, eager=False),
    Kernel(sparse.azimuthal_gather, pairs, (0,)),
]

NETS = [
    Kernel(nets.softmax_rows, shaped(normal("n", "n+1")), (0,)),
    Kernel(nets.mlp, perceptron, (0, 1, 2, 3, 4)),
    Kernel(nets.convolution_net, images, (0, 1, 2, 3), small=6, large=16, step=1e-4),
    Kernel(nets.attention, shaped(normal("n", 3), normal("n", 3), SQUARE), (0, 1, 2)),
    Kernel(nets.recurrent, shaped(normal(3, "n"), SQUARE, SQUARE, VECTOR), (0, 1, 2, 3), eager=False),
    Kernel(nets.layer_norm, shaped(normal(3, "n"), VECTOR, VECTOR), (0, 1, 2)),
]

CONVERGENCE = [
    Kernel(convergence.newton_cube_root, shaped(positive), (0,), large=1000),
    Kernel(convergence.newton_scalar, shaped(2.5), (0,)),
    Kernel(convergence.bisection, shaped(1.3, 2.1, -1.0, 2.0), (0, 1, 2, 3), step=1e-4),
    Kernel(convergence.power_iteration, shaped(spread, positive), (0, 1)),
    Kernel(convergence.jacobi_solve, shaped(dominant, VECTOR), (0, 1)),
    Kernel(convergence.conjugate_gradients, shaped(definite, VECTOR), (0, 1), step=1e-4),
    Kernel(convergence.fixed_point_grid, shaped(VECTOR, 5), (0,), large=1000),
    Kernel(convergence.adaptive_euler, shaped(0.1, 1.7, 2.0), (0, 1, 2), step=1e-4),
]

KERNELS = [*PRODUCTS, *FACTORIZATIONS, *STENCILS, *MINING, *SIGNALS, *SPARSE, *NETS, *CONVERGENCE]
