"""Cotangents that are diagonal or of low rank: products with them cost n², and results are what they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.rules import structured
from pullback.rules.structured import Diagonal, Filled, LowRank, Repeated, as_matrix
from pullback.tape import matrices
from pullback.tape.accumulate import Owned, accumulate

N = 50
KINDS = ["float32", "float64", "complex64", "complex128"]


def drawn(kind: str, *shape: int, seed: int = 0) -> Any:
    rng = np.random.default_rng([seed, *shape])
    values = rng.normal(size=shape)
    return (values + 1j * rng.normal(size=shape) if kind.startswith("c") else values).astype(kind)


def inputs(kind: str) -> tuple[Any, ...]:
    matrices = (drawn(kind, N, N, seed=k) / np.asarray(7, kind) for k in range(3))
    return (*matrices, drawn(kind, N, seed=3))


def squares(x: Any) -> Any:
    return np.sum(np.abs(x) ** 2)


def chain(a: Any, b: Any, c: Any, v: Any) -> Any:
    return squares((a @ b @ c) @ v)


def from_the_left(a: Any, b: Any, c: Any, v: Any) -> Any:
    return squares(np.dot(v, (a @ b.T) @ c.T))


def form(a: Any, b: Any, c: Any, v: Any) -> Any:
    return np.abs(v @ (a.T @ b @ a) @ v + v @ np.linalg.matrix_transpose(c @ a) @ v)


def summed(a: Any, b: Any, c: Any, v: Any) -> Any:
    return np.abs(np.sum(a @ b @ c)) + squares(np.sum(b @ c, axis=0)) + squares(np.sum(c @ a, axis=1))


def diagonal(a: Any, b: Any, c: Any, v: Any) -> Any:
    return squares(np.diagonal(a @ b @ c) * v + np.diag(b @ a) + np.einsum("ii->i", c @ b))


def several(a: Any, b: Any, c: Any, v: Any) -> Any:
    product = a @ b
    for _ in range(12):
        v = np.sin(0.3 * (product @ v))
    return squares(v) + squares(c @ v)


def system(a: Any, b: Any, c: Any, v: Any) -> Any:
    return squares(np.linalg.solve(a @ b + 3 * np.eye(N, dtype=a.dtype), v)) + squares(c @ v)


def mixed(a: Any, b: Any, c: Any, v: Any) -> Any:
    product = a @ b
    return squares(product @ v) + np.abs(np.trace(product)) + np.abs(np.sum(product)) + squares(product * c)


FUNCTIONS = [chain, from_the_left, form, summed, diagonal, several, system, mixed]


@pytest.fixture
def dense_everywhere(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Have nothing be worth a structure from now on."""

    def switch() -> None:
        monkeypatch.setattr(structured, "_MANY", 1 << 60)
        monkeypatch.setattr(structured, "_WORK", 1 << 60)

    return switch


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_gradients_are_those_of_dense_cotangents(
    function: Callable[..., Any], kind: str, dense_everywhere: Callable[[], None]
) -> None:
    args = inputs(kind)
    places = tuple(range(len(args)))
    rtol = 2e-3 if kind in KINDS[::2] else 1e-11

    def derivatives() -> list[Any]:
        along = tuple(np.cos(x) for x in args)
        gradient = pb.grad(function, argnums=places, engine="tape")
        found = [*gradient(*args), *pb.jvp(gradient, args, along)[1]]

        def slope(*args: Any) -> Any:
            return sum(np.sum(np.real(g * x)) for g, x in zip(gradient(*args), along, strict=True))

        return [*found, *pb.grad(slope, argnums=places, engine="tape")(*args)]

    ours = derivatives()
    dense_everywhere()
    for mine, wanted in zip(ours, derivatives(), strict=True):
        assert (mine.dtype, mine.shape) == (wanted.dtype, wanted.shape)
        np.testing.assert_allclose(mine, wanted, rtol=rtol, atol=rtol * np.max(np.abs(wanted)))


PRODUCTS = (
    "times_transposed",
    "transposed_times",
    "both_products",
    "times_adjoint",
    "adjoint_times",
    "dense",
)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What the reverse sweep multiplies matrices by, or makes arrays of, in products of them."""
    counts: Counter[str] = Counter()

    def watched(name: str) -> Any:
        own = getattr(matrices, name)

        def call(*args: Any) -> Any:
            counts[name] += 1
            return own(*args)

        return call

    for name in PRODUCTS:
        monkeypatch.setattr(matrices, name, watched(name))
    return counts


@pytest.mark.parametrize("kind", ["float64", "complex128"])
@pytest.mark.parametrize("function", [chain, from_the_left, form, summed, diagonal, system])
def test_the_sweep_multiplies_no_matrices(
    function: Callable[..., Any], kind: str, counted: Counter[str]
) -> None:
    pb.grad(function, argnums=(0, 1, 2, 3), engine="tape")(*inputs(kind))
    # Of a @ b @ c the diagonal makes that of a @ b an array, whose two products follow.
    assert sum(counted.values()) == (0 if function is not diagonal else 2 if kind == "float64" else 3)


def test_cotangents_of_low_rank_add_up() -> None:
    u, v = (LowRank(drawn("float64", 40, 1, seed=k), drawn("float64", 60, 1, seed=k + 5)) for k in range(2))
    total: Any = u
    for k in range(2, 12):
        total = accumulate(total, v)
        wanted = u.dense() + (k - 1) * v.dense()
        np.testing.assert_allclose(structured.dense(total), wanted)
        assert type(total) is (LowRank if k <= 8 else Owned)
    np.testing.assert_allclose(u.dense(), u.value * u.right.T)  # as it was
    other = drawn("float64", 60, 30)
    for found, wanted in (
        (u.before(other), u.dense() @ other),
        (u.after(other.T[:, :40]), other.T[:, :40] @ u.dense()),
        (u.turned(), u.dense().T),
        (u * 3.0, 3 * u.dense()),
    ):
        np.testing.assert_allclose(found.dense(), wanted)


def test_diagonals_in_stacks() -> None:
    d, other = Diagonal(drawn("complex128", 3, 4)), drawn("complex128", 3, 4, 4)
    np.testing.assert_allclose(d.before(other), d.dense() @ other)
    np.testing.assert_allclose(d.after(other), other @ d.dense())
    np.testing.assert_allclose(d.conj().dense(), np.conj(d.turned().dense()))


def test_what_is_repeated_is_of_rank_one() -> None:
    row, column = drawn("float64", 1, 60), drawn("float64", 40, 1)
    for cotangent in (Filled(2.5, (40, 60)), Repeated(row, (40, 60)), Repeated(column, (40, 60))):
        matrix = as_matrix(cotangent, 50)
        assert isinstance(matrix, LowRank)
        np.testing.assert_allclose(matrix.dense(), cotangent.dense())
        assert as_matrix(cotangent, 2) is None


def test_stacks_of_diagonals_and_products_that_broadcast() -> None:
    def function(a: Any, b: Any) -> Any:
        return squares(np.diagonal(a @ b, axis1=-2, axis2=-1)) + squares(np.linalg.diagonal(a @ b[0]))

    a, b = drawn("complex128", N, N), drawn("complex128", 3, N, N)
    a_bar, b_bar = pb.grad(function, argnums=(0, 1), engine="tape")(a, b)

    def written_out(a: Any, b: Any) -> Any:
        return squares(np.sum(a * np.swapaxes(b, -1, -2), -1)) + squares(np.sum(a * b[0].T, -1))

    wanted = pb.grad(written_out, argnums=(0, 1), engine="tape")(a, b)
    np.testing.assert_allclose(a_bar, wanted[0], rtol=1e-11)
    np.testing.assert_allclose(b_bar, wanted[1], rtol=1e-11)


def test_a_stack_times_a_vector_that_is_traced() -> None:
    a, v = drawn("float64", 4, 4, 3), drawn("float64", 3)
    for function in (lambda a, v: np.trace(a @ v), lambda a, v: np.sum(np.diag(a @ v))):
        a_bar, v_bar = pb.grad(function, argnums=(0, 1), engine="tape")(a, v)
        np.testing.assert_allclose(a_bar, np.eye(4)[..., None] * v)
        np.testing.assert_allclose(v_bar, np.trace(a))


def several_factors(a: Any, v: Any) -> Any:
    return squares(np.linalg.multi_dot([a, v])) + squares(np.linalg.multi_dot([v, a])) + squares(a.dot(v))


AXES: dict[str, Any] = {"axes": [(1, 0), (0,), (0,)]}


def with_axes(a: Any, v: Any) -> Any:
    return squares(np.matmul(a, v, **AXES)) + squares(v @ a)


def contracted(a: Any, v: Any) -> Any:
    return squares(pb.contract("ii,i->i", a, v)) + squares(pb.contract("ii->i", a)) + squares(np.diag(a))


def averaged(a: Any, v: Any) -> Any:
    return squares(np.average(a, axis=0)) + squares(np.mean(a, axis=1) * v) + squares(np.add.reduce(a))


def converted(a: Any, v: Any) -> Any:
    return squares((a.astype(np.float64) @ v).astype(np.float64)) + squares(np.real(a @ (v * 1j)))


@pytest.mark.parametrize("function", [several_factors, with_axes, contracted, averaged, converted])
def test_other_functions_and_rules_that_call_rules(
    function: Callable[..., Any],
) -> None:
    for kind in ("float64", "complex128") if function is not converted else ("float32", "float64"):
        a, v = drawn(kind, N, N), drawn(kind, N, seed=1)
        found = pb.grad(function, argnums=(0, 1), engine="tape")(a, v)
        moved = pb.jvp(pb.grad(function, engine="tape"), (a, v), (a, v))[1]
        assert (found[0].dtype, found[1].dtype) == (kind, kind)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(structured, "_MANY", 1 << 60)
            wanted = pb.grad(function, argnums=(0, 1), engine="tape")(a, v)
            wanted_moved = pb.jvp(pb.grad(function, engine="tape"), (a, v), (a, v))[1]
        rtol = 1e-4 if kind == "float32" else 1e-10
        for mine, theirs in ((found[0], wanted[0]), (found[1], wanted[1]), (moved, wanted_moved)):
            np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=rtol * np.max(np.abs(theirs)))


def test_gradients_share_no_memory_with_anything() -> None:
    a: Any = pb.Variable(drawn("float64", N, N))
    v: Any = pb.Variable(drawn("float64", N, seed=1))
    y = a @ v
    squares(y).backward(retain=True)
    first = a.grad.copy()
    a.grad[:] = 0
    v.grad[:] = 0
    a.grad = v.grad = None
    squares(y).backward()
    second: Any = a.grad
    np.testing.assert_array_equal(second, first)
    assert second.flags.writeable


def test_a_vector_that_is_overwritten_afterwards() -> None:
    def function(a: Any, b: Any, v: Any) -> Any:
        v = np.copy(v)
        y = (a @ b) @ v
        v[:] = 0.0
        y += 1
        return squares(y) + np.sum(v)

    a, b, _, v = inputs("float64")
    wanted = pb.grad(lambda a, b, v: squares((a @ b) @ v + 1), argnums=(0, 1, 2), engine="tape")(a, b, v)
    for mine, theirs in zip(
        pb.grad(function, argnums=(0, 1, 2), engine="tape")(a, b, v), wanted, strict=True
    ):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)
