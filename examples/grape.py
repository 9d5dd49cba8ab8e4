"""A pulse that does a six-qubit circuit: gradient ascent pulse engineering through matrix exponentials.

    python examples/grape.py

Six qubits in a chain, coupled by Ising interactions that are always on. What can be driven are the x and y
fields of each qubit, constant within each of a few time slices. The pulse is to do the circuit that makes a
graph state of a product state: a controlled Z on every pair of neighbours, whatever the input is, so that all
64 × 64 entries of the propagator count. L-BFGS finds the fields; the gradient by all of them is one reverse
sweep through the exponentials (Khaneja et al., J. Magn. Reson. 172, 296, 2005, take it to first order in the
length of a slice; here it is exact).

Compared with: fidelity 1, which is what the circuit as gates has; the graph state that the pulse makes of
|+…+⟩ is compared with its stabilizers, all of which are 1.
"""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

import pullback as pb
from pullback.scipy.linalg import expm

PICTURE = Path(__file__).parent / "pictures" / "grape.png"
X, Y, Z, ONE = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1]), np.eye(2)


def on(qubits: int, **placed: Any) -> Any:
    """The product of one-qubit operators, ``on(3, q0=Z, q1=Z)``."""
    return reduce(np.kron, [placed.get(f"q{k}", ONE) for k in range(qubits)]).astype(complex)


def circuit(qubits: int) -> Any:
    """A controlled Z on each pair of neighbours: diagonal, a sign for every two ones side by side."""
    bits = (np.arange(2**qubits)[:, None] >> np.arange(qubits)[::-1]) & 1
    return np.diag((-1.0) ** np.sum(bits[:, 1:] * bits[:, :-1], axis=1))


def propagator(fields: Any, coupling: Any, controls: Any, duration: float) -> Any:
    """What a pulse does; `fields` are slices × controls."""
    slices = fields.shape[0]
    generators = coupling + np.tensordot(fields, controls, axes=1)
    steps = expm(-1j * (duration / slices) * generators)
    return reduce(lambda done, step: step @ done, list(steps))


def main(
    qubits: int = 6, slices: int = 12, duration: float = 1.8, iterations: int = 400, picture: bool = True
) -> dict[str, Any]:
    """Find the pulse; what is checked, by name."""
    coupling = sum(on(qubits, **{f"q{k}": Z, f"q{k + 1}": Z}) for k in range(qubits - 1))
    controls = np.array([on(qubits, **{f"q{k}": axis}) for k in range(qubits) for axis in (X, Y)])
    target = circuit(qubits)

    def infidelity(fields: Any) -> Any:
        done = propagator(fields.reshape(slices, -1), coupling, controls, duration)
        return 1 - np.abs(np.sum(np.conj(target) * done) / len(target)) ** 2

    history: list[float] = []

    def watched(fields: Any) -> Any:
        value, gradient = value_and_gradient(fields)
        history.append(float(value))
        return value, gradient

    value_and_gradient = pb.value_and_grad(infidelity)
    start = np.random.default_rng(0).standard_normal(slices * len(controls))
    found = minimize(
        watched, start, jac=True, method="L-BFGS-B",
        options={"maxiter": iterations, "maxfun": 2 * iterations, "ftol": 1e-12, "maxcor": 30},
        callback=enough,
    )  # fmt: skip
    fields = found.x.reshape(slices, -1)
    done = propagator(fields, coupling, controls, duration)
    plus = np.full(2**qubits, 2 ** (-qubits / 2))
    stabilizers = expectations(done @ plus, qubits)
    result = {
        "fidelity": 1 - found.fun,
        "unitarity": np.abs(np.conj(done).T @ done - np.eye(len(done))).max(),
        "stabilizers": stabilizers,
        "evaluations": len(history),
    }
    print(f"{qubits} qubits, {slices} slices, {start.size} fields, {len(history)} gradients")
    print(f"  fidelity of the gate      {result['fidelity']:.6f}   the circuit's: 1, asked for: 0.999")
    print(f"  stabilizers of its state  {min(stabilizers):.6f}   the graph state's: 1")
    print(f"  |U†U - 1|                 {result['unitarity']:.1e}")
    if picture:
        draw(fields, duration, history, done, target)
    return result


def enough(intermediate_result: Any) -> None:
    """Stop where the fidelity is beyond doubt."""
    if intermediate_result.fun < 1e-4:
        raise StopIteration


def expectations(state: Any, qubits: int) -> list[float]:
    """Of ``Z X Z`` around each qubit, which stabilize a graph state."""
    found = []
    for k in range(qubits):
        around = {f"q{j}": Z for j in (k - 1, k + 1) if 0 <= j < qubits}
        found.append(float(np.real(np.vdot(state, on(qubits, **{f"q{k}": X}, **around) @ state))))
    return found


def draw(fields: Any, duration: float, history: list[float], done: Any, target: Any) -> None:
    """The pulse, how it was found, and the gate's diagonal beside the circuit's."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, middle, right) = plt.subplots(
        1, 3, figsize=(13, 4), width_ratios=(1.5, 1, 1), layout="constrained"
    )
    slices, qubits = fields.shape[0], fields.shape[1] // 2
    edges = np.linspace(0, duration, slices + 1)
    spread = 2.4 * np.abs(fields).max()
    for k in range(qubits):
        left.axhline(-k * spread, color="0.85", lw=0.8)
        for axis, colour in ((0, "C0"), (1, "C1")):
            left.stairs(fields[:, 2 * k + axis] - k * spread, edges, baseline=None, color=colour, lw=1.5,
                        label="xy"[axis] + " field" if k == 0 else None)  # fmt: skip
    left.set(xlabel="time × coupling", yticks=[-k * spread for k in range(qubits)],
             yticklabels=[f"qubit {k + 1}" for k in range(qubits)],
             title=f"the pulse, largest field {np.abs(fields).max():.1f}")  # fmt: skip
    left.set_ylim(top=1.1 * spread)
    left.legend(loc="upper right", ncols=2, frameon=False)
    middle.semilogy(history, color="C2")
    middle.axhline(1e-3, color="0.5", ls="--", lw=1)
    middle.text(0.02 * len(history), 1.15e-3, "fidelity 0.999", color="0.4")
    middle.set(xlabel="gradients", ylabel="1 - fidelity", title="L-BFGS")
    overlap = np.sum(np.conj(target) * done)
    phases = np.angle(np.diag(done) * np.conj(overlap / abs(overlap)))
    wanted = np.angle(np.diag(target))
    numbers = np.arange(len(done))
    right.step(numbers, wanted / np.pi, where="mid", color="0.7", label="the circuit")
    phases = np.where(phases < -np.pi / 2, phases + 2 * np.pi, phases)
    right.plot(numbers, phases / np.pi, "o", ms=4, color="C0",
               label="the pulse")  # fmt: skip
    right.set(xlabel="basis state", ylabel="phase / π", ylim=(-0.1, 1.3), title="diagonal of the propagator")
    right.legend(loc="upper left", ncols=2, frameon=False)
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
