"""`pb.vjp` of compiled functions of arrays: the forward sweep runs once, and each pulling back is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.base.errors import ShapeError
from pullback.base.pytrees import flatten, unflatten
from pullback.ir.verify import verify

ENTRIES = np.random.default_rng(7).random((4, 4))


def heat(u: Any, a: Any) -> Any:
    for _ in range(5):
        u[1:-1] += a * (u[2:] - 2 * u[1:-1] + u[:-2]) * np.sin(u[1:-1])
    return u**2


def gauss_seidel(u: Any, f: Any) -> Any:
    for _ in range(3):
        for i in range(1, len(u) - 1):
            u[i] = 0.5 * (u[i - 1] + u[i + 1] * u[i] - f[i])
    return u


def elementwise(x: Any, y: Any) -> Any:
    return np.sin(x) * y, np.exp(y)


def newton(x: Any) -> Any:
    y = x.copy()
    k = 0
    while k < 50 and np.max(np.abs(y * y - x)) > 1e-12:
        y = 0.5 * (y + x / y)
        k += 1
    return y


def midpoint(y: Any, p: Any) -> Any:
    for _ in range(20):
        k = p * pb.array([y[1], -np.sin(y[0])])
        y = y + 0.01 * p * pb.array([y[1] + 0.005 * k[1], -np.sin(y[0] + 0.005 * k[0])])
    return y


def itself(x: Any) -> Any:
    return x


def solved(a: Any, b: Any) -> Any:
    return np.linalg.solve(a + 4 * np.eye(4), b) @ b.T


def recurrence(x: Any) -> Any:
    y = np.empty_like(x)
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = np.tanh(y[i - 1] * x[i])
    return {"y": y, "sum": y.sum()}, y


def chosen(x: Any, t: Any) -> Any:
    y = x
    if t > 0.5:
        y = x * x
        for i in range(1, len(x)):
            y[i] += y[i - 1] * y[i]
    return y[1:], t * y


def of_a_pair(pair: Any) -> Any:
    z, w = pair
    for _ in range(3):
        z = z * w + np.conj(z)
    return z


ROW, OTHER = ENTRIES[0] + 0.5, ENTRIES[1]
CASES: list[tuple[Callable[..., Any], tuple[Any, ...], int]] = [
    (heat, (ENTRIES.ravel(), 0.1), 1),
    (gauss_seidel, (ENTRIES.ravel(), ENTRIES[::-1].ravel()), 1),
    (elementwise, (ROW, OTHER), 0),
    (newton, (ROW + 1,), 0),
    (midpoint, (ROW[:2], 0.7), 1),
    (itself, (ROW,), 0),
    (solved, (ENTRIES, ENTRIES[:, :3].copy()), 1),
    (recurrence, (ROW,), 1),
    (chosen, (ROW, 0.7), 0),
    (chosen, (ROW, 0.2), 0),
    (of_a_pair, ((ROW + 1j, ROW - 0.5j),), 1),
]  # fmt: skip


def copied(tree: Any) -> Any:
    leaves, structure = flatten(tree)
    return unflatten(structure, [x.copy() if hasattr(x, "copy") else x for x in leaves])


@pytest.mark.parametrize(
    ("function", "arguments", "keeps"), CASES, ids=[f"{f.__name__}{k}" for k, (f, *_) in enumerate(CASES)]
)
def test_it_is_the_tapes(function: Callable[..., Any], arguments: Any, keeps: int) -> None:
    compiled = pb.compile(function)
    given = copied(arguments)
    value, pull = pb.vjp(compiled, *given)
    expected, pull_on_tape = pb.vjp(lambda *args: function(*copied(args)), *arguments)
    leaves, structure = flatten(value)
    for mine, theirs in zip(leaves, flatten(expected)[0], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)
    random = np.random.default_rng(1)
    bars = [
        unflatten(
            structure, [np.asarray(random.random(np.shape(y)), np.asarray(y).dtype)[()] for y in leaves]
        )
        for _ in range(3)
    ]
    # What becomes of the arguments and the value is nothing to what is pulled back.
    for array in (*leaves, *flatten(given)[0]):
        if isinstance(array, np.ndarray):
            array[...] = np.nan
    for bar in (*bars, bars[0]):
        mine, theirs = (flatten(list(found))[0] for found in (pull(bar), pull_on_tape(bar)))
        for x_bar, other in zip(mine, theirs, strict=True):
            assert np.asarray(x_bar).dtype == np.asarray(other).dtype
            np.testing.assert_allclose(x_bar, other, rtol=1e-9)
            if isinstance(x_bar, np.ndarray):
                x_bar[...] = np.nan
    plan = plan_of(compiled)
    assert keeps == (len(plan.ahead.interface.results) > len(flatten(compiled(*copied(arguments)))[0]))
    verify(plan.ahead.program)
    verify(plan.back.program)


def plan_of(compiled: Any) -> Any:
    ((specialised,),) = compiled._specialised.values()
    (plan,) = [plan for plan in specialised.plans.values() if plan is not None]
    return plan


def test_the_first_half_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = pb.compile(heat)
    pb.vjp(compiled, ROW, 0.1)
    plan = plan_of(compiled)
    runs: list[str] = []
    for name in ("ahead", "back"):
        operation = getattr(plan, name)
        run = operation.run
        monkeypatch.setattr(operation, "run", lambda *args, n=name, r=run: (runs.append(n), r(*args))[1])
    _, pull = pb.vjp(compiled, ROW, 0.1)
    pull(ROW)
    pull(OTHER)
    assert runs == ["ahead", "back", "back"]


def test_it_is_linear_and_differentiable_in_the_cotangent() -> None:
    value, push = pb.linearize(pb.compile(heat), ROW, 0.1)
    expected, moved = pb.jvp(lambda u, a: heat(u.copy(), a), (ROW, 0.1), (OTHER, 0.3))
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(push(OTHER, 0.3), moved, rtol=1e-10)
    np.testing.assert_allclose(push(OTHER, 0.3), moved, rtol=1e-10)


def test_what_is_beside_the_value_and_the_other_convention() -> None:
    compiled = pb.compile(lambda z: (z * z * 1j, np.sum(z)))
    z = ROW + 1j * OTHER
    value, pull, aux = pb.vjp(compiled, z, has_aux=True, convention="jax")
    np.testing.assert_allclose(value, z * z * 1j, rtol=1e-12)
    np.testing.assert_allclose(aux, z.sum(), rtol=1e-12)
    np.testing.assert_allclose(pull(z)[0], 2j * z * z, rtol=1e-12)


def test_a_cotangent_that_does_not_fit_is_an_error() -> None:
    _, pull = pb.vjp(pb.compile(heat), ROW, 0.1)
    with pytest.raises(ShapeError, match="the vjp of heat"):
        pull(np.ones(3))


def test_arguments_that_share_memory_are_refused() -> None:
    both = ROW.copy()
    with pytest.raises(pb.MutationError, match="writes into 'u', which shares memory with 'f'"):
        pb.vjp(pb.compile(gauss_seidel), both, both)
