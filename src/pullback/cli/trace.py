"""The thread's benchmark: tr(x1 @ x2) with its gradients, next to NumPy by hand and to every peer installed.

All of them are timed in turn, round by round, so that what else the machine does falls on each alike; a
figure is the least time of a call over the rounds. Peers are looked up by name when this runs: the
package depends on none of them.
"""

from __future__ import annotations

import importlib
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import pullback as pb

Gradient = Callable[[], tuple[Any, Any]]


@dataclass
class Timing:
    """One contender: seconds a call, and how far its gradient is from the hand-written one."""

    name: str
    seconds: float
    difference: float


def by_hand(x1: Any, x2: Any) -> Gradient:
    """What one writes without a tool, the trace included."""

    def gradient() -> tuple[Any, Any]:
        z = x1 @ x2
        np.trace(z)
        z_bar = np.eye(len(z))
        return z_bar @ x2.T, x1.T @ z_bar

    return gradient


def by_backward(x1: Any, x2: Any) -> Gradient:
    """Our tape: Variables, NumPy, backward."""

    def gradient() -> tuple[Any, Any]:
        a: Any = pb.Variable(x1)
        b: Any = pb.Variable(x2)
        np.trace(a @ b).backward()
        return a.grad, b.grad

    return gradient


def by_grad(x1: Any, x2: Any) -> Gradient:
    """Our transform."""
    gradient = pb.grad(lambda a, b: np.trace(a @ b), argnums=(0, 1))
    return lambda: gradient(x1, x2)


def by_torch(x1: Any, x2: Any) -> Gradient:
    """PyTorch, eager."""
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)
    first, second = torch.from_numpy(x1), torch.from_numpy(x2)

    def gradient() -> tuple[Any, Any]:
        a, b = first.detach().requires_grad_(), second.detach().requires_grad_()
        torch.trace(a @ b).backward()
        return a.grad.numpy(), b.grad.numpy()

    return gradient


def by_jax(x1: Any, x2: Any) -> Gradient:
    """JAX, compiled: its compilation is done before the clock starts."""
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    compiled = jax.jit(jax.grad(lambda a, b: jax.numpy.trace(a @ b), argnums=(0, 1)))
    first, second = jax.numpy.asarray(x1), jax.numpy.asarray(x2)
    return lambda: jax.block_until_ready(compiled(first, second))


def by_autograd(x1: Any, x2: Any) -> Gradient:
    """HIPS autograd."""
    wrapped = importlib.import_module("autograd.numpy")
    gradient = importlib.import_module("autograd").grad(lambda a, b: wrapped.trace(a @ b), argnum=(0, 1))
    return lambda: gradient(x1, x2)


HAND = "NumPy by hand"
BACKWARD = "pullback, backward()"
OURS = {HAND: by_hand, BACKWARD: by_backward, "pullback, pb.grad": by_grad}
PEERS = {"PyTorch": by_torch, "JAX (jit)": by_jax, "HIPS autograd": by_autograd}


def contenders(x1: Any, x2: Any, peers: dict[str, Any] = PEERS) -> tuple[dict[str, Gradient], list[str]]:
    """Those that can run here, and the names of the peers that are not installed."""
    ready: dict[str, Gradient] = {name: make(x1, x2) for name, make in OURS.items()}
    absent = []
    for name, make in peers.items():
        try:
            ready[name] = make(x1, x2)
        except ImportError:
            absent.append(name)
    return ready, absent


def compare(
    step_done: Callable[[str], None],
    size: int = 30,
    rounds: int = 40,
    calls: int = 200,
    peers: dict[str, Any] = PEERS,
) -> tuple[list[Timing], list[str]]:
    """Every contender's time and the difference of its gradient; and the peers that are not installed."""
    rng = np.random.default_rng(0)
    x1, x2 = rng.normal(size=(2, size, size))
    ready, absent = contenders(x1, x2, peers)
    expected = ready[HAND]()
    timings = [Timing(name, np.inf, distance(gradient(), expected)) for name, gradient in ready.items()]
    clocks = [timeit.Timer(gradient) for gradient in ready.values()]
    for _ in range(rounds):
        for timing, clock in zip(timings, clocks, strict=True):
            timing.seconds = min(timing.seconds, clock.timeit(calls) / calls)
        step_done(f"{timings[1].seconds * 1e6:.1f} µs, by hand {timings[0].seconds * 1e6:.1f}")
    return timings, absent


def distance(found: tuple[Any, Any], expected: tuple[Any, Any]) -> float:
    """The largest difference of any entry of either gradient."""
    return max(float(np.max(np.abs(np.asarray(a) - b))) for a, b in zip(found, expected, strict=True))
