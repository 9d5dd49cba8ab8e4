"""Derivatives inside programs that are differentiated: what no list of plain NumPy programs can say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from run import close, differences

import pullback as pb

X = np.array([0.4, -0.7, 1.1])
A = np.array([[1.4, 0.3, -0.2], [0.1, 1.1, 0.5], [-0.3, 0.2, 0.9]])


def energy(x: Any, scale: Any = 1.0) -> Any:
    return np.sum(np.cos(scale * x)) * np.prod(x + 1.5) + np.sum(x**4)


def gradient_penalty(x: Any) -> Any:
    """A gradient in a loss."""
    return np.sum(pb.grad(energy)(x) ** 2)


def forward_penalty(x: Any) -> Any:
    """A Jacobian in forward mode in a loss."""
    return np.sum(pb.jacobian(lambda y: np.sin(y) * np.sum(y), mode="forward")(x) ** 2)


def reverse_penalty(x: Any) -> Any:
    """The same in reverse mode."""
    return np.sum(pb.jacobian(lambda y: np.sin(y) * np.sum(y), mode="reverse")(x) ** 2)


def newton_step(x: Any) -> Any:
    """A Hessian, solved with."""
    step = np.linalg.solve(pb.hessian(energy)(x) + 20.0 * np.eye(3), pb.grad(energy)(x))
    return energy(x - step)


def descent(x: Any) -> Any:
    """Steps along gradients, their rate and scale differentiated, too."""
    y = np.zeros(3) + x
    for k in range(3):
        y = y - 0.05 * x[0] * pb.grad(energy)(y, x[1]) * (k + 1)
    return energy(y)


def hessian_vector(x: Any) -> Any:
    """A Hessian-vector product along the argument itself."""
    return np.sum(pb.hvp(energy, x, x) * np.sin(x))


def pulled_back(x: Any) -> Any:
    """A vjp, cotangent and primal both moving."""
    y, pull = pb.vjp(lambda z: np.tanh(A @ z), x)
    return np.sum(pull(y * x)[0] ** 2)


def pushed_forward(x: Any) -> Any:
    """A jvp, tangent and primal both moving."""
    y, y_dot = pb.jvp(lambda z: np.tanh(A @ z), (x,), (np.sin(x),))
    return np.sum(y * y_dot)


def linearized(x: Any) -> Any:
    """A linear map, applied twice."""
    push = pb.linearize(lambda z: np.tanh(A @ z), x)[1]
    return np.sum(push(push(x)) ** 2)


def lagrangian(x: Any) -> Any:
    """Equations of motion from derivatives of a Lagrangian, one of which is mixed."""

    def action(q: Any, v: Any) -> Any:
        return 0.5 * np.sum(v * v) * (1.0 + 0.1 * np.sum(q * q)) - energy(q)

    q, v = x, np.cos(x)
    by_velocity = pb.grad(action, argnums=1)
    mass = pb.jacobian(by_velocity, argnums=1)(q, v)
    mixed = pb.jacobian(by_velocity, argnums=0)(q, v)
    return np.sum(np.linalg.solve(mass, pb.grad(action)(q, v) - mixed @ v) ** 2)


def checkpointed(x: Any) -> Any:
    """A gradient through recomputation."""
    return np.sum(pb.grad(pb.checkpoint(energy))(x) ** 3)


def written_inside(x: Any) -> Any:
    """An inner gradient of a program that writes, of buffers that hold what the outer one follows."""

    def inner(y: Any) -> Any:
        z = pb.zeros((2, 3))
        z[0] = y * x
        z[1] = x
        z[:, 0] *= y[1]
        view = z[1]
        view += z[0] ** 2
        return np.sum(z**2)

    return np.sum(pb.grad(inner)(x) * np.cos(x))


def elementwise(x: Any) -> Any:
    """Derivatives entry by entry, twice."""
    return np.sum(pb.elementwise_grad(pb.elementwise_grad(lambda y: np.sin(y) * y**3))(x) ** 2)


def damped_sine(t: Any) -> Any:
    return np.sin(t) * np.exp(0.5 * t)


def loop_of_orders(x: Any) -> Any:
    """A Taylor series: as many nested derivatives as terms."""
    function: Callable[[Any], Any] = damped_sine
    total, factor = 0.0, 1.0
    for k in range(4):
        total = total + function(x[0]) * factor * x[1] ** k
        factor /= k + 1
        function = pb.grad(function)
    return total * x[2]


def differentiated_branch(x: Any) -> Any:
    """The derivative decides which way the program goes."""
    slope = pb.grad(energy)(x)
    return np.sum(np.where(slope > 0, slope**2, -0.5 * slope)) if slope[0] > -100 else energy(x)


PROGRAMS = [
    gradient_penalty,
    forward_penalty,
    reverse_penalty,
    newton_step,
    descent,
    hessian_vector,
    pulled_back,
    pushed_forward,
    linearized,
    lagrangian,
    checkpointed,
    written_inside,
    elementwise,
    loop_of_orders,
    differentiated_branch,
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_first_order(program: Callable[[Any], Any]) -> None:
    gradient = pb.grad(program)(X)
    close(gradient, differences(program, X), 1e-7)
    close(pb.jacobian(program, mode="forward")(X), gradient, 1e-11)
    close([pb.jvp(program, (X,), (e,))[1] for e in np.eye(3)], gradient, 1e-11)
    variable = pb.Variable(X)
    program(variable).backward()
    close(variable.grad, gradient, 1e-11)
    close(pb.grad(pb.checkpoint(program))(X), gradient, 1e-11)


@pytest.mark.parametrize("program", PROGRAMS)
def test_second_order(program: Callable[[Any], Any]) -> None:
    hessian = pb.hessian(program)(X)
    close(hessian, differences(pb.grad(program), X), 1e-6)
    close(pb.jacobian(pb.grad(program), mode="reverse")(X), hessian, 1e-9)
    close(pb.jacobian(pb.jacobian(program, mode="forward"), mode="forward")(X), hessian, 1e-9)
    close(pb.jacobian(pb.jacobian(program, mode="forward"), mode="reverse")(X), hessian, 1e-9)


def test_a_complex_inner_derivative() -> None:
    """Holomorphic inside, real outside, and the other way round."""

    def outer(x: Any) -> Any:
        z = x[0] + 1j * x[1]
        slope = pb.grad(lambda w: np.sin(w) * w**2 * x[2], holomorphic=True)(z)
        return np.abs(slope) ** 2

    close(pb.grad(outer)(X), differences(outer, X), 1e-7)

    def field(x: Any) -> Any:
        z = x * (1.0 + 0.5j)
        return np.sum(np.real(pb.grad(lambda w: np.sum(np.abs(w) ** 3))(z) * (0.3 - 1j)))

    close(pb.grad(field)(X), differences(field, X), 1e-7)
    close(pb.jacobian(field, mode="forward")(X), pb.grad(field)(X), 1e-11)
