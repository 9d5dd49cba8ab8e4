"""Functions that are not holomorphic: rows in four dtypes, and the point 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.base.spec import spec_of
from pullback.rules import complex as complex_rules
from pullback.rules.read import cotangent, fit, tangent
from pullback.rules.table import TABLE
from pullback.testing import check_rule
from pullback.testing.slopes import slope

FUNCTIONS = [np.absolute, np.sign, np.real, np.imag, np.conjugate, np.angle, np.real_if_close]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_row(function: Any) -> None:
    assert check_rule(function) > 0


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [np.float64, np.complex128, np.float32, np.complex64])
def test_nothing_is_nan_at_zero(function: Any, dtype: Any) -> None:
    x = np.zeros(2, dtype)
    y = function(x)
    with np.errstate(all="ignore"):
        seed = np.ones_like(y)
        x_bar = fit(cotangent(TABLE[function], 0, seed, y, (x,), {}, y.dtype.kind == "c"), spec_of(x))
        y_dot = tangent(TABLE[function], 0, np.ones_like(x), y, (x,), {})
    assert np.all(np.isfinite(x_bar))
    assert np.all(np.isfinite(y_dot))
    assert x_bar.dtype == dtype
    assert y_dot.dtype == y.dtype
    if function in (np.absolute, np.sign, np.angle):
        assert not np.any(x_bar)
        assert not np.any(y_dot)


def test_abs_is_zero_at_zero_and_a_unit_vector_elsewhere() -> None:
    assert np.array_equal(slope(np.abs, np.array([-2.0, -0.0, 0.0, 3.0])), [-1, 0, 0, 1])
    z = np.array([3 + 4j, -5j, 0, 1e-300 + 0j])
    assert np.allclose(
        cotangent(TABLE[np.abs], 0, np.ones(4), np.abs(z), (z,), {}, False), [0.6 + 0.8j, -1j, 0, 1]
    )


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
@pytest.mark.parametrize("odd", [1.0, 0.0, np.inf, complex(np.inf, np.nan), np.nan, 1e-320, 1e30])
def test_abs_of_an_array_that_is_done_in_parts(odd: complex, dtype: Any, monkeypatch: Any) -> None:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((5, 3, 2)).view(complex)[..., 0].astype(dtype)
    z[3, 1] = odd
    with np.errstate(all="ignore"):
        seed = rng.standard_normal(z.shape).astype(np.abs(z).dtype)
        seed[4, 0] = 0
        expected = np.where(seed == 0, 0, np.sign(z) * seed)
        for part in (1 << 12, 4):
            monkeypatch.setattr(complex_rules, "_PART", part)
            for x in (z, np.asfortranarray(z)):
                found = cotangent(TABLE[np.abs], 0, seed, np.abs(x), (x,), {}, False)
                assert found.dtype == dtype
                np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype == np.complex64 else 1e-14)


def test_angle_of_a_python_number_at_zero() -> None:
    with np.errstate(all="ignore"):
        assert cotangent(TABLE[np.angle], 0, 1.0, np.angle(0j), (0j,), {}, False) == 0


def test_angle_neither_overflows_nor_underflows() -> None:
    z = np.array([3e200 + 4e200j, 3e-200 + 4e-200j])
    ours = cotangent(TABLE[np.angle], 0, np.ones(2), np.angle(z), (z,), {}, False)
    np.testing.assert_allclose(ours, [(-0.16 + 0.12j) * 1e-200, (-0.16 + 0.12j) * 1e200])


def test_real_if_close_that_gives_a_real_array() -> None:
    z = np.array([1 + 0j, 2 + 0j])
    y = np.real_if_close(z)
    rule = TABLE[np.real_if_close]
    assert np.array_equal(
        fit(cotangent(rule, 0, np.ones(2), y, (spec_of(z),), {}, False), spec_of(z)), [1, 1]
    )
    assert np.array_equal(tangent(rule, 0, np.array([1 + 1j, 2j]), y, (z,), {}), [1, 0])


def test_real_and_imag_may_be_views() -> None:
    assert complex_rules.__doc__
    assert TABLE[np.real].view
    assert TABLE[np.imag].view


CUTS = [
    (np.arcsin, 2.0, 1j), (np.arcsin, -2.0, 1j), (np.arccos, 2.0, 1j), (np.arccos, -2.0, 1j),
    (np.arctanh, 2.0, 1j), (np.arctanh, -2.0, 1j), (np.arccosh, -2.0, 1j), (np.arccosh, 0.5, 1j),
    (np.sqrt, -2.0, 1j), (np.log, -2.0, 1j), (np.log2, -2.0, 1j), (np.log10, -2.0, 1j),
    (np.arcsinh, 2.0, 1.0), (np.arcsinh, -2.0, 1.0), (np.arctan, 2.0, 1.0), (np.arctan, -2.0, 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("function", "distance", "off"), CUTS)
@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
def test_on_a_branch_cut_the_derivative_is_that_of_the_side(
    function: Any, distance: float, off: complex, zero: float, dtype: Any
) -> None:
    on_cut = np.array(complex(distance, zero) if off == 1j else complex(zero, distance), dtype)
    beside = np.array(complex(on_cut) + off * np.copysign(1e-9, zero))
    gradient = pb.grad(function, holomorphic=True)
    assert gradient(on_cut).dtype == dtype
    for derivative in (gradient, pb.grad(gradient, holomorphic=True)):
        np.testing.assert_allclose(derivative(on_cut), derivative(beside), rtol=1e-6, atol=1e-6)
