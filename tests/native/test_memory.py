"""What shares memory with what, as in NumPy or refused; layouts, arrays without axes, precisions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.base.errors import UnsupportedError

X = np.arange(16.0).reshape(4, 4) / 10 + 0.1


def total(x: Any) -> Any:
    return np.sum(np.real(x) * np.cos(np.arange(float(x.size))).reshape(x.shape))


def conjugated(x: Any) -> Any:
    y = x * 1.0
    z = y.conj()
    z *= y[0, 0]
    return total(y)


def converted(x: Any) -> Any:
    y = x * 1.0
    z = y.astype(y.dtype, copy=False)
    z[0] = 2.0 * y[1]
    return total(y)


def converted_and_copied(x: Any) -> Any:
    y = x * 1.0
    z = y.astype(y.dtype)
    z[0] = 2.0 * y[1]
    return total(y) + total(z)


def diagonal(x: Any) -> Any:
    y = x * 1.0
    z = np.einsum("ii->i", y)
    z *= 2.0
    return total(y)


def fortran(x: Any) -> Any:
    y = x.copy(order="F")
    z = y.reshape(-1)
    z *= y[0, 1]
    return total(y)


def columns(x: Any) -> Any:
    y = x[:, [0, 1, 0]]
    z = y.reshape(-1)
    z *= x[0, 1]
    return total(y)


def columns_read(x: Any) -> Any:
    return total(x[:, [0, 1, 0]].reshape(-1)) + total(x.T[[0, 1]].reshape(2, 2, 2))


def of_strided(x: Any) -> Any:
    y = x.T[::2] * 2.0
    z = y.reshape(-1)
    z *= x[0, 1]
    return total(y)


def parts(x: Any) -> Any:
    y = x * 1.0
    z = np.array_split(y, 3)[1]
    z *= y[0, 0]
    return total(y)


def raveled(x: Any) -> Any:
    return total(np.ravel(x, order="F")) + total(x.reshape(-1) ** 2)


@pytest.mark.parametrize(
    "function", [conjugated, converted, converted_and_copied, columns_read, parts, raveled]
)
@pytest.mark.parametrize("x", [X, np.asfortranarray(X), np.ones((8, 8))[::2, ::2] * X], ids=["C", "F", "A"])
def test_memory_is_shared_as_in_numpy(function: Callable[[Any], Any], x: Any) -> None:
    value, gradient = pb.value_and_grad(pb.compile(function, jit=False))(x)
    np.testing.assert_allclose(value, function(x.copy()), rtol=1e-13)
    np.testing.assert_allclose(gradient, pb.grad(function, engine="tape")(x), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("function", [diagonal, fortran, columns, of_strided])
def test_where_numpy_decides_on_a_view_a_store_is_refused(function: Callable[[Any], Any]) -> None:
    with pytest.raises(UnsupportedError, match="a store into an array that shares memory") as info:
        pb.compile(function, jit=False)(X.copy())
    assert info.value.where is not None
    assert info.value.where.text.strip().startswith("z *=")


def test_the_gradient_of_an_array_in_fortran_order_compiled() -> None:
    x = np.asfortranarray(X[:2])
    np.testing.assert_allclose(
        pb.grad(pb.compile(raveled))(x), pb.grad(raveled, engine="tape")(x), rtol=1e-12
    )


def test_arrays_without_axes() -> None:
    def function(x: Any) -> Any:
        y = np.zeros(())
        y[()] = x**2
        y += np.sin(x)
        return y * x.sum() + np.convolve(x, np.ones(2))[0]

    x = np.array(1.5)
    for jit in (False, True):
        value, gradient = pb.value_and_grad(pb.compile(function, jit=jit))(x)
        np.testing.assert_allclose(value, 1.5**3 + 1.5 * np.sin(1.5) + 1.5)
        np.testing.assert_allclose(gradient, 3 * 1.5**2 + np.sin(1.5) + 1.5 * np.cos(1.5) + 1)
        assert np.shape(gradient) == ()


def test_single_precision_meets_double() -> None:
    def function(x: Any) -> Any:
        return x + np.float64(1.0), x[0] * np.float64(3.0)

    x = np.array([0.1, 0.7], np.float32)
    for jit in (False, True):
        got = pb.compile(function, jit=jit)(x)
        for one, other in zip(got, function(x), strict=True):
            np.testing.assert_array_equal(one, other)


def test_lengths_that_depend_on_values() -> None:
    def function(x: Any, n: Any) -> Any:
        return np.arange(float(x.size)).reshape(x.shape) * x, np.arange(0, n, 10) * x[0, 0]

    for one, other in zip(pb.compile(function, jit=False)(X, 25), function(X, 25), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("part", "remedy"), [("real", "value + 1j * z[i].imag"), ("imag", "z[i].real + 1j * value")]
)
def test_a_store_into_the_real_or_imaginary_parts_says_what_to_store(part: str, remedy: str) -> None:
    def real(z: Any) -> Any:
        z.real[0] = 2.0
        return np.sum(np.abs(z))

    def imag(z: Any) -> Any:
        z.imag[0] = 2.0
        return np.sum(np.abs(z))

    with pytest.raises(UnsupportedError) as info:
        pb.compile({"real": real, "imag": imag}[part], jit=False)(X + 1j)
    assert info.value.remedy is not None
    assert remedy in info.value.remedy
