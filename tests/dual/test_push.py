"""How operations move tangents: several seeds at once, kinds of arguments, several outputs, nested sweeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.dual.dual import Dual, Sweep

X = np.array([0.3, -0.7, 1.2])
A = np.array([[1.5, 0.2, -0.3], [0.1, 1.1, 0.4], [-0.2, 0.3, 0.9]])

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "elementwise": lambda x: np.sin(x) * np.exp(x),
    "broadcast behind the seeds": lambda x: x * A + A[:, :1] * x,
    "a lower dimension than the result": lambda x: np.hypot(x, A) + x[:, None],
    "a number and an array": lambda x: x[0] * A[0] + x,
    "all of a sum": np.sum,
    "along an axis": lambda x: np.sum(np.outer(x, x), axis=0),
    "kept axes": lambda x: np.mean(np.outer(x, x), axis=1, keepdims=True),
    "product from the left": lambda x: A @ x,
    "product from the right": lambda x: np.outer(x, x) @ A,
    "product of both": lambda x: np.outer(x, x) @ np.outer(x, x),
    "stack of products": lambda x: np.matmul(np.stack([A * x, A]), x),
    "basic index": lambda x: np.outer(x, x)[1:, ::-1][:, 0],
    "integer index": lambda x: x[[2, 0, 2]] * x[np.array([1, 1, 0])],
    "mask": lambda x: x[np.array([True, False, True])],
    "new axis": lambda x: x[:, None] * x[None],
    "list argument": lambda x: np.concatenate([x, A[0], x * x]),
    "list of numbers": lambda x: np.stack([x[0], 2.0, x[2] * x[1]]),
    "several outputs": lambda x: np.multiply(*np.split(np.outer(x, x).ravel()[:8], 2)),
    "named tuple": lambda x: np.linalg.slogdet(A * x).logabsdet,
    "integer output beside": lambda x: np.frexp(x)[0],
    "factor": lambda x: np.linalg.solve(A * x, x),
    "accumulated": lambda x: np.cumprod(x) + np.add.accumulate(x * x),
    "a ufunc's method": lambda x: np.multiply.outer(x, x) + np.add.reduce(x * x),
    "keyword": lambda x: np.clip(a=x, a_min=-0.5, a_max=x * x + 1),
    "where of a comparison": lambda x: np.where(x > 0, x * x, -x),
    "sorted": lambda x: np.sort(x)[::-1] * np.max(x),
    "out": lambda x: np.multiply(x, x, out=pb.zeros(3)),
    "buffer": lambda x: written(pb.zeros((2, 3)), x),
    "buffer like a dual": lambda x: written(np.zeros_like(np.outer(x, x)), x),
    "full_like": lambda x: np.full_like(np.outer(x, x), x[0] * x[1]) * x,
    "complex in between": lambda x: np.abs(np.exp(1j * x) + x) ** 2,
    "parts": lambda x: np.stack([np.real(x * (1 + 2j)), np.imag(x * x * 1j)]),
}


def written(buffer: Any, x: Any) -> Any:
    buffer[0] = x * x
    row = buffer[1]
    row += buffer[0][::-1] * x[0]
    buffer *= x
    return buffer


def columns(function: Callable[[Any], Any], x: Any) -> Any:
    """The Jacobian, one seed at a time, without an axis of seeds."""
    parts = [pb.jvp(function, (x,), (e,))[1] for e in np.eye(x.size)]
    return np.stack(parts, axis=-1)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_many_seeds_are_one_after_the_other(name: str) -> None:
    function = FUNCTIONS[name]
    expected = columns(function, X)
    h = 1e-6
    numeric = [(_plain(function(X + h * e)) - _plain(function(X - h * e))) / (2 * h) for e in np.eye(X.size)]
    np.testing.assert_allclose(expected, np.stack(numeric, axis=-1), rtol=1e-7, atol=1e-7)
    for chunk in (None, 1, 2, 5):
        at_once = pb.jacobian(function, mode="forward", chunk_size=chunk)(X)
        np.testing.assert_allclose(at_once, expected, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(pb.jacobian(function, mode="reverse")(X), expected, rtol=1e-11, atol=1e-12)


def _plain(value: Any) -> Any:
    return pb.stop_gradient(value)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_forward_over_forward(name: str) -> None:
    """With an axis of seeds within one, against reverse over forward."""

    def total(x: Any) -> Any:
        value = FUNCTIONS[name](x)
        return np.sum(value * np.cos(np.arange(value.size)).reshape(value.shape)) + np.sum(x**3)

    inner = pb.jacobian(total, mode="forward")
    expected = pb.jacobian(pb.grad(total), mode="reverse")(X)
    np.testing.assert_allclose(pb.jacobian(inner, mode="forward")(X), expected, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(pb.jacobian(inner, mode="reverse")(X), expected, rtol=1e-10, atol=1e-11)


def test_perturbations_are_not_confused() -> None:
    """Siskind & Pearlmutter's example, and one where the outer seed is written into an inner buffer."""

    def slope(function: Callable[[Any], Any], x: Any) -> Any:
        return pb.jvp(function, (x,), (1.0,))[1]

    assert slope(lambda x: x * slope(lambda y: x + y, 1.0), 1.0) == 1.0

    def buffered(x: Any) -> Any:
        def inner(y: Any) -> Any:
            z = pb.zeros(2)
            z[0] = x * y
            z[1] = x
            return np.sum(z * z)

        return x * slope(inner, 2.0)

    # d/dy (x²y² + x²) = 2x²y; times x, at y = 2: 4x³.
    assert slope(buffered, 3.0) == pytest.approx(12 * 9.0)
    assert slope(lambda x: slope(buffered, x), 3.0) == pytest.approx(24 * 3.0)


def test_a_comparison_a_shape_and_an_index_are_plain() -> None:
    def function(x: Any) -> Any:
        assert type(x > 0) is np.ndarray
        assert type(np.argmax(x)) is np.int64
        assert np.shape(x) == (3,)
        assert type(np.floor(x)) is np.ndarray
        return x[np.argsort(x)] * np.sign(x)

    moved = pb.jvp(function, (X,), (np.ones(3),))[1]
    np.testing.assert_array_equal(moved, np.sign(X))


@pytest.mark.parametrize("dtype", [np.float32, np.complex64, np.float64, np.complex128])
def test_tangents_have_the_dtype_of_the_value(dtype: Any) -> None:
    x = X.astype(dtype)

    def function(x: Any) -> Any:
        return [np.sin(x) * 2.0, np.abs(x), np.sum(x) / 3, np.concatenate([x, x]), np.real(x) + 1]

    value, moved = pb.jvp(function, (x,), (x,))
    for y, y_dot in zip(value, moved, strict=True):
        assert y.dtype == y_dot.dtype
        assert y.shape == y_dot.shape


def test_a_real_tangent_of_a_complex_operand() -> None:
    """What is real in the value is real in the tangent, though a factor is complex."""
    value, moved = pb.jvp(lambda x: np.abs(x * (3 + 4j)), (X,), (np.ones(3),))
    assert value.dtype == moved.dtype == float
    np.testing.assert_allclose(moved, 5 * np.sign(X))


def test_an_infinite_partial_with_a_zero_tangent_is_zero() -> None:
    x, x_dot = np.array([0.0, 4.0]), np.array([0.0, 1.0])
    np.testing.assert_array_equal(pb.jvp(np.sqrt, (x,), (x_dot,))[1], [0.0, 0.25])
    jacobian = pb.jacobian(lambda x: np.where(x > 0, np.sqrt(x), 0.0), mode="forward")(x)
    np.testing.assert_array_equal(jacobian, [[0.0, 0.0], [0.0, 0.25]])


def test_a_function_without_a_forward_rule_says_so() -> None:
    function = pb.primitive(lambda x: x * 2)

    @pb.vjp_rule(function, 0)
    def function_vjp(y_bar: Any, y: Any, x: Any) -> Any:
        return y_bar * 2

    np.testing.assert_array_equal(pb.grad(lambda x: np.sum(function(x)))(X), [2.0, 2.0, 2.0])
    with pytest.raises(pb.UnsupportedError, match=r"no jvp rule[^$]*forward mode needs one[^$]*pb\.jvp_rule"):
        pb.jvp(function, (X,), (X,))


def test_debug_nans_names_value_and_tangent() -> None:
    with np.errstate(all="ignore"), pb.debug_nans():
        with pytest.raises(pb.NonFiniteError, match=r"numpy\.log is the first[^$]*in its value") as caught:
            pb.jvp(lambda x: np.sum(np.log(x - x)), (X,), (X,))
        assert "np.log(x - x)" in str(caught.value)
        with pytest.raises(pb.NonFiniteError, match=r"numpy\.sqrt is the first[^$]*in its tangent"):
            pb.jvp(lambda x: np.sqrt(x - 0.3), (np.abs(X),), (X,))
        pb.jvp(lambda x: np.split(x, 3), (X,), (X,))


def test_views_of_a_dual_are_brought_up_to_date() -> None:
    x: Any = Dual(np.arange(4.0), np.ones(4), Sweep())
    y = x * 2.0
    first, second = np.split(y, 2)
    square = y.reshape(2, 2).T
    second *= y[1]
    np.testing.assert_array_equal(np.add(square, 0.0).tangent, [[2.0, 2 * 2 + 2 * 4], [2.0, 2 * 2 + 2 * 6]])
    first[...] = square[1]
    np.testing.assert_array_equal(np.add(y, 0.0).peel(), [2.0, 12.0, 8.0, 12.0])


FLOATS: dict[str, Any] = {
    "sum": lambda t: 1 + t + 2.0,
    "difference": lambda t: 1 - t - 0.5,
    "product": lambda t: 2 * t * 3.0 * t,
    "quotient": lambda t: 1 / t / 3,
    "power": lambda t: t**2 + 2**t,
    "negative": lambda t: -t,
    "beside single precision": lambda t: np.ones(2, np.float32) * (2 * t - 1),
}


@pytest.mark.parametrize("name", FLOATS)
def test_operators_on_floats_give_floats(name: str) -> None:
    """A double of NumPy's would promote an array of single precision."""
    y = FLOATS[name](0.7)
    found, _ = pb.jvp(FLOATS[name], (0.7,), (1.0,))
    assert type(found) is type(y)
    assert np.result_type(found) == np.result_type(y)
    np.testing.assert_array_equal(found, y)


def test_floats_are_not_divided_by_zero() -> None:
    with pytest.raises(ZeroDivisionError):
        pb.jvp(lambda t: 1 / t, (0.0,), (1.0,))
    with pytest.raises(ZeroDivisionError):
        pb.jvp(lambda t: t**-1, (0.0,), (1.0,))
