"""The Heisenberg ring's ground state as a complex restricted Boltzmann machine, by variational Monte Carlo.

    log ψ(σ) = Σ a_i σ_i + Σ_j log cosh(b_j + Σ_i W_ji σ_i),    a, b, W complex       (Carleo & Troyer 2017)

H = Σ S_i · S_{i+1} on a ring, in the basis where every second spin is turned about z by π. This is Marshall's
sign rule: off the diagonal H is then -1/2, and the ground state is positive. The energies are those of H.

Metropolis sampling draws configurations of zero magnetisation from |ψ|², by exchanges of two spins, in many
chains side by side. Stochastic reconfiguration (Sorella 1998) moves the parameters along S⁻¹ F, with the
covariances

    S = ⟨O* O⟩ - ⟨O*⟩⟨O⟩,   F = ⟨O* E⟩ - ⟨O*⟩⟨E⟩,   O_k(σ) = ∂ log ψ(σ) / ∂θ_k,

E the local energy. The O of all samples come from one reverse sweep of pullback, see `per_sample_gradients`.

    python examples/vmc_rbm.py
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import eigsh

import pullback as pb

PICTURE = Path(__file__).parent / "pictures" / "vmc_rbm.png"


@dataclass
class Result:
    """The exact energy, those by iteration with their errors, the last one; correlations ⟨S^z_0 S^z_r⟩."""

    exact: float
    energies: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    energy: float = np.nan
    error: float = np.nan
    exact_correlations: Any = None
    correlations: Any = None
    correlation_errors: Any = None


# -- the exact state --------------------------------------------------------------------------------------


def exact_state(sites: int) -> tuple[float, Any]:
    """Energy and correlations of the ground state, by exact diagonalisation."""
    up, z = np.array([[0.0, 1.0], [0.0, 0.0]]), np.diag([0.5, -0.5])
    total: Any = 0
    for site in range(sites):
        for left, right in ((up, up.T / 2), (up.T, up / 2), (z, z)):
            total = total + chain_operator({site: left, (site + 1) % sites: right}, sites)
    energies, states = eigsh(total, k=1, which="SA")
    state = states[:, 0]
    pairs = [chain_operator({0: z, r: z}, sites) for r in range(1, sites // 2 + 1)]
    return float(energies[0]), np.array([state @ (pair @ state) for pair in pairs])


def chain_operator(at: dict[int, Any], sites: int) -> Any:
    """The product of one operator at each of some sites, as a sparse matrix."""
    term: Any = sparse.identity(1)
    for site in range(sites):
        term = sparse.kron(term, at.get(site, np.eye(2)), format="csr")
    return term


# -- the wave function, which pullback differentiates -----------------------------------------------------


def log_psi(parameters: dict[str, Any], spins: Any) -> Any:
    """The log ψ of configurations (..., sites), each with parameters of its own, or all with one set."""
    a, b, w = parameters["a"], parameters["b"], parameters["w"]
    hidden = b + (w @ spins[..., None])[..., 0]
    return np.sum(a * spins, axis=-1) + np.sum(np.log(np.cosh(hidden)), axis=-1)


def per_sample_gradients(parameters: dict[str, Any], spins: Any) -> dict[str, Any]:
    """O: each parameter's ∂ log ψ / ∂θ, for every configuration along the first axis.

    Every configuration is given its own copy of the parameters, so that one reverse sweep keeps the samples
    apart. ``pb.jacobian(log_psi, holomorphic=True)`` is the same, at the price of a sweep for each sample or
    each parameter.
    """
    copies = {name: np.broadcast_to(value, (len(spins), *value.shape)) for name, value in parameters.items()}
    values, pull = pb.vjp(lambda parameters: log_psi(parameters, spins), copies)
    (pulled,) = pull(np.ones_like(values))
    # A cotangent of 1 comes back as the conjugate of the holomorphic derivative.
    return {name: np.conj(value) for name, value in pulled.items()}


def rows(parameters: dict[str, Any], first: int) -> Any:
    """All parameters in one row, for each entry of the leading axis."""
    return np.concatenate([np.reshape(value, (first, -1)) for value in parameters.values()], axis=1)


# -- Monte Carlo ------------------------------------------------------------------------------------------


def sample(parameters: dict[str, Any], spins: Any, moves: int, rng: np.random.Generator) -> Any:
    """Metropolis' rule for exchanges of two random spins, in all chains at once."""
    chains, sites = spins.shape
    every = np.arange(chains)
    logarithms = log_psi(parameters, spins)
    for _ in range(moves):
        first = rng.integers(sites, size=chains)
        second = (first + rng.integers(1, sites, size=chains)) % sites
        proposed = spins.copy()
        proposed[every, first], proposed[every, second] = spins[every, second], spins[every, first]
        new = log_psi(parameters, proposed)
        taken = rng.random(chains) < np.exp(2 * np.real(new - logarithms))
        spins = np.where(taken[:, None], proposed, spins)
        logarithms = np.where(taken, new, logarithms)
    return spins


def local_energy(parameters: dict[str, Any], spins: Any) -> Any:
    """Σ_σ' H(σ, σ') ψ(σ') / ψ(σ): every bond of unlike spins exchanges them, with matrix element -1/2."""
    following = np.roll(spins, -1, axis=1)
    chains, bonds = np.nonzero(spins != following)
    exchanged = spins[chains]
    at = np.arange(len(chains))
    exchanged[at, bonds] *= -1
    exchanged[at, (bonds + 1) % spins.shape[1]] *= -1
    ratios = np.exp(log_psi(parameters, exchanged) - log_psi(parameters, spins)[chains])
    energies = np.sum(spins * following, axis=1) / 4 + 0j
    np.add.at(energies, chains, -ratios / 2)
    return energies


def reconfigured(parameters: dict[str, Any], spins: Any, energies: Any, rate: float) -> dict[str, Any]:
    """One step of stochastic reconfiguration, S regularised along its diagonal."""
    o = rows(per_sample_gradients(parameters, spins), len(spins))
    o = o - o.mean(axis=0)
    s = o.conj().T @ o / len(o)
    force = o.conj().T @ (energies - energies.mean()) / len(o)
    diagonal = np.real(np.diagonal(s))
    step = np.linalg.solve(s + np.diag(0.01 * diagonal + 1e-4), force)
    moved, place = {}, 0
    for name, value in parameters.items():
        moved[name] = value - rate * step[place : place + value.size].reshape(value.shape)
        place += value.size
    return moved


# -- what is run ------------------------------------------------------------------------------------------


def main(
    sites: int = 10, hidden: int = 20, chains: int = 500, iterations: int = 120, rate: float = 0.1,
    last: int = 40, seed: int = 0, picture: Path | None = PICTURE,
) -> Result:  # fmt: skip
    """Optimise, then sample at rest for the energy and the correlations; print, draw and return them."""
    rng = np.random.default_rng(seed)
    energy, correlations = exact_state(sites)
    result = Result(energy, exact_correlations=correlations)
    parameters = {
        name: 0.05 * (rng.normal(size=shape) + 1j * rng.normal(size=shape))
        for name, shape in {"a": sites, "b": hidden, "w": (hidden, sites)}.items()
    }
    ordered = np.tile(np.repeat([1.0, -1.0], sites // 2), (chains, 1))
    spins = sample(parameters, rng.permuted(ordered, axis=1), 5 * sites, rng)
    for iteration in range(iterations):
        spins = sample(parameters, spins, sites, rng)
        energies = local_energy(parameters, spins)
        result.energies.append(float(energies.real.mean()))
        result.errors.append(float(energies.real.std() / np.sqrt(chains)))
        if iteration % 20 == 0:
            print(f"iteration {iteration:4}: energy {result.energies[-1]:.4f} ± {result.errors[-1]:.4f}")
        parameters = reconfigured(parameters, spins, energies, rate)

    # Chains are independent of each other, so that their averages tell the statistical error.
    averages, pairs = np.zeros(chains), np.zeros((chains, sites // 2))
    for _ in range(last):
        spins = sample(parameters, spins, sites, rng)
        averages += local_energy(parameters, spins).real / last
        for r in range(1, sites // 2 + 1):
            pairs[:, r - 1] += np.mean(spins * np.roll(spins, -r, axis=1), axis=1) / (4 * last)
    result.energy, result.error = float(averages.mean()), float(averages.std() / np.sqrt(chains))
    result.correlations, result.correlation_errors = pairs.mean(axis=0), pairs.std(axis=0) / np.sqrt(chains)
    print(f"energy {result.energy:.5f} ± {result.error:.5f}, exact {result.exact:.5f}; ", end="")
    print(f"relative error {abs(result.energy / result.exact - 1):.1e}")
    if picture is not None:
        draw(picture, result, sites)
    return result


def draw(path: Path, result: Result, sites: int) -> None:
    """The energy by iteration, and the correlations, both with error bars."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.4), layout="constrained", dpi=130)
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    bars = {"fmt": ".", "color": "#0072B2", "elinewidth": 0.8, "capsize": 2}
    left.errorbar(range(len(result.energies)), result.energies, result.errors, label="sampled", **bars)
    left.axhline(result.exact, color="#D55E00", label="exact diagonalisation")
    inside = left.inset_axes((0.38, 0.3, 0.58, 0.42))
    start = len(result.energies) // 3
    inside.errorbar(
        range(start, len(result.energies)), result.energies[start:], result.errors[start:], **bars
    )
    inside.axhline(result.exact, color="#D55E00")
    left.set(xlabel="iteration of stochastic reconfiguration", ylabel="energy")
    left.set_title(f"{sites}-site Heisenberg ring, complex RBM")
    distances = np.arange(1, sites // 2 + 1)
    right.plot(distances, result.exact_correlations, "o", color="#D55E00", fillstyle="none", markersize=11,
               label="exact diagonalisation")  # fmt: skip
    right.errorbar(distances, result.correlations, result.correlation_errors, label="sampled", **bars)
    right.set(xlabel="distance r", title=r"spin correlations $\langle S^z_0 S^z_r\rangle$")
    right.set_xticks(distances)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
        axes.legend()
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path)


if __name__ == "__main__":
    main()
