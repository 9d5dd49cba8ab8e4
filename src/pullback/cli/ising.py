"""The ground state of the transverse-field Ising ring as a periodic matrix product state.

H = -Σ Z_i Z_{i+1} - g Σ X_i on a ring. The state's amplitudes are tr(A^{s1} @ A^{s2} @ … @ A^{sN}) with
one complex tensor A of shape (2, D, D) on every site, which keeps the ring's translation symmetry
(Perez-Garcia, Verstraete, Wolf & Cirac, *Matrix product state representations*, 2007, §3). Its energy is
a ratio of traces of products of D²×D² transfer matrices; L-BFGS minimises it over the real and imaginary
parts of A. The exact energy is that of free fermions (Pfeuty, 1970), in the sector of even parity, where
the ring's momenta are half-odd.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import minimize

import pullback as pb

PAULI_X = np.array([[0.0, 1.0], [1.0, 0.0]])
PAULI_Z = np.array([[1.0, 0.0], [0.0, -1.0]])


@dataclass
class GroundState:
    """The best state found at one field, and its relative energy error by iteration, start by start."""

    field_strength: float
    exact: float
    energy: float = np.inf
    histories: list[list[float]] = field(default_factory=list)

    @property
    def error(self) -> float:
        """Of the energy per site, relative to the exact one."""
        return abs((self.energy - self.exact) / self.exact)


def exact_energy(sites: int, field_strength: float) -> float:
    """Energy per site for an even number of sites: -1/N Σ_k sqrt(1 + g² - 2 g cos k), k = (2j+1) π/N."""
    momenta = (2 * np.arange(sites) + 1) * np.pi / sites
    return -float(np.mean(np.sqrt(1 + field_strength**2 - 2 * field_strength * np.cos(momenta))))


def transfer(tensor: Any, operator: Any = None) -> Any:
    """Σ_st conj(A^s) ⊗ ⟨s|O|t⟩ A^t as a matrix of D²×D² (O = 1 if not given): one site of ⟨ψ|…|ψ⟩."""
    size = tensor.shape[1] ** 2
    applied = tensor if operator is None else np.einsum("st,tcd->scd", operator, tensor)
    return np.einsum("sab,scd->acbd", np.conj(tensor), applied).reshape(size, size)


def energy(tensor: Any, sites: int, field_strength: float) -> Any:
    """⟨ψ|H|ψ⟩ / ⟨ψ|ψ⟩ per site; the symmetry makes every site's term the same."""
    plain, with_x, with_z = transfer(tensor), transfer(tensor, PAULI_X), transfer(tensor, PAULI_Z)
    rest = np.linalg.matrix_power(plain, sites - 2)
    norm = np.trace(rest @ plain @ plain)
    bond = np.trace(rest @ with_z @ with_z)
    site = np.trace(rest @ plain @ with_x)
    return -np.real(bond + field_strength * site) / np.real(norm)


def start(bond: int, rng: np.random.Generator) -> Any:
    """A random complex tensor near a product state; symmetric, as the ring is in a mirror."""
    tensor = 0.1 * (rng.normal(size=(2, bond, bond)) + 1j * rng.normal(size=(2, bond, bond)))
    tensor = tensor + np.swapaxes(tensor, 1, 2)
    tensor[:, 0, 0] += 1
    return tensor


def ground_state(
    sites: int,
    bond: int,
    field_strength: float,
    step_done: Callable[[str], None],
    starts: int = 2,
    iterations: int = 400,
    seed: int = 0,
) -> GroundState:
    """The lowest energy L-BFGS finds from several random starts."""
    state = GroundState(field_strength, exact_energy(sites, field_strength))
    gradient_of = pb.value_and_grad(energy)
    half = 2 * bond * bond

    def split_energy(parts: Any) -> tuple[float, Any]:
        tensor = (parts[:half] + 1j * parts[half:]).reshape(2, bond, bond)
        value, tensor_bar = gradient_of(tensor, sites, field_strength)
        # A complex gradient is ∂E/∂Re A + i ∂E/∂Im A: its parts are the gradients to the parts.
        return float(value), np.concatenate([tensor_bar.real.ravel(), tensor_bar.imag.ravel()])

    def iterated(intermediate_result: Any) -> None:
        state.histories[-1].append(abs(float(intermediate_result.fun) / state.exact - 1))
        step_done(f"relative error {state.histories[-1][-1]:.1e}")

    rng = np.random.default_rng(seed)
    for _ in range(starts):
        state.histories.append([])
        tensor = start(bond, rng)
        parts = np.concatenate([tensor.real.ravel(), tensor.imag.ravel()])
        options = {"maxiter": iterations, "maxcor": 20, "ftol": 1e-13, "gtol": 1e-8}
        found = minimize(split_energy, parts, jac=True, method="L-BFGS-B", callback=iterated, options=options)
        state.energy = min(state.energy, float(found.fun))
    return state
