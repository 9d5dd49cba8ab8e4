"""Initial value problems: solutions, derivatives three ways, and equations that have none."""

import itertools
import tracemalloc
from typing import Any

import numpy as np
import pytest
from scipy import integrate
from scipy.integrate import solve_ivp

import pullback as pb
from pullback.base.errors import ShapeError, UnsupportedError
from pullback.ode import ConvergenceError, solve
from pullback.ode.mesh import adaptive

WAYS = ["steps", "adjoint", "forward"]
METHODS: list[dict[str, Any]] = [
    {"method": "dopri5", "rtol": 1e-8, "atol": 1e-10},
    {"method": "rk4", "steps": 24},
]


def predators(t: Any, y: Any, p: Any) -> Any:
    return np.stack([p[0] * y[0] - p[1] * y[0] * y[1], -p[2] * y[1] + p[3] * y[0] * y[1]])


P, Y0, T = np.array([1.0, 0.1, 1.5, 0.075]), np.array([10.0, 5.0]), np.linspace(0.0, 2.0, 3)


def oscillator(t: Any, y: Any, k: Any) -> Any:
    return np.stack([y[1], -k * y[0]])


# -- values ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", METHODS, ids=lambda o: o["method"])
def test_against_scipy(options: Any) -> None:
    wanted = solve_ivp(lambda t, y: predators(t, y, P), (0, 2), Y0, rtol=1e-12, atol=1e-12, t_eval=T).y.T
    np.testing.assert_allclose(solve(predators, Y0, T, (P,), **options), wanted, rtol=2e-6)
    np.testing.assert_allclose(solve(predators, Y0, T, (P,), final=True, **options), wanted[-1], rtol=2e-6)


@pytest.mark.parametrize("options", METHODS, ids=lambda o: o["method"])
def test_backwards_in_time(options: Any) -> None:
    end = solve(predators, Y0, T, (P,), final=True, **options)
    np.testing.assert_allclose(solve(predators, end, T[::-1], (P,), final=True, **options), Y0, rtol=1e-5)


def test_the_order_of_the_methods() -> None:
    """Halving the step divides the error by 2 to the order."""
    exact = np.array([np.cos(2.0), -np.sin(2.0)])

    def error(steps: int) -> Any:
        y = solve(oscillator, np.array([1.0, 0.0]), [0.0, 2.0], (1.0,), method="rk4", steps=steps, final=True)
        return np.max(np.abs(y - exact))

    assert 14 < error(20) / error(40) < 18


@pytest.mark.parametrize("rtol", [1e-4, 1e-7, 1e-10])
def test_the_tolerance_is_kept(rtol: float) -> None:
    t = np.linspace(0, 10, 37)
    y = solve(oscillator, np.array([1.0, 0.0]), t, (1.0,), rtol=rtol, atol=rtol)
    assert np.max(np.abs(y[:, 0] - np.cos(t))) < 30 * rtol


def test_numbers_lists_and_whole_numbers() -> None:
    assert abs(solve(lambda t, y: -y, 1, (0, 1), final=True) - np.exp(-1)) < 1e-6
    np.testing.assert_allclose(solve(lambda t, y: [y[1], -y[0]], [1.0, 0.0], [0.0, 1.0])[0].shape, (2,))
    y = solve(lambda t, y: [y[1], -y[0]], np.array([1, 0]), [0.0, 1.0], final=True)
    np.testing.assert_allclose(y, [np.cos(1), -np.sin(1)], rtol=1e-5)


@pytest.mark.parametrize("method", ["dopri5", "rk4"])
@pytest.mark.parametrize("way", WAYS)
def test_a_state_without_entries(method: str, way: str) -> None:
    def states(k: Any, y0: Any) -> Any:
        return solve(lambda t, y, k: -k * y, y0, [0.0, 0.5, 1.0], (k,), method=method, gradient=way)

    y0 = np.zeros((2, 0))
    assert states(2.0, y0).shape == (3, 2, 0)
    assert pb.grad(lambda k: np.sum(states(k, y0)))(2.0) == 0
    assert pb.grad(lambda y0: np.sum(states(2.0, y0)))(y0).shape == (2, 0)
    compiled = pb.compile(
        lambda k, y0: np.sum(solve(lambda t, y, k: -k * y, y0, np.array([0.0, 1.0]), (k,), method=method)),
        jit=False,
    )
    assert pb.grad(compiled)(2.0, y0) == 0


def test_numbers_in_a_list_stay_numbers() -> None:
    y = solve(lambda t, y: [y[1], -y[0]], [1.0, 0.0], [0.0, 1.0], final=True)
    assert [type(part) for part in y] == [np.float64, np.float64]


def test_scipy_given_what_is_tracked_points_here() -> None:
    for program in (
        lambda a: solve_ivp(lambda t, y: -a * y, (0, 1), np.ones(1)).y[0, -1],
        lambda a: integrate.odeint(lambda y, t: -a * y, np.ones(1), [0.0, 1.0])[-1, 0],
        lambda a: solve_ivp(lambda t, y: -y, (0, 1), a * np.ones(1)).y[0, -1],
        lambda a: solve_ivp(lambda t, y: -y, (0, a), np.ones(1)).y[0, -1],
    ):
        with pytest.raises(UnsupportedError, match=r"call pb\.ode\.solve"):
            pb.grad(program)(2.0)


# -- derivatives ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("options", METHODS, ids=lambda o: o["method"])
def test_the_oscillator_has_a_formula(options: Any, way: str) -> None:
    def end(a: Any, k: Any, t1: Any) -> Any:
        y0 = np.stack([a, 0.0 * a])
        return solve(oscillator, y0, [0.0, t1], (k,), final=True, gradient=way, **options)[0]

    a, k, t1 = 1.5, 2.0, 1.7
    w = np.sqrt(k)
    ours = pb.grad(end, argnums=(0, 1, 2))(a, k, t1)
    wanted = (np.cos(w * t1), -a * t1 * np.sin(w * t1) / (2 * w), -a * w * np.sin(w * t1))
    np.testing.assert_allclose(ours, wanted, rtol=1e-5)
    tangents = [pb.jvp(end, (a, k, t1), tuple(np.eye(3)[i]))[1] for i in range(3)]
    np.testing.assert_allclose(tangents, ours, rtol=1e-11)


@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("options", METHODS, ids=lambda o: o["method"])
def test_all_ways_give_the_same_numbers(options: Any, final: bool) -> None:
    def loss(y0: Any, t: Any, p: Any, way: str) -> Any:
        return np.sum(np.sin(solve(predators, y0, t, (p,), final=final, gradient=way, **options)))

    first, *others = (pb.grad(loss, argnums=(0, 1, 2))(Y0, T, P, way) for way in WAYS)
    for other in others:
        for a, b in zip(other, first, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("way", WAYS)
def test_fixed_steps_against_finite_differences(way: str) -> None:
    """The derivative is that of the discrete solution, however coarse it is, to second order."""

    def f(y0: Any, p: Any, t: Any) -> Any:
        return solve(predators, y0, t, (p,), method="rk4", steps=2, gradient=way)

    assert pb.testing.gradcheck(f, Y0 / 10, P, T[:3])


@pytest.mark.parametrize("way", WAYS)
def test_adaptive_steps_are_constants(way: str) -> None:
    """Against finite differences of a solution on the very same steps, at a tolerance where it shows."""
    t = np.array([0.0, 0.7, 1.9, 2.5])
    mesh = adaptive(predators, Y0, list(t), (P,), 1e-2, 1e-4, 1000).steps

    def frozen(y0: Any, p: Any) -> Any:
        from pullback.ode.replay import through
        from pullback.ode.state import State

        return np.stack(through("dopri5", State(y0, predators), mesh, t, y0, (p,), final=False)[1])

    v = np.random.default_rng(0).standard_normal((3, 2))
    ours = pb.vjp(lambda y0, p: solve(predators, y0, t, (p,), rtol=1e-2, atol=1e-4, gradient=way)[1:], Y0, P)[
        1
    ](v)
    h = 1e-6
    for i, direction in enumerate(np.eye(6)):
        dy, dp = direction[:2], direction[2:]
        slope = np.sum(v * (frozen(Y0 + h * dy, P + h * dp) - frozen(Y0 - h * dy, P - h * dp))) / (2 * h)
        np.testing.assert_allclose(np.concatenate(ours)[i], slope, rtol=1e-6, atol=1e-6)


def test_sensitivities_of_predators_and_prey_against_the_variational_equation() -> None:
    def both(t: Any, z: Any) -> Any:
        y, s = z[:2], z[2:].reshape(2, 4)
        by_y = np.array([[P[0] - P[1] * y[1], -P[1] * y[0]], [P[3] * y[1], -P[2] + P[3] * y[0]]])
        by_p = np.array([[y[0], -y[0] * y[1], 0, 0], [0, 0, -y[1], y[0] * y[1]]])
        return np.concatenate([predators(t, y, P), (by_y @ s + by_p).ravel()])

    wanted = solve_ivp(both, (0, 2), np.concatenate([Y0, np.zeros(8)]), rtol=1e-11, atol=1e-11).y[2:, -1]
    for mode in ("forward", "reverse"):
        ours = pb.jacobian(
            lambda p: solve(predators, Y0, T, (p,), final=True, rtol=1e-10, atol=1e-10), mode=mode
        )(P)
        np.testing.assert_allclose(ours, wanted.reshape(2, 4), rtol=1e-6)


@pytest.mark.parametrize("way", WAYS)
def test_second_order(way: str) -> None:
    """The curvature of exp(k t) in k."""

    def end(k: Any) -> Any:
        return solve(
            lambda t, y, k: k * y, np.ones(1), [0.0, 1.0], (k,), final=True, rtol=1e-10, gradient=way
        )[0]

    np.testing.assert_allclose(pb.grad(pb.grad(end))(0.7), np.exp(0.7), rtol=1e-7)


@pytest.mark.parametrize("way", WAYS)
def test_complex_states(way: str) -> None:
    """Rabi's two levels: the derivative of an occupation by the strength and by a complex start."""

    def schroedinger(t: Any, psi: Any, g: Any) -> Any:
        h = np.stack([np.stack([0.5 + 0 * g, g]), np.stack([g, -0.5 + 0 * g])])
        return -1j * (h @ psi)

    def occupied(psi: Any, g: Any) -> Any:
        end = solve(schroedinger, psi, [0.0, 1.3], (g,), final=True, rtol=1e-9, atol=1e-10, gradient=way)
        return np.abs(end[1]) ** 2

    g = 0.8
    w = np.sqrt(0.25 + g**2)

    def formula(g: Any) -> Any:
        w = np.sqrt(0.25 + g**2)
        return g**2 / w**2 * np.sin(1.3 * w) ** 2

    psi = np.array([1.0 + 0j, 0.0])
    np.testing.assert_allclose(occupied(psi, g), formula(g), rtol=1e-7)
    np.testing.assert_allclose(pb.grad(occupied, argnums=1)(psi, g), pb.grad(formula)(g), rtol=1e-6)
    u = np.cos(1.3 * w) * np.eye(2) - 1j * np.sin(1.3 * w) / w * np.array([[0.5, g], [g, -0.5]])
    np.testing.assert_allclose(pb.grad(occupied)(psi, g), 2 * np.conj(u[1]) * (u[1] @ psi), atol=1e-6)


@pytest.mark.parametrize("way", WAYS)
def test_pytrees(way: str) -> None:
    def f(t: Any, y: Any, p: Any) -> Any:
        return {"x": y["v"], "v": -p["k"] * y["x"], "z": 1j * y["z"]}

    def out(x: Any, k: Any) -> Any:
        y0 = {"x": x, "v": np.zeros((1, 2)), "z": np.ones(1, complex)}
        return solve(f, y0, [0.0, 0.5, 1.0], ({"k": k},), method="rk4", steps=4, gradient=way)

    x = np.ones((1, 2))
    y = out(x, 2.0)
    assert {key: (leaf.shape, leaf.dtype) for key, leaf in y.items()} == {
        "x": ((3, 1, 2), float), "v": ((3, 1, 2), float), "z": ((3, 1), complex)
    }  # fmt: skip
    np.testing.assert_allclose(y["z"][:, 0], np.exp([0, 0.5j, 1j]), rtol=1e-5)
    assert pb.testing.gradcheck(lambda x, k: out(x, k)["v"], x, 2.0)


def test_single_precision() -> None:
    y0, k = np.array([1.0, 0.0], np.float32), np.float32(2.0)
    for way in WAYS:
        y, pull = pb.vjp(
            lambda y0, k, w=way: solve(oscillator, y0, [0.0, 1.0], (k,), rtol=1e-4, gradient=w), y0, k
        )
        assert [y.dtype, *(bar.dtype for bar in pull(y))] == [np.float32] * 3


def test_a_closure_is_followed_where_steps_are_recorded() -> None:
    def end(k: Any, way: str) -> Any:
        return solve(lambda t, y: -k * y, 1.0, [0.0, 1.0], rtol=1e-9, final=True, gradient=way)

    np.testing.assert_allclose(pb.grad(end)(2.0, "steps"), -np.exp(-2.0), rtol=1e-7)
    for way, method in itertools.product(("adjoint", "forward"), ("dopri5", "rk4")):
        with pytest.raises(UnsupportedError, match=r"(?s)ode.solve: .*closes over.*gradient='steps'"):
            pb.grad(
                lambda k, w=way, m=method: solve(
                    lambda t, y, a: -k * a * y, 1.0, [0.0, 1.0], (k,), final=True, gradient=w, method=m
                )
            )(2.0)


def test_a_compiled_function() -> None:
    compiled = pb.compile(predators)
    ours = pb.grad(lambda p: np.sum(solve(compiled, Y0, T, (p,))))(P)
    np.testing.assert_allclose(ours, pb.grad(lambda p: np.sum(solve(predators, Y0, T, (p,))))(P), rtol=1e-10)


def test_the_adjoint_keeps_less() -> None:
    y0 = np.ones(20_000)

    def loss(k: Any, way: str) -> Any:
        end = solve(
            lambda t, y, k: -k * y + np.sin(y),
            y0,
            [0.0, 1.0],
            (k,),
            method="rk4",
            steps=64,
            final=True,
            gradient=way,
        )
        return np.sum(end)

    peaks, found = {}, {}
    for way in WAYS:
        tracemalloc.start()
        found[way] = pb.grad(loss)(1.0, way)
        peaks[way] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    np.testing.assert_allclose([found["adjoint"], found["forward"]], found["steps"], rtol=1e-11)
    assert peaks["adjoint"] < peaks["steps"] / 8
    assert peaks["forward"] < peaks["adjoint"]


# -- errors ---------------------------------------------------------------------------------------------


def test_a_solution_that_ends_before_the_time() -> None:
    with pytest.raises(ConvergenceError, match=r"(?s)too small at t = 1.*singular"):
        solve(lambda t, y: y**2, 1.0, [0.0, 2.0])


def test_too_many_steps() -> None:
    with pytest.raises(ConvergenceError, match=r"(?s)more than max_steps=50 steps.*stiff.*pb.implicit.root"):
        solve(lambda t, y: -1e5 * (y - np.cos(t)), 0.0, [0.0, 10.0], max_steps=50)


def test_a_function_that_is_not_finite() -> None:
    with np.errstate(all="ignore"):
        with pytest.raises(ConvergenceError, match="not finite at the start"):
            solve(lambda t, y: np.log(y), np.array([-1.0]), [0.0, 1.0])
        with pytest.raises(ConvergenceError, match="not finite"):
            solve(lambda t, y: 1e3 * y**2, np.ones(1), [0.0, 9.0], method="rk4")


@pytest.mark.parametrize("t", [[0.0], [0.0, 1.0, 0.5], [0.0, 0.0], 1.0, np.ones((2, 2))])
def test_times_that_are_none(t: Any) -> None:
    with pytest.raises(ShapeError, match="at least two times"):
        solve(lambda t, y: -y, 1.0, t)


@pytest.mark.parametrize(
    ("f", "y0", "match"),
    [
        (lambda t, y: y[:1], np.ones(2), "another form than that of y0"),
        (lambda t, y: (y, y), {"a": 1.0}, "another form"),
        (lambda t, y: 1j * y, np.ones(2), "complex where y0 is real"),
    ],
)
def test_slopes_in_another_form(f: Any, y0: Any, match: str) -> None:
    with pytest.raises(ShapeError, match=match):
        solve(f, y0, [0.0, 1.0])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"events": lambda t, y: y}, r"(?s)events=.*because the time of an event moves.*pb.implicit.root"),
        ({"method": "LSODA"}, "method='LSODA' is none"),
        ({"gradient": "backsolve"}, "gradient='backsolve' is none"),
        ({"method": "rk4", "steps": 0}, "at least one step"),
        ({"rtol": 0.0, "atol": 0.0}, r"rtol=0.0 and atol=0.0"),
        ({"rtol": -1e-3}, r"rtol=-0.001"),
        ({"atol": float("nan")}, r"atol=nan"),
        ({"rtol": pb.Variable(1e-3)}, "no derivative by rtol"),
    ],
)
def test_options_that_are_none(options: Any, match: str) -> None:
    with pytest.raises(UnsupportedError, match=match):
        solve(lambda t, y: -y, 1.0, [0.0, 1.0], **options)
