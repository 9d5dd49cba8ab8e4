"""The ways to differentiate a solution: time relative to solving, and memory (docs/solvers.md)."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import numpy as np

import pullback as pb

WAYS = ("steps", "adjoint", "forward")


def predators(t: Any, y: Any, p: Any) -> Any:
    return np.stack([p[0] * y[0] - p[1] * y[0] * y[1], -p[2] * y[1] + p[3] * y[0] * y[1]])


def heat(t: Any, y: Any, p: Any) -> Any:
    return p[0] * (np.roll(y, 1) + np.roll(y, -1) - 2 * y) + p[1] * np.sin(y)


CASES: dict[str, tuple[Any, Any, Any, float]] = {
    "2 numbers, 4 parameters": (predators, np.array([10.0, 5.0]), np.array([1.0, 0.1, 1.5, 0.075]), 10.0),
    "10000 numbers, 2 parameters": (heat, np.sin(np.arange(10_000) * 0.01), np.array([0.5, 1.0]), 10.0),
}


def seconds(run: Any, turns: int = 3) -> float:
    """Processor time of a call: the least of a few."""
    run()
    taken = []
    for _ in range(turns):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return min(taken)


def peak(run: Any) -> float:
    """The most memory that a call has allocated at a time, in MB."""
    tracemalloc.start()
    run()
    found = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return found


def main() -> None:
    for name, (f, y0, p, end) in CASES.items():
        t = np.array([0.0, end])

        def loss(p: Any, f: Any = f, y0: Any = y0, t: Any = t) -> Any:
            return np.sum(pb.ode.solve(f, y0, t, (p,), rtol=1e-7, final=True) ** 2)

        def by(way: str, f: Any = f, y0: Any = y0, t: Any = t) -> Any:
            def squares(q: Any) -> Any:
                return np.sum(pb.ode.solve(f, y0, t, (q,), rtol=1e-7, final=True, gradient=way) ** 2)

            return pb.grad(squares, engine="tape")

        alone = seconds(lambda p=p, loss=loss: loss(p))
        print(f"{name}: solving takes {1e3 * alone:.1f} ms")
        for way in WAYS:
            gradient = by(way)
            ratio = seconds(lambda g=gradient, p=p: g(p)) / alone
            print(f"  {way:8} {ratio:6.2f} x solving, {peak(lambda g=gradient, p=p: g(p)):7.2f} MB")
        native = pb.grad(pb.compile(loss))
        ratio = seconds(lambda g=native, p=p: g(p)) / alone
        print(f"  {'native':8} {ratio:6.3f} x solving, {peak(lambda g=native, p=p: g(p)):7.2f} MB")


if __name__ == "__main__":
    main()
