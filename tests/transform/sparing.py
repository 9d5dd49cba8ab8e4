"""Comparison of compiled derivatives with those of the tape, and the two sweeps of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import pullback as pb
from pullback.transform.adjoint import adjoint

rng = np.random.default_rng(0)


def sweeps(function: Callable[..., Any], *arguments: Any) -> tuple[Any, Any]:
    """The program that is differentiated, and its adjoint."""
    compiled = pb.compile(function, jit=False)
    program = compiled.specialise(arguments, {})[1].pure.program
    return program, adjoint(program, (0, 1), (0,))


def stays_exact(function: Callable[..., Any], x: np.ndarray, v: np.ndarray, *rest: Any) -> None:
    """Compare value, gradient and two ways to the second derivative with those of the tape."""
    compiled = pb.compile(function, jit=False)
    dots = rng.normal(size=x.shape), rng.normal(size=v.shape)

    def gradient(f):
        # The term lets all depend on an argument where no loop runs.
        return pb.grad(lambda x, v: f(x, v, *rest) + np.sum(v * v), argnums=(0, 1))

    def slope(f):
        def along(x, v):
            return sum(np.sum(g * d) for g, d in zip(gradient(f)(x, v), dots, strict=True))

        return along

    value, found = pb.value_and_grad(compiled, argnums=(0, 1))(x, v, *rest)
    assert value == compiled(x, v, *rest)
    expected = gradient(function)(x, v)
    second, wanted = (pb.grad(slope(f), argnums=(0, 1))(x, v) for f in (compiled, function))
    _, forward = pb.jvp(slope(compiled), (x, v), dots)
    for ours, theirs in zip((found[0], found[1] + 2.0 * v, *second), (*expected, *wanted), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    again = sum(np.sum(g * d) for g, d in zip(wanted, dots, strict=True))
    np.testing.assert_allclose(forward, again, rtol=1e-9, atol=1e-12)
