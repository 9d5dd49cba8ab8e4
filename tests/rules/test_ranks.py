"""Matrices of less than full rank: the derivative where the rank stays, an error where it changes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest

import pullback as pb
from pullback.rules.spectra import inquiry

Engine = Literal["tape", "dual", "native"]
ENGINES: list[Engine] = ["tape", "dual", "native"]
CHANGES = "rank (of a matrix )?changes"


def drawn(*shape: int, seed: int = 0, complex: bool = False) -> Any:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    return x + 1j * rng.standard_normal(shape) if complex else x


def inverse(a: Any) -> Any:
    return np.linalg.pinv(a, 1e-9)


def size(a: Any) -> Any:
    return np.sum(np.abs(inverse(a)) ** 2)


L, R = drawn(4, 2), drawn(2, 3, seed=1)
LOW = L @ R
ONES = np.ones((2, 2))
B = drawn(4, seed=2)

STAYS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "a factor": (lambda x: size(x @ R), L),
    "a multiple": (lambda t: size(t * LOW), 2.0),
    "a gram matrix of full rank": (lambda x: size(x @ x.T), L),
    "least squares": (lambda x: np.sum(np.linalg.lstsq(x @ R, B, 1e-9)[0] ** 2), L),
    "a constant matrix": (lambda b: np.sum((inverse(LOW) @ b) ** 2), B),
    "a projector": (lambda x: np.sum((x @ R @ inverse(x @ R)) ** 4), L),
    "a block of checkpoint": (lambda x: pb.checkpoint(size)(x @ R), L),
    "a stack": (lambda x: size(x @ R), drawn(3, 4, 2)),
    "zero times a number": (lambda t: size(t * np.zeros((2, 3))), 2.0),
}
MOVES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "the matrix": (size, LOW),
    "zero": (size, np.zeros((2, 3))),
    "a gram matrix, of second order": (lambda x: size(x @ x.T), ONES),
    "one of fourth order": (lambda x: size(x @ x.T @ x @ x.T), ONES),
    "a square": (lambda t: size(np.eye(2) * np.array([1.0, 0.0]) + t**2 * np.ones((2, 2))), 0.0),
    "least squares": (lambda a: np.sum(np.linalg.lstsq(a, B, 1e-9)[0]), LOW),
    "one of two": (lambda x: size(x @ R) + size(x), np.vstack([ONES, ONES])),
    "one of a stack": (size, np.stack([drawn(4, 3, seed=3), LOW])),
    "a block of checkpoint": (lambda a: pb.checkpoint(size)(a) * 2, LOW),
    "a loss of no slope": (lambda a: np.sum((inverse(a) - inverse(LOW)) ** 2), LOW),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", STAYS)
def test_a_rank_that_stays(name: str, engine: Engine) -> None:
    loss, x = STAYS[name]
    along = drawn(*np.shape(x), seed=7)[()]
    step = 1e-5
    slope = (loss(x + step * along) - loss(x - step * along)) / (2 * step)
    np.testing.assert_allclose(np.sum(pb.grad(loss, engine=engine)(x) * along), slope, rtol=1e-6, atol=1e-9)
    assert not inquiry.NOTED


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", MOVES)
def test_a_rank_that_changes(name: str, engine: Engine) -> None:
    loss, x = MOVES[name]
    with pytest.raises(pb.NotDifferentiableError, match=CHANGES):
        pb.grad(loss, engine=engine)(x)
    assert pb.grad(lambda y: y * y, engine=engine)(3.0) == 6.0
    assert not inquiry.NOTED


def test_the_rank_that_changes_makes_the_function_jump() -> None:
    """That nothing differentiable is refused: along a way that changes the rank, differences diverge."""
    for name in (
        "the matrix",
        "a gram matrix, of second order",
        "a square",
    ):
        loss, x = MOVES[name]
        along = drawn(*np.shape(x))[()]
        slopes = [(loss(x + step * along) - loss(x)) / step for step in (1e-2, 1e-3)]
        assert abs(slopes[1]) > 50 * abs(slopes[0])


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("mode", ["forward", "reverse", "auto"])
def test_jacobians(mode: Any, compiled: bool) -> None:
    ways = pb.compile if compiled else (lambda f: f)
    for outputs in (slice(None), (0, slice(2))):  # many, and few, which compiled code has at once
        of_factors = ways(lambda x, y, outputs=outputs: inverse(x @ y)[outputs])
        found = pb.jacobian(of_factors, mode=mode)(L, R)
        wanted = pb.jacobian(lambda x, outputs=outputs: (np.linalg.pinv(R) @ np.linalg.pinv(x))[outputs])(L)
        np.testing.assert_allclose(found, wanted, atol=1e-12)
        with pytest.raises(pb.NotDifferentiableError, match=CHANGES):
            pb.jacobian(ways(lambda a, outputs=outputs: inverse(a)[outputs]), mode=mode)(LOW)


@pytest.mark.parametrize("compiled", [False, True])
def test_pulling_back_and_pushing(compiled: bool) -> None:
    ways = pb.compile if compiled else (lambda f: f)
    free, factors = ways(inverse), ways(lambda x, y: inverse(x @ y))
    y_bar = drawn(3, 4)
    _, pull = pb.vjp(factors, L, R)
    moves = drawn(4, 2, seed=3), drawn(2, 3, seed=4)
    dot = pb.jvp(factors, (L, R), moves)[1]
    for _ in range(2):
        np.testing.assert_allclose(
            sum(np.sum(bar * move) for bar, move in zip(pull(y_bar), moves, strict=True)), np.sum(dot * y_bar)
        )
    along = pb.jvp(lambda x: factors(x, R), (L,), moves[:1])[1]
    np.testing.assert_allclose(pb.jvp(free, (LOW,), (moves[0] @ R,))[1], along, atol=1e-12)
    _, pull = pb.vjp(free, LOW)
    for _ in range(2):
        with pytest.raises(pb.NotDifferentiableError, match=CHANGES):
            pull(y_bar)
    # The second leaves the matrices of that rank to second order.
    for move in (drawn(4, 3, seed=5), moves[0] @ R + L @ moves[1]):
        with pytest.raises(pb.NotDifferentiableError, match=CHANGES):
            pb.jvp(free, (LOW,), (move,))
    gram = ways(lambda x: inverse(x @ x.T))
    with pytest.raises(pb.NotDifferentiableError, match=CHANGES):
        pb.jvp(gram, (ONES,), (drawn(2, 2),))
    assert np.isfinite(pb.jvp(gram, (ONES,), (ONES,))[1]).all()


def test_linearize() -> None:
    push = pb.linearize(lambda x: inverse(x @ R), L)[1]
    np.testing.assert_allclose(push(L), -inverse(LOW), atol=1e-12)
    with pytest.raises(pb.NotDifferentiableError, match=CHANGES):
        pb.linearize(inverse, LOW)[1](LOW)


def test_second_order() -> None:
    def loss(x: Any) -> Any:
        return size(x @ R)

    def by_parts(x: Any) -> Any:
        return np.sum((np.linalg.pinv(R) @ np.linalg.pinv(x)) ** 2)

    np.testing.assert_allclose(pb.hessian(loss)(L), pb.hessian(by_parts)(L), rtol=1e-8)
    np.testing.assert_allclose(pb.hvp(loss, L, L), pb.hvp(by_parts, L, L), rtol=1e-8)
    squares = [pb.grad(lambda x, f=f: np.sum(pb.grad(f)(x) ** 2))(L) for f in (loss, by_parts)]
    np.testing.assert_allclose(*squares, rtol=1e-8)
    for second in (pb.hessian(size), pb.grad(lambda a: np.sum(pb.grad(size)(a)))):
        with pytest.raises(pb.NotDifferentiableError, match=CHANGES):
            second(LOW)


def test_each_of_nested_transforms_asks_for_its_own_arguments() -> None:
    """The rank stays for the outer one, which scales the matrix, and not for the inner one."""
    with pytest.raises(pb.NotDifferentiableError, match=CHANGES):
        pb.grad(lambda t: np.sum(pb.grad(size)(LOW * t)))(1.0)
    both = pb.grad(lambda t: np.sum(pb.grad(lambda x: size(x @ R) * t)(L)))(1.0)
    np.testing.assert_allclose(both, np.sum(pb.grad(lambda x: size(x @ R))(L)))
    with pytest.raises(pb.NotDifferentiableError, match=CHANGES):
        pb.grad(lambda a: np.sum(pb.grad(lambda x: x * size(a))(1.0)))(LOW)


@pytest.mark.parametrize("dtype", ["f", "F", "D"])
def test_dtypes(dtype: str) -> None:
    x = drawn(4, 2, complex=dtype != "f").astype(dtype)
    y = drawn(2, 3, seed=1, complex=dtype != "f").astype(dtype)

    def loss(a: Any) -> Any:
        return np.sum(np.abs(np.linalg.pinv(a, rtol=1e-4 if dtype != "D" else 1e-9)) ** 2)

    by_parts = pb.grad(lambda x: np.sum(np.abs(np.linalg.pinv(y) @ np.linalg.pinv(x)) ** 2))(x)
    ours = pb.grad(lambda x: loss(x @ y))(x)
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours, by_parts, rtol=1e-8 if dtype == "D" else 2e-3)
    with pytest.raises(pb.NotDifferentiableError, match=CHANGES):
        pb.grad(loss)(x @ y)
    with pytest.raises(pb.NotDifferentiableError, match=CHANGES):
        pb.grad(lambda x: np.sum(np.abs(np.linalg.pinv(x @ np.conj(x.T)))))(np.ones((2, 2), dtype))


def test_without_a_function_there_is_an_error() -> None:
    x, y = pb.Variable(L), pb.Variable(R)
    variable: Any = x
    with pytest.raises(pb.NotDifferentiableError, match=r"backward.* rank 2 and shape"):
        size(x @ y).backward()
    assert [variable.grad] == [None]
    with pb.Tape() as tape:
        loss = size(x @ y)
    with pytest.raises(pb.NotDifferentiableError, match=r"Tape.gradient .* rank 2 and shape"):
        tape.gradient(loss, x)
    size(x).backward()
    np.testing.assert_allclose(variable.grad, pb.grad(size)(L))


def test_a_function_that_cannot_run_beside_its_arguments() -> None:
    runs = itertools.count()

    def once(x: Any) -> Any:
        if next(runs):
            raise RuntimeError("it runs once")
        return size(x @ R)

    with pytest.raises(pb.NotDifferentiableError, match="may change with the arguments") as caught:
        pb.grad(once)(L)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert "cannot be run beside" in str(caught.value)


def test_what_has_full_rank_runs_once() -> None:
    runs = itertools.count()

    def counted(x: Any) -> Any:
        next(runs)
        return size(x)

    pb.grad(counted)(L)
    assert next(runs) == 1


def test_arguments_keep_their_structure_and_kind() -> None:
    """Compiled code would be made anew for another kind of number."""
    tree = {"l": L, "t": [2.0, np.float32(1), 1j]}

    def loss(p: Any) -> Any:
        return size(p["l"] @ R * p["t"][0]) * np.real(p["t"][1] + p["t"][2])

    kinds: list[Any] = []

    def watched(p: Any) -> Any:
        kinds.append([type(pb.stop_gradient(leaf)) for leaf in p["t"]])
        return loss(p)

    found = pb.grad(watched)(tree)
    np.testing.assert_allclose(found["t"][0], -2 * loss(tree) / 2.0)
    assert len(kinds) == 3  # and on both sides of the arguments
    assert kinds[0] == kinds[1] == kinds[2]


def test_beside_degenerate_spectra() -> None:
    """Where the program is run in several bases, too."""

    def loss(x: Any) -> Any:
        w, v = np.linalg.eigh(x[:2] @ x[:2].T)
        return size(x @ R) + np.sum(((v * np.sin(w)) @ v.T) * np.array([[1.0, 2.0], [3.0, 4.0]]))

    x = np.vstack([np.eye(2), L[2:]])
    step, along = 1e-5, drawn(4, 2, seed=7)
    slope = (loss(x + step * along) - loss(x - step * along)) / (2 * step)
    np.testing.assert_allclose(np.sum(pb.grad(loss)(x) * along), slope, rtol=1e-6)
    a = np.diag([1.0, 1.0, 0.0])
    for function in (lambda a: loss(a[:, :2]) + size(a), lambda a: size(a) + loss(a[:, :2])):
        with pytest.raises(pb.NotDifferentiableError, match=CHANGES):
            pb.grad(lambda a, function=function: function(np.vstack([a, L[:1, [0, 0, 1]] * 0])))(a)
