"""The two-dimensional Ising model: against Onsager and Yang, and how derivatives pass degenerate spectra."""

import ising_2d as example
import numpy as np
import pytest

import pullback as pb

BONDS, STEPS = 16, 50


def test_closed_forms_are_each_other_s_derivatives():
    """The energy is -∂ log κ / ∂β, the specific heat ∂u / ∂T."""
    for temperature in (1.7, 2.2, 2.4, 3.0):
        beta, step = 1 / temperature, 1e-4
        above, below = example.exact(1 / (beta + step)), example.exact(1 / (beta - step))
        here = example.exact(temperature)
        assert -(above.log_kappa - below.log_kappa) / (2 * step) == pytest.approx(here.energy, abs=1e-5)
        heat = -(beta**2) * (above.energy - below.energy) / (2 * step)
        assert heat == pytest.approx(here.heat, abs=1e-4)


def test_against_onsager_and_yang(tmp_path):
    picture = tmp_path / "picture.png"
    points = example.main((1.6, 2.0, 2.7, 3.3), BONDS, STEPS, picture)
    for point in points:
        assert max(point.errors().values()) <= 1e-8, point
    assert points[0].magnetisation > 0.97
    assert picture.stat().st_size > 10_000


@pytest.mark.parametrize("temperature", [1.3, 1.4, 1.5, 1.9, 3.3])
def test_reverse_mode_through_eigh_itself(temperature):
    """Also where cotangents are what rounding has left of something larger, below 2."""
    energy = example.through_eigh(temperature, BONDS, STEPS)
    assert energy == pytest.approx(example.exact(temperature).energy, abs=1e-11)


def test_second_derivative_through_eigh_itself_is_an_error():
    def energy(beta):
        return pb.grad(lambda beta: example.log_kappa(beta, 0.0, BONDS, STEPS, example.eigenvectors))(beta)

    with pytest.raises(pb.NotDifferentiableError, match="eigenvalues"):
        pb.jvp(energy, (1 / 3.3,), (1.0,))


def test_kept_space_has_two_derivatives_at_equal_eigenvalues():
    """The projector P = p p^T, against second-order perturbation theory of its own by finite differences."""
    rng = np.random.default_rng(0)
    direction, seed = (s + s.T for s in rng.normal(size=(2, 5, 5)))
    matrix = np.diag([3.0, 3.0, 1.0, 1.0, 0.5])

    def weight(t):
        p = example.kept_space(matrix + t * direction, 2)
        return np.sum(seed * (p @ p.T))

    step = 1e-3
    ahead, here, behind = (weight(t) for t in (step, 0.0, -step))
    assert pb.grad(weight)(0.0) == pytest.approx((ahead - behind) / (2 * step), rel=1e-4)
    twice = (ahead - 2 * here + behind) / step**2
    assert pb.grad(pb.grad(weight))(0.0) == pytest.approx(twice, rel=1e-4)
    assert pb.jvp(pb.grad(weight), (0.0,), (1.0,))[1] == pytest.approx(twice, rel=1e-4)
