"""Gradients of contractions and of solutions beside those of PyTorch and JAX."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
import torch
from jax.experimental.ode import odeint

import pullback as pb

NETWORKS = {
    "ab,bc,cd,da->": [(2, 3), (3, 4), (4, 2), (2, 2)],
    "apc,bpd,ab->cd": [(2, 3, 4), (5, 3, 2), (2, 5)],
    "ai,bi,ci->abc": [(2, 3), (3, 3), (4, 3)],
    "iij,jk,kl->il": [(2, 2, 3), (3, 4), (4, 2)],
    "...ij,...jk,kl->...il": [(5, 2, 3), (5, 3, 4), (4, 2)],
}


def drawn(shape: tuple[int, ...], seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


@pytest.mark.parametrize("subscripts", NETWORKS)
def test_contractions(subscripts: str) -> None:
    tensors = [drawn(shape, seed) for seed, shape in enumerate(NETWORKS[subscripts])]
    y, pull = pb.vjp(lambda *xs: pb.contract(subscripts, *xs), *tensors)
    y_bar = drawn(np.shape(y), 9)
    ours = pull(y_bar)
    theirs = [torch.tensor(x, requires_grad=True) for x in tensors]
    torch.einsum(subscripts, *theirs).backward(torch.tensor(y_bar))
    _, jax_pull = jax.vjp(lambda *xs: jax.numpy.einsum(subscripts, *xs), *tensors)
    for a, b, c in zip(ours, theirs, jax_pull(jax.numpy.asarray(np.conj(y_bar))), strict=True):
        assert b.grad is not None
        np.testing.assert_allclose(a, b.grad.numpy(), rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(a, np.conj(c), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("way", ["steps", "adjoint", "forward"])
def test_differential_equations(way: str) -> None:
    t, y0, p = np.linspace(0, 2, 4), np.array([1.0, 0.5]), np.array([1.2, 0.3])

    def pendulum(xp: Any) -> Any:
        return lambda y, p: xp.stack([y[1], -p[0] * xp.sin(y[0]) - p[1] * y[1]])

    def ours(y0: Any, p: Any) -> Any:
        f = pendulum(np)
        return np.sum(
            pb.ode.solve(lambda t, y, p: f(y, p), y0, t, (p,), rtol=1e-9, atol=1e-10, gradient=way) ** 2
        )

    def theirs(y0: Any, p: Any) -> Any:
        f = pendulum(jax.numpy)
        return jax.numpy.sum(odeint(lambda y, t, p: f(y, p), y0, t, p, rtol=1e-10, atol=1e-10) ** 2)

    for a, b in zip(pb.grad(ours, (0, 1))(y0, p), jax.grad(theirs, (0, 1))(y0, p), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_roots_beside_newton_steps_of_jax() -> None:
    w, b = np.random.default_rng(0).standard_normal((4, 4)) * 0.3, np.arange(4.0)

    def ours(w: Any, b: Any) -> Any:
        return np.sum(pb.implicit.root(lambda x, w, b: x + np.tanh(w @ x) - b, np.zeros(4), (w, b)) ** 2)

    def theirs(w: Any, b: Any) -> Any:
        def f(x: Any) -> Any:
            return x + jax.numpy.tanh(w @ x) - b

        x = jax.numpy.zeros(4)
        for _ in range(8):
            x = x - jax.numpy.linalg.solve(jax.jacobian(f)(x), f(x))
        return jax.numpy.sum(x**2)

    for a, c in zip(pb.grad(ours, (0, 1))(w, b), jax.grad(theirs, (0, 1))(w, b), strict=True):
        np.testing.assert_allclose(a, c, rtol=1e-9, atol=1e-12)
