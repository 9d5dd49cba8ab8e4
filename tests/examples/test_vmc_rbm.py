"""Variational Monte Carlo: its parts against sums over all configurations, and the energy it reaches."""

import itertools

import numpy as np
import pytest
import vmc_rbm as example

import pullback as pb


def some_parameters(sites, hidden, rng):
    shapes = {"a": sites, "b": hidden, "w": (hidden, sites)}
    return {
        name: 0.2 * (rng.normal(size=shape) + 1j * rng.normal(size=shape)) for name, shape in shapes.items()
    }


def test_per_sample_gradients_are_the_jacobian():
    rng = np.random.default_rng(0)
    parameters = some_parameters(4, 3, rng)
    spins = rng.choice([-1.0, 1.0], size=(7, 4))
    found = example.per_sample_gradients(parameters, spins)
    expected = pb.jacobian(example.log_psi, holomorphic=True)(parameters, spins)
    for name in parameters:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12)
    np.testing.assert_allclose(found["b"], np.tanh(spins @ parameters["w"].T + parameters["b"]), rtol=1e-12)


def test_local_energy_is_that_of_the_matrix():
    """H, with every second spin turned, times ψ over ψ."""
    sites = 4
    parameters = some_parameters(sites, 3, np.random.default_rng(1))
    spins = np.array(list(itertools.product((1.0, -1.0), repeat=sites)))
    psi = np.exp(example.log_psi(parameters, spins))
    up, z = np.array([[0.0, 1.0], [0.0, 0.0]]), np.diag([0.5, -0.5])
    total = 0
    for site in range(sites):
        for left, right in ((up, up.T / 2), (up.T, up / 2), (z, z)):
            total = total + example.chain_operator({site: left, (site + 1) % sites: right}, sites).toarray()
    sign = np.prod(spins[:, ::2], axis=1)  # -1 for each spin down of the turned sublattice
    expected = sign * (total @ (sign * psi)) / psi
    np.testing.assert_allclose(example.local_energy(parameters, spins), expected, rtol=1e-10, atol=1e-12)


def test_samples_follow_the_squared_amplitude():
    rng = np.random.default_rng(2)
    parameters = some_parameters(4, 3, rng)
    start = np.tile([1.0, 1.0, -1.0, -1.0], (20_000, 1))
    spins = example.sample(parameters, start, 60, rng)
    states, counts = np.unique(spins, axis=0, return_counts=True)
    weights = np.abs(np.exp(example.log_psi(parameters, states))) ** 2
    assert len(states) == 6
    np.testing.assert_allclose(counts / counts.sum(), weights / weights.sum(), atol=0.015)


def test_energy_within_a_percent(tmp_path):
    picture = tmp_path / "picture.png"
    result = example.main(sites=6, hidden=9, chains=200, iterations=60, last=20, seed=1, picture=picture)
    assert abs(result.energy / result.exact - 1) <= 0.01
    assert 0 < result.error < 0.01
    np.testing.assert_allclose(result.correlations, result.exact_correlations, atol=0.01)
    assert picture.stat().st_size > 10_000


def test_the_exact_energy_is_the_known_one():
    """Of 4 sites: -2."""
    assert example.exact_state(4)[0] == pytest.approx(-2, rel=1e-12)
