"""The Ising ring: the exact energy against diagonalisation, the state's energy against its amplitudes."""

import itertools

import numpy as np
import pytest

from pullback.cli import ising


def hamiltonian(sites: int, field: float) -> np.ndarray:
    """-Σ Z_i Z_{i+1} - g Σ X_i on a ring, dense."""

    def product(factors: dict[int, np.ndarray]) -> np.ndarray:
        matrix = np.eye(1)
        for site in range(sites):
            matrix = np.kron(matrix, factors.get(site, np.eye(2)))
        return matrix

    total = np.zeros((2**sites, 2**sites))
    for site in range(sites):
        total -= product({site: ising.PAULI_Z, (site + 1) % sites: ising.PAULI_Z})
        total -= field * product({site: ising.PAULI_X})
    return total


@pytest.mark.parametrize("sites", [4, 6, 8])
@pytest.mark.parametrize("field", [0.0, 0.5, 1.0, 1.5])
def test_free_fermions_agree_with_diagonalisation(sites, field):
    lowest = np.linalg.eigvalsh(hamiltonian(sites, field))[0] / sites
    assert ising.exact_energy(sites, field) == pytest.approx(lowest, rel=1e-12)


@pytest.mark.parametrize("sites", [4, 5])
def test_energy_is_that_of_the_amplitudes(sites):
    """tr(A1 @ A2 @ …), amplitude by amplitude, for a tensor without any symmetry."""
    rng = np.random.default_rng(1)
    tensor = rng.normal(size=(2, 3, 3)) + 1j * rng.normal(size=(2, 3, 3))
    amplitudes = []
    for spins in itertools.product((0, 1), repeat=sites):
        matrix = np.eye(3)
        for spin in spins:
            matrix = matrix @ tensor[spin]
        amplitudes.append(np.trace(matrix))
    psi = np.array(amplitudes)
    expected = (psi.conj() @ hamiltonian(sites, 0.7) @ psi).real / np.vdot(psi, psi).real / sites
    assert ising.energy(tensor, sites, 0.7) == pytest.approx(expected, rel=1e-12)


def test_a_small_ring_reaches_its_ground_state():
    steps = []
    state = ising.ground_state(6, 3, 1.0, steps.append, starts=2, iterations=150)
    assert state.energy >= state.exact - 1e-12
    assert state.error < 1e-4
    assert len(steps) == sum(len(history) for history in state.histories)
