"""quimb with a short chain."""

from typing import Any

import autoray
import numpy as np
import pytest
import quimb_mps

import pullback as pb


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    return quimb_mps.main(sites=8, bond=8, iterations=400, picture=False)


def test_the_energy_is_that_of_free_fermions(result: dict[str, Any]) -> None:
    assert result["error"] < 1e-6
    assert result["energy"] >= result["exact"] - 1e-9


def test_autoray_takes_a_variable_for_an_array_of_numpy() -> None:
    def norms(x: Any) -> Any:
        u, s, vh = autoray.do("linalg.svd", x)
        return autoray.do("sum", autoray.do("tensordot", u * s[: len(s)], vh, axes=1) * x)

    x = np.arange(9.0).reshape(3, 3) + 3 * np.eye(3)
    np.testing.assert_allclose(pb.grad(norms)(x), 2 * x, rtol=1e-12)
