"""A matrix product state of quimb, optimised with pullback in place of quimb's JAX and PyTorch backends.

    pip install quimb
    python examples/quimb_mps.py

quimb's tensors hold any array that autoray knows. A `pb.Variable` answers to NumPy's functions, so one line
makes it known: as NumPy's. quimb has no public hook for a new backend of its `TNOptimizer`; the table in
which the optimizer looks its backends up takes one, and what that has to be is the class `Handler` below.

Compared with: the ground state energy of the critical Ising chain with open ends, which is
1 - 1/sin(π/(4L + 2)) (Pfeuty, Ann. Phys. 57, 79, 1970).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import autoray
import numpy as np
import quimb.tensor as qtn
from quimb.tensor import optimize

import pullback as pb

PICTURE = Path(__file__).parent / "pictures" / "quimb_mps.png"

autoray.register_backend(pb.Variable, "numpy")


class Handler:
    """What quimb asks of a backend that differentiates."""

    def to_variable(self, x: Any) -> Any:
        return np.asarray(x)

    to_constant = to_variable

    def setup_fn(self, fn: Any) -> None:
        self.value = fn
        self.gradient = pb.value_and_grad(fn)

    def value_and_grad(self, arrays: Any) -> Any:
        return self.gradient(arrays)


optimize._BACKEND_HANDLERS["pullback"] = Handler


def energy(state: Any, operator: Any) -> Any:
    """The expectation value in a state of any norm."""
    bra, middle, ket = state.H, operator.copy(), state.copy()
    ket.align_(middle, bra)
    value = (bra & middle & ket).contract(all, optimize="greedy")
    norm = (state.H & state).contract(all, optimize="greedy")
    return np.real(value / norm)


def main(sites: int = 16, bond: int = 8, iterations: int = 400, picture: bool = True) -> dict[str, Any]:
    """Find the ground state; what is checked, by name."""
    chain = qtn.MPO_ham_ising(sites, j=-4.0, bx=2.0)
    start = qtn.MPS_rand_state(sites, bond, dtype="complex128", seed=0)
    optimizer = qtn.TNOptimizer(
        start,
        energy,
        loss_constants={"operator": chain},
        autodiff_backend="pullback",
        optimizer="L-BFGS-B",
        progbar=False,
    )
    found = optimizer.optimize(iterations, tol=1e-14)
    found.normalize()
    exact = 1 - 1 / np.sin(np.pi / (4 * sites + 2))
    losses = [float(loss) for loss in optimizer.losses]
    result = {
        "energy": float(energy(found, chain)),
        "exact": exact,
        "entropies": [float(found.entropy(k)) for k in range(1, sites)],
        "evaluations": len(losses),
    }
    result["error"] = abs(result["energy"] / exact - 1)
    print(f"critical Ising chain, {sites} sites, bond {bond}, {len(losses)} gradients by pullback in quimb")
    print(f"  energy          {result['energy']:.10f}")
    print(f"  exact           {exact:.10f}")
    print(f"  relative error  {result['error']:.1e}")
    if picture:
        draw(result, losses)
    return result


def draw(result: dict[str, Any], losses: list[float]) -> None:
    """How the energy came down, and the entanglement across each bond."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    left.semilogy(np.abs(np.array(losses) / result["exact"] - 1), color="C0")
    left.set(xlabel="gradients", ylabel="relative error of the energy", title="quimb's optimizer on pullback")
    sites = len(result["entropies"]) + 1
    cuts = np.arange(1, sites)
    right.plot(cuts, result["entropies"], "o-", ms=4, color="C2", label="the state found")
    chord = np.log2(2 * sites / np.pi * np.sin(np.pi * cuts / sites)) / 12
    right.plot(cuts, chord + np.mean(np.array(result["entropies"]) - chord), "--", color="0.5",
               label="conformal field theory, c = 1/2")  # fmt: skip
    right.set(xlabel="bond", ylabel="entropy / bits", title="entanglement")
    right.legend()
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
