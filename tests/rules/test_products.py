"""matmul and its relatives: every number of dimensions, structured cotangents, NumPy's other names."""

import itertools
from typing import Any

import numpy as np
import pytest

from pullback.base.errors import UnsupportedError
from pullback.base.spec import spec_of
from pullback.rules import conjugating, convolve, cross, kron, products
from pullback.rules.domain import array, call
from pullback.rules.read import cotangent, fit
from pullback.rules.structured import Filled, IdentityMultiple, Scattered, Structured
from pullback.rules.table import TABLE, Rule, rows
from pullback.testing.rows import check_row

DTYPES = (np.float64, np.complex128, np.float32, np.complex64)
FUNCTIONS = (
    np.matmul,
    np.dot,
    np.inner,
    np.outer,
    np.kron,
    np.cross,
    np.vdot,
    np.vecdot,
    np.convolve,
    np.correlate,
    conjugating.matmul_conjugated,
)
NEWER = [getattr(np, name) for name in ("matvec", "vecmat") if hasattr(np, name)]
MODULES = (products, kron, cross, conjugating, convolve)


def pulled(rule: Rule, position: int, y_bar: Any, *args: Any, **kwargs: Any) -> Any:
    """The cotangent of one argument, as an array."""
    y = rule.function(*args, **kwargs)
    x_bar = cotangent(rule, position, y_bar, y, args, kwargs, np.result_type(y).kind == "c")
    x_bar = fit(x_bar, spec_of(args[position]))
    return x_bar.dense() if isinstance(x_bar, Structured) else x_bar


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [*FUNCTIONS, *NEWER], ids=lambda f: f.__name__)
def test_row(function: Any, dtype: Any) -> None:
    assert check_row(TABLE[function], dtype) > 0


def with_calls(function: Any, *examples: Any) -> Rule:
    """The row of `function`, to be checked on other calls."""
    rule = Rule(function)
    for name in Rule.__slots__:
        setattr(rule, name, getattr(TABLE[function], name))
    rule.calls = list(examples)
    return rule


BATCHES = [(), (1,), (3,), (2, 1), (2, 3), (0,)]


@pytest.mark.parametrize(("left", "right"), list(itertools.product(BATCHES, BATCHES)))
def test_matmul_broadcasts_stacks_of_any_shape(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    if {left, right} & {(0,)} and {left, right} & {(3,), (2, 3)}:
        with pytest.raises(ValueError, match="shape mismatch"):
            np.broadcast_shapes(left, right)
        return
    pairs = [((*left, 2, 4), (*right, 4, 3)), ((*left, 2, 4), (4,)), ((4,), (*right, 4, 3)), ((4,), (4,))]
    examples = [call(array(*a), array(*b)) for a, b in pairs]
    assert check_row(with_calls(np.matmul, *examples), np.complex128) == 8


@pytest.mark.parametrize(("a_ndim", "b_ndim"), list(itertools.product(range(4), range(4))))
def test_dot_inner_and_kron_in_every_number_of_dimensions(a_ndim: int, b_ndim: int) -> None:
    a, b = (2, 4, 3)[3 - a_ndim :], (5, 3, 2)[3 - b_ndim :] if b_ndim != 1 else (3,)
    check_row(with_calls(np.dot, call(array(*a), array(*b))), np.complex128)
    check_row(with_calls(np.kron, call(array(*a), array(*b))), np.complex128)
    check_row(with_calls(np.inner, call(array(*a), array(*(5, 2, 3)[3 - b_ndim :]))), np.complex128)


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
@pytest.mark.parametrize("function", [np.matmul, np.dot])
def test_structured_cotangents_give_what_dense_ones_do(function: Any, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    a, b = (
        rng.standard_normal(shape).astype(dtype) * (1 + 0.5j if dtype is np.complex128 else 1)
        for shape in ((3, 4), (4, 3))
    )
    value = dtype(2) if dtype is np.float64 else dtype(2 - 3j)
    part = rng.standard_normal(3).astype(dtype)
    seeds = [IdentityMultiple(value, 3), Filled(value, (3, 3)), Scattered(spec_of(a @ b), 1, part)]
    for seed, position in itertools.product(seeds, (0, 1)):
        ours = pulled(TABLE[function], position, seed, a, b)
        np.testing.assert_allclose(ours, pulled(TABLE[function], position, seed.dense(), a, b), rtol=1e-13)


@pytest.mark.parametrize(
    "shapes", [((5, 3, 4), (4, 3)), ((3, 4), (5, 4, 3)), ((5, 3, 4), (5, 4, 3)), ((1, 3, 4), (5, 4, 3))]
)
def test_a_stack_of_identities_reaches_matmul(shapes: Any) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(shape) for shape in shapes)
    seed = IdentityMultiple(rng.standard_normal(5), 3)
    for position in (0, 1):
        ours = pulled(TABLE[np.matmul], position, seed, a, b)
        np.testing.assert_allclose(
            ours, pulled(TABLE[np.matmul], position, seed.dense(), a, b), rtol=1e-12, atol=1e-12
        )


def test_the_cotangent_of_a_matrix_keeps_an_identity_until_it_multiplies() -> None:
    a, b = np.ones((2, 3)), np.ones((3, 2))
    direction = TABLE[np.matmul].vjps[0]
    assert direction.structured
    np.testing.assert_array_equal(direction.function(IdentityMultiple(2.0, 2), None, a, b), 2 * b.T)


@pytest.mark.parametrize(
    ("shapes", "axes"),
    [
        (((2,), (2,)), {}),
        (((4, 2), (4, 2)), {}),
        (((4, 2), (3,)), {}),
        (((3,), (4, 2)), {}),
        (((2, 4), (4, 2)), {"axisa": 0}),
    ],
)
@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors:DeprecationWarning")
def test_cross_of_plane_vectors(shapes: Any, axes: dict[str, int]) -> None:
    example = call(*(array(*shape) for shape in shapes), **axes)
    try:
        with_calls(np.cross, example).function(*(np.ones(shape) for shape in shapes), **axes)
    except ValueError:  # a NumPy that no longer has them
        return
    assert check_row(with_calls(np.cross, example), np.complex128) == 2


def test_vdot_conjugates_its_first_argument() -> None:
    a, b = np.array([1 + 2j, 3j]), np.array([2 - 1j, 1 + 1j])
    # L = Re(conj(a) b): ∂L/∂Re a + i ∂L/∂Im a = b, and that of b is a.
    np.testing.assert_allclose(pulled(TABLE[np.vdot], 0, 1 + 0j, a, b), b)
    np.testing.assert_allclose(pulled(TABLE[np.vdot], 1, 1 + 0j, a, b), a)


@pytest.mark.parametrize("function", [np.vecdot, *NEWER], ids=lambda f: f.__name__)
def test_the_keyword_axes_is_refused_by_name(function: Any) -> None:
    for direction in TABLE[function].vjps.values():
        with pytest.raises(UnsupportedError, match=f"numpy.{function.__name__}.*axes"):
            direction.function(np.ones(2), None, np.ones((2, 2)), np.ones((2, 2)), axes=[(0,), (0,), ()])


ALIASES = [
    (np.linalg.matmul, (np.ones((2, 3)), np.ones((3, 2))), {}),
    (np.linalg.vecdot, (np.arange(6.0).reshape(2, 3) * 1j, np.ones((2, 3))), {"axis": 0}),
]


@pytest.mark.parametrize(("name", "args", "kwargs"), ALIASES)
def test_numpys_other_names_mean_the_same(name: Any, args: Any, kwargs: Any) -> None:
    np.testing.assert_array_equal(name(*args, **kwargs), TABLE[name].function(*args, **kwargs))


def test_every_row_of_products_is_checked_here() -> None:
    here = {
        rule.function
        for rule in rows()
        if any(d.function.__module__ in {m.__name__ for m in MODULES} for d in rule.vjps.values())
    }
    assert here == {*FUNCTIONS, *NEWER}
