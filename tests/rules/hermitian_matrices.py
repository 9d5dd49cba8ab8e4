"""Hermitian matrices of given spectra, and the derivative of what is a function of one.

The derivative of ``tr(C f(A))`` is known for any spectrum (Daleckii & Krein, 1965): in the eigenbasis that of
f's divided differences.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def adjoint(a: Any) -> Any:
    return np.conj(np.swapaxes(a, -1, -2))


def hermitian(a: Any) -> Any:
    return (a + adjoint(a)) / 2


def drawn(*shape: int, complex: bool = False, seed: int = 0) -> Any:
    rng = np.random.default_rng([seed, *shape])
    a = rng.standard_normal(shape)
    return a + 1j * rng.standard_normal(shape) if complex else a


def matrix(w: Any, complex: bool, structured: bool) -> tuple[Any, Any]:
    """A hermitian matrix with eigenvalues `w`, and its eigenvectors; diagonal if `structured`."""
    size = len(w)
    v = (
        np.eye(size, dtype="D" if complex else "d")
        if structured
        else np.linalg.qr(drawn(size, size, complex=complex))[0]
    )
    return hermitian((v * np.array(w)) @ adjoint(v)), v


def exact(f: Callable[[Any], Any], slope: Callable[[Any], Any], w: Any, v: Any, c: Any) -> Any:
    """The gradient of ``Re tr(C f(A))``."""
    w = np.array(w)
    gap = w[:, None] - w[None, :]
    same = np.abs(gap) < 1e-4
    divided = np.where(same, slope(w)[:, None], (f(w)[:, None] - f(w)[None, :]) / np.where(same, 1, gap))
    return v @ (divided * (adjoint(v) @ c @ v)) @ adjoint(v)
