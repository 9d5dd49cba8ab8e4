"""Inverses, systems and powers: NumPy 2's meaning of a vector, stacks that broadcast, every exponent."""

import itertools
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.rules import linalg
from pullback.rules.domain import array, call
from pullback.rules.table import TABLE, Rule
from pullback.testing.rows import check_row

DTYPES = (np.float64, np.complex128, np.float32, np.complex64)
NAMES = ("inv", "solve", "tensorinv", "tensorsolve", "multi_dot", "matrix_power")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_row(name: str, dtype: Any) -> None:
    assert check_row(TABLE[getattr(np.linalg, name)], dtype) > 0


def with_calls(function: Any, *examples: Any) -> Rule:
    rule = Rule(function)
    for name in Rule.__slots__:
        setattr(rule, name, getattr(TABLE[function], name))
    rule.calls = list(examples)
    return rule


BATCHES = [(), (1,), (3,), (2, 1), (2, 3), (0,)]


@pytest.mark.parametrize(("left", "right"), list(itertools.product(BATCHES[:-1], BATCHES[:-1])))
def test_solve_broadcasts_stacks_of_any_shape(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    a = array(*left, 4, 4, kind="invertible")
    assert (
        check_row(with_calls(np.linalg.solve, call(a, array(4)), call(a, array(*right, 4, 2))), np.complex128)
        == 4
    )


def test_a_matrix_of_right_sides_is_never_a_stack_of_vectors() -> None:
    a = array(4, 4, 4, kind="invertible")
    assert check_row(with_calls(np.linalg.solve, call(a, array(4, 4)), call(a, array(4, 1))), np.float64) == 4


@pytest.mark.parametrize("n", [*range(-9, 18), 100])
def test_matrix_power_of_every_exponent(n: int) -> None:
    kind: Any = "invertible" if n < 0 else "any"
    size = 0.5 if n > 20 else 1.0
    example = call(array(3, 3, kind=kind, low=-size, high=size), n)
    assert check_row(with_calls(np.linalg.matrix_power, example), np.complex128) == 1


def test_matrix_power_of_a_singular_matrix_needs_no_inverse() -> None:
    a = np.array([[1.0, 2.0], [2.0, 4.0]])
    y_bar = np.array([[1.0, 2.0], [3.0, 5.0]])
    np.testing.assert_allclose(linalg.matrix_power_vjp(y_bar, a @ a, a, 2), y_bar @ a.T + a.T @ y_bar)


def test_a_long_product_costs_a_few_products_an_argument() -> None:
    shapes = [(5, 2), (2, 7), (7, 3), (3, 3), (3, 8), (8, 1), (1, 4)]
    example = call([array(*shape) for shape in shapes])
    assert check_row(with_calls(np.linalg.multi_dot, example), np.complex128) == 1


@pytest.mark.parametrize("n", [np.int64(3), np.int8(-2), np.array(2), np.uint8(5)])
def test_an_exponent_may_be_a_number_of_numpy(n: Any) -> None:
    a = np.array([[1.0, 0.5], [0.2, 2.0]])
    assert pb.testing.gradcheck(lambda a: np.linalg.matrix_power(a, n), a)


def test_multi_dot_of_two_arrays_is_dot() -> None:
    a, b = np.linspace(-1, 1, 12).reshape(2, 2, 3), np.linspace(0, 1, 6).reshape(3, 2)
    assert np.shape(np.linalg.multi_dot([a, b])) == (2, 2, 2)
    assert pb.testing.gradcheck(lambda a, b: np.linalg.multi_dot([a, b]), a, b)


@pytest.mark.parametrize("count", [2, 3])
def test_multi_dot_of_a_stack(count: int) -> None:
    a = np.linspace(-1, 1, 9 * count).reshape(count, 3, 3)
    assert pb.testing.gradcheck(np.linalg.multi_dot, a)


def outer(a: Any, b: Any) -> Any:
    return np.linalg.outer(a, b)


def cross(a: Any, b: Any) -> Any:
    return np.linalg.cross(a, b)


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (np.linalg.outer, ((2, 3), (3,))),
        (np.linalg.outer, ((), (3,))),
        (np.linalg.cross, ((2,), (2,))),
        (np.linalg.cross, ((4, 3), (2,))),
    ],
)
def test_what_numpys_other_names_do_not_take(function: Any, shapes: Any) -> None:
    a, b = map(np.ones, shapes)
    compiled = pb.compile(outer if function is np.linalg.outer else cross, jit=False)
    for call_it in (
        lambda: function(a, b),
        lambda: pb.vjp(function, a, b),
        lambda: pb.jvp(function, (a, b), (a, b)),
        lambda: compiled(a, b),
    ):
        with pytest.raises(ValueError, match=r"one-dimensional|three components|3-dimensional"):
            call_it()
