"""The transforms: arguments, structures, dtypes, conventions, nesting, long programs, and users' rules."""

from __future__ import annotations

import threading
from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import pullback as pb

X = np.array([0.3, -0.7, 1.2])
Y = np.array([1.0, 2.0, 0.5])
Z = np.array([0.3 + 0.5j, -0.2 + 1j])

Pair = namedtuple("Pair", "a b")


@dataclass
class Record:
    a: Any
    b: Any


def weighted(a: Any, b: Any) -> Any:
    return np.sum(a * b**2)


@pytest.mark.parametrize("argnums", [(1, 0), ("b", "a"), (-1, -2)])
def test_argnums_in_any_order(argnums: Any) -> None:
    b_bar, a_bar = pb.grad(weighted, argnums)(X, Y)
    np.testing.assert_allclose(b_bar, 2 * X * Y)
    np.testing.assert_allclose(a_bar, Y**2)


def test_argnums_of_a_keyword() -> None:
    np.testing.assert_allclose(pb.grad(weighted, "b")(X, b=Y), 2 * X * Y)


@pytest.mark.parametrize("kind", [Pair, Record])
def test_structures_come_back(kind: Any) -> None:
    gradient = pb.grad(lambda p: np.sum(p.a * p.b))(kind(X, Y))
    assert type(gradient) is kind
    np.testing.assert_array_equal(gradient.a, Y)
    np.testing.assert_array_equal(gradient.b, X)


def test_nested_containers_and_aux() -> None:
    def loss(p: Any) -> Any:
        return np.sum(p["w"][0] * p["b"]), {"twice": 2 * p["b"]}

    (value, aux), gradient = pb.value_and_grad(loss, has_aux=True)({"w": [X], "b": Y})
    assert value == np.sum(X * Y)
    assert type(aux["twice"]) is np.ndarray
    np.testing.assert_array_equal(gradient["w"][0], Y)
    np.testing.assert_array_equal(gradient["b"], X)


def test_a_hessian_with_aux() -> None:
    def loss(x: Any) -> Any:
        return np.sum(x**3), {"twice": 2 * x}

    hessian, aux = pb.hessian(loss, has_aux=True)(X)
    np.testing.assert_array_equal(hessian, np.diag(6 * X))
    assert type(aux["twice"]) is np.ndarray
    np.testing.assert_array_equal(aux["twice"], 2 * X)


def test_single_precision_stays() -> None:
    x = X.astype(np.float32)
    assert pb.grad(lambda a: np.sum(np.sin(a) * 2.5 / 3))(x).dtype == np.float32
    assert pb.jvp(np.tanh, (x,), (X,))[1].dtype == np.float32
    assert pb.hessian(lambda a: np.mean(a**3))(x).dtype == np.float32


def test_the_callers_arrays_stay() -> None:
    def writing(a: Any) -> Any:
        a[0] = 5.0
        a *= a
        return np.sum(a)

    x = X.copy()
    pb.grad(writing)(x)
    pb.jvp(writing, (x,), (x,))
    pb.hessian(writing)(x)
    np.testing.assert_array_equal(x, X)


def test_complex_conventions() -> None:
    def loss(z: Any) -> Any:
        return np.sum(np.abs(z) ** 2 * np.real(z))

    steepest = 2 * Z * np.real(Z) + np.abs(Z) ** 2
    np.testing.assert_allclose(pb.grad(loss)(Z), steepest)
    np.testing.assert_allclose(pb.grad(loss, convention="jax")(Z), np.conj(steepest))
    np.testing.assert_allclose(pb.vjp(lambda z: z * (1 + 2j), Z)[1](Z)[0], (1 - 2j) * Z)
    np.testing.assert_allclose(pb.vjp(lambda z: z * (1 + 2j), Z, convention="jax")[1](Z)[0], (1 + 2j) * Z)


def test_holomorphic() -> None:
    cube = pb.grad(lambda z: z**3, holomorphic=True)
    np.testing.assert_allclose(cube(Z[0]), 3 * Z[0] ** 2)
    np.testing.assert_allclose(pb.grad(cube, holomorphic=True)(Z[0]), 6 * Z[0])
    for mode in ("forward", "reverse"):
        np.testing.assert_allclose(pb.jacobian(np.exp, holomorphic=True, mode=mode)(Z), np.diag(np.exp(Z)))


def chain(x: Any) -> Any:
    """100,000 operations, each on the one before."""
    for _ in range(50_000):
        x = x * 0.99999 + 1e-6
    return x


def test_long_programs_need_no_recursion() -> None:
    expected = 0.99999**50_000
    assert pb.grad(chain)(1.0) == pytest.approx(expected)
    x: Any = pb.Variable(1.0)
    chain(x).backward()
    assert x.grad == pytest.approx(expected)


def test_gradients_accumulate_until_they_are_forgotten() -> None:
    x: Any = pb.Variable(X)
    y = np.sum(x * x)
    y.backward(retain=True)
    y.backward()
    np.testing.assert_allclose(x.grad, 4 * X)
    pb.zero_grad([x])
    assert x.grad is None


def test_a_tape_answers_several_times() -> None:
    with pb.Tape() as tape:
        x: Any = pb.Variable(X)
        y = np.sin(x)
        z = np.sum(y * x)
    for _ in range(2):
        x_bar, y_bar = tape.gradient(z, [x, y])
        np.testing.assert_allclose(x_bar, np.cos(X) * X + np.sin(X))
        np.testing.assert_array_equal(y_bar, X)


def test_checkpoint_changes_no_derivative() -> None:
    def plain(x: Any) -> Any:
        return np.sum(np.sin(x) * x)

    kept = pb.checkpoint(plain)
    np.testing.assert_allclose(pb.grad(kept)(X), pb.grad(plain)(X))
    np.testing.assert_allclose(pb.jvp(kept, (X,), (Y,))[1], pb.jvp(plain, (X,), (Y,))[1])
    np.testing.assert_allclose(pb.hessian(kept)(X), pb.hessian(plain)(X), atol=1e-15)


def test_linearize_is_the_jvp() -> None:
    def real(x: Any) -> Any:
        return np.sin(x) * np.sum(x**2)

    def complex_one(z: Any) -> Any:
        return np.abs(z) * np.conj(z)

    np.testing.assert_allclose(pb.linearize(real, X)[1](Y), pb.jvp(real, (X,), (Y,))[1])
    v = 1j * Z + 1
    np.testing.assert_allclose(pb.linearize(complex_one, Z)[1](v), pb.jvp(complex_one, (Z,), (v,))[1])


def test_hvp_is_the_hessian_times_a_vector() -> None:
    def loss(x: Any) -> Any:
        return np.sum(np.sin(x)) * np.prod(x)

    np.testing.assert_allclose(pb.hvp(loss, X, Y), pb.hessian(loss)(X) @ Y)
    a_bar, b_bar = pb.hvp(lambda a, b: np.sum(a**2 * b), (X, Y), (Y, X))
    np.testing.assert_allclose(a_bar, 2 * Y * Y + 2 * X * X)
    np.testing.assert_allclose(b_bar, 2 * X * Y)


def test_perturbations_are_not_confused() -> None:
    """The classic of Siskind and Pearlmutter (2005)."""
    assert pb.grad(lambda a: a * pb.grad(lambda b: a + b)(1.0))(1.0) == 1.0
    assert pb.jvp(lambda a: a * pb.jvp(lambda b: a * b, (1.0,), (1.0,))[1], (3.0,), (1.0,))[1] == 6.0


def test_third_derivatives_in_mixed_modes() -> None:
    assert pb.grad(pb.grad(pb.grad(np.sin)))(0.4) == pytest.approx(-np.cos(0.4))
    mixed = pb.jvp(pb.grad(lambda a: pb.jvp(np.sin, (a,), (1.0,))[1]), (0.4,), (1.0,))[1]
    assert mixed == pytest.approx(-np.cos(0.4))


def test_where_hides_a_singular_branch() -> None:
    def root(x: Any) -> Any:
        return np.sum(np.where(x > 0, np.sqrt(x), 0))

    x = np.array([0.0, -1.0, 4.0])
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(pb.grad(root)(x), [0, 0, 0.25])
        np.testing.assert_array_equal(pb.jacobian(root, mode="forward")(x), [0, 0, 0.25])
        np.testing.assert_array_equal(pb.hessian(root)(x), np.diag([0, 0, -1 / 32]))


def test_a_wrong_rule_is_found() -> None:
    @pb.primitive
    def squared(x: Any) -> Any:
        return x**2

    pb.partials(squared, lambda y, x: 3 * x, complex=False)
    with pytest.raises(AssertionError, match=r"jvp of .*squared"):
        pb.testing.check_rule(squared)
    pb.partials(squared, lambda y, x: 2 * x, complex=False)
    assert pb.testing.check_rule(squared) > 0


def test_rules_in_one_direction() -> None:
    @pb.primitive
    def squared(x: Any) -> Any:
        return x**2

    with pytest.raises(pb.UnsupportedError, match="squared"):
        pb.grad(squared)(2.0)

    @pb.vjp_rule(squared, 0)
    def squared_vjp(y_bar: Any, y: Any, x: Any) -> Any:
        return 2 * x * y_bar

    np.testing.assert_allclose(pb.grad(lambda x: np.sum(squared(x)))(X), 2 * X)
    with pytest.raises(pb.UnsupportedError, match="squared has no jvp rule for its argument 0"):
        pb.jvp(squared, (X,), (Y,))

    @pb.jvp_rule(squared, 0)
    def squared_jvp(x_dot: Any, y: Any, x: Any) -> Any:
        return 2 * x * x_dot

    np.testing.assert_allclose(pb.jvp(squared, (X,), (Y,))[1], 2 * X * Y)


def test_no_grad_is_of_one_thread() -> None:
    entered, leave = threading.Event(), threading.Event()

    def pausing() -> None:
        with pb.no_grad():
            entered.set()
            leave.wait(5)

    thread = threading.Thread(target=pausing)
    thread.start()
    assert entered.wait(5)
    x: Any = pb.Variable(X)
    np.sum(x * x).backward()
    leave.set()
    thread.join()
    np.testing.assert_allclose(x.grad, 2 * X)


EMPTY: dict[str, Any] = {
    "sort": np.sort,
    "join": lambda x: np.concatenate([x, 2 * x]),
    "product": lambda x: x @ np.zeros((0, 2)),
    "number": lambda x: np.dot(x, x),
    "several": lambda x: np.split(np.cumsum(x), 1)[0],
    "reversed": lambda x: np.sin(x[::-1]),
    "sum": np.sum,
}


@pytest.mark.parametrize("name", EMPTY)
@pytest.mark.parametrize("mode", ["forward", "reverse", "auto"])
def test_derivatives_by_nothing_at_all(name: str, mode: Any) -> None:
    x = np.zeros(0)
    found = pb.jacobian(EMPTY[name], mode=mode)(x)
    assert found.shape == (*np.shape(EMPTY[name](x)), 0)
    assert pb.hessian(lambda x: np.sum(EMPTY[name](x)))(x).shape == (0, 0)


@pytest.mark.parametrize("mode", ["forward", "reverse", "auto"])
@pytest.mark.parametrize(
    ("function", "argument", "result"),
    [
        (lambda x: x.astype(np.float32) * 2, np.float64, np.float64),
        (lambda x: x * np.float64(2), np.float32, np.float32),
        (lambda x: x * 1j, np.float32, np.complex64),
        (lambda x: x.astype(np.float32) * 1j, np.float64, np.complex128),
    ],
    ids=["narrowed", "widened", "complex", "narrowed complex"],
)
def test_jacobians_have_the_precision_of_the_argument(function, argument, result, mode) -> None:
    assert pb.jacobian(function, mode=mode)(X.astype(argument)).dtype == result
