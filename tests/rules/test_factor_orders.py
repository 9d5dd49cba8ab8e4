"""Tangents of factorisations and transforms differentiated again, in both modes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb


def spectrum(a: Any) -> Any:
    w, v = np.linalg.eig(a)
    return [w, np.abs(v) ** 2, np.linalg.eigvals(a)]


FUNCTIONS: dict[str, Any] = {
    "cholesky": lambda a: np.linalg.cholesky(a @ np.conj(a.T) + np.eye(3)),
    "upper cholesky": lambda a: np.linalg.cholesky(a @ np.conj(a.T) + np.eye(3), upper=True),
    "qr": lambda a: list(np.linalg.qr(a)),
    "tall qr": lambda a: list(np.linalg.qr(a[:, :2], "complete")),
    "wide qr": lambda a: np.linalg.qr(a[:2], "r"),
    "eig": spectrum,
    "lstsq": lambda a: list(np.linalg.lstsq(a[:, :2], a)[:2]),
    "wide lstsq": lambda a: np.linalg.lstsq(a[:2], a[1:, :2])[0],
    "pinv": lambda a: np.linalg.pinv(a[:, :2]),
    "pinv of low rank": lambda a: np.linalg.pinv(a[:, :2] @ a[1:], 1e-9),
    "fft": lambda a: np.abs(np.fft.fftn(a, (2, 4), (0, 1), "ortho")) ** 3,
    "irfft": lambda a: np.fft.irfft(a * a, 5, 0),
}


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_tangents_have_derivatives(name: str, complex: bool) -> None:
    rng = np.random.default_rng(0)
    a, a_dot = rng.standard_normal((2, 3, 3)) + 1j * complex * rng.standard_normal((2, 3, 3))
    a = a + 3 * np.diag(np.arange(1.0, 4.0))
    a, a_dot = (a, a_dot) if complex else (a.real, a_dot.real)
    assert pb.testing.gradcheck(
        lambda a: pb.jvp(FUNCTIONS[name], (a,), (a_dot,))[1], a, order=1, tolerance=1e-4
    )
