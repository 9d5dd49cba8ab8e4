"""Products and linear algebra next to PyTorch, once to JAX: gradients of real losses, real and complex."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import pullback as pb

EINSUMS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,kj,il->kl", (2, 3), (4, 3), (2, 5)),
    ("ii->i", (3, 3)),
    ("iij,j->i", (3, 3, 2), (2,)),
    ("...ij,...jk->...ik", (5, 2, 3), (3, 4)),
    ("bij,bjk,bki->b", (4, 2, 3), (4, 3, 2), (4, 2, 2)),
    ("ij,ij->j", (3, 1), (3, 4)),
    ("ij->", (2, 3)),
    ("i,j->ij", (2,), (3,)),
]
CASES: list[tuple[str, Callable[..., Any], Callable[..., Any], tuple[Any, ...]]] = [
    *(
        (
            form,
            lambda *x, form=form: np.einsum(form, *x),
            lambda *x, form=form: torch.einsum(form, *x),
            shapes,
        )
        for form, *shapes in EINSUMS
    ),
    ("det", np.linalg.det, torch.linalg.det, ((4, 4),)),
    ("stack of det", np.linalg.det, torch.linalg.det, ((3, 4, 4),)),
    ("inv", np.linalg.inv, torch.linalg.inv, ((3, 4, 4),)),
    ("solve", np.linalg.solve, torch.linalg.solve, ((4, 4), (4, 2))),
    ("stack of solve", np.linalg.solve, torch.linalg.solve, ((3, 1, 4, 4), (2, 4, 2))),
    ("matmul", np.matmul, torch.matmul, ((3, 1, 2, 4), (5, 4, 3))),
    ("matmul of a vector", np.matmul, torch.matmul, ((4,), (5, 4, 3))),
    ("vdot", np.vdot, torch.vdot, ((4,), (4,))),
    ("vecdot", np.vecdot, torch.linalg.vecdot, ((2, 4), (4,))),
    ("cross", np.cross, torch.linalg.cross, ((2, 3), (2, 3))),
    ("kron", np.kron, torch.kron, ((2, 3), (3, 2))),
    ("tensordot", np.tensordot, torch.tensordot, ((2, 3, 4), (3, 4, 2))),
    (
        "matrix_power",
        lambda a: np.linalg.matrix_power(a, 5),
        lambda a: torch.linalg.matrix_power(a, 5),
        ((4, 4),),
    ),
    (
        "inverse power",
        lambda a: np.linalg.matrix_power(a, -3),
        lambda a: torch.linalg.matrix_power(a, -3),
        ((4, 4),),
    ),
    (
        "multi_dot",
        lambda *x: np.linalg.multi_dot(x),
        lambda *x: torch.linalg.multi_dot(x),
        ((4,), (4, 3), (3, 2), (2,)),
    ),
    ("trace", np.trace, torch.trace, ((4, 4),)),
    (
        "slogdet",
        lambda a: np.stack(np.linalg.slogdet(a)),
        lambda a: torch.stack(_same(torch.linalg.slogdet(a))),
        ((4, 4),),
    ),
    *(
        (
            f"norm of order {order}",
            lambda x, order=order: np.linalg.vector_norm(x, ord=order, axis=-1),
            lambda x, order=order: torch.linalg.vector_norm(x, order, -1),
            ((3, 5),),
        )
        for order in (0.5, 1, 2, 3, -1, -2, np.inf, -np.inf)
    ),
    *(
        (
            f"matrix norm of order {order}",
            lambda x, order=order: np.linalg.matrix_norm(x, ord=order),
            lambda x, order=order: torch.linalg.matrix_norm(x, order),
            ((3, 4, 5),),
        )
        for order in ("fro", 1, -1, np.inf, -np.inf)
    ),
]


def _same(parts: Any) -> list[Any]:
    """Tensors in one dtype, as torch.stack wants them and np.stack makes them."""
    dtype = torch.promote_types(parts[0].dtype, parts[1].dtype)
    return [part.to(dtype) for part in parts]


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize(
    ("ours", "theirs", "shapes"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_gradients_are_those_of_torch(ours: Any, theirs: Any, shapes: Any, complex: bool) -> None:
    rng = np.random.default_rng(0)

    def drawn(shape: Any) -> Any:
        x = rng.standard_normal(shape)
        return x + 1j * rng.standard_normal(shape) if complex else x

    args = [drawn(shape) for shape in shapes]
    weight = drawn(np.shape(ours(*args)))
    grads = pb.grad(lambda *x: np.sum(np.real(weight * ours(*x))), argnums=tuple(range(len(args))))(*args)
    tensors = [torch.tensor(x, requires_grad=True) for x in args]
    torch.sum(torch.real(torch.tensor(weight) * theirs(*tensors))).backward()
    for x_bar, tensor in zip(grads, tensors, strict=True):
        np.testing.assert_allclose(x_bar, tensor.grad.resolve_conj().numpy(), rtol=1e-9, atol=1e-10)


def test_det_of_a_singular_matrix() -> None:
    """Next to JAX: PyTorch gives zeros where its factorisation meets a pivot of exactly 0."""
    a = np.outer([1.0, 2.0, 3.0], [1.0, -1.0, 2.0]) + np.outer([1.0, 0.0, 1.0], [0.0, 1.0, 1.0])
    expected = jax.grad(jnp.linalg.det)(jnp.asarray(a))
    np.testing.assert_allclose(pb.grad(np.linalg.det)(a), expected, atol=1e-13)
