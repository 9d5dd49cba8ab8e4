"""Every kernel runs in NumPy; its derivatives by the engines are those of differences.

The native engine runs every kernel as the Python it writes, and those in `COMPILED` as machine code.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from kernels.kernel import Kernel
from kernels.registry import KERNELS

import pullback as pb

by_name = pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
eager = pytest.mark.parametrize("kernel", [k for k in KERNELS if k.eager], ids=lambda kernel: kernel.name)


COMPILED = frozenset([
    "mvt", "trmm_loops", "seidel_2d", "floyd_warshall_loops", "masked_energy", "fft_in_place",
    "csr_matvec_loops", "coo_matvec", "softmax_rows", "newton_scalar", "adaptive_euler",
])  # fmt: skip
"""The kernels that are compiled here: of each kind one that takes a second or two."""


def outputs(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def seeds(kernel: Kernel) -> list[np.ndarray]:
    """A cotangent of each output, drawn once."""
    rng = np.random.default_rng(5)
    return [rng.standard_normal(np.shape(y)) for y in outputs(kernel.function(*kernel.arguments()))]


def loss(kernel: Kernel, y_bars: list[np.ndarray]) -> Any:
    """The kernel followed by an inner product, so that there is one gradient to compare."""

    def of(*arguments: Any) -> Any:
        total = 0.0
        for y, y_bar in zip(outputs(kernel.function(*arguments)), y_bars, strict=True):
            total = total + np.sum(y * y_bar)
        return total

    return of


def slope(function: Any, kernel: Kernel, position: int, index: Any, direction: complex) -> float:
    """Central difference of fourth order along one entry of one argument."""

    def moved(by: float) -> float:
        arguments = list(kernel.arguments())
        if isinstance(arguments[position], np.ndarray):
            arguments[position][index] += by * direction
        else:
            arguments[position] += by * direction
        return float(function(*arguments))

    h = kernel.step
    return (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h)


@functools.cache
def differences(kernel: Kernel) -> list[np.ndarray]:
    """The gradient of the loss by each of the kernel's arguments, as pullback defines it for complex ones."""
    function = loss(kernel, seeds(kernel))
    gradients = []
    for position in kernel.argnums:
        argument = np.asarray(kernel.arguments()[position])
        gradient = np.zeros_like(argument)
        for index in np.ndindex(argument.shape):
            gradient[index] = slope(function, kernel, position, index, 1.0)
            if argument.dtype.kind == "c":
                gradient[index] += 1j * slope(function, kernel, position, index, 1j)
        gradients.append(gradient)
    return gradients


def test_names_are_unique_and_many() -> None:
    names = {kernel.name for kernel in KERNELS}
    assert len(names) == len(KERNELS) >= 32


@by_name
def test_kernel_has_finite_value_and_gradient(kernel: Kernel) -> None:
    y_bars = seeds(kernel)
    function = loss(kernel, y_bars)
    assert np.isfinite(function(*kernel.arguments()))
    gradients = differences(kernel)
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert any(np.any(gradient != 0) for gradient in gradients)


@by_name
def test_kernel_runs_at_its_large_size(kernel: Kernel) -> None:
    assert kernel.large >= kernel.small
    value = kernel.function(*kernel.arguments(kernel.large))
    assert all(np.isfinite(y).all() for y in outputs(value))


def agrees(kernel: Kernel, value: Any, gradients: tuple[Any, ...]) -> None:
    """Compare a value and gradient of the loss with NumPy's value and with differences."""
    expected = loss(kernel, seeds(kernel))(*kernel.arguments())
    np.testing.assert_allclose(value, expected, rtol=1e-11)
    for gradient, numeric in zip(gradients, differences(kernel), strict=True):
        scale = max(1.0, float(np.abs(numeric).max()))
        assert np.asarray(gradient).dtype == numeric.dtype
        np.testing.assert_allclose(gradient, numeric, rtol=0, atol=1e-7 * scale)


def unchanged(kernel: Kernel, arguments: tuple[Any, ...]) -> None:
    for argument, fresh in zip(arguments, kernel.arguments(), strict=True):
        np.testing.assert_array_equal(argument, fresh)


@eager
def test_tape_agrees_with_differences(kernel: Kernel) -> None:
    function = loss(kernel, seeds(kernel))
    agrees(kernel, *pb.value_and_grad(function, argnums=kernel.argnums)(*kernel.arguments()))


@by_name
def test_native_runs_the_kernel_and_writes_into_its_arguments(kernel: Kernel) -> None:
    expected, plain = kernel.arguments(), kernel.arguments()
    values = outputs(kernel.function(*expected))
    results = outputs(pb.compile(kernel.function, jit=False)(*plain))
    for result, value in zip((*results, *plain), (*values, *expected), strict=True):
        np.testing.assert_allclose(result, value, rtol=1e-12, atol=1e-12)


@by_name
def test_native_gradient_agrees_with_differences(kernel: Kernel) -> None:
    function, arguments = pb.compile(loss(kernel, seeds(kernel)), jit=False), kernel.arguments()
    agrees(kernel, *pb.value_and_grad(function, argnums=kernel.argnums)(*arguments))
    unchanged(kernel, arguments)


@pytest.mark.parametrize("kernel", [k for k in KERNELS if k.name in COMPILED], ids=lambda kernel: kernel.name)
def test_compiled_gradient_agrees_with_differences(kernel: Kernel) -> None:
    function, arguments = pb.compile(loss(kernel, seeds(kernel))), kernel.arguments()
    agrees(kernel, *pb.value_and_grad(function, argnums=kernel.argnums)(*arguments))
    unchanged(kernel, arguments)
