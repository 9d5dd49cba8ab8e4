"""The errors of the transforms: each says what, why and what to do, and names this file's line."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import scipy.sparse
import scipy.special

import pullback as pb

X = np.array([1.0, 2.0, 3.0])


def refused(
    call: Callable[[], Any], kind: type[pb.PullbackError], what: str, remedy: str = "", why: str = ""
) -> pb.PullbackError:
    """The error of `call`, checked in its parts."""
    with pytest.raises(kind, match=re.escape(what)) as caught:
        call()
    error = caught.value
    assert error.where is not None
    assert error.where.file == __file__
    assert f"at {__file__}:{error.where.line}:" in str(error)
    assert remedy in (error.remedy or "")
    assert why in (error.why or "")
    return error


def test_an_output_that_is_no_scalar() -> None:
    def doubled(x: Any) -> Any:
        return 2 * x

    refused(
        lambda: pb.grad(doubled)(X),
        pb.ShapeError,
        "grad needs a scalar output, and doubled returns an array of shape (3,)",
        "pb.jacobian",
    )
    refused(lambda: pb.grad(lambda x: [np.sum(x)])(X), pb.ShapeError, "returns list", "has_aux")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (np.arange(3), "integers"),
        (np.array([True]), "booleans"),
        (3, "integers"),
        (np.array([1.0, None]), "Python objects"),
        (None, "Python objects"),
        (print, "Python objects"),
    ],
)
def test_inputs_without_a_derivative(value: Any, kind: str) -> None:
    for call in (
        lambda: pb.grad(np.sum)(value),
        lambda: pb.vjp(np.sum, value),
        lambda: pb.jvp(np.sum, (value,), (value,)),
        lambda: pb.jacobian(np.sum)(value),
    ):
        refused(
            call,
            pb.NotDifferentiableError,
            f"argument 0 of sum holds {kind}",
            "np.asarray(x, float)",
            "floating",
        )
    refused(lambda: pb.Variable(value), pb.NotDifferentiableError, f"pb.Variable holds {kind}")


def test_an_integer_output() -> None:
    refused(lambda: pb.grad(np.argmax)(X), pb.NotDifferentiableError, "dtype int64", why="floating")


def test_a_complex_output() -> None:
    refused(
        lambda: pb.grad(lambda x: 1j * np.sum(x))(X),
        pb.ConventionError,
        "is complex",
        "holomorphic=True",
        "steepest",
    )
    refused(
        lambda: pb.grad(np.sum, holomorphic=True)(X),
        pb.ConventionError,
        "holomorphic=True needs complex inputs",
        "leave holomorphic away",
    )
    refused(
        lambda: pb.jacobian(np.sin)(X + 1j),
        pb.ConventionError,
        "takes and returns complex",
        "holomorphic=True",
    )


def test_a_convention_that_is_none() -> None:
    wrong: Any = "torch"
    refused(lambda: pb.grad(np.sum, convention=wrong)(X), pb.ConventionError, "'torch'", "'jax'")


@pytest.mark.parametrize(
    "call",
    [
        lambda: pb.grad(lambda x: 3.0)(X),
        lambda: pb.vjp(lambda x: 3.0, X)[1](1.0)[0],
        lambda: pb.jacobian(lambda x: 3.0, mode="forward")(X),
        lambda: pb.value_and_grad(lambda x: np.sum(pb.stop_gradient(x)))(X)[1],
    ],
)
def test_an_output_that_depends_on_nothing_warns_and_is_zero(call: Callable[[], Any]) -> None:
    with pytest.warns(pb.DependenceWarning, match="does not depend") as caught:
        gradient = call()
    np.testing.assert_array_equal(gradient, np.zeros(3))
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "derivative",
    [
        pb.hessian,
        lambda f: pb.jacobian(pb.grad(f), mode="forward"),
        lambda f: pb.jacobian(lambda x: 2 * pb.grad(f)(x), mode="reverse"),
        lambda f: pb.jacobian(pb.jacobian(f, mode="forward"), mode="forward"),
        lambda f: lambda x: np.stack([pb.hvp(f, x, row) for row in np.eye(3)]),
        lambda f: pb.jacobian(pb.grad(lambda x: np.sum(pb.grad(f)(x) * x) - f(x))),
    ],
)
def test_a_constant_derivative_is_no_reason_to_warn(derivative: Callable[..., Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(derivative(lambda x: np.sum(x * [1.0, 2.0, 3.0]))(X), np.zeros((3, 3)))
        assert pb.grad(pb.grad(pb.grad(lambda x: x * x)))(3.0) == 0


def test_a_function_of_nothing_warns_under_nesting_too() -> None:
    for derivative in (pb.hessian, lambda f: pb.grad(lambda x: np.sum(pb.grad(f)(x)))):
        with pytest.warns(pb.DependenceWarning, match="constant does not depend"):
            derivative(constant)(X)


def constant(x: Any) -> Any:
    return 3.0


def test_a_wrong_cotangent() -> None:
    pull = pb.vjp(np.sin, X)[1]
    refused(
        lambda: pull(np.ones(2)),
        pb.ShapeError,
        "cotangent given to the vjp of sin has shape (2,)",
        "shape (3,)",
    )
    refused(lambda: pull(1j * X), pb.ShapeError, "is complex", "real cotangent", "float64")
    refused(lambda: pull([X]), pb.ShapeError, "another structure", "same lists")
    refused(lambda: pull(np.array(["a", "b", "c"])), pb.ShapeError, "dtype", "numbers")


def test_a_wrong_tangent() -> None:
    refused(
        lambda: pb.jvp(np.sin, (X,), (np.ones(2),)),
        pb.ShapeError,
        "tangent given to the jvp of sin has shape (2,)",
    )
    refused(lambda: pb.jvp(np.sin, (X,), (1j * X,)), pb.ShapeError, "is complex", "real tangent")
    refused(lambda: pb.jvp(np.sin, (X,), ([X],)), pb.ShapeError, "another structure")
    refused(lambda: pb.jvp(np.sin, (X,), (X, X)), pb.ShapeError, "1 primals and 2 tangents")
    refused(lambda: pb.jvp(np.sin, X, X), pb.ShapeError, "tuple of primals")


def test_debug_nans_names_the_operation_and_the_line() -> None:
    def logarithm(x: Any) -> Any:
        return np.sum(np.log(x - 1))

    def root(x: Any) -> Any:
        return np.sum(np.sqrt(x - 1))

    with np.errstate(all="ignore"), pb.debug_nans():
        error = refused(lambda: pb.grad(logarithm)(X), pb.NonFiniteError, "numpy.log is the first operation")
        assert error.where is not None
        assert "np.log(x - 1)" in error.where.text
        error = refused(lambda: pb.grad(root)(X), pb.NonFiniteError, "the adjoint of numpy.sqrt is the first")
        assert error.where is not None
        assert "np.sqrt(x - 1)" in error.where.text
        error = refused(
            lambda: pb.jvp(root, (X,), (X,)), pb.NonFiniteError, "numpy.sqrt is the first operation"
        )
        assert error.where is not None
        assert "np.sqrt(x - 1)" in error.where.text


BOTH = pytest.mark.parametrize(
    "derivative",
    [lambda f, x: pb.grad(f, engine="tape")(x), lambda f, x: pb.jvp(f, (x,), (x,))],
    ids=["reverse", "forward"],
)


@BOTH
def test_a_function_without_a_rule(derivative: Callable[..., Any]) -> None:
    refused(
        lambda: derivative(lambda x: np.sum(scipy.special.ber(x)), X),
        pb.UnsupportedError,
        "scipy.special.ber has no rule",
        "pb.vjp_rule(scipy.special.ber)",
    )


@BOTH
def test_what_would_drop_the_derivative(derivative: Callable[..., Any]) -> None:
    refused(
        lambda: derivative(np.asarray, X), pb.UnsupportedError, "lose its derivative", "np.stack or pb.array"
    )
    refused(
        lambda: derivative(lambda x: np.array([x[0], x[1]]), X), pb.UnsupportedError, "lose its", "pb.array"
    )
    for number in (float, int, complex):
        refused(
            lambda number=number: derivative(lambda x: number(x[0]), X),
            pb.UnsupportedError,
            f"{number.__name__}() would turn",
            "pb.stop_gradient",
        )


@BOTH
def test_writing_into_a_plain_array(derivative: Callable[..., Any]) -> None:
    def entry(x: Any) -> Any:
        y = np.zeros(3)
        y[0] = x[0]
        return np.sum(y)

    def part(x: Any) -> Any:
        y = np.zeros(3)
        y[:] = x
        return np.sum(y)

    def out(x: Any) -> Any:
        return np.sum(np.add(x, 1, out=np.zeros(3)))

    def augmented(x: Any) -> Any:
        y = np.zeros(3)
        y += x
        return np.sum(y)

    def at(x: Any) -> Any:
        y = np.zeros(3)
        np.add.at(y, np.array([0, 0]), x[:2])
        return np.sum(y)

    for function, target in ((entry, "y[0]"), (part, "y[:]")):
        error = refused(
            lambda function=function: derivative(function, X),
            pb.UnsupportedError,
            f"{target} = … writes a ",
            "make y with pb.zeros or pb.zeros_like",
            "bare numbers",
        )
        assert "into the plain array y" in error.what
        assert error.__cause__ is None
    for function in (out, augmented, at):
        refused(
            lambda function=function: derivative(function, X), pb.MutationError, "plain array", "pb.zeros"
        )


@BOTH
def test_scipy_functions_that_take_plain_arrays_only(derivative: Callable[..., Any]) -> None:
    refused(
        lambda: derivative(scipy.special.logsumexp, X),
        pb.UnsupportedError,
        "scipy.special.logsumexp would turn",
        "pullback.scipy.special.logsumexp",
    )
    refused(
        lambda: derivative(lambda x: np.sum(scipy.linalg.expm(np.outer(x, x))), X),
        pb.UnsupportedError,
        "scipy.linalg.expm would turn",
        "call pullback.scipy.linalg.expm.",
    )
    refused(
        lambda: derivative(lambda x: scipy.integrate.simpson(2 * x), X),
        pb.UnsupportedError,
        "scipy.integrate.simpson would turn",
        "pb.primitive",
    )


@BOTH
def test_a_value_that_outlives_its_transform(derivative: Callable[..., Any]) -> None:
    kept: list[Any] = []

    def keeping(x: Any) -> Any:
        kept.append(x)
        return np.sum(x)

    derivative(keeping, X)
    refused(lambda: kept[0] * 2, pb.UnsupportedError, "belongs to a finished", "has_aux=True")
    refused(lambda: np.sum(kept[0]), pb.UnsupportedError, "belongs to a finished", "has_aux=True")


RETURNING: dict[str, Callable[..., Any]] = {
    "grad": lambda f: pb.grad(f, engine="tape")(1.0),
    "value_and_grad, aux": lambda f: pb.value_and_grad(lambda x: (x, f(x)), has_aux=True, engine="tape")(1.0),
    "vjp": lambda f: pb.vjp(f, X),
    "jvp": lambda f: pb.jvp(f, (X,), (X,)),
    "jvp, aux": lambda f: pb.jvp(lambda x: (x, [f(x)]), (X,), (X,), has_aux=True),
    "jacobian": lambda f: pb.jacobian(f, mode="reverse")(X),
    "jacobian, forward": lambda f: pb.jacobian(f, mode="forward")(X),
}


@pytest.mark.parametrize("name", RETURNING)
@BOTH
def test_a_value_that_is_returned_after_its_transform(derivative: Callable[..., Any], name: str) -> None:
    """No operation has noticed that it is a constant by now."""
    kept: list[Any] = []

    def keeping(x: Any) -> Any:
        kept.append(np.sum(x))
        return kept[0]

    derivative(keeping, X)
    refused(lambda: RETURNING[name](lambda _: kept[0]), pb.UnsupportedError, "belongs to a finished")


def test_a_wrong_tangent_of_a_linear_map() -> None:
    _, push = pb.linearize(np.sin, X)
    what = "the tangent given to the linear map of sin"
    refused(lambda: push(X[:2]), pb.ShapeError, f"{what} has shape (2,)", "shape (3,)")
    refused(lambda: push(1j * X), pb.ShapeError, f"{what} is complex", "real tangent")
    refused(lambda: push([X]), pb.ShapeError, f"{what} has another structure")
    refused(lambda: push(X, X), pb.ShapeError, "its map 2 tangents")


def test_argnums_that_name_nothing() -> None:
    refused(lambda: pb.grad(np.sum, argnums=3)(X), pb.UnsupportedError, "argument 3")
    refused(lambda: pb.grad(np.sum, argnums="z")(X), pb.UnsupportedError, "'z'")


class Marked(np.ndarray):
    """An array of a kind of its own."""


FOREIGN: list[tuple[Any, str, str]] = [
    (np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False]), "MaskedArray", "filled"),
    (np.ones(3).view(np.matrix), "matrix", "np.asarray(x)"),
    (np.ones(3).view(Marked), "Marked", "np.asarray(x)"),
]


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize(("array", "kind", "remedy"), FOREIGN, ids=[kind for _, kind, _ in FOREIGN])
@BOTH
def test_arrays_whose_operations_are_others(
    derivative: Callable[..., Any], array: Any, kind: str, remedy: str
) -> None:
    for function, name in ((lambda x: np.sum(x * array), "multiply"), (lambda x: np.dot(array, x), "dot")):
        refused(
            lambda function=function: derivative(function, X),
            pb.UnsupportedError,
            f"an argument of numpy.{name} holds a {kind}",
            remedy,
        )
    refused(
        lambda: derivative(np.sum, array),
        pb.UnsupportedError,
        f"argument 0 of sum holds a {kind}",
        remedy,
    )


@BOTH
def test_sparse_matrices(derivative: Callable[..., Any]) -> None:
    sparse = scipy.sparse.csr_array(np.eye(3))
    refused(lambda: derivative(lambda x: np.sum(x * sparse), X), pb.UnsupportedError, "csr_array", "toarray")


def test_an_array_on_disk_is_an_array(tmp_path: Any) -> None:
    on_disk = np.memmap(tmp_path / "a.bin", np.float64, "w+", shape=(3,))
    on_disk[:] = [2.0, 3.0, 4.0]
    np.testing.assert_array_equal(pb.grad(lambda x: np.sum(x * on_disk))(X), on_disk)
    np.testing.assert_array_equal(pb.grad(lambda x: np.sum(x * x))(on_disk), 2 * np.array(on_disk))


OBJECTS: dict[str, Any] = {
    "a factor": lambda x, a: x * a,
    "the first factor": lambda x, a: a * x,
    "a fraction": lambda x, a: x * a[0],
    "a vector": lambda x, a: x @ a,
    "an alternative": lambda x, a: np.where([True, False], a, x),
    "one of several": lambda x, a: np.concatenate([a, x]),
    "one of several, in a stack": lambda x, a: np.stack([x, a]),
}


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_arrays_of_objects_hide_what_is_tracked(name: str, mode: Any) -> None:
    """NumPy multiplies what is in them, which is tracked here, by what it does not know to be tracked."""

    def function(x: Any) -> Any:
        array = np.empty(2, object)
        array[0], array[1] = Fraction(1, 2), x[1]
        return np.sum(OBJECTS[name](x, array))

    refused(
        lambda: pb.jacobian(function, mode=mode)(X[:2]),
        pb.NotDifferentiableError,
        "holds Python objects",
        remedy="np.stack or pb.array",
        why="only floating and complex numbers",
    )
