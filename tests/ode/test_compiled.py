"""`pb.ode.solve` inlined into compiled source: the same steps, and the same derivatives."""

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import pullback as pb
from pullback.base.errors import ConvergenceError, ShapeError, UnsupportedError

P, Y0, T = np.array([1.0, 0.1, 1.5, 0.075]), np.array([10.0, 5.0]), np.linspace(0.0, 4.0, 5)


def predators(t: Any, y: Any, p: Any) -> Any:
    return np.stack([p[0] * y[0] - p[1] * y[0] * y[1], -p[2] * y[1] + p[3] * y[0] * y[1]])


def by_rk4(y0: Any, t: Any, p: Any) -> Any:
    return np.sum(np.sin(pb.ode.solve(predators, y0, t, (p,), method="rk4", steps=20)))


def by_rk4_at_the_end(y0: Any, t: Any, p: Any) -> Any:
    return np.sum(np.sin(pb.ode.solve(predators, y0, t, (p,), method="rk4", steps=20, final=True)))


def by_dopri5(y0: Any, t: Any, p: Any) -> Any:
    return np.sum(np.sin(pb.ode.solve(predators, y0, t, (p,), rtol=1e-7)))


def by_dopri5_at_the_end(y0: Any, t: Any, p: Any) -> Any:
    return np.sum(np.sin(pb.ode.solve(predators, y0, t, (p,), rtol=1e-7, final=True)))


@pytest.mark.parametrize(
    "program", [by_rk4, by_rk4_at_the_end, by_dopri5, by_dopri5_at_the_end], ids=lambda f: f.__name__
)
def test_against_the_tape(program: Any) -> None:
    compiled = pb.compile(program)
    np.testing.assert_allclose(compiled(Y0, T, P), program(Y0, T, P), rtol=1e-10)
    ours = pb.grad(compiled, argnums=(0, 1, 2))(Y0, T, P)
    for a, b in zip(ours, pb.grad(program, argnums=(0, 1, 2))(Y0, T, P), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9)


def test_complex_matrices_backwards_in_time() -> None:
    def program(h: Any, y0: Any) -> Any:
        u = pb.ode.solve(
            lambda t, u, h: -1j * (h @ u), y0, np.array([1.0, 0.0]), (h,), method="rk4", final=True
        )
        return np.sum(np.abs(u[0]) ** 4)

    h, y0 = np.array([[1.0, 0.5j], [-0.5j, -1.0]]), np.eye(2) + 0j
    compiled = pb.compile(program)
    for a, b in zip(pb.grad(compiled, (0, 1))(h, y0), pb.grad(program, (0, 1))(h, y0), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_the_adjoint_of_adaptive_steps_is_that_of_constants() -> None:
    """At a coarse tolerance a derivative through the control of the steps would differ."""

    def program(p: Any) -> Any:
        return np.sum(pb.ode.solve(predators, Y0, T, (p,), rtol=1e-2, atol=1e-3, final=True))

    np.testing.assert_allclose(pb.grad(pb.compile(program))(P), pb.grad(program)(P), rtol=1e-9)


def test_too_many_steps_is_an_error_in_compiled_source_too() -> None:
    def program(k: Any) -> Any:
        return pb.ode.solve(
            lambda t, y, k: -k * y, np.ones(1), np.array([0.0, 10.0]), (k,), max_steps=5, final=True
        )[0]

    with pytest.raises(RuntimeError, match="max_steps"):
        pb.compile(program)(1e5)


@pytest.mark.parametrize("options", [{"events": len}, {"gradient": "adjoint"}])
def test_what_is_not_compiled(options: Any) -> None:
    def program(y0: Any) -> Any:
        return np.sum(pb.ode.solve(lambda t, y: -y, y0, np.array([0.0, 1.0]), **options))

    with pytest.raises(UnsupportedError, match="in compiled source with"):
        pb.compile(program)(Y0)


def test_scipys_solvers_in_compiled_source_point_here() -> None:
    def program(k: Any) -> Any:
        return solve_ivp(lambda t, y: -k * y, (0, 1), np.ones(1)).y[0, -1]

    with pytest.raises(UnsupportedError, match=r"call pb\.ode\.solve"):
        pb.compile(program)(2.0)


def test_a_number_as_the_state() -> None:
    with pytest.raises(UnsupportedError, match="an array of at least one axis"):
        pb.compile(lambda y0: pb.ode.solve(lambda t, y: -y, y0, np.array([0.0, 1.0]), final=True))(1.0)


@pytest.mark.parametrize("options", [{}, {"method": "rk4"}])
def test_times_out_of_order(options: Any) -> None:
    @pb.compile(jit=False)
    def end(y: Any, t: Any) -> Any:
        return np.sum(pb.ode.solve(lambda t, y: -y, y, t, **options))

    for t in ([0.0, 1.0, 0.5], [0.0, 0.0], [0.0, np.nan]):
        with pytest.raises(ValueError, match="not in order"):
            pb.grad(end)(np.ones(2), np.array(t))


@pytest.mark.parametrize("options", [{}, {"method": "rk4"}])
@pytest.mark.parametrize("final", [False, True])
def test_a_single_time(options: Any, final: bool) -> None:
    def program(y0: Any, t: Any) -> Any:
        return np.sum(pb.ode.solve(lambda t, y: -y, y0, t, final=final, **options))

    for t, what in ((np.array([0.5]), "one time"), (0.5, "a float known at run time")):
        for run in (pb.compile(program, jit=False), pb.grad(pb.compile(program, jit=False))):
            with pytest.raises(UnsupportedError, match=f"pb.ode.solve with {what} as t") as error:
                run(Y0, t)
            assert "the first of them that of y0" in (error.value.why or "")
            assert "at least two times" in (error.value.remedy or "")
            assert "pb.ode.solve(lambda t, y: -y, y0, t" in str(error.value)
    with pytest.raises(ShapeError, match=r"(?s)less than two times.*that of y0.*at least two times"):
        pb.compile(program, jit=False)(Y0, np.zeros(0))


@pytest.mark.parametrize("jit", [False, True])
def test_a_solution_that_grows_beyond_all_bounds(jit: bool) -> None:
    def program(y0: Any, t: Any) -> Any:
        return np.sum(pb.ode.solve(lambda t, y: 1e3 * y**3, y0, t, method="rk4", steps=10))

    t = np.linspace(0.0, 1.0, 3)
    for run in (pb.compile(program, jit=jit), pb.grad(pb.compile(program, jit=jit))):
        with (
            np.errstate(all="ignore"),
            pytest.raises(ConvergenceError, match=r"(?s)not finite.*too long to be stable.*more steps"),
        ):
            run(Y0, t)
    assert np.isfinite(pb.grad(pb.compile(program, jit=jit))(1e-3 * Y0, t)).all()
