"""Inverses, systems and powers: NumPy 2's meaning of a vector, stacks that broadcast, every exponent."""

import itertools
from typing import Any

import numpy as np
import pytest

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
