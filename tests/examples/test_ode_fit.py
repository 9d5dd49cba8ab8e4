"""The fit with fewer steps, and the stiff reaction with longer ones."""

from typing import Any

import numpy as np
import ode_fit
import pytest


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    return ode_fit.main(steps=10, per_decade=4, picture=False)


def test_lynx_and_hare(result: dict[str, Any]) -> None:
    fit = result["fit"]
    assert fit["left"] < 1e-3
    off = np.abs(fit["values"][:4] - ode_fit.PUBLISHED)
    assert (off < 0.3 * fit["widths"][:4]).all()


def test_robertson_against_cvodes(result: dict[str, Any]) -> None:
    stiff = result["stiff"]
    assert stiff["off"].max() < 2e-3
    assert stiff["mass"] < 1e-14


def test_sensitivities_are_those_of_the_steps() -> None:
    step = 1e-4 * ode_fit.RATES[0] * np.array([1.0, 0.0, 0.0])
    up, down = (ode_fit.reacted(ode_fit.RATES + sign * step, 2) for sign in (1, -1))
    found = ode_fit.robertson(2)["sensitivities"][:, 0]
    np.testing.assert_allclose(found, (up - down) / (2 * step[0]), rtol=1e-5, atol=1e-9)
