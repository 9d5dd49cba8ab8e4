"""Functions of pullback.scipy.linalg that are composed of NumPy's, next to PyTorch and JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.linalg
import numpy as np
import pytest
import torch

import pullback as pb
from pullback.scipy import linalg


def hermitian(a: Any) -> Any:
    return a + a.conj().T + 4 * np.diag(np.arange(1.0, 4.0))


def definite(a: Any) -> Any:
    return a @ a.conj().T + np.eye(3)


def torch_hermitian(a: Any) -> Any:
    return a + a.conj().T + 4 * torch.diag(torch.arange(1.0, 4.0, dtype=torch.float64))


def torch_definite(a: Any) -> Any:
    return a @ a.conj().T + torch.eye(3)


def generalised(a: Any, b: Any) -> Any:
    """Eigenvalues by the inverse of the Cholesky factor."""
    inverse = torch.linalg.inv(torch.linalg.cholesky(b))
    return torch.linalg.eigvalsh(inverse @ a @ inverse.mH)


CASES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "cholesky": (
        lambda a: linalg.cholesky(definite(a)),
        lambda a: torch.linalg.cholesky(torch_definite(a), upper=True),
    ),
    "lower cholesky": (
        lambda a: linalg.cholesky(definite(a), lower=True),
        lambda a: torch.linalg.cholesky(torch_definite(a)),
    ),
    "q": (lambda a: linalg.qr(a[:, :2], mode="economic")[0], lambda a: torch.linalg.qr(a[:, :2])[0]),
    "r": (lambda a: linalg.qr(a)[1], lambda a: torch.linalg.qr(a)[1]),
    "svd": (lambda a: linalg.svd(a[:2], False)[1], lambda a: torch.linalg.svdvals(a[:2])),
    "singular vectors": (
        lambda a: np.abs(linalg.svd(a)[0]) ** 2,
        lambda a: torch.abs(torch.linalg.svd(a)[0]) ** 2,
    ),
    "eigh": (lambda a: linalg.eigh(hermitian(a))[0], lambda a: torch.linalg.eigvalsh(torch_hermitian(a))),
    "eigenvectors": (
        lambda a: np.abs(linalg.eigh(hermitian(a), subset_by_index=[1, 2])[1]) ** 2,
        lambda a: torch.abs(torch.linalg.eigh(torch_hermitian(a))[1][:, 1:]) ** 2,
    ),
    "generalised eigh": (
        lambda a: linalg.eigh(hermitian(a), definite(a))[0],
        lambda a: generalised(torch_hermitian(a), torch_definite(a)),
    ),
    "eigvals": (
        lambda a: linalg.eigvals(a + 8 * np.diag(np.arange(3.0))),
        lambda a: torch.linalg.eigvals(a + 8 * torch.diag(torch.arange(3.0, dtype=torch.float64))),
    ),
    "pinv": (lambda a: linalg.pinv(a[:, :2]), lambda a: torch.linalg.pinv(a[:, :2])),
    "lstsq": (
        lambda a: linalg.lstsq(a[:, :2], a[:, 2:])[0],
        lambda a: torch.linalg.lstsq(a[:, :2], a[:, 2:], driver="gelsd")[0],
    ),
    "norm": (lambda a: linalg.norm(a, "nuc"), lambda a: torch.linalg.matrix_norm(a, "nuc")),
}


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("name", CASES)
def test_gradients_are_those_of_torch(name: str, complex: bool) -> None:
    ours, theirs = CASES[name]
    rng = np.random.default_rng(0)
    a, weight = rng.standard_normal((2, 3, 3)) + 1j * rng.standard_normal((2, 3, 3))
    a = a if complex else a.real
    value = ours(a)
    weight = np.resize(weight if np.iscomplexobj(value) else weight.real, np.shape(value))
    gradient = pb.grad(lambda a: np.sum(np.real(weight * ours(a))))(a)
    tensor = torch.tensor(a, requires_grad=True)
    found = theirs(tensor)
    torch.sum(torch.real(torch.tensor(weight) * found)).backward()
    np.testing.assert_allclose(value, found.detach().resolve_conj().numpy(), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(gradient, tensor.grad.resolve_conj().numpy(), rtol=1e-8, atol=1e-9)


NAMESAKES: dict[str, Callable[[Any, Any], Any]] = {
    "cholesky": lambda library, a: library.cholesky(a @ a.T),
    "qr": lambda library, a: library.qr(a[:, :2], mode="economic")[0],
    "svd": lambda library, a: library.svd(a, full_matrices=False, compute_uv=False),
    "eigh": lambda library, a: library.eigh(a + a.T)[0],
    "toeplitz": lambda library, a: library.toeplitz(a[0], a[1]),
    "solve": lambda library, a: library.solve(a @ a.T, a, assume_a="pos"),
}


@pytest.mark.parametrize("name", NAMESAKES)
def test_gradients_are_those_of_jax(name: str) -> None:
    function = NAMESAKES[name]
    a = np.random.default_rng(1).standard_normal((3, 3)) + 2 * np.diag(np.arange(1.0, 4.0))
    weight = np.cos(np.arange(np.size(function(linalg, a)))).reshape(np.shape(function(linalg, a)))
    wanted = jax.grad(lambda a: jnp.sum(weight * function(jax.scipy.linalg, a)))(a)
    found = pb.grad(lambda a: np.sum(weight * function(linalg, a)))(a)
    np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-10)
