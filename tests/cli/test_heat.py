"""Heat flow backwards: the steps, the gradient through them, and what can be recovered."""

import numpy as np
import pytest

import pullback as pb
from pullback.cli import heat


def test_steps_are_those_of_the_matrix():
    """One step is a matrix on the cells inside, so n steps are its power."""
    rng = np.random.default_rng(0)
    initial = rng.uniform(size=(3, 4))
    beside = [np.eye(n, k=1) + np.eye(n, k=-1) for n in initial.shape]
    step = (1 - 4 * 0.1) * np.eye(12) + 0.1 * (np.kron(beside[0], np.eye(4)) + np.kron(np.eye(3), beside[1]))
    expected = np.linalg.matrix_power(step, 20) @ initial.ravel()
    np.testing.assert_allclose(heat.final(initial, 20, 0.1).ravel(), expected, rtol=1e-13)


def test_compiled_gradient_is_that_of_finite_differences():
    rng = np.random.default_rng(1)
    initial, measured, move = rng.uniform(size=(3, 6, 5))
    value, bar = pb.value_and_grad(pb.compile(heat.loss))(initial, measured, 30, 0.1, 0.2)
    assert value == pytest.approx(heat.loss(initial, measured, 30, 0.1, 0.2), rel=1e-13)
    up, down = (heat.loss(initial + h * move, measured, 30, 0.1, 0.2) for h in (1e-5, -1e-5))
    assert np.sum(bar * move) == pytest.approx((up - down) / 2e-5, rel=1e-8)


def test_a_plate_is_recovered_to_within_its_noise_and_no_further():
    said = []
    recovery = heat.recover(said.append, size=32, steps=200)
    assert recovery.error(recovery.found) < 0.25 * recovery.error(recovery.measured)
    assert np.all(recovery.found >= 0)
    noise = heat.NOISE * np.max(heat.final(recovery.truth, 200, heat.ALPHA))
    misfit = np.mean((heat.final(recovery.found, 200, heat.ALPHA) - recovery.measured) ** 2)
    assert 0.8 * noise**2 < misfit <= noise**2
    assert recovery.weight == heat.WEIGHTS[len(recovery.losses) - 1] > heat.WEIGHTS[-1]
    assert len(said) == sum(len(losses) for losses in recovery.losses)
    assert all(losses[-1] <= losses[0] for losses in recovery.losses)
    assert min(recovery.seconds.values()) > 0
