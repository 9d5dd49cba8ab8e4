"""What SciPy refuses is refused in every engine, with the same kind of error: NaN, options, lengths."""

# What SciPy returns depends on flags, which its types do not say, and here it is given what it refuses.
# pyright: reportAssignmentType=false, reportCallIssue=false, reportArgumentType=false
# pyright: reportGeneralTypeIssues=false, reportOptionalSubscript=false, reportOperatorIssue=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from drop_in import definite, matrix, with_ours

import pullback as pb
from pullback.base.errors import UnsupportedError
from pullback.rules.scipy_linalg.calling import BATCHES
from pullback.scipy import linalg
from pullback.testing import gradcheck


def raised(function: Callable[..., Any], *args: Any) -> type[BaseException]:
    with pytest.raises((ValueError, TypeError)) as error:
        function(*args)
    return error.type


def refused_as_by_scipy(function: Callable[..., Any], *args: Any) -> None:
    wanted, ours, compiled = raised(function, *args), with_ours(function), pb.compile(function, jit=False)
    runs: list[Callable[[], Any]] = [
        lambda: pb.vjp(ours, *args), lambda: pb.jvp(ours, args, args), lambda: compiled(*args),
    ]  # fmt: skip
    for run in runs:
        with pytest.raises(wanted) as error:
            run()
        assert not isinstance(error.value, UnsupportedError)


OF_A_MATRIX: list[Callable[..., Any]] = [
    lambda a: scipy.linalg.cholesky(a)[0],
    lambda a: scipy.linalg.qr(a)[1],
    lambda a: scipy.linalg.qr(a, mode="economic")[1],
    lambda a: scipy.linalg.svd(a)[1],
    lambda a: scipy.linalg.svd(a, compute_uv=False),
    lambda a: scipy.linalg.svdvals(a)[0],
    lambda a: scipy.linalg.norm(a, "fro"),
    lambda a: scipy.linalg.eigh(a)[0],
    lambda a: scipy.linalg.eigvalsh(a)[0],
    lambda a: scipy.linalg.eigvalsh(np.eye(3), a),
    lambda a: scipy.linalg.eigvals(a)[0],
    lambda a: scipy.linalg.eig(a + 0j)[0],
    lambda a: scipy.linalg.pinv(a)[0],
    lambda a: scipy.linalg.pinvh(a)[0],
    lambda a: scipy.linalg.lstsq(a, np.ones((3, 2)))[0],
    lambda a: scipy.linalg.lstsq(np.eye(3), a)[0],
    lambda a: scipy.linalg.orthogonal_procrustes(a, np.eye(3))[0],
    lambda a: scipy.linalg.eigvalsh_tridiagonal(a[0], a[1, :2]),
]


@pytest.mark.parametrize("number", range(len(OF_A_MATRIX)))
@pytest.mark.parametrize("entry", [np.nan, np.inf])
def test_numbers_that_are_not_finite(number: int, entry: float) -> None:
    a = definite(3, float)
    a[0, 0] = a[0, 1] = a[1, 0] = entry
    refused_as_by_scipy(OF_A_MATRIX[number], a)


UNCHECKED: list[Callable[..., Any]] = [
    lambda a: scipy.linalg.norm(a, check_finite=False),
    lambda a: scipy.linalg.svdvals(a, check_finite=False) * 0 + 1,
]


@pytest.mark.parametrize("function", UNCHECKED)
def test_finite_numbers_are_not_looked_for_if_told_so(function: Callable[..., Any]) -> None:
    a = definite(3, float)
    assert gradcheck(with_ours(function), a)
    np.testing.assert_allclose(pb.compile(function, jit=False)(a), function(a))


def test_a_norm_of_infinity_unchecked() -> None:
    a = np.array([[np.inf, 1.0]])
    assert pb.vjp(lambda a: linalg.norm(a, check_finite=False), a)[0] == np.inf


VECTOR = np.array([1.5, -0.5, 2.0])
OPTIONS: list[tuple[Callable[..., Any], Any]] = [
    (lambda c: scipy.linalg.leslie(c, c), VECTOR),
    (lambda c: scipy.linalg.leslie(c, c[:1]), VECTOR),
    (lambda c: scipy.linalg.companion(c * np.array([0.0, 1.0, 1.0])), VECTOR),
    (lambda c: scipy.linalg.companion(c[:1]), VECTOR),
    (lambda c: scipy.linalg.convolution_matrix(c, 2, "ful"), VECTOR),
    (lambda c: scipy.linalg.convolution_matrix(c, 0), VECTOR),
    (lambda c: scipy.linalg.convolution_matrix(c[:0], 2), VECTOR),
    (lambda c: scipy.linalg.khatri_rao(c[:, None], np.ones((2, 3))), VECTOR),
    (lambda c: scipy.linalg.eigvalsh_tridiagonal(c, c[:1]), VECTOR),
    (lambda c: scipy.linalg.eigvalsh_tridiagonal(c, c[1:], "x"), VECTOR),
    (lambda c: scipy.linalg.eigvalsh_tridiagonal(c, c[1:], "i", (1, 3)), VECTOR),
    (lambda c: scipy.linalg.eigvalsh_tridiagonal(c + 1j, c[1:]), VECTOR),
    (lambda a: scipy.linalg.eigvalsh(a, subset_by_index=[2, 1]), np.eye(3)),
    (lambda a: scipy.linalg.eigvalsh(a, subset_by_index=[1, 3]), np.eye(3)),
    (lambda a: scipy.linalg.eigvalsh(a, np.eye(3), type=4), np.eye(3)),
    (lambda a: scipy.linalg.orthogonal_procrustes(a, a[:, :2])[0], np.eye(3)),
    (lambda a: scipy.linalg.svd(a, compute_uv=False, lapack_driver="other"), np.eye(3)),
    (lambda a: scipy.linalg.pinv(a, rtol=-1.0), np.eye(3)),
    (lambda a: scipy.linalg.lstsq(a, a, lapack_driver="other"), np.eye(3)),
]


@pytest.mark.parametrize("number", range(len(OPTIONS)))
def test_options_and_lengths(number: int) -> None:
    refused_as_by_scipy(*OPTIONS[number])


def test_the_inverse_of_what_is_said_to_be_diagonal() -> None:
    if not BATCHES:  # an older SciPy has no such argument
        return
    a = matrix(3, 3, shift=3.0)
    for run in (
        lambda: pb.grad(lambda a: np.sum(linalg.inv(a, assume_a="diagonal")))(a),
        lambda: pb.jvp(lambda a: linalg.inv(a, assume_a="diagonal"), (a,), (a,)),
    ):
        with pytest.raises(UnsupportedError, match="beside the diagonal"):
            run()


@pytest.mark.parametrize("assume_a", ["her", "pos", "hermitian", "sym"])
def test_a_system_of_one_number(assume_a: str) -> None:
    """SciPy divides by it, whatever is said of its imaginary part."""
    a, b = np.array([[2.0 + 1.0j]]), np.array([[1.0 - 0.5j, 0.5]])
    assert gradcheck(lambda a, b: linalg.solve(a, b, assume_a=assume_a), a, b)
    assert gradcheck(lambda a, b: linalg.solve(a, b[0, :1], assume_a=assume_a), a, b)


def test_an_older_name() -> None:
    a, q = matrix(3, 3, shift=4.0), matrix(3, 3)
    assert gradcheck(linalg.solve_lyapunov, a, q)
