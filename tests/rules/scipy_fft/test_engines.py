"""scipy.fft through the engines: SciPy's own names, compiled code, options that change nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.fft

import pullback as pb
from pullback.base.errors import UnsupportedError
from pullback.scipy import fft
from pullback.testing import gradcheck

transforms: Any = scipy.fft
X = np.random.default_rng(6).uniform(-1, 1, (3, 4))


def spectrum(x: Any) -> Any:
    return np.sum(np.abs(transforms.fft2(x)) ** 4) + np.sum(transforms.dct(x, type=3, norm="ortho") ** 3)


def half(x: Any) -> Any:
    return np.sum(transforms.irfft(transforms.rfft(x, axis=0), n=3, axis=0) ** 3)


def several(x: Any) -> Any:
    return np.sum(transforms.dctn(transforms.idstn(x, axes=(0,)), type=1) ** 3)


OURS = {
    spectrum: lambda x: np.sum(np.abs(fft.fft2(x)) ** 4) + np.sum(fft.dct(x, type=3, norm="ortho") ** 3),
    half: lambda x: np.sum(fft.irfft(fft.rfft(x, axis=0), n=3, axis=0) ** 3),
    several: lambda x: np.sum(fft.dctn(fft.idstn(x, axes=(0,)), type=1) ** 3),
}


@pytest.mark.parametrize("function", OURS)
def test_compiled_under_scipys_own_names(function: Any) -> None:
    ours = OURS[function]
    assert gradcheck(ours, X)
    value, gradient = pb.value_and_grad(pb.compile(function, jit=False))(X)
    np.testing.assert_allclose(value, ours(X))
    np.testing.assert_allclose(gradient, pb.grad(ours)(X), rtol=1e-9)


def test_compiled_by_numba() -> None:
    np.testing.assert_allclose(pb.grad(pb.compile(spectrum))(X), pb.grad(OURS[spectrum])(X), rtol=1e-9)


@pytest.mark.parametrize("name", ["fft", "irfft", "fftn", "dct", "idstn"])
def test_scipys_own_function_names_ours(name: str) -> None:
    with pytest.raises(UnsupportedError) as error:
        pb.grad(lambda x: np.sum(np.real(getattr(scipy.fft, name)(x))))(X)
    assert f"call pullback.scipy.fft.{name}" in str(error.value)


def test_what_may_be_overwritten_is_not() -> None:
    def loss(x: Any) -> Any:
        y, z = x * 1, x * x
        power = np.abs(fft.fft(y, overwrite_x=True, workers=1)) ** 2
        return np.sum(power * x) + np.sum(fft.dct(z, 2, None, -1, None, True) * x)

    assert gradcheck(loss, X)


def test_names_without_a_rule_are_scipys() -> None:
    assert fft.next_fast_len is scipy.fft.next_fast_len
    assert {"fft", "next_fast_len", "dctn"} <= set(dir(fft))
    assert fft.fft(X.astype(np.float32)).dtype == np.complex64
    assert pb.grad(lambda x: np.sum(fft.dst(x)))(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("function", [fft.dctn, fft.idctn, fft.dstn, fft.idstn, fft.fftn, fft.ifftn])
def test_a_length_and_an_axis_may_be_numbers(function: Any) -> None:
    x = np.arange(12.0).reshape(3, 4)
    assert gradcheck(lambda x: np.abs(function(x, s=3, axes=1)) ** 2, x)
