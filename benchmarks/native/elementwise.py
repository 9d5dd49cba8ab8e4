"""Chains of elementwise functions over whole arrays: forward and gradient beside NumPy's forward.

    python -m benchmarks.native.elementwise              all chains
    python -m benchmarks.native.elementwise tanh power   those whose name starts so

One run, one thread; candidates take turns, and a ratio is that of medians. The forward of a compiled chain
returns the array, as NumPy's does; the gradient is that of its sum, value included.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np

import pullback as pb
from benchmarks.native.timing import medians

Chain = Callable[[Any], Any]

CHAINS: dict[str, Chain] = {
    "exp": lambda x: np.exp(-x * x),
    "log": lambda x: np.log(1.0 + x * x),
    "tanh": lambda x: np.tanh(0.5 * x),
    "sin": lambda x: np.sin(3.0 * x),
    "cos": lambda x: np.cos(3.0 * x),
    "sqrt": lambda x: np.sqrt(1.0 + x * x),
    "power": lambda x: (1.0 + x * x) ** 1.7,
    "logistic": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "softplus": lambda x: np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0.0),
    "mixed": lambda x: np.sin(x) * np.exp(-0.1 * x) + np.tanh(x) * np.log(2.0 + x * x),
}
SIZES = (1_000, 100_000, 1_000_000)
FORWARD, GRADIENT = 1.0, 2.5


def times(chain: Chain, x: np.ndarray) -> dict[str, float]:
    """Seconds of every candidate."""

    def total(x: Any) -> Any:
        return np.sum(chain(x))

    forward, gradient = pb.compile(chain), pb.value_and_grad(pb.compile(total))
    return medians(
        {"NumPy": lambda: chain(x), "forward": lambda: forward(x), "gradient": lambda: gradient(x)}
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Compiled elementwise chains beside NumPy's forward.")
    parser.add_argument("chain", nargs="*", help="only chains whose name starts so")
    chosen = tuple(parser.parse_args().chain)
    print(f"| chain | dtype | size | NumPy, µs | forward (≤ {FORWARD}) | gradient (≤ {GRADIENT}) | met |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    rng = np.random.default_rng(0)
    for name, chain in CHAINS.items():
        if chosen and not name.startswith(chosen):
            continue
        for dtype in (np.float64, np.float32):
            for size in SIZES:
                seconds = times(chain, rng.standard_normal(size).astype(dtype))
                forward, gradient = (seconds[key] / seconds["NumPy"] for key in ("forward", "gradient"))
                met = "yes" if forward <= FORWARD and gradient <= GRADIENT else "**no**"
                cells = [name, np.dtype(dtype).name, f"{size:,}", f"{seconds['NumPy'] * 1e6:,.1f}"]
                print(f"| {' | '.join(cells)} | {forward:.2f} | {gradient:.2f} | {met} |", flush=True)


if __name__ == "__main__":
    main()
