"""The shortcuts of the tape, where they could differ from the ways they shorten."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import pullback as pb

LARGE = 5000
STORED = np.linspace(1.0, 2.0, LARGE)


@pytest.fixture
def weighed() -> Any:
    """A function whose rule keeps its derivative: no row of the whole table, which other tests go through."""

    @pb.primitive
    def weighed(x: Any) -> Any:
        return STORED * x

    pb.partials(weighed, lambda y, x: STORED)
    return weighed


def test_a_derivative_that_a_rule_keeps_is_not_overwritten(weighed: Any) -> None:
    before = STORED.copy()
    x = pb.Variable(np.ones(LARGE))
    for _ in range(2):
        (y := weighed(x)).backward(np.full(LARGE, 3.0))
        assert y is not None
    assert np.array_equal(STORED, before)
    assert np.array_equal(x.grad, 6 * before)


def test_a_derivative_that_a_rule_keeps_is_not_given_away(weighed: Any) -> None:
    before = STORED.copy()
    c = np.linspace(1, 3, LARGE)
    for reduced, factor in ((np.sum, 1), (np.mean, 1 / LARGE)):
        for function, expected in ((weighed, before), (lambda x: x * c, c)):
            x = pb.Variable(np.ones(LARGE))
            reduced(function(x)).backward()
            assert x.grad is not None
            np.testing.assert_allclose(x.grad, factor * expected, rtol=1e-15)
            x.grad[:] = 7
            assert np.array_equal(STORED, before)
            again = pb.Variable(np.ones(LARGE))
            reduced(function(again)).backward()
            assert again.grad is not None
            np.testing.assert_allclose(again.grad, factor * expected, rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble, np.complex64, np.clongdouble])
def test_views_keep_the_dtype(dtype: Any) -> None:
    weights = np.arange(1, 13).reshape(4, 3).astype(dtype)

    def function(x: Any) -> Any:
        y = x.reshape(3, 4).T[:, None][1:].reshape(-1)
        return np.sum(np.real(y * weights[1:].reshape(-1))) + np.real(x[0] * x[-1])

    x = np.linspace(1, 2, 12).astype(dtype)
    found = pb.grad(function, engine="tape")(x)
    expected = weights.copy()
    expected[0] = 0
    expected = expected.T.reshape(-1)
    expected[0] += x[-1]
    expected[-1] += x[0]
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=1e-3 if dtype == np.float16 else 1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zero_times_infinity_is_zero_in_large_arrays(dtype: Any) -> None:
    values = np.linspace(0, 1, LARGE).astype(dtype)
    seed = np.ones(LARGE, dtype)
    seed[0] = 0
    x = pb.Variable(values)
    y: Any = np.sqrt(x)
    y.backward(seed)
    assert x.grad[0] == 0
    assert np.allclose(x.grad[1:], 0.5 / np.sqrt(values[1:]))
    assert np.array_equal(seed[:2], [0, 1])


def test_the_cotangent_of_a_large_array_stays_as_it_was() -> None:
    x = pb.Variable(np.linspace(-1, 1, LARGE))
    seed = np.linspace(1, 2, LARGE)
    y: Any = np.maximum(x, 0.0)
    y.backward(seed, retain=True)
    y.backward(seed)
    assert np.array_equal(seed, np.linspace(1, 2, LARGE))
    assert np.allclose(x.grad, 2 * seed * (x.value > 0))


def test_the_trace_of_a_product_beside_other_uses_of_the_product() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.standard_normal((2, 4, 4))
    x, y = pb.Variable(a), pb.Variable(b)
    z = x @ y
    (np.trace(z) * 2.0 + np.sum(z * z)).backward()
    z_bar = 2 * np.eye(4) + 2 * (a @ b)
    assert np.allclose(x.grad, z_bar @ b.T)
    assert np.allclose(y.grad, a.T @ z_bar)


def test_a_tape_tells_the_product_from_its_trace() -> None:
    rng = np.random.default_rng(6)
    with pb.Tape() as tape:
        x, y = pb.Variable(rng.standard_normal((3, 3))), pb.Variable(rng.standard_normal((3, 3)))
        z = x @ y
        t = np.trace(z)
    z_bar, x_bar = tape.gradient(t, [z, x])
    assert np.array_equal(z_bar, np.eye(3))
    assert np.allclose(x_bar, y.value.T)


def test_the_trace_of_a_rectangular_product() -> None:
    a, b = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    x, y = pb.Variable(a), pb.Variable(b)
    np.trace(x @ y).backward()
    assert np.allclose(x.grad, np.eye(2, 4) @ b.T)
    assert np.allclose(y.grad, a.T @ np.eye(2, 4))


def traced(z: Any) -> Any:
    return np.trace(z) if z.ndim == 2 else np.trace(z, axis1=-1, axis2=-2)


USES: dict[str, Any] = {
    "alone": lambda x, y, z: traced(z),
    "both ways": lambda x, y, z: traced(z) + np.sum(z * z),
    "read first": lambda x, y, z: np.sum(z**2) * traced(z),
    "an element": lambda x, y, z: z[..., 0, 1] * traced(z),
    "a view that is written into": lambda x, y, z: with_row_doubled(z),
    "written into": lambda x, y, z: with_element_of(z, y),
    "a factor that is written into": lambda x, y, z: with_factor_changed(x, z),
    "multiplied again": lambda x, y, z: traced(z @ z) + traced(x @ y @ z),
    "turned": lambda x, y, z: traced(z.mT) * z.mT[..., 1, 0],
    "scaled in place": lambda x, y, z: scaled_in_place(z),
    "copied": lambda x, y, z: traced(copy.deepcopy(z) * z),
    "of other axes": lambda x, y, z: np.trace(z, axis1=0, axis2=1),
    "beside the diagonal": lambda x, y, z: np.trace(z, offset=1, axis1=-2, axis2=-1),
    "of linalg": lambda x, y, z: np.linalg.trace(z),
}


def with_row_doubled(z: Any) -> Any:
    row = z[..., 1, :]
    row *= 2
    return traced(z) * row[..., 0]


def with_element_of(z: Any, y: Any) -> Any:
    z[..., 0, 0] = y[..., 1, 1] ** 2
    return traced(z) + z[..., 0, 1]


def with_factor_changed(x: Any, z: Any) -> Any:
    x[..., 0, 0] = 7.0
    return traced(z) + x[..., 0, 1] * z[..., 0, 1]


def scaled_in_place(z: Any) -> Any:
    z *= 3.0
    return traced(z) * z[..., 1, 0]


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
@pytest.mark.parametrize("leading", [(), (4,), (2, 0), (2, 1)])
@pytest.mark.parametrize("rows", [2, 3])
@pytest.mark.parametrize("use", USES)
def test_a_product_that_is_computed_when_it_is_asked_for(
    use: str, rows: int, leading: tuple[int, ...], dtype: Any
) -> None:
    function = USES[use]

    def due(x: Any, y: Any) -> Any:
        x, y = x * 1.0, y * 1.0  # values of the function's own, which it may change
        return np.sum(np.abs(function(x, y, x @ y)) ** 2)

    def summed(x: Any, y: Any) -> Any:
        x, y = x * 1.0, y * 1.0
        return np.sum(np.abs(function(x, y, np.sum(x[..., :, None] * y[..., None, :, :], axis=-2))) ** 2)

    rng = np.random.default_rng(7)
    shapes = (*leading, rows, 3), (*leading, 3, rows)
    a, b = (rng.standard_normal((*shape, 2)).view(complex)[..., 0] for shape in shapes)
    if dtype is np.float64:
        a, b = np.real(a), np.real(b)
    value, gradients = pb.value_and_grad(due, argnums=(0, 1))(a, b)
    expected, others = pb.value_and_grad(summed, argnums=(0, 1))(a, b)
    assert np.allclose(value, expected)
    for gradient, other in zip(gradients, others, strict=True):
        assert np.allclose(gradient, other)


def test_the_value_of_a_product_stays_when_its_factors_or_the_graph_are_gone() -> None:
    a, b = np.arange(4.0).reshape(2, 2), np.ones((2, 2))
    x, y = pb.Variable(a), pb.Variable(b)
    z, w = x @ y, x @ y
    t: Any = np.trace(z)
    t.backward(retain=True)
    x.value = np.zeros((2, 2))
    t.backward()
    with pb.no_grad():
        y[0, 0] = 9.0
    assert np.array_equal(z.value, a @ b)
    assert (w.shape, w.dtype, repr(w)) == ((2, 2), np.float64, repr(pb.Variable(a @ b)))
    assert t.value == np.trace(a @ b)
    assert np.array_equal(x.grad, 2 * np.ones((2, 2)))
    assert not np.shares_memory(x.grad, y.grad)


def test_a_product_that_is_not_computed_yet_is_no_input() -> None:
    z: Any = pb.Variable(np.ones((2, 2))) @ pb.Variable(np.ones((2, 2)))
    assert z.grad is None
    assert not z.is_leaf
    with pytest.raises(pb.MutationError, match="only an input"):
        z.grad = np.ones((2, 2))
    with pytest.raises(pb.MutationError, match="computed Variable cannot be assigned"):
        z.value = np.ones((2, 2))
    with pytest.raises(pb.UnsupportedError, match="pickled"):
        pickle.dumps(z)
    assert np.array_equal(z.value, np.full((2, 2), 2.0))


def test_a_product_of_matrices_that_do_not_fit_is_refused_at_once() -> None:
    x = pb.Variable(np.ones((2, 3)))
    with pytest.raises(ValueError, match="matmul"):
        np.matmul(x, pb.Variable(np.ones((2, 2))))


def test_index_arrays_are_kept_as_they_were() -> None:
    rows, columns = np.array([0, 0, 2]), np.array([1, 1, 0])
    x = pb.Variable(np.arange(9.0).reshape(3, 3))
    y = x[rows, columns]
    rows[:] = 1
    y.backward(np.array([1.0, 2.0, 4.0]))
    assert np.array_equal(x.grad, [[0, 3, 0], [0, 0, 0], [4, 0, 0]])


@pytest.mark.parametrize("shape", [(4,), (1, 4), (), (3, 1)])
def test_terms_that_are_broadcast(shape: tuple[int, ...]) -> None:
    seed = np.arange(12.0).reshape(3, 4)
    x, y = pb.Variable(np.ones((3, 4))), pb.Variable(np.ones(shape))
    (x + y).backward(seed)
    (y + x).backward(seed)
    expected = np.broadcast_to(seed, (3, 4))
    extra = tuple(range(2 - len(shape)))
    summed = expected.sum(axis=extra) if extra else expected
    ones = tuple(i for i, n in enumerate(shape) if n == 1)
    summed = summed.sum(axis=ones, keepdims=True) if ones else summed
    assert np.array_equal(x.grad, 2 * seed)
    assert np.array_equal(y.grad, 2 * summed)


def test_a_value_used_after_and_before_others_gets_its_whole_cotangent() -> None:
    x = pb.Variable(0.3)
    a = x * x
    b = np.sin(a)
    c = a * b
    d = c * x + b * a
    d.backward()
    assert np.allclose(x.grad, pb.grad(lambda x: (x * x * np.sin(x * x)) * x + np.sin(x * x) * x * x)(0.3))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("other", [0.0, 1, -0.5, np.nan, np.inf])
@pytest.mark.parametrize("function", [np.maximum, np.minimum])
def test_the_larger_of_an_array_and_a_number(function: Any, other: Any, dtype: Any) -> None:
    # Beside the same with the number in an array, which goes another way: with ties, NaNs and infinities.
    values = np.array([-2.0, -0.5, 0.0, 0.25, 1.0, 3.0, np.inf, np.nan], dtype)
    seed = np.array([1.0, np.inf, 2.0, -3.0, 4.0, 0.0, 5.0, 6.0], dtype)
    for chosen in (slice(None), [0, 3, 5], [0, 1], [7, 5]):
        x, full = values[chosen], np.full_like(values[chosen], other)
        for written, other_way in (
            (lambda a: function(a, other), lambda a, full=full: function(a, full)),
            (lambda a: function(other, a), lambda a, full=full: function(full, a)),
        ):
            y, pull = pb.vjp(written, x)
            z, pull_other = pb.vjp(other_way, x)
            assert y.dtype == dtype
            assert np.array_equal(y, z, equal_nan=True)
            (x_bar,), (z_bar,) = pull(seed[chosen]), pull_other(seed[chosen])
            assert x_bar.dtype == dtype
            assert np.array_equal(x_bar, z_bar)


def test_the_larger_of_an_array_and_a_number_to_second_order() -> None:
    values = np.array([-1.0, 0.5, 2.0])
    hessian = pb.hessian(lambda x: np.sum(np.maximum(x, 0.0) ** 3))(values)
    assert np.allclose(hessian, np.diag([0, 3, 12]))
    twice = pb.grad(lambda x: np.sum(pb.grad(lambda x: np.sum(np.minimum(x, 1) ** 3))(x)))(values)
    assert np.allclose(twice, [-6, 3, 0])


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_means_and_extremes_are_numpy_s(axis: Any, keepdims: bool) -> None:
    values = np.random.default_rng(3).standard_normal((3, 4))
    for function in (np.mean, np.sum, np.prod, np.max, np.min):
        y = function(pb.Variable(values), axis=axis, keepdims=keepdims)
        expected = function(values, axis=axis, keepdims=keepdims)
        assert np.array_equal(y.value, expected)
        assert np.shape(y) == np.shape(expected)


def test_the_mean_of_nothing_warns_as_numpy_does() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        y: Any = np.mean(pb.Variable(np.zeros(0)))
    assert np.isnan(y.value)
    assert "empty slice" in str(caught[0].message)


def test_a_gradient_is_nobody_else_s() -> None:
    @pb.primitive
    def doubled(x: Any) -> Any:
        return 2 * x

    kept = []

    @pb.vjp_rule(doubled)
    def doubled_vjp(y_bar: Any, y: Any, x: Any) -> Any:
        kept.append(2 * y_bar)
        return kept[-1]

    seed = np.ones(3)
    x, y, z = (pb.Variable(np.arange(3.0)) for _ in range(3))
    x.backward(seed)
    doubled(y).backward(seed)
    (z + x).backward(seed)
    gradients = [x.grad, y.grad, z.grad]
    for i, gradient in enumerate(gradients):
        assert not np.shares_memory(gradient, seed)
        assert not np.shares_memory(gradient, gradients[i - 1])
        assert not np.shares_memory(gradient, kept[0])


def test_a_retained_graph_gives_new_gradients() -> None:
    x, y = pb.Variable(np.eye(3)), pb.Variable(np.arange(9.0).reshape(3, 3))
    t: Any = np.trace(x @ y)
    t.backward(retain=True)
    first: Any = x.grad
    first *= 2
    x.grad = None
    t.backward()
    second: Any = x.grad
    assert np.array_equal(second, y.value.T)


@pytest.mark.parametrize("kind", [float, np.float64, np.float32])
def test_numbers_of_one_precision(kind: Any) -> None:
    def by_numbers(x: Any, z: Any) -> Any:
        y = -np.sin(x) * z + 2 / x
        return (y - 0.5) ** 2 * 3 - z

    a, b = kind(0.7), kind(0.3)
    x, z = pb.Variable(a), pb.Variable(b)
    y = by_numbers(x, z)
    y.backward()
    assert type(y.value) is type(by_numbers(a, b))
    assert y.value == by_numbers(a, b)
    exact = pb.jacobian(by_numbers, (0, 1), mode="forward")(0.7, 0.3)
    np.testing.assert_allclose([x.grad, z.grad], exact, rtol=1e-6 if kind is np.float32 else 1e-14)
    assert np.result_type(x.grad, z.grad) == np.result_type(a)


def test_one_number_for_every_entry_times_an_infinite_partial() -> None:
    x = pb.Variable(np.array([0.0, 4.0]))
    mean: Any = np.mean(np.sqrt(x))
    mean.backward()
    np.testing.assert_array_equal(x.grad, [np.inf, 0.125])
    x.grad = None
    (0 * np.sum(np.sqrt(x))).backward()
    np.testing.assert_array_equal(x.grad, [0, 0])
