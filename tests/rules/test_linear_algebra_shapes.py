"""Linear algebra of numpy and scipy over shapes and stacks, empty ones included, in each engine.

The derivative of a stack is that of its matrices, each by itself; forward mode is the adjoint of reverse
mode; shapes and dtypes are those of the arguments; compiled code agrees.
"""

# What SciPy returns depends on flags, which its types do not say.
# pyright: reportAssignmentType=false

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from drop_in import with_ours
from hypothesis import given, settings
from hypothesis import strategies as st

import pullback as pb

# -- functions of general matrices, of definite ones and of right sides with two columns -------------------


def cholesky(a: Any, h: Any, b: Any) -> Any:
    return np.linalg.cholesky(h), np.linalg.cholesky(h, upper=True)


def qr(a: Any, h: Any, b: Any) -> Any:
    return *np.linalg.qr(a), *np.linalg.qr(b)


def eigh(a: Any, h: Any, b: Any) -> Any:
    w, v = np.linalg.eigh(h)
    return w, np.abs(v) ** 2, np.linalg.eigvalsh(h, "U")


def svd(a: Any, h: Any, b: Any) -> Any:
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return (u * s[..., None, :]) @ vh, np.abs(vh) ** 2, np.linalg.svd(b, compute_uv=False)


def eig(a: Any, h: Any, b: Any) -> Any:
    w, v = np.linalg.eig(a + 0j)
    return w, np.abs(v) ** 2, np.linalg.eigvals(a + 0j)


def inverses(a: Any, h: Any, b: Any) -> Any:
    return np.linalg.inv(a), np.linalg.pinv(b), np.linalg.matrix_power(a, -2)


def determinants(a: Any, h: Any, b: Any) -> Any:
    return np.linalg.det(a), np.linalg.slogdet(a)[1], np.linalg.cond(h, 1)


def solve(a: Any, h: Any, b: Any) -> Any:
    return np.linalg.solve(a, b), np.linalg.solve(h, b)


def norms(a: Any, h: Any, b: Any) -> Any:
    whole = np.linalg.norm(b, axis=(-2, -1)), np.linalg.norm(a, "nuc", axis=(-2, -1))
    return *whole, np.linalg.norm(b, 3, axis=-2), np.linalg.norm(h, 2, axis=(-2, -1))


def systems(a: Any, h: Any, b: Any) -> Any:
    x = scipy.linalg.solve(h, b, assume_a="pos"), scipy.linalg.solve_triangular(a, b, lower=True)
    return *x, scipy.linalg.inv(a), scipy.linalg.det(a)


def scipys_factors(a: Any, h: Any, b: Any) -> Any:
    factors: Any = scipy.linalg.qr(a)
    q, r = factors
    return scipy.linalg.cholesky(h), q, r, scipy.linalg.svdvals(b), scipy.linalg.eigvalsh(h)


def lu(a: Any, h: Any, b: Any) -> Any:
    apart: Any = scipy.linalg.lu(a, permute_l=True)
    p, u = apart
    factors = scipy.linalg.lu_factor(a)
    return p, u, scipy.linalg.lu_solve(factors, b), scipy.linalg.lu_solve(factors, b, trans=1)


def cho_solve(a: Any, h: Any, b: Any) -> Any:
    factor = scipy.linalg.cho_factor(h, lower=True)
    return scipy.linalg.cho_solve(scipy.linalg.cho_factor(h), b), factor[0]


def functions(a: Any, h: Any, b: Any) -> Any:
    return scipy.linalg.expm(a / 8), scipy.linalg.sqrtm(h), scipy.linalg.logm(h)


def equations(a: Any, h: Any, b: Any) -> Any:
    return scipy.linalg.solve_sylvester(a, h, a), scipy.linalg.solve_continuous_lyapunov(a, h)


def polar(a: Any, h: Any, b: Any) -> Any:
    u, p = scipy.linalg.polar(a)
    return u, p


def blocks(a: Any, h: Any, b: Any) -> Any:
    return scipy.linalg.block_diag(a, b), scipy.linalg.khatri_rao(b, b), scipy.linalg.circulant(b)


FUNCTIONS = [
    cholesky, qr, eigh, svd, eig, inverses, determinants, solve, norms, systems, scipys_factors, lu,
    cho_solve, functions, equations, polar, blocks,
]  # fmt: skip
EACH = pytest.mark.parametrize("function", FUNCTIONS)
Arrays = tuple[Any, ...]


def points(stack: tuple[int, ...], n: int, kind: type, seed: int) -> Arrays:
    """A general matrix with eigenvalues apart, a definite one and one with two columns."""
    rng = np.random.default_rng(seed)

    def drawn(*shape: int) -> Any:
        x = rng.uniform(-1, 1, shape)
        return x + 1j * rng.uniform(-1, 1, shape) if kind is complex else x

    apart = np.diag(np.arange(3.0, 3 + 2 * n, 2))
    half = drawn(*stack, n, n) / n
    a = drawn(*stack, n, n) / n + apart
    return a, (half + np.conj(np.swapaxes(half, -1, -2))) / 2 + apart, drawn(*stack, n, 2) + np.eye(n, 2)


def listed(function: Callable[..., Any]) -> Callable[..., list[Any]]:
    return lambda *args: list(with_ours(function)(*args))


def like(values: Any, seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [(rng.uniform(-1, 1, np.shape(x)) * np.ones_like(x))[()] for x in values]


def close(got: Any, wanted: Any) -> None:
    for one, other in zip(got, wanted, strict=True):
        assert (np.shape(one), np.asarray(one).dtype) == (np.shape(other), np.asarray(other).dtype)
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-9)


def inner(left: Any, right: Any) -> float:
    return sum(float(np.sum(np.real(np.conj(x) * y))) for x, y in zip(left, right, strict=True))


def applied(function: Callable[..., Any], args: Arrays) -> Any:
    """The value; None where SciPy takes no empty stack."""
    try:
        return function(*args)
    except ValueError as error:
        if "zero-size batches" in str(error):
            return None
        raise


STACKS = st.lists(st.integers(0, 3), max_size=2).map(tuple)


@EACH
@settings(max_examples=10)
@given(stack=STACKS, n=st.integers(1, 4), kind=st.sampled_from([float, complex]), seed=st.integers(0, 99))
def test_a_stack_is_its_matrices(
    function: Any, stack: tuple[int, ...], n: int, kind: type, seed: int
) -> None:
    args = points(stack, n, kind, seed)
    value = applied(function, args)
    if value is None:
        return
    f = listed(function)
    y, pull = pb.vjp(f, *args)
    close(y, [np.asarray(part) for part in value] if not stack else value)
    bars, dots = like(y, seed), tuple(like(args, seed + 1))
    x_bars, y_dots = pull(bars), pb.jvp(f, args, dots)[1]
    close([x * 0 for x in x_bars], [x * 0 for x in args])
    close([x * 0 for x in y_dots], [x * 0 for x in y])
    assert np.isclose(inner(bars, y_dots), inner(x_bars, dots), rtol=1e-8, atol=1e-8)
    for place in np.ndindex(*stack):
        one = pb.vjp(f, *(x[place] for x in args))[1]([bar[place] for bar in bars])
        for whole, part in zip(x_bars, one, strict=True):
            np.testing.assert_allclose(whole[place], part, rtol=1e-8, atol=1e-9)


@functools.cache
def compiled(function: Callable[..., Any]) -> Any:
    return pb.compile(function, jit=False)


@EACH
@settings(max_examples=4)
@given(stack=st.sampled_from([(), (0,), (2,), (3,)]), n=st.integers(2, 4), seed=st.integers(0, 99))
def test_compiled_code_agrees(function: Any, stack: tuple[int, ...], n: int, seed: int) -> None:
    args = points(stack, n, float, seed)
    value = applied(function, args)
    if value is None:
        return
    f = listed(function)
    pull = pb.vjp(f, *args)[1]
    bars, dots = like(value, seed), tuple(like(args, seed + 1))
    native, native_pull = pb.vjp(compiled(function), *args)
    close(native, value)
    close(native_pull(tuple(bars)), pull(bars))
    close(pb.jvp(compiled(function), args, dots)[1], pb.jvp(f, args, dots)[1])


def of_thin_matrices(a: Any) -> Any:
    q, r = np.linalg.qr(a)
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    factors: Any = scipy.linalg.lu(a, permute_l=True)
    p, upper = factors
    return np.linalg.svd(a, compute_uv=False), q, r, u * s @ vh, p, upper


@pytest.mark.parametrize("shape", [(1, 0), (0, 1), (1, 1), (1, 3), (3, 1)])
@pytest.mark.parametrize("jit", [False, True])
def test_a_short_axis_may_be_empty(shape: tuple[int, int], jit: bool) -> None:
    """The factors of a row have one singular value, unless the row is empty."""
    a = np.linspace(1.0, 2.0, shape[0] * shape[1]).reshape(shape)
    f = listed(of_thin_matrices)
    y, pull = pb.vjp(f, a)
    native, native_pull = pb.vjp(pb.compile(of_thin_matrices, jit=jit), a)
    close(native, y)
    close(native_pull(tuple(y)), pull(y))
