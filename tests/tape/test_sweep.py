"""The reverse sweep: whose the gradients are, when what was kept is freed, and what it leaves as it was."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.tape.node import Node

RNG = np.random.default_rng(5)
A, B = RNG.uniform(0.5, 2, (3, 3)), RNG.uniform(0.5, 2, (3, 3))
ROW = RNG.uniform(0.5, 2, 3)
COLUMN = ROW[:, None]


def diamond(c: Any) -> Any:
    return c * np.exp(c) - c


PROGRAMS: dict[str, Callable[[Any, Any], Any]] = {
    "one cotangent for both": lambda a, b: a + b,
    "one cotangent twice for each": lambda a, b: (a + b) + (b + a),
    "shared node": lambda a, b: (a * 2 + 1) + (b * 3 - 1),
    "times one": lambda a, b: a * 1 + 1 * b,
    "same operand": lambda a, b: a @ a + b * b,
    "product": lambda a, b: a @ b,
    "trace of a product": lambda a, b: np.trace(a @ b),
    "trace": lambda a, b: np.trace(a) + np.trace(b),
    "product with constants": lambda a, b: A @ a + b @ B,
    "sum": lambda a, b: np.sum(a) + np.sum(b, axis=1),
    "broadcast": lambda a, b: a[0] * b + b[:, :1],
    "views": lambda a, b: a.T + b.reshape(9).reshape(3, 3),
    "slices": lambda a, b: a[1:, 0] * b[0, 1:] + a[1:, 0],
    "scattered": lambda a, b: a[[0, 0, 2]] + b[np.array([1, 1, 0])],
    "one operand after the other": lambda a, b: np.sin(((a @ b) * A) @ b),
    "diamond": lambda a, b: diamond(a * b),
    "one alone": lambda a, b: np.exp(a) + 0 * b,
}


def outputs(function: Callable[..., Any], *values: Any) -> Any:
    return np.asarray(function(*values))


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_gradient_belongs_to_its_reader(name: str) -> None:
    """No gradient shares memory with another, an input, the output or the cotangent that was given."""
    function = PROGRAMS[name]
    a, b = pb.Variable(A), pb.Variable(B)
    y = function(a, b)
    seed = np.ones(y.shape)
    y.backward(seed, retain=True)
    first = [a.grad, b.grad]
    before = [g.copy() for g in first]
    others = [a._value, b._value, y._value, seed, A, B]
    for i, gradient in enumerate(first):
        assert isinstance(gradient, np.ndarray)
        assert gradient.flags.writeable
        for other in [*others, *first[i + 1 :]]:
            assert not np.may_share_memory(gradient, np.asarray(other))
    y.backward(seed, retain=True)
    for gradient, kept, x in zip(first, before, (a, b), strict=True):
        assert np.array_equal(gradient, kept), "the second backward changed the first gradient"
        assert np.allclose(x.grad, 2 * kept)
        assert not np.may_share_memory(gradient, x.grad)
    pb.zero_grad(a, b)
    for gradient in first:
        gradient[...] = np.nan
    y.backward(seed)
    assert np.array_equal(a.grad, before[0])
    assert np.array_equal(b.grad, before[1])
    assert np.array_equal(seed, np.ones(y.shape))


@pytest.mark.parametrize("name", PROGRAMS)
def test_all_ways_back_agree(name: str) -> None:
    """`backward`, `pb.grad`, `pb.vjp` and a `Tape` order the same operations differently."""
    function = PROGRAMS[name]
    seed = RNG.standard_normal(np.shape(outputs(function, A, B)))
    a, b = pb.Variable(A), pb.Variable(B)
    function(a, b).backward(seed)
    by_grad = pb.grad(lambda a, b: np.sum(function(a, b) * seed), argnums=(0, 1))(A, B)
    by_vjp = pb.vjp(function, A, B)[1](seed)
    with pb.Tape() as tape:
        c, d = pb.Variable(A), pb.Variable(B)
        y = function(c, d)
    by_tape = tape.gradient(y, (c, d), seed)
    for found in (by_grad, by_vjp, by_tape):
        assert np.allclose(found[0], a.grad)
        assert np.allclose(found[1], b.grad)


@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients_are_right(name: str) -> None:
    function = PROGRAMS[name]
    seed = RNG.standard_normal(np.shape(outputs(function, A, B)))
    gradients = pb.vjp(function, A, B)[1](seed)
    step = 1e-6
    for position, (x, gradient) in enumerate(zip((A, B), gradients, strict=True)):
        direction = RNG.standard_normal(x.shape)
        moved = [[A, B], [A, B]]
        for sign, arguments in zip((step, -step), moved, strict=True):
            arguments[position] = x + sign * direction
        slope = (outputs(function, *moved[0]) - outputs(function, *moved[1])) / (2 * step)
        assert np.sum(gradient * direction) == pytest.approx(np.sum(slope * seed), rel=1e-6, abs=1e-8)


def test_gradients_of_a_transform_belong_to_the_caller() -> None:
    x, y = A.copy(), B.copy()
    value, gradients = pb.value_and_grad(lambda x, y: np.trace(x @ y), argnums=(0, 1))(x, y)
    for gradient in gradients:
        assert not np.may_share_memory(gradient, x)
        assert not np.may_share_memory(gradient, y)
    assert not np.may_share_memory(*gradients)
    assert isinstance(value, float)
    same = pb.grad(lambda x: x)
    assert same(2.0) == 1.0


def test_an_argument_overwritten_by_the_function_had_its_old_value() -> None:
    x = A.copy()

    def function(v: Any) -> Any:
        y = v * v
        x[...] = 0
        return np.sum(y)

    assert np.array_equal(pb.grad(function)(x), 2 * A)


# -- what is kept, and for how long ----------------------------------------------------------------------


def nodes_alive() -> int:
    return sum(type(thing) is Node for thing in gc.get_objects())


@pb.primitive
def watched(x: Any) -> Any:
    return x * 1.0


at_its_adjoint: list[Callable[[], None]] = []


@pb.vjp_rule(watched, 0)
def watched_vjp(y_bar: Any, y: Any, x: Any) -> Any:
    for look in at_its_adjoint:
        look()
    return y_bar + 0 * x  # reads `x`, so that it is kept


def long_program(x: Any, values: list[Any], branching: bool) -> Any:
    for i in range(20):
        if i == 10:
            x = watched(x)
        x = np.sin(x) * np.cos(x) if branching else np.sin(x)
        values.append(weakref.ref(x._value))
    return np.sum(x)


@pytest.mark.parametrize("branching", [False, True])
def test_values_and_nodes_are_freed_while_the_sweep_runs(branching: bool) -> None:
    gc.collect()
    start = nodes_alive()
    values: list[Any] = []
    alive: list[list[bool]] = []
    x = pb.Variable(np.linspace(0.1, 1, 50))
    total = long_program(x, values, branching)
    recorded = nodes_alive() - start
    assert recorded >= 20
    assert all(value() is not None for value in values[:-1])
    at_its_adjoint.append(lambda: alive.append([value() is not None for value in values]))
    total.backward()
    at_its_adjoint.clear()
    assert len(alive) == 1
    assert not any(alive[0][10:])
    assert all(alive[0][:10])
    assert not any(value() is not None for value in values)
    assert nodes_alive() - start <= 1  # that of `total`, which is still referred to


@pytest.mark.parametrize("branching", [False, True])
def test_a_transform_frees_what_it_kept(branching: bool) -> None:
    gc.collect()
    start = nodes_alive()
    values: list[Any] = []
    alive: list[list[bool]] = []
    at_its_adjoint.append(lambda: alive.append([value() is not None for value in values]))
    pb.grad(lambda x: long_program(x, values, branching))(np.linspace(0.1, 1, 50))
    at_its_adjoint.clear()
    assert not any(alive[0][10:])
    assert all(alive[0][:10])
    assert not any(value() is not None for value in values)
    assert nodes_alive() == start


def test_a_retained_graph_keeps_its_values() -> None:
    values: list[Any] = []
    x = pb.Variable(np.linspace(0.1, 1, 50))
    total = long_program(x, values, True)
    total.backward(retain=True)
    assert all(value() is not None for value in values[:-1])
    first = x.grad
    total.backward()
    assert np.allclose(x.grad, 2 * first)
    with pytest.raises(pb.MutationError, match="ran through this graph before"):
        total.backward()


def test_part_of_a_graph_that_was_released_is_refused() -> None:
    x = pb.Variable(A)
    y = np.sin(x)
    np.sum(y).backward()
    for z in (np.sum(y), np.sum(y * x), np.sum(y) + np.sum(y * y)):
        with pytest.raises(pb.MutationError, match="ran through this graph before"):
            z.backward()


def written(x: Any, c: Any) -> Any:
    y = x * 1.0
    y[c["index"]] = y[c["index"]] * c["row"]
    return y


CONSTANTS: dict[str, Callable[[Any, Any], Any]] = {
    "times": lambda x, c: x * c["square"],
    "times from the left": lambda x, c: c["square"] * x,
    "broadcast": lambda x, c: x * c["row"],
    "product": lambda x, c: x @ c["square"],
    "product from the left": lambda x, c: c["square"] @ x,
    "dot": lambda x, c: np.dot(x, c["row"]),
    "einsum": lambda x, c: np.einsum("ij,j->i", x, c["row"]),
    "where": lambda x, c: np.where(c["mask"], x, 0.0),
    "index": lambda x, c: x[c["index"]] * np.arange(2.0)[:, None],
    "pair of indices": lambda x, c: x[c["index"], c["other"]] * np.arange(2.0),
    "list": lambda x, c: x[c["list"]] * np.arange(2.0)[:, None],
    "pair of lists": lambda x, c: x[c["list"], c["list"]] * np.arange(2.0),
    "mask": lambda x, c: x[c["mask"]],
    "write": written,
}


@pytest.mark.parametrize("size", [3, 60])
@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_may_change_after_its_use(name: str, size: int) -> None:
    """Small constants are copied where they are kept; one copy of a large one serves every use."""
    rng = np.random.default_rng(7)

    def constants() -> dict[str, Any]:
        rng = np.random.default_rng(8)
        mask = rng.random((size, size)) > 0.5
        return {
            "square": rng.standard_normal((size, size)),
            "row": rng.standard_normal(size),
            "mask": mask,
            "index": np.array([0, 2]),
            "other": np.array([1, 1]),
            "list": [2, 0],
        }

    function, start = CONSTANTS[name], rng.standard_normal((size, size))
    undisturbed, c = pb.Variable(start), constants()
    y = function(undisturbed, c)
    seed = rng.standard_normal(np.shape(outputs(function, start, c)))
    y.backward(seed)
    x = pb.Variable(start)
    y = function(x, c)
    for key in ("square", "row"):
        c[key][...] = 7
    c["mask"][...] = ~c["mask"]
    c["index"][...] = c["other"][...] = 1
    c["list"][0] = 1
    again = function(pb.Variable(start), c)
    y.backward(seed)
    assert np.array_equal(x.grad, undisturbed.grad)
    assert again.shape == np.shape(outputs(function, start, c))


# -- NumPy's warnings ------------------------------------------------------------------------------------


def test_the_sweep_neither_warns_nor_changes_what_the_user_set() -> None:
    with np.errstate(all="raise"):
        before = np.geterr()
        x = pb.Variable(np.array([0.0, 4.0]))
        np.sum(np.sqrt(x) * np.array([1.0, 2.0])).backward()
        assert np.array_equal(x.grad, [np.inf, 0.5])
        assert np.geterr() == before
        with pytest.raises(FloatingPointError):
            np.divide(np.ones(1), 0.0)


def test_an_error_in_the_sweep_leaves_the_warnings_as_they_were() -> None:
    def fail() -> None:
        raise KeyError("rule")

    at_its_adjoint.append(fail)
    before = np.geterr()
    try:
        with pytest.raises(KeyError):
            watched(pb.Variable(A)).backward(A)
        with pytest.raises(KeyError):
            pb.grad(lambda x: np.sum(watched(x) * x))(A)
    finally:
        at_its_adjoint.clear()
    assert np.geterr() == before


def test_zero_times_infinity_where_arguments_are_broadcast() -> None:
    x, y = pb.Variable(np.array([[np.inf], [2.0]])), pb.Variable(np.array([1.0, 3.0, 5.0]))
    (x * y).backward(np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 1.0]]))
    assert np.array_equal(y.grad, [2.0, 0.0, 2.0])
    assert np.array_equal(x.grad, [[0.0], [6.0]])


# -- functions that are methods --------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("value", [A, ROW, A[0, 0], np.zeros((2, 3, 3))], ids=["2d", "1d", "0d", "3d"])
def test_values_are_numpys(value: Any, dtype: type) -> None:
    value = np.asarray(value, dtype)[()]
    x = pb.Variable(value)
    calls: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
        (function, args, kwargs)
        for function in (np.sum, np.mean, np.max, np.min, np.prod)
        for args, kwargs in (
            ((), {}),
            ((None,), {}),
            ((), {"keepdims": True}),
            *([((0,), {}), ((-1,), {"keepdims": True}), ((), {"axis": 0})] if np.ndim(value) else []),
        )
    ]
    calls += [(np.trace, (), {}), (np.trace, (1,), {}), (np.trace, (), {"offset": -1})] * (np.ndim(value) > 1)
    for function, args, kwargs in calls:
        ours, numpys = function(x, *args, **kwargs), function(value, *args, **kwargs)
        assert ours.dtype == numpys.dtype == dtype
        assert ours.shape == np.shape(numpys)
        assert np.array_equal(ours.value, numpys)


def test_a_store_into_an_array_without_axes_whose_cotangent_is_a_number() -> None:
    def doubled(c: Any) -> Any:
        p = np.where(c > 0, c, 0.3)
        p *= 2.0
        return p + 0

    assert pb.value_and_grad(doubled, engine="tape")(np.float64(0.7)) == (1.4, 2.0)
