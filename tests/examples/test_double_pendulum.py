"""Times up to where finite differences fail, with longer steps."""

from typing import Any

import double_pendulum
import numpy as np
import pytest


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    return double_pendulum.main(longest=24.0, per_second=200, coarse=20, picture=False)


def test_both_modes_agree(result: dict[str, Any]) -> None:
    assert result["agreement early"] < 1e-10
    assert result["same operations"] < 1e-10
    early = result["times"] <= 5
    np.testing.assert_allclose(result["differences"][early], result["reverse"][early], rtol=1e-4)


def test_the_derivative_grows_exponentially(result: dict[str, Any]) -> None:
    assert 0.8 < result["exponent"] < 2.0
    assert result["growth"] > 1e7
    assert result["energy"] < 1e-4


def test_differences_fail_where_the_derivative_has_grown_to_the_inverse_of_their_step(
    result: dict[str, Any],
) -> None:
    assert abs(result["differences fail"] - result["expected"]) <= 3
    late = result["times"] >= result["expected"] + 3
    assert (np.abs(result["differences"][late]) < 1e-1 * np.abs(result["reverse"][late])).all()
