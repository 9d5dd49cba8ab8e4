"""Ground states of spin chains as matrix product states, open and periodic, complex, by gradient descent.

    ψ(s1 … sN) = tr(B A1^{s1} A2^{s2} … AN^{sN}),    B = e_0 e_0^T for the open chain, 1 for the ring

Ising:       H = -Σ Z_i Z_{i+1} - Σ X_i, at its critical field. Exact energies: free fermions (Pfeuty 1970).
Heisenberg:  H = Σ S_i · S_{i+1}. Exact energies: exact diagonalisation.

The energy is a Rayleigh quotient ⟨ψ|H|ψ⟩ / ⟨ψ|ψ⟩ of tensors that obey no constraint. Both come out of one
walk along the chain with H as a matrix product operator (Schollwöck 2011, §6). pullback compiles that walk
together with its derivative by all complex tensors at once, and SciPy's L-BFGS does the rest. The bond
dimension grows from round to round, and each round starts from the last state with a little noise in the new
entries.

    python examples/mps_ground_states.py
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sparse
from scipy.optimize import minimize
from scipy.sparse.linalg import eigsh

import pullback as pb

X, Z, ONE = np.array([[0.0, 1.0], [1.0, 0.0]]), np.diag([1.0, -1.0]), np.eye(2)
UP, DOWN = np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [1.0, 0.0]])
MODELS = {
    "Ising": ([(-Z, Z)], -X),
    "Heisenberg": ([(UP, DOWN / 2), (DOWN, UP / 2), (Z / 2, Z / 2)], 0 * X),
}
PICTURE = Path(__file__).parent / "pictures" / "mps_ground_states.png"


@dataclass
class Run:
    """What one model on one lattice reached: relative errors by iteration, and at each bond dimension."""

    model: str
    periodic: bool
    exact: float
    errors: list[float] = field(default_factory=list)
    reached: dict[int, float] = field(default_factory=dict)

    @property
    def error(self) -> float:
        """The relative error of the energy at the largest bond dimension."""
        return self.errors[-1]


# -- the model --------------------------------------------------------------------------------------------


def hamiltonian(model: str, sites: int, periodic: bool) -> Any:
    """H as a matrix product operator, shape (sites, width, width, 2, 2).

    The channels say what has happened on the way from the left: 0 nothing yet, 1 a whole term, then one for
    each kind of bond that is half done. On the ring there is one more for each kind: the half at site 0,
    waiting for N-1.
    """
    bonds, single = MODELS[model]
    count = len(bonds)
    width = 2 + count * (2 if periodic else 1)
    operator = np.zeros((sites, width, width, 2, 2))
    operator[:, 0, 0] = operator[:, 1, 1] = ONE
    operator[:, 0, 1] = single
    for kind, (left, right) in enumerate(bonds):
        operator[:, 0, 2 + kind] = left
        operator[:, 2 + kind, 1] = right
        if periodic:
            waiting = 2 + count + kind
            operator[0, 0, waiting] = right
            operator[:, waiting, waiting] = ONE
            operator[-1, waiting, 1] = left
    return operator


def exact_energy(model: str, sites: int, periodic: bool) -> float:
    """Of the Ising chain by free fermions, of the Heisenberg chain by exact diagonalisation."""
    if model == "Ising" and periodic:  # even parity: the momenta are half-odd
        return -2 * float(np.sum(np.abs(np.sin((2 * np.arange(sites) + 1) * np.pi / (2 * sites)))))
    if model == "Ising":  # half the single-particle energies are the singular values of a bidiagonal matrix
        return -float(np.sum(np.linalg.svd(np.eye(sites) + np.eye(sites, k=1), compute_uv=False)))
    total: Any = 0
    for first in range(sites if periodic else sites - 1):
        for left, right in MODELS[model][0]:
            at = {first: left, (first + 1) % sites: right}
            term = sparse.identity(1)
            for site in range(sites):
                term = sparse.kron(term, at.get(site, ONE), format="csr")
            total = total + term
    return float(eigsh(total, k=1, which="SA", return_eigenvectors=False)[0])


# -- the energy, which pullback differentiates ------------------------------------------------------------


def energy(tensors: Any, operator: Any, ends: Any) -> Any:
    """⟨ψ|H|ψ⟩ / ⟨ψ|ψ⟩ of ``tensors``, shape (sites, 2, bond, bond).

    The environment has axes (channel of H, end, bond of ⟨ψ|, bond of |ψ⟩); `ends` are the matrices e_a e_b^T
    that it starts from and is closed with: one for the open chain, bond² for the ring.
    """
    environment = np.zeros((operator.shape[1], *ends.shape), dtype=np.complex128)
    environment[0] = ends
    for site in range(len(tensors)):
        a = tensors[site]
        environment = np.einsum(
            "vxab,sbd,vwts,tac->wxcd", environment, a, operator[site], np.conj(a),
            optimize=["einsum_path", (0, 1), (0, 2), (0, 1)],
        )  # fmt: skip
    norm, total = np.sum(environment[:2] * ends, axis=(1, 2, 3)).real
    return total / norm


def matrices_at_ends(bond: int, periodic: bool) -> Any:
    """What the environments start from: e_0 e_0^T, or e_a e_b^T for all a and b."""
    return np.eye(bond * bond)[: bond * bond if periodic else 1].reshape(-1, bond, bond)


# -- the optimisation -------------------------------------------------------------------------------------


def grown(tensors: Any, bond: int, rng: np.random.Generator, noise: float = 0.02) -> Any:
    """The same state with a larger bond dimension, and complex noise in the new entries."""
    sites, _, old, _ = tensors.shape
    larger = noise * (rng.normal(size=(sites, 2, bond, bond)) + 1j * rng.normal(size=(sites, 2, bond, bond)))
    larger[:, :, :old, :old] = tensors
    return larger


def ground_state(
    model: str,
    sites: int,
    periodic: bool,
    bonds: tuple[int, ...],
    iterations: int,
    engine: Any,
    seed: int = 0,
) -> Run:
    """L-BFGS at each bond dimension in turn; only the last one runs for all `iterations`."""
    rng = np.random.default_rng(seed)
    run = Run(model, periodic, exact_energy(model, sites, periodic))
    operator = hamiltonian(model, sites, periodic)
    gradient_of = pb.value_and_grad(energy, engine=engine)

    def of_parts(parts: Any, shape: Any, ends: Any) -> tuple[float, Any]:
        value, tensors_bar = gradient_of(parts.view(complex).reshape(shape), operator, ends)
        # ∂E/∂Re A + i ∂E/∂Im A: the gradient by the parts is its parts.
        return float(value), tensors_bar.ravel().view(float)

    def note(intermediate_result: Any) -> None:
        run.errors.append(abs(intermediate_result.fun / run.exact - 1))

    tensors = np.ones((sites, 2, 1, 1))
    for bond in bonds:
        tensors = grown(tensors, bond, rng)
        steps = iterations if bond == bonds[-1] else iterations // 5
        options = {"maxiter": steps, "maxfun": 2 * steps, "maxcor": 50, "ftol": 1e-13, "gtol": 1e-7}
        found = minimize(
            of_parts, tensors.ravel().view(float), (tensors.shape, matrices_at_ends(bond, periodic)),
            jac=True, method="L-BFGS-B", callback=note, options=options,
        )  # fmt: skip
        tensors = found.x.view(complex).reshape(tensors.shape)
        run.reached[bond] = abs(found.fun / run.exact - 1)
    return run


# -- what is run ------------------------------------------------------------------------------------------

PLAN = (
    ("Ising", False, (2, 4, 8, 16), 500),
    ("Heisenberg", False, (2, 4, 8, 16), 1500),
    ("Ising", True, (2, 4, 6), 200),
    ("Heisenberg", True, (2, 4, 6), 150),
)


def main(
    sites: int = 12, plan: Any = PLAN, engine: Any = "native", picture: Path | None = PICTURE
) -> list[Run]:
    """Find the ground states of the plan; print, draw and return what was reached."""
    runs = []
    for model, periodic, bonds, iterations in plan:
        run = ground_state(model, sites, periodic, bonds, iterations, engine)
        runs.append(run)
        print(f"{named(run)}, {sites} sites, exact energy {run.exact:.10f}; relative error")
        for bond, error in run.reached.items():
            print(f"    bond dimension {bond:2}: {error:.1e}")
    if picture is not None:
        draw(picture, runs, sites)
    return runs


def named(run: Run) -> str:
    """The run in words."""
    return f"{run.model} {'ring' if run.periodic else 'open chain'}"


def draw(path: Path, runs: list[Run], sites: int) -> None:
    """How the error falls with the iterations, and with the bond dimension."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.4), layout="constrained", dpi=130)
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    colors = {"Ising": "#0072B2", "Heisenberg": "#D55E00"}
    for run in runs:
        style = {"color": colors[run.model], "linestyle": "--" if run.periodic else "-"}
        left.semilogy(np.arange(1, len(run.errors) + 1), run.errors, label=named(run), **style)
        marker = "s" if run.periodic else "o"
        right.loglog(list(run.reached), list(run.reached.values()), marker=marker, label=named(run), **style)
    left.set(xlabel="iteration of L-BFGS, all rounds", ylabel="relative error of the energy")
    left.set_title("A round for each bond dimension, gradients by pullback")
    right.set(xlabel="bond dimension", title=f"{sites} sites, against the exact energies")
    right.set_xticks([2, 4, 6, 8, 16], ["2", "4", "6", "8", "16"])
    right.minorticks_off()
    for axes in (left, right):
        axes.axhline(1e-6, color="#999999", linewidth=1)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
        axes.legend()
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path)


if __name__ == "__main__":
    main()
