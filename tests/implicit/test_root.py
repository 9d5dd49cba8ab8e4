"""Roots of equations: values, derivatives against formulas and finite differences, and errors."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pullback as pb
from pullback.base.errors import NotDifferentiableError, ShapeError, UnsupportedError
from pullback.implicit import ConvergenceError, root

LINEAR = ["dense", "gmres"]


def cubic(x: Any, a: Any, b: Any) -> Any:
    return x**3 + a * x - b


A, B = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0])


@pytest.mark.parametrize("linear", LINEAR)
def test_against_finite_differences(linear: str) -> None:
    assert pb.testing.gradcheck(lambda a, b: root(cubic, np.ones(3), (a, b), linear=linear), A, B)


@pytest.mark.parametrize("linear", LINEAR)
def test_three_orders_of_a_square_root(linear: str) -> None:
    def f(a: Any) -> Any:
        return root(lambda x, a: x**2 - a, 1.0, (a,), linear=linear)

    orders = [0.5 * 4**-0.5, -0.25 * 4**-1.5, 0.375 * 4**-2.5]
    for wanted in orders:
        f = pb.grad(f)
        np.testing.assert_allclose(f(4.0), wanted, rtol=1e-11)


@pytest.mark.parametrize("linear", LINEAR)
def test_forward_over_reverse_and_reverse_over_forward(linear: str) -> None:
    def total(b: Any) -> Any:
        return np.sum(root(cubic, np.ones(3), (A, b), linear=linear) ** 2)

    x = root(cubic, np.ones(3), (A, B))
    slope = 3 * x**2 + A
    wanted = 2 / slope**2 - 12 * x**2 / slope**3
    v = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(pb.hvp(total, B, v), wanted * v, rtol=1e-10, atol=1e-14)
    by_rows = pb.grad(lambda b: np.sum(v * pb.jvp(total, (b,), (np.ones(3),))[1]))(B)
    np.testing.assert_allclose(by_rows, np.sum(v) * wanted, rtol=1e-10, atol=1e-14)


def test_a_coupled_system_is_the_inverse_of_its_jacobian() -> None:
    rng = np.random.default_rng(0)
    w, b = rng.standard_normal((5, 5)) * 0.3, rng.standard_normal(5)

    def f(x: Any, w: Any, b: Any) -> Any:
        return x + np.tanh(w @ x) - b

    x = root(f, np.zeros(5), (w, b))
    jacobian = np.eye(5) + (1 - np.tanh(w @ x) ** 2)[:, None] * w
    ours = pb.jacobian(lambda b: root(f, np.zeros(5), (w, b)))(b)
    np.testing.assert_allclose(ours, np.linalg.inv(jacobian), rtol=1e-11)
    assert pb.testing.gradcheck(lambda w, b: root(f, np.zeros(5), (w, b)), w, b)


def test_pytrees_of_unknowns_and_arguments() -> None:
    def f(x: Any, p: Any) -> Any:
        return {"u": x["u"] ** 2 - p["a"][0], "v": x["v"] * x["u"] - p["a"][1]}

    def solved(p: Any) -> Any:
        return root(f, {"u": np.ones(2), "v": np.ones(2)}, (p,))

    p = {"a": (np.array([4.0, 9.0]), np.array([2.0, 6.0])), "unused": "text"}
    np.testing.assert_allclose(solved(p)["v"], [1.0, 2.0])
    assert pb.testing.gradcheck(lambda a, b: solved({"a": (a, b), "unused": "text"}), *p["a"])


def test_complex_unknowns_of_a_function_that_is_not_holomorphic() -> None:
    def solved(z: Any) -> Any:
        return root(lambda x, z: x * np.conj(x) * x - z, 1.0 + 1j, (z,))

    z = 2.0 + 1j
    assert abs(abs(solved(z)) ** 2 * solved(z) - z) < 1e-12
    assert pb.testing.gradcheck(solved, z)


def test_complex_unknowns_of_a_holomorphic_function() -> None:
    found = pb.grad(lambda a: root(lambda x, a: x**2 - a, 1.0 + 1j, (a,)), holomorphic=True)(2.0 + 1j)
    np.testing.assert_allclose(found, pb.grad(np.sqrt, holomorphic=True)(2.0 + 1j), rtol=1e-12)


def test_single_precision() -> None:
    x0, a, b = np.ones(3, np.float32), A.astype(np.float32), B.astype(np.float32)
    x, pull = pb.vjp(lambda a, b: root(cubic, x0, (a, b)), a, b)
    bars = pull(np.ones(3, np.float32))
    assert [x.dtype, *(bar.dtype for bar in bars)] == [np.float32] * 3
    np.testing.assert_allclose(bars[1], 1 / (3 * x**2 + A), rtol=1e-5)


def test_the_start_has_no_derivative() -> None:
    with pytest.warns(pb.DependenceWarning):
        assert pb.grad(lambda s: root(lambda x, a: x**2 - a, s, (4.0,)))(1.0) == 0.0


def test_nothing_tracked_is_just_scipy() -> None:
    np.testing.assert_allclose(root(lambda x: x**2 - 2, 1.0), np.sqrt(2), rtol=1e-13)
    assert root(lambda x: x, np.zeros(0)).shape == (0,)


@pytest.mark.parametrize("method", ["hybr", "lm", "broyden1", "krylov", "df-sane"])
def test_methods_of_scipy(method: str) -> None:
    ours = pb.grad(lambda b: np.sum(root(cubic, np.ones(3), (A, b), method=method, tol=1e-11)))(B)
    x = root(cubic, np.ones(3), (A, B))
    np.testing.assert_allclose(ours, 1 / (3 * x**2 + A), rtol=1e-8)


def test_many_unknowns_by_products() -> None:
    """300 unknowns: the Poisson equation with a cubic term, whose matrix is never made for the derivative."""
    n = 300

    def f(x: Any, b: Any) -> Any:
        left, right = np.concatenate([np.zeros(1), x[:-1]]), np.concatenate([x[1:], np.zeros(1)])
        return 3 * x - left - right + x**3 - b

    b = np.sin(np.arange(n))
    x = root(f, np.zeros(n), (b,))
    matrix = np.diag(3 + 3 * x**2) - np.eye(n, k=1) - np.eye(n, k=-1)
    ours = pb.grad(lambda b: np.sum(root(f, np.zeros(n), (b,))))(b)
    np.testing.assert_allclose(ours, np.linalg.solve(matrix, np.ones(n)), rtol=1e-8)


@given(st.lists(st.floats(0.1, 5), min_size=1, max_size=4), st.booleans())
def test_any_size_at_random(b: list[float], dense: bool) -> None:
    rhs = np.array(b)
    ours = pb.grad(lambda r: np.sum(root(cubic, rhs, (2.0, r), linear=LINEAR[not dense])))(rhs)
    x = root(cubic, rhs, (2.0, rhs))
    np.testing.assert_allclose(ours, 1 / (3 * x**2 + 2), rtol=1e-9)


# -- errors ---------------------------------------------------------------------------------------------


def test_no_solution() -> None:
    with pytest.raises(ConvergenceError, match=r"(?s)has not converged.*residual of.*instead: start closer"):
        root(lambda x: x**2 + 1, 1.0)


@pytest.mark.parametrize("linear", LINEAR)
def test_a_singular_jacobian(linear: str) -> None:
    def f(x: Any, a: Any) -> Any:
        return np.stack([x[0] + x[1] - a, 2 * (x[0] + x[1] - a)])

    assert np.sum(root(f, np.zeros(2), (3.0,), method="lm")) == pytest.approx(3.0)
    with pytest.raises((NotDifferentiableError, ConvergenceError), match="singular"):
        pb.grad(lambda a: root(f, np.zeros(2), (a,), method="lm", linear=linear)[0])(3.0)


def test_a_double_root() -> None:
    with pytest.raises((NotDifferentiableError, ConvergenceError)):
        pb.grad(lambda a: root(lambda x, a: (x - a) ** 3, 1.0, (a,), tol=1e-5))(1.0)


@pytest.mark.parametrize("start", [0.5, 0.9, 3.0])
@pytest.mark.parametrize("power", [2, 3])
def test_a_solution_beside_a_double_root(start: float, power: int) -> None:
    """Rounding stops the solver where the Jacobian is small and not zero, and the derivative is infinite."""
    with pytest.raises(NotDifferentiableError, match="singular"):
        pb.grad(lambda b: root(lambda x, b: (x - 1) ** power - b, start, (b,)))(0.0)


def test_units_that_make_a_jacobian_large_or_small_are_no_singularity() -> None:
    for unit in (1e-20, 1e-3, 1e20):
        found = pb.grad(lambda b, unit=unit: root(lambda x, b: (x / unit) ** 2 - b, unit, (b,)))(4.0)
        assert found == pytest.approx(unit / 4)


def test_a_closure_over_what_is_tracked() -> None:
    with pytest.raises(UnsupportedError, match=r"(?s)closes over a tracked value.*pass the value in args"):
        pb.grad(lambda a: root(lambda x: x**2 - a, 1.0))(4.0)
    with pytest.raises(UnsupportedError, match="closes over"):
        pb.grad(lambda a: root(lambda x, b: x**2 - a * b, 1.0, (a,)))(4.0)


def test_outside_the_domain() -> None:
    with np.errstate(invalid="ignore"), pytest.raises(NotDifferentiableError, match="NaN"):
        root(np.sqrt, -1.0)


@pytest.mark.parametrize(
    ("f", "x0", "match"),
    [
        (lambda x: x[:1], np.ones(2), "not in the form of x0"),
        (lambda x: (x, x), np.ones(2), "not in the form of x0"),
        (lambda x: x * 1j, np.ones(2), "complex where x0 is real"),
    ],
)
def test_equations_in_another_form(f: Any, x0: Any, match: str) -> None:
    with pytest.raises(ShapeError, match=match):
        root(f, x0)


def test_an_unknown_way() -> None:
    with pytest.raises(UnsupportedError, match="linear='lu'"):
        root(lambda x: x, 1.0, linear="lu")
