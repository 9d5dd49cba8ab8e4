"""Matrix product ground states: the energy against amplitudes, exact energies, and what L-BFGS reaches."""

import itertools

import mps_ground_states as example
import numpy as np
import pytest

import pullback as pb

LATTICES = [(model, periodic) for model in example.MODELS for periodic in (False, True)]


def dense(model, sites, periodic):
    """H as a matrix, term by term."""
    bonds, single = example.MODELS[model]

    def product(at):
        matrix = np.eye(1)
        for site in range(sites):
            matrix = np.kron(matrix, at.get(site, np.eye(2)))
        return matrix

    total = sum(product({site: single}) for site in range(sites))
    for site in range(sites if periodic else sites - 1):
        for left, right in bonds:
            total = total + product({site: left, (site + 1) % sites: right})
    return total


@pytest.mark.parametrize(("model", "periodic"), LATTICES)
def test_exact_energies_are_lowest_eigenvalues(model, periodic):
    lowest = np.linalg.eigvalsh(dense(model, 6, periodic))[0]
    assert example.exact_energy(model, 6, periodic) == pytest.approx(lowest, rel=1e-12)


@pytest.mark.parametrize(("model", "periodic"), LATTICES)
def test_energy_is_that_of_the_amplitudes(model, periodic):
    sites, bond = 4, 3
    rng = np.random.default_rng(1)
    tensors = rng.normal(size=(sites, 2, bond, bond)) + 1j * rng.normal(size=(sites, 2, bond, bond))
    psi = []
    for spins in itertools.product((0, 1), repeat=sites):
        product = np.linalg.multi_dot([tensors[site, spin] for site, spin in enumerate(spins)])
        psi.append(np.trace(product) if periodic else product[0, 0])
    psi = np.array(psi)
    expected = np.vdot(psi, dense(model, sites, periodic) @ psi) / np.vdot(psi, psi)
    operator, ends = example.hamiltonian(model, sites, periodic), example.matrices_at_ends(bond, periodic)
    assert example.energy(tensors, operator, ends) == pytest.approx(expected.real, rel=1e-12)


def test_compiled_gradient_is_the_tape_s():
    rng = np.random.default_rng(2)
    tensors = rng.normal(size=(6, 2, 4, 4)) + 1j * rng.normal(size=(6, 2, 4, 4))
    operator = example.hamiltonian("Heisenberg", 6, False)
    ends = example.matrices_at_ends(4, False)
    value, bar = pb.value_and_grad(example.energy, engine="native")(tensors, operator, ends)
    expected, expected_bar = pb.value_and_grad(example.energy, engine="tape")(tensors, operator, ends)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(bar, expected_bar, rtol=0, atol=1e-12 * np.abs(expected_bar).max())


def test_ground_states(tmp_path):
    """At 8 sites bond dimension 16 is exact; rings are left at a small one."""
    plan = (
        ("Ising", False, (2, 4, 8, 16), 150),
        ("Heisenberg", False, (2, 4, 8, 16), 300),
        ("Ising", True, (2, 4), 60),
        ("Heisenberg", True, (2, 4), 60),
    )
    picture = tmp_path / "picture.png"
    runs = example.main(8, plan, engine="tape", picture=picture)
    ising, heisenberg, ising_ring, heisenberg_ring = (run.error for run in runs)
    assert max(ising, heisenberg) <= 1e-6
    assert ising_ring <= 1e-3
    assert heisenberg_ring <= 1e-2
    assert picture.stat().st_size > 10_000
