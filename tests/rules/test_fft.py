"""Fourier transforms: any lengths, axes and norms, as linear maps and against the matrix of the transform."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pullback as pb

NORMS = [None, "backward", "ortho", "forward"]
ALONG_ONE = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
ALONG_MANY = ["fftn", "ifftn", "rfftn", "irfftn"]
OF_REALS = ("rfft", "ihfft", "rfftn")


def drawn(rng: np.random.Generator, shape: Any, name: str, complex: bool) -> Any:
    x = rng.standard_normal(shape)
    return x + 1j * rng.standard_normal(shape) if complex and name not in OF_REALS else x


def is_adjoint(function: Any, x: Any, rng: np.random.Generator) -> None:
    """``Re<y_bar, f(x_dot)> = Re<x_bar, x_dot>``, by both modes, and the tangent is the function itself."""
    x_dot = x[..., ::-1] * 0.7 + 1
    y, y_dot = pb.jvp(function, (x,), (x_dot,))
    np.testing.assert_allclose(y_dot, function(x_dot), rtol=1e-12, atol=1e-12)
    y_bar = rng.standard_normal(y.shape) + (1j * rng.standard_normal(y.shape) if y.dtype.kind == "c" else 0)
    (x_bar,) = pb.vjp(function, x)[1](y_bar)
    assert (x_bar.shape, x_bar.dtype) == (x.shape, x.dtype)
    left, right = np.sum(np.real(np.conj(y_bar) * y_dot)), np.sum(np.real(np.conj(x_bar) * x_dot))
    np.testing.assert_allclose(right, left, rtol=1e-10, atol=1e-10)


@given(
    name=st.sampled_from(ALONG_ONE),
    shape=st.lists(st.integers(0, 5), max_size=2),
    length=st.integers(2, 7),
    n=st.none() | st.integers(1, 9),
    norm=st.sampled_from(NORMS),
    complex=st.booleans(),
    seed=st.integers(0, 100),
)
def test_transforms_along_one_axis(
    name: str, shape: list[int], length: int, n: Any, norm: Any, complex: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    axis = int(rng.integers(-len(shape) - 1, len(shape) + 1))
    shape.insert(axis % (len(shape) + 1), length)
    x = drawn(rng, shape, name, complex)
    is_adjoint(lambda x: getattr(np.fft, name)(x, n, axis, norm), x, rng)


@given(
    name=st.sampled_from(ALONG_MANY),
    shape=st.lists(st.integers(2, 4), min_size=1, max_size=3),
    given_lengths=st.booleans(),
    norm=st.sampled_from(NORMS),
    complex=st.booleans(),
    seed=st.integers(0, 100),
)
def test_transforms_along_many_axes(
    name: str, shape: list[int], given_lengths: bool, norm: Any, complex: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    axes = [int(axis) for axis in rng.permutation(len(shape))[: rng.integers(1, len(shape) + 1)]]
    s = [int(n) for n in rng.choice([-1, 2, 3, 5, 6], len(axes))] if given_lengths else None
    x = drawn(rng, shape, name, complex)
    is_adjoint(lambda x: getattr(np.fft, name)(x, s, axes, norm), x, rng)


@pytest.mark.parametrize("n", [4, 5, 7])
def test_the_gradient_is_that_of_the_matrix(n: int) -> None:
    rng = np.random.default_rng(0)
    matrix = np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n)
    x, weight = rng.standard_normal(n), rng.standard_normal(n) + 1j * rng.standard_normal(n)
    wanted = pb.grad(lambda x: np.sum(np.real(weight * (matrix @ x))))(x)
    np.testing.assert_allclose(pb.grad(lambda x: np.sum(np.real(weight * np.fft.fft(x))))(x), wanted)
    half = weight[: n // 2 + 1]
    wanted = pb.grad(lambda x: np.sum(np.real(half * (matrix[: n // 2 + 1] @ x))))(x)
    np.testing.assert_allclose(
        pb.grad(lambda x: np.sum(np.real(half * np.fft.rfft(x))))(x), wanted, atol=1e-14
    )


def test_the_imaginary_parts_that_irfft_does_not_read_have_no_gradient() -> None:
    z = np.array([1 + 1j, 2 - 1j, 3 + 2j, 1j])
    gradient = pb.grad(lambda z: np.sum(np.fft.irfft(z) ** 3))(z)
    assert gradient[0].imag == gradient[-1].imag == 0
    assert np.all(gradient[1:-1].imag)


@pytest.mark.parametrize("complex", [False, True])
def test_second_order(complex: bool) -> None:
    rng = np.random.default_rng(1)
    x = drawn(rng, (3, 4), "fft", complex)

    def loss(x: Any) -> Any:
        spectrum = np.fft.fft2(x, (4, 3), (0, 1), "ortho")
        return np.sum(np.abs(np.fft.ifftshift(spectrum)[1:]) ** 4) + np.sum(np.fft.hfft(x[:, 1]) ** 3)

    assert pb.testing.gradcheck(loss, x)
    assert pb.testing.gradcheck(lambda x: np.sum(np.abs(np.fft.rfft2(np.real(x))) ** 4), x)


@pytest.mark.parametrize("name", [*ALONG_ONE, "fft2", "irfft2", "rfftn", "fftshift", "ifftshift"])
def test_single_precision_stays_single(name: str) -> None:
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    function = getattr(np.fft, name)
    for value in (x,) if name in ("rfft", "ihfft", "rfftn") else (x, x.astype(np.complex64)):
        y, pull = pb.vjp(function, value)
        assert pull(y)[0].dtype == value.dtype
        assert pb.jvp(function, (value,), (value,))[1].dtype == y.dtype


def test_the_sample_spacing_of_fftfreq() -> None:
    for function in (np.fft.fftfreq, np.fft.rfftfreq):
        assert pb.testing.gradcheck(lambda d, function=function: np.sum(np.sin(function(5, d))), 0.3)


def test_an_axis_twice_is_refused() -> None:
    with pytest.raises(pb.UnsupportedError, match="the same axis twice"):
        pb.grad(lambda x: np.sum(np.abs(np.fft.fftn(x, None, (0, 0)))))(np.ones((2, 3)))


def test_what_numpy_refuses_is_refused() -> None:
    with pytest.raises(ValueError, match="Invalid number of FFT data points"):
        pb.grad(lambda x: np.sum(np.abs(np.fft.fft(x))))(np.ones(0))
    unknown: Any = "both"
    with pytest.raises(ValueError, match="norm"):
        pb.grad(lambda x: np.sum(np.abs(np.fft.fft(x, norm=unknown))))(np.ones(3))
