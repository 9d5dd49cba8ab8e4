"""Einstein sums against finite differences, in both forms, and against the loops that define them."""

import itertools
import string
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.base.errors import UnsupportedError
from pullback.rules import einsum
from pullback.rules.domain import array, call
from pullback.rules.table import TABLE, Rule
from pullback.testing.rows import check_row

FUNCTIONS = (np.einsum, np.tensordot)


@pytest.mark.parametrize("dtype", [np.float64, np.complex128, np.float32, np.complex64])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_row(function: Any, dtype: Any) -> None:
    assert check_row(TABLE[function], dtype) > 0


def checked(*examples: Any) -> int:
    rule = Rule(np.einsum)
    rule.vjps, rule.linear = TABLE[np.einsum].vjps, TABLE[np.einsum].linear
    rule.calls = list(examples)
    return check_row(rule, np.complex128)


SIZES = {"i": 2, "j": 3, "k": 4}
TERMS = ["".join(term) for n in range(4) for term in itertools.product("ijk", repeat=n)]


@pytest.mark.parametrize("seed", range(40))
def test_random_subscripts(seed: int) -> None:
    """Terms of up to three labels, perhaps repeated, with some axes of length 1, summed to any output."""
    rng = np.random.default_rng(seed)
    terms = [str(term) for term in rng.choice(TERMS, size=rng.integers(1, 4))]
    output = "".join(
        rng.permutation([label for label in "ijk" if label in "".join(terms) and rng.random() < 0.5])
    )
    shapes = []
    for term in terms:
        short = {label: rng.random() < 0.2 for label in "ijk"}
        shapes.append([1 if short[label] else SIZES[label] for label in term])
    optimize = bool(rng.random() < 0.5)
    example = call(f"{','.join(terms)}->{output}", *(array(*shape) for shape in shapes), optimize=optimize)
    assert checked(example) == len(terms)


@pytest.mark.parametrize("a", [(), (3,), (1,), (2, 3), (2, 1)])
@pytest.mark.parametrize("b", [(), (3,), (2, 1), (2, 3)])
@pytest.mark.parametrize("form", ["...i,i...->...i", "...i,i...", "i...,...i->i...", "i...,...i->..."])
def test_an_ellipsis_broadcasts(a: tuple[int, ...], b: tuple[int, ...], form: str) -> None:
    left, right = form.partition("->")[0].split(",")
    a_shape = (*a, 4) if left.endswith("i") else (4, *a)
    b_shape = (*b, 4) if right.endswith("i") else (4, *b)
    assert checked(call(form, array(*a_shape), array(*b_shape))) == 2


def test_the_implicit_output_is_in_alphabetical_order_with_capitals_first() -> None:
    assert einsum.subscripts_of(("bAa,a", np.ones((2, 3, 4)), np.ones(4))).output == ["A", "b"]
    x: Any = np.ones((2, 3, 4))
    assert np.einsum(x, [30, 3, 0]).shape == (4, 3, 2)
    assert einsum.subscripts_of((x, [30, 3, 0])).output == ["A", "D", "e"]


def test_a_derivative_may_need_more_letters_than_there_are() -> None:
    ones = np.ones((1,) * 26)
    form = f"{string.ascii_lowercase}...,{string.ascii_uppercase}...,...->..."
    with pytest.raises(UnsupportedError, match="52"):
        einsum.einsum_vjp(3, np.ones(1), np.ones(1), form, ones[..., None], ones[..., None], np.ones(1))


@pytest.mark.parametrize("args", [("ii->i",), ("ji",), ("...",), ([0, 0], [0]), ([1, 0], [0, 1])])
def test_writing_into_a_view_that_einsum_gives_writes_into_its_operand(args: Any) -> None:
    """`numpy.einsum` of one operand may be a view: what is written into it is written into the operand."""
    first = args[:1] if isinstance(args[0], str) else ()
    rest = args[len(first) :]

    def program(x: Any) -> Any:
        x = x * 1.0
        np.einsum(*first, x, *rest)[0] = 30.5
        return np.sum(x**2), x

    x = np.arange(9.0).reshape(3, 3)
    changed = program(x)[1]
    x_bar, ours = pb.grad(program, has_aux=True)(x)
    np.testing.assert_array_equal(ours, changed)
    np.testing.assert_array_equal(x_bar, np.where(changed == x, 2 * x, 0))
    x_dot = np.ones_like(x)
    assert pb.jvp(lambda x: program(x)[0], (x,), (x_dot,))[1] == np.sum(x_bar)
