"""A 6 x 6 network of tensors contracted to a number, and its gradient by all 36: ratios in one run."""

from __future__ import annotations

from typing import Any

import numpy as np
import opt_einsum

import pullback as pb
from benchmarks.native.timing import medians

SIDE = 6


def lattice(bond: int, dtype: type) -> tuple[list[Any], list[list[int]]]:
    """Tensors on a square lattice with open edges, and the indices of their axes."""
    terms: list[list[int]] = [[] for _ in range(SIDE * SIDE)]
    edges = [(r * SIDE + c, r * SIDE + c + 1) for r in range(SIDE) for c in range(SIDE - 1)]
    edges += [(r * SIDE + c, (r + 1) * SIDE + c) for r in range(SIDE - 1) for c in range(SIDE)]
    for number, pair in enumerate(edges):
        for place in pair:
            terms[place].append(number)
    rng = np.random.default_rng(0)
    return [(rng.standard_normal([bond] * len(term)) / bond).astype(dtype) for term in terms], terms


def main() -> None:
    for dtype in (np.float64, np.complex128):
        for bond in (2, 3, 4):
            tensors, terms = lattice(bond, dtype)

            def paired(tensors: Any, terms: Any = terms) -> list[Any]:
                return [part for pair in zip(tensors, terms, strict=True) for part in pair]

            def value(*tensors: Any, paired: Any = paired) -> Any:
                return np.real(pb.contract(*paired(tensors)))

            gradient = pb.grad(value, argnums=tuple(range(SIDE * SIDE)), engine="tape")
            expression = opt_einsum.contract_expression(*paired([x.shape for x in tensors]))
            taken = medians(
                {
                    "own forward": lambda xs=tensors, p=paired: pb.contract(*p(xs)),
                    "opt_einsum's expression": lambda xs=tensors, e=expression: e(*xs),
                    "opt_einsum.contract": lambda xs=tensors, p=paired: opt_einsum.contract(*p(xs)),
                    "gradient": lambda xs=tensors, g=gradient: g(*xs),
                }
            )
            whole = taken.pop("gradient")
            ratios = ", ".join(f"{whole / seconds:.2f} x {name}" for name, seconds in taken.items())
            print(f"bond {bond}, {np.dtype(dtype)}: {1e3 * whole:.2f} ms, {ratios}")


if __name__ == "__main__":
    main()
