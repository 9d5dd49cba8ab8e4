"""Functions of matrices against 50 digits, at large and small norms, at every order, and where they end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.linalg

import pullback as pb
from pullback.base.errors import NotDifferentiableError, UnsupportedError
from pullback.rules.scipy_linalg.calling import BATCHES
from pullback.rules.scipy_linalg.exponential import slope
from pullback.scipy import linalg
from pullback.testing import gradcheck


def hyperbolic(a: Any) -> tuple[Any, Any]:
    up, down = mpmath.expm(a), mpmath.expm(-a)
    return (up - down) / 2, (up + down) / 2


def quotient(parts: Callable[[Any], tuple[Any, Any]]) -> Callable[[Any], Any]:
    return lambda a: mpmath.inverse(parts(a)[1]) * parts(a)[0]


PRECISE: dict[str, Callable[[Any], Any]] = {
    "expm": lambda a: mpmath.expm(a, method="taylor"),
    "logm": mpmath.logm,
    "sqrtm": mpmath.sqrtm,
    "sinm": mpmath.sinm,
    "cosm": mpmath.cosm,
    "tanm": quotient(lambda a: (mpmath.sinm(a), mpmath.cosm(a))),
    "sinhm": lambda a: hyperbolic(a)[0],
    "coshm": lambda a: hyperbolic(a)[1],
    "tanhm": quotient(hyperbolic),
}


def entries(a: Any) -> Any:
    return mpmath.matrix(a.tolist())


def of_entries(a: Any) -> Any:
    return np.array([[complex(a[i, j]) for j in range(a.cols)] for i in range(a.rows)])


@pytest.mark.parametrize("kind", [float, complex])
@pytest.mark.parametrize("name", PRECISE)
def test_against_fifty_digits(name: str, kind: type) -> None:
    rng = np.random.default_rng(1)
    a, e, bar = (rng.uniform(-1, 1, (3, 3)) for _ in range(3))
    if kind is complex:
        a, e, bar = (x + 1j * rng.uniform(-1, 1, (3, 3)) for x in (a, e, bar))
    a = a + 3 * np.eye(3) if name in ("logm", "sqrtm") else a * 0.6
    with mpmath.workdps(50):
        h = mpmath.mpf(10) ** -18
        up, down = (PRECISE[name](entries(a) + s * h * entries(e)) for s in (1, -1))
        wanted = of_entries((up - down) / (2 * h))
    function = getattr(linalg, name)
    y_dot = pb.jvp(function, (a,), (e,))[1]
    np.testing.assert_allclose(y_dot, wanted, rtol=0, atol=2e-13 * np.abs(wanted).max())
    a_bar = pb.vjp(function, a)[1](bar)
    np.testing.assert_allclose(np.vdot(a_bar[0], e).real, np.vdot(bar, wanted).real, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [1e-8, 1e-2, 0.1, 0.7, 1.5, 4.0, 60.0])
@pytest.mark.parametrize("n", [3, 30])
def test_the_slope_of_the_exponential_at_any_norm(n: int, size: float) -> None:
    rng = np.random.default_rng(2)
    a, e = rng.standard_normal((n, n)), rng.standard_normal((n, n))
    a *= size / np.abs(a).sum(axis=0).max()
    wanted: Any = scipy.linalg.expm_frechet(a, e, compute_expm=False)
    for scale in (1e-9, 1.0, 1e9):
        np.testing.assert_allclose(
            slope(a, scale * e), scale * wanted, rtol=0, atol=1e-13 * scale * np.abs(wanted).max()
        )


def test_the_slope_of_the_exponential_keeps_its_dtype_and_zeros() -> None:
    for n in (3, 30):
        for dtype in "fdFD":
            zero, e = np.zeros((n, n), dtype), np.ones((n, n), dtype)
            assert slope(zero, e).dtype == np.dtype(dtype)
            np.testing.assert_allclose(slope(zero, e), e, rtol=1e-6)
            np.testing.assert_array_equal(slope(e / n, zero), zero)
    assert np.isnan(slope(np.full((30, 30), np.inf), np.ones((30, 30)))).all()


@pytest.mark.parametrize("name", PRECISE)
def test_third_order(name: str) -> None:
    function = getattr(linalg, name)
    a = np.array([[1.3, 0.2], [-0.1, 0.9]])
    e = np.array([[0.3, -0.2], [0.5, 0.1]])

    def along(t: Any) -> Any:
        return np.sum(function(a + t * e) * np.array([[1.0, -2.0], [0.5, 3.0]]))

    third = pb.grad(pb.grad(pb.grad(along)))(0.1)
    second = pb.grad(pb.grad(along))
    np.testing.assert_allclose(third, (second(0.101) - second(0.099)) / 0.002, rtol=1e-4, atol=1e-7)


def test_a_root_of_a_real_matrix_may_be_complex() -> None:
    a = np.array([[-2.0, 0.3], [0.1, 1.5]])
    for function in (linalg.sqrtm, linalg.logm):
        assert np.iscomplexobj(function(a))
        assert gradcheck(lambda a, f=function: np.sum(np.abs(f(a)) ** 2), a)


def test_a_cut_between_two_eigenvalues_is_refused() -> None:
    a = np.diag([-2 + 1e-9j, -1 - 1e-9j])
    with pytest.raises(NotDifferentiableError, match="both sides of the cut"):
        pb.grad(lambda a: np.sum(np.abs(linalg.logm(a)) ** 2))(a)


def compiled_root(a: Any) -> Any:
    return np.sum(scipy.linalg.sqrtm(a) @ a) + np.sum(scipy.linalg.logm(a))


def test_compiled_code_wants_the_root_of_a_real_matrix_real() -> None:
    a = np.array([[2.0, 0.3], [0.1, 1.5]])
    compiled = pb.compile(compiled_root, jit=False)
    np.testing.assert_allclose(compiled(a), compiled_root(a))
    with pytest.raises(UnsupportedError, match="of this real matrix is complex"):
        compiled(-a)
    np.testing.assert_allclose(compiled(-a + 0j), compiled_root(-a + 0j))


@pytest.mark.parametrize(
    "a", [np.zeros((2, 2)), np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 1.0], [0.0, 0.0]])]
)
@pytest.mark.filterwarnings("ignore")
def test_singular_matrices_have_no_smooth_root_or_logarithm(a: Any) -> None:
    for function in (linalg.sqrtm, linalg.logm):
        with pytest.raises((NotDifferentiableError, np.linalg.LinAlgError)):
            pb.grad(lambda a, f=function: np.sum(np.real(f(a)) * [[1.0, 2.0], [3.0, 4.0]]))(a)


@pytest.mark.filterwarnings("ignore:The `disp` argument")
def test_what_scipy_is_about_to_drop_is_refused() -> None:
    for function in (linalg.sqrtm, linalg.logm):
        with pytest.raises(UnsupportedError, match="about to drop it"):
            pb.grad(lambda a, f=function: np.sum(f(a, disp=False)[0]))(np.eye(2) * 2)


@pytest.mark.filterwarnings("ignore:logm result may be inaccurate")
def test_empty_stacks_and_single_precision() -> None:
    for name in PRECISE:
        function = getattr(linalg, name)
        a = np.array([[2.0, 0.3], [0.1, 1.5]], np.float32) * (1 if name in ("logm", "sqrtm") else 0.3)
        gradient = pb.grad(lambda a, f=function: np.sum(np.real(f(a))))
        assert gradient(a).dtype == np.float32
        assert gradient(a + np.complex64(0.1j)).dtype == np.complex64
        if name in ("expm", "sqrtm") and BATCHES:
            assert pb.grad(lambda a, f=function: np.sum(f(a)))(np.zeros((0, 3, 3))).shape == (0, 3, 3)
