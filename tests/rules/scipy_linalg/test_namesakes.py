"""Functions that NumPy has too, under SciPy's names: values, conventions and derivatives in each engine."""

# What SciPy returns depends on flags, which its types do not say.
# pyright: reportAssignmentType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from drop_in import definite, matrix, with_ours

import pullback as pb
from pullback.base.errors import UnsupportedError
from pullback.rules.scipy_linalg.refused import REASONS
from pullback.scipy import linalg
from pullback.testing import gradcheck

# -- as users write them: of a definite matrix and any matrix ----------------------------------------------


def cholesky(a: Any, b: Any) -> Any:
    upper = scipy.linalg.cholesky(a)
    return upper @ b, scipy.linalg.cholesky(a, lower=True) @ b, scipy.linalg.cholesky(a, True)


def qr(a: Any, b: Any) -> Any:
    q, r = scipy.linalg.qr(b)
    tall_q, tall_r = scipy.linalg.qr(b[:, :2])
    return q, r, tall_q, tall_r, scipy.linalg.qr(b[:2], mode="r")[0]


def thin_qr(a: Any, b: Any) -> Any:
    q, r = scipy.linalg.qr(b[:, :2], mode="economic")
    return q, r, scipy.linalg.qr(b[:, :2], mode="r")[0]


def svd(a: Any, b: Any) -> Any:
    u, s, vh = scipy.linalg.svd(b)
    thin_u, _, thin_vh = scipy.linalg.svd(b[:2], full_matrices=False)
    values = scipy.linalg.svd(b[:2], compute_uv=False) + scipy.linalg.svdvals(b[:, 1:])
    return u * s @ vh, np.abs(u) ** 2, np.abs(thin_u @ thin_vh) ** 2, values


def eigh(a: Any, b: Any) -> Any:
    w, v = scipy.linalg.eigh(a)
    other_w, other_v = scipy.linalg.eigh(b, lower=False)
    return w, np.abs(v) ** 2, other_w, np.abs(other_v) ** 2, scipy.linalg.eigvalsh(a, lower=False)


def part_of_eigh(a: Any, b: Any) -> Any:
    w, v = scipy.linalg.eigh(a, subset_by_index=[1, 2])
    return w, np.abs(v) ** 2, scipy.linalg.eigvalsh(b, subset_by_index=(0, 1))


def generalised_eigh(a: Any, b: Any) -> Any:
    w, v = scipy.linalg.eigh(b, a)
    product_w, product_v = scipy.linalg.eigh(b, a, type=2, lower=False)
    return w, np.abs(v) ** 2, product_w, np.abs(product_v) ** 2


def generalised_eigh_of_type_three(a: Any, b: Any) -> Any:
    w, v = scipy.linalg.eigh(b, a, type=3, subset_by_index=[0, 1])
    return w, np.abs(v) ** 2, scipy.linalg.eigvalsh(b, a)


def eigvals(a: Any, b: Any) -> Any:
    c = b + np.diag(np.array([0.0, 3.0, 7.0]))
    return scipy.linalg.eigvals(c), scipy.linalg.eig(c, right=False)


def eig(a: Any, b: Any) -> Any:
    found: Any = scipy.linalg.eig(b + 0j + np.diag(np.array([0.0, 3.0, 7.0])))
    w, v = found
    return w, np.abs(v) ** 2


def pinv(a: Any, b: Any) -> Any:
    p, q = scipy.linalg.pinv(b[:, :2]), scipy.linalg.pinv(b[:2], atol=1e-9, rtol=1e-12)
    return p, q, scipy.linalg.pinvh(a), scipy.linalg.pinvh(a, lower=False)


def lstsq(a: Any, b: Any) -> Any:
    tall: Any = scipy.linalg.lstsq(b[:, :2], a)
    x, squares, _, s = tall
    wide: Any = scipy.linalg.lstsq(b[:2], a[:2])
    square: Any = scipy.linalg.lstsq(b, a, lapack_driver="gelsy")
    of_a_vector: Any = scipy.linalg.lstsq(b[:, :2], a[0])
    line, _, _, values = of_a_vector
    of_a_wide_one: Any = scipy.linalg.lstsq(b[:2], a[0, :2])
    return x, squares, s, wide[0], square[0], line, values, of_a_wide_one[0]


def norm(a: Any, b: Any) -> Any:
    whole = scipy.linalg.norm(b) + scipy.linalg.norm(b, 1) + scipy.linalg.norm(b, "nuc")
    return whole, scipy.linalg.norm(b, axis=0), scipy.linalg.norm(b, np.inf, keepdims=True)


def procrustes(a: Any, b: Any) -> Any:
    return scipy.linalg.orthogonal_procrustes(a, b)


def arrangements(a: Any, b: Any) -> Any:
    square = scipy.linalg.hankel(b[0]) + scipy.linalg.hankel(b[0], b[1])
    population = scipy.linalg.leslie(b[0], b[1, 1:])
    return square, population, scipy.linalg.companion(b[1]), scipy.linalg.khatri_rao(a, b)


def convolutions(a: Any, b: Any) -> Any:
    full, same = scipy.linalg.convolution_matrix(b[0], 2), scipy.linalg.convolution_matrix(b[0], 4, "same")
    return full, same, scipy.linalg.convolution_matrix(b[0], 2, "valid")


def tridiagonal(a: Any, b: Any) -> Any:
    d, e = np.real(b[0]), np.abs(b[1, 1:]) + 1
    w, v = scipy.linalg.eigh_tridiagonal(d, e)
    last, last_v = scipy.linalg.eigh_tridiagonal(d, e, select="i", select_range=(2, 2))
    return w, v, last, last_v, scipy.linalg.eigvalsh_tridiagonal(d, e)


FUNCTIONS = [
    cholesky, qr, thin_qr, svd, eigh, part_of_eigh, generalised_eigh, generalised_eigh_of_type_three, eigvals,
    eig, pinv, lstsq, norm, procrustes, arrangements, convolutions, tridiagonal,
]  # fmt: skip
EACH = pytest.mark.parametrize("function", FUNCTIONS)
KINDS = pytest.mark.parametrize("kind", [float, complex])


def points(kind: type) -> tuple[Any, Any]:
    return definite(3, kind) + np.diag(np.arange(3.0)), matrix(3, 3, kind=kind, shift=2.0)


@KINDS
@EACH
def test_against_scipy_and_finite_differences(function: Callable[..., Any], kind: type) -> None:
    a, b = points(kind)
    wanted = function(a, b)
    tracked = pb.vjp(lambda a, b: list(with_ours(function)(a, b)), a, b)[0]
    for got, want in zip(tracked, wanted, strict=True):
        assert (np.shape(got), np.asarray(got).dtype) == (np.shape(want), np.asarray(want).dtype)
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-11)
    assert gradcheck(lambda a, b: list(with_ours(function)(a, b)), a, b, tolerance=1e-4)


@KINDS
@EACH
def test_compiled_under_scipys_own_names(function: Callable[..., Any], kind: type) -> None:
    a, b = points(kind)
    compiled, ours = pb.compile(function, jit=False), with_ours(function)
    for got, want in zip(compiled(a, b), function(a, b), strict=True):
        assert (np.shape(got), np.asarray(got).dtype) == (np.shape(want), np.asarray(want).dtype)
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-11)
    bars = tuple(np.cos(np.arange(np.size(y))).reshape(y.shape).astype(y.dtype) for y in ours(a, b))
    for got, want in zip(pb.vjp(compiled, a, b)[1](bars), pb.vjp(ours, a, b)[1](bars), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-9)
    found, tangents = (pb.jvp(f, (a, b), (b @ b, a @ b))[1] for f in (compiled, ours))
    for got, want in zip(found, tangents, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("function", [cholesky, thin_qr])
def test_compiled_by_numba(function: Callable[..., Any]) -> None:
    a, b = points(float)
    bars = tuple(np.ones(np.shape(y)) for y in function(a, b))
    found = pb.vjp(pb.compile(function), a, b)[1](bars)
    for got, want in zip(found, pb.vjp(with_ours(function), a, b)[1](bars), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-9)


# -- what has no rule --------------------------------------------------------------------------------------

A, B = points(float)
BOTH = pytest.mark.parametrize("engine", ["tape", "dual"])


@BOTH
@pytest.mark.parametrize(
    ("function", "reason", "remedy"),
    [
        (lambda a: linalg.qr(a, pivoting=True)[1], "the order of the columns", "factorise a[:, p]"),
        (lambda a: linalg.qr(a, mode="raw")[1], "LAPACK's reflections", 'mode="economic"'),
        (lambda a: linalg.svd(a, lapack_driver="gesvd")[1], "another algorithm", "leave lapack_driver away"),
        (lambda a: linalg.eigh(a, subset_by_value=(0, 1))[0], "how many eigenvalues", "subset_by_index"),
        (lambda a: linalg.eigh_tridiagonal(a[0], a[1, 1:], select="v")[0], "how many", 'select="i"'),
        (lambda a: linalg.eig(a, A)[0], "that of one matrix has", "eig(solve(b, a))"),
        (lambda a: linalg.eig(a, left=True)[1], "right eigenvectors", "np.linalg.inv(v).conj().T"),
        (lambda a: linalg.eigvals(a, homogeneous_eigvals=True), "arbitrary", "leave homogeneous_eigvals"),
        (lambda a: linalg.pinv(a, return_rank=True)[0], "does not move", "np.linalg.matrix_rank(a)"),
        (lambda a: linalg.lstsq(np.stack([a, a]), B)[0], "one matrix", "np.linalg.pinv(a) @ b"),
        (linalg.hankel, "one long vector", "np.stack([hankel(c)"),
    ],
)
def test_arguments_without_a_rule(
    function: Callable[..., Any], reason: str, remedy: str, engine: Any
) -> None:
    with pytest.raises(UnsupportedError) as error:
        pb.grad(lambda a: np.sum(np.real(function(a))), engine=engine)(A)
    assert error.value.what.startswith("scipy.linalg.")
    assert reason in str(error.value.why)
    assert remedy in str(error.value.remedy)
    assert error.value.where is not None
    assert error.value.where.file == __file__


@pytest.mark.parametrize("name", [name for name in REASONS if hasattr(scipy.linalg, name)])
def test_refused_functions(name: str) -> None:
    ours, theirs = getattr(linalg, name), getattr(scipy.linalg, name)
    why, remedy = REASONS[name]
    for function in (ours, theirs):
        with pytest.raises(UnsupportedError, match=rf"scipy\.linalg\.{name} has no derivative rule") as error:
            pb.compile(lambda a, f=function: f(a), jit=False)(A)
        assert (error.value.why, error.value.remedy) == (why, remedy)
        assert "lambda a, f=function: f(a)" in str(error.value)
    with pytest.raises(UnsupportedError, match=rf"scipy\.linalg\.{name} has no derivative rule") as error:
        pb.grad(lambda a: np.sum(ours(a)))(A)
    assert (error.value.why, error.value.remedy) == (why, remedy)


def test_refused_functions_of_plain_arrays_are_scipys() -> None:
    np.testing.assert_array_equal(linalg.null_space(A[:2]), scipy.linalg.null_space(A[:2]))


def residue_of_a_vector(a: Any, b: Any) -> Any:
    found: Any = scipy.linalg.lstsq(a, b)
    return found[1] / 2


def by_the_residue_of_a_vector(a: Any, b: Any) -> Any:
    found: Any = scipy.linalg.lstsq(a, b)
    return found[0] if found[1] else -found[0]


def all_of_a_vector(a: Any, b: Any) -> Any:
    return scipy.linalg.lstsq(a, b)


def real_eig(a: Any) -> Any:
    return np.sum(np.abs(scipy.linalg.eig(a)[1]))


def test_results_whose_types_depend_on_values_are_refused_in_compiled_source() -> None:
    for function in (residue_of_a_vector, by_the_residue_of_a_vector, all_of_a_vector):
        with pytest.raises(UnsupportedError, match="Residue") as error:
            pb.compile(function, jit=False)(B[:, :2], A[0])
        assert "an empty array if the rank is less than full" in str(error.value)
        assert "np.linalg.lstsq(a, b), whose second result is an array always" in str(error.value)
    assert gradcheck(lambda a, b: list(linalg.lstsq(a, b)[:2]), B[:, :2], A[0])
    with pytest.raises(UnsupportedError, match="of real values") as error:
        pb.compile(real_eig, jit=False)(A)
    assert "scipy.linalg.eig(a)" in str(error.value)
    assert "a + 0j" in str(error.value.remedy)


def test_scipys_own_function_names_what_to_write_instead() -> None:
    for name, remedy in (("cholesky", "call pullback.scipy.linalg.cholesky."), ("orth", REASONS["orth"][1])):
        with pytest.raises(UnsupportedError) as error:
            pb.grad(lambda a, name=name: np.sum(getattr(scipy.linalg, name)(a)))(A)
        assert error.value.remedy == remedy
