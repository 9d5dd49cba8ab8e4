"""Systems, factorisations and equations: flags, triangles that are not read, singular matrices, batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

import pullback as pb
from pullback.base.errors import NotDifferentiableError, UnsupportedError
from pullback.rules.scipy_linalg.arrangement import STACKS
from pullback.rules.scipy_linalg.calling import BATCHES
from pullback.scipy import linalg
from pullback.testing import gradcheck

RNG = np.random.default_rng(3)
A = RNG.uniform(-1, 1, (3, 3)) + 4 * np.eye(3)
B = RNG.uniform(-1, 1, (3, 2))


STRUCTURES = ["gen", "sym", "pos", "upper triangular", "lower triangular", "diagonal"]


@pytest.mark.parametrize("assume_a", STRUCTURES)
@pytest.mark.parametrize("lower", [False, True])
def test_what_is_not_read_has_derivative_zero(assume_a: str, lower: bool) -> None:
    def loss(a: Any) -> Any:
        return np.sum(linalg.solve(a, B, lower=lower, assume_a=assume_a) ** 3)

    step, numeric = 1e-6, np.zeros((3, 3))
    for place in np.ndindex(3, 3):
        e = np.zeros((3, 3))
        e[place] = step
        numeric[place] = (loss(A + e) - loss(A - e)) / (2 * step)
    np.testing.assert_allclose(pb.grad(loss)(A), numeric, atol=1e-8)
    np.testing.assert_allclose(pb.grad(loss, engine="dual")(A), numeric, atol=1e-8)


def test_solve_transposed() -> None:
    assert gradcheck(lambda a, b: linalg.solve(a, b, transposed=True), A, B)
    assert gradcheck(lambda a, b: linalg.solve(a, b, transposed=True), A, B[:, 0])


@pytest.mark.parametrize("kind", [float, complex])
@pytest.mark.parametrize("trans", [0, 1, 2, "N", "T", "C"])
@pytest.mark.parametrize("unit_diagonal", [False, True])
def test_solve_triangular(trans: Any, unit_diagonal: bool, kind: type) -> None:
    a, b = A.astype(kind), B.astype(kind)
    if kind is complex:
        a, b = a + 1j * RNG.uniform(-1, 1, a.shape), b + 1j * RNG.uniform(-1, 1, b.shape)
    for lower in (False, True):
        assert gradcheck(
            lambda a, b, lower=lower: linalg.solve_triangular(
                a, b, trans=trans, lower=lower, unit_diagonal=unit_diagonal
            ),
            a,
            b,
        )


def test_the_garbage_of_cho_factor_has_its_own_derivative() -> None:
    a = A @ A.T
    for lower in (False, True):
        assert gradcheck(lambda a, lower=lower: linalg.cho_factor(a, lower)[0], a)
        assert linalg.cho_factor(a, lower)[1] is lower


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2), (1, 1)])
@pytest.mark.parametrize("kind", [float, complex])
def test_lu(shape: tuple[int, int], kind: type) -> None:
    a = RNG.uniform(-1, 1, shape).astype(kind)
    if kind is complex:
        a = a + 1j * RNG.uniform(-1, 1, shape)
    assert gradcheck(lambda a: linalg.lu(a, permute_l=True), a)
    assert gradcheck(lambda a: linalg.lu(a)[1:], a)
    assert gradcheck(lambda a: linalg.lu(a, p_indices=True)[1:], a)
    assert gradcheck(lambda a: linalg.lu_factor(a)[0], a)
    p, _, _ = pb.vjp(linalg.lu, a)[0]
    np.testing.assert_array_equal(p, scipy.linalg.lu(a)[0])


def test_lu_of_an_empty_stack() -> None:
    a = np.zeros((0, 4, 2) if BATCHES else (0, 2))
    for function in (lambda a: linalg.lu(a)[1], lambda a: linalg.lu(a)[2]):
        assert pb.grad(lambda a, f=function: np.sum(f(a)))(a).shape == a.shape
        y, y_dot = pb.jvp(function, (a,), (a,))
        assert y_dot.shape == y.shape


def solved_by_lu(a: Any, b: Any) -> Any:
    return np.sum(scipy.linalg.lu_solve(scipy.linalg.lu_factor(a), b) ** 2)


def exponential(a: Any, b: Any) -> Any:
    return np.sum(scipy.linalg.expm(a) * b**2)


@pytest.mark.parametrize("function", [solved_by_lu, exponential])
def test_compiled_for_matrices_of_one_number(function: Callable[..., Any]) -> None:
    # Exchanges made up for the types of lu_solve once wrote behind such a matrix, into any memory.
    a, b = np.array([[0.5]]), np.array([[3.0]])
    compiled = pb.compile(function, jit=False)
    np.testing.assert_allclose(compiled(a, b), function(a, b))
    first, second = (-18 / a**3, 54 / a**4) if function is solved_by_lu else (9 * np.exp(a), 9 * np.exp(a))
    np.testing.assert_allclose(pb.grad(compiled)(a, b), first)
    np.testing.assert_allclose(pb.jvp(lambda a: pb.grad(compiled)(a, b), (a,), (np.ones((1, 1)),))[1], second)


SINGULAR: list[tuple[Callable[..., Any], Any]] = [
    (lambda a: linalg.lu(a)[1], np.zeros((3, 3))),
    (lambda a: linalg.polar(a)[0], np.diag([1.0, 2.0, 0.0])),
    (lambda a: linalg.polar(a, "left")[1], np.ones((3, 3))),
    (lambda a: linalg.polar(a)[1], np.ones((2, 4))),
]


@pytest.mark.parametrize(("function", "a"), SINGULAR)
def test_singular_matrices_are_refused(function: Callable[..., Any], a: Any) -> None:
    with pytest.raises(NotDifferentiableError, match="has no derivative at this matrix"):
        pb.grad(lambda a: np.sum(function(a)))(a)
    with pytest.raises(NotDifferentiableError, match="has no derivative at this matrix"):
        pb.jvp(function, (a,), (a,))


@pytest.mark.filterwarnings("ignore:Diagonal number")
def test_the_packed_factors_of_a_singular_matrix_are_refused() -> None:
    with pytest.raises(NotDifferentiableError, match="a pivot is zero"):
        pb.grad(lambda a: np.sum(linalg.lu_factor(a)[0]))(np.ones((2, 2)))


@pytest.mark.parametrize("kind", [float, complex])
@pytest.mark.parametrize("side", ["left", "right"])
def test_polar_of_every_shape_and_of_stacks(side: str, kind: type) -> None:
    for shape in [(3, 3), (4, 2), (2, 4), *([(2, 3, 3), (2, 4, 3)] if BATCHES else [])]:
        a = RNG.uniform(-1, 1, shape).astype(kind)
        if kind is complex:
            a = a + 1j * RNG.uniform(-1, 1, shape)
        assert gradcheck(lambda a: list(linalg.polar(a, side)), a)


def test_schur_is_refused_with_the_reason() -> None:
    for run in (
        lambda: pb.grad(lambda a: np.sum(linalg.schur(a)[0]))(A),
        lambda: pb.jvp(lambda a: linalg.schur(a)[0], (A,), (A,)),
    ):
        with pytest.raises(NotDifferentiableError, match="Schur form is not unique"):
            run()
    np.testing.assert_array_equal(linalg.schur(A)[0], scipy.linalg.schur(A)[0])


def schur_in_source(a: Any) -> Any:
    return np.sum(scipy.linalg.schur(a)[0])


def test_schur_is_refused_in_compiled_code() -> None:
    compiled = pb.compile(schur_in_source, jit=False)
    np.testing.assert_allclose(compiled(A), schur_in_source(A))
    with pytest.raises(NotDifferentiableError, match="Schur form is not unique"):
        pb.grad(compiled)(A)


NAMES = [
    "expm", "logm", "sqrtm", "sinm", "cosm", "tanm", "sinhm", "coshm", "tanhm", "cho_factor", "lu",
    "lu_factor", "inv", "det", "polar", "schur", "block_diag", "toeplitz", "circulant",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_scipys_own_function_names_ours(name: str) -> None:
    function = getattr(scipy.linalg, name)
    point = A[0] if name in ("toeplitz", "circulant") else A
    with pytest.raises(UnsupportedError) as error:
        pb.grad(lambda a: np.sum(function(a)[0]))(point)
    assert f"scipy.linalg.{name} would turn" in str(error.value)
    assert f"call pullback.scipy.linalg.{name}" in str(error.value)


def test_names_without_a_rule_are_scipys() -> None:
    assert linalg.hilbert is scipy.linalg.hilbert
    assert {"expm", "hilbert"} <= set(dir(linalg))


@pytest.mark.parametrize("kind", [float, complex])
def test_arrangements(kind: type) -> None:
    c, r = (RNG.uniform(-1, 1, n) + (1j * RNG.uniform(-1, 1, n) if kind is complex else 0) for n in (3, 4))
    assert gradcheck(linalg.toeplitz, c)
    assert gradcheck(linalg.toeplitz, c, r)
    assert gradcheck(linalg.circulant, c)
    for function, arguments in ((linalg.toeplitz, (c, r)), (linalg.toeplitz, (c,)), (linalg.circulant, (c,))):
        np.testing.assert_array_equal(
            pb.vjp(function, *arguments)[0], getattr(scipy.linalg, function.__name__)(*arguments)
        )


@pytest.mark.parametrize("function", ["toeplitz", "hankel"])
@settings(max_examples=10)
@given(
    stacks=st.sampled_from([((2,), ()), ((), (2, 1)), ((3, 1), (2,)), ((0,), (1,)), ((2,), None)]),
    lengths=st.tuples(st.integers(1, 3), st.integers(1, 3)),
)
def test_arrangements_of_stacks(function: str, stacks: Any, lengths: tuple[int, int]) -> None:
    ours, theirs = getattr(linalg, function), getattr(scipy.linalg, function)
    args = [
        RNG.uniform(-1, 1, (*stack, n)) for stack, n in zip(stacks, lengths, strict=True) if stack is not None
    ]
    if not STACKS[function]:
        with pytest.raises(UnsupportedError, match="one long vector"):
            pb.vjp(ours, *args)
        return
    compiled = pb.compile(lambda *args: theirs(*args) + 0.0, jit=False)
    if not all(all(stack or ()) for stack in stacks):  # SciPy takes no empty stacks
        assert pb.vjp(ours, *args)[0].shape == (0, *lengths)
        return
    y, pull = pb.vjp(ours, *args)
    np.testing.assert_array_equal(y, theirs(*args))
    np.testing.assert_array_equal(compiled(*args), y)
    assert gradcheck(ours, *args)
    for found, wanted in zip(pb.vjp(compiled, *args)[1](y), pull(y), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
