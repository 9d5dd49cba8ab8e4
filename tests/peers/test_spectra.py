"""Spectral decompositions next to PyTorch: functions of values and vectors without a gauge, real and complex.

PyTorch takes the gradient in the whole hermitian matrix, where NumPy's function reads one triangle; of a
matrix that is made hermitian first, the two are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import pullback as pb


def adjoint(a: Any) -> Any:
    return a.swapaxes(-1, -2).conj()


def of_eigh(np: Any, a: Any) -> Any:
    w, v = np.linalg.eigh(a + adjoint(a))
    product = (v[..., :2] * w[..., None, :2] ** 2) @ adjoint(v[..., :2])
    return (w**3).sum() + (abs(product) ** 2 * weights(np, product)).sum() + abs(v[..., 0, 1]).sum()


def of_eigvalsh(np: Any, a: Any) -> Any:
    return (np.linalg.eigvalsh(a + adjoint(a)) ** 3 * np.arange(1.0, 1 + a.shape[-1])).sum()


def of_svd(np: Any, a: Any) -> Any:
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    product = u[..., :, :2] @ vh[..., :2, :]
    return (s**3).sum() + (abs(product) ** 2 * weights(np, product)).sum() + abs(u[..., 1, 0]).sum()


def of_svdvals(np: Any, a: Any) -> Any:
    s = np.linalg.svd(a, full_matrices=False)[1]
    return (s**2).sum() / (1 + np.linalg.norm(a, "nuc", (-2, -1))).sum()


def of_norms(np: Any, a: Any) -> Any:
    return sum(np.linalg.norm(a, p, (-2, -1)).sum() for p in (2, -2, "nuc"))


def of_condition(np: Any, a: Any) -> Any:
    return sum(np.linalg.cond(a, p).sum() for p in (None, 2, -2))


def weights(np: Any, product: Any) -> Any:
    rows, columns = product.shape[-2:]
    return np.arange(1.0, 1 + rows * columns).reshape(rows, columns)


SQUARE = [of_eigh, of_eigvalsh, of_condition]
CASES = [
    *((function, shape) for function in SQUARE for shape in ((4, 4), (2, 3, 3))),
    *(
        (function, shape)
        for function in (of_svd, of_svdvals, of_norms)
        for shape in ((4, 4), (5, 3), (3, 4), (2, 3, 4))
    ),
]


def drawn(shape: tuple[int, ...], complex: bool) -> Any:
    rng = np.random.default_rng(list(shape))
    a = rng.standard_normal(shape)
    return a + 1j * rng.standard_normal(shape) if complex else a


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize(("function", "shape"), CASES, ids=lambda x: getattr(x, "__name__", str(x)))
def test_gradient(function: Callable[[Any, Any], Any], shape: tuple[int, ...], complex: bool) -> None:
    torch.set_default_dtype(torch.float64)
    a = drawn(shape, complex)
    value, ours = pb.value_and_grad(lambda a: function(np, a))(a)
    x = torch.tensor(a, requires_grad=True)
    theirs = function(torch, x)
    theirs.backward()
    assert x.grad is not None
    np.testing.assert_allclose(value, theirs.item(), rtol=1e-11)
    np.testing.assert_allclose(ours, x.grad.numpy(), rtol=1e-9, atol=1e-9 * np.max(np.abs(ours)))


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_where_the_peers_have_nothing_at_diag_1_1_2(library: str) -> None:
    a = np.diag([1.0, 1.0, 2.0])

    def projected(np: Any, a: Any) -> Any:
        v = np.linalg.eigh((a + a.T) / 2)[1]
        return (v[:, :2] @ v[:, :2].T)[0, 2]

    wanted = np.zeros((3, 3))
    wanted[0, 2] = wanted[2, 0] = -0.5
    np.testing.assert_allclose(pb.grad(lambda a: projected(np, a))(a), wanted, atol=1e-15)
    if library == "jax":
        theirs = np.asarray(jax.grad(lambda a: projected(jnp, a))(jnp.asarray(a)))
    else:
        x = torch.tensor(a, requires_grad=True)
        projected(torch, x).backward()
        assert x.grad is not None
        theirs = x.grad.numpy()
    assert not np.isfinite(theirs).all()
