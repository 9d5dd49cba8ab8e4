"""Contractions in compiled source: values and derivatives are those of NumPy's, in loops too."""

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.base.errors import UnsupportedError


def drawn(*shape: int, dtype: Any = float) -> Any:
    rng = np.random.default_rng(len(shape))
    x = rng.standard_normal(shape)
    return x + 1j * rng.standard_normal(shape) if dtype is complex else x


def in_a_loop(a: Any, b: Any, c: Any) -> Any:
    total = 0.0
    for k in range(a.shape[0]):
        total = total + np.real(pb.contract("ij,jk,kl,il->", a[k], b, c, np.conj(a[k])))
    return total


def by_einsum(a: Any, b: Any, c: Any) -> Any:
    total = 0.0
    for k in range(a.shape[0]):
        total = total + np.real(np.einsum("ij,jk,kl,il->", a[k], b, c, np.conj(a[k]), optimize=True))
    return total


def given_path(a: Any, b: Any, c: Any) -> Any:
    first = np.einsum("aij,jk,kl->ail", a, b, c, optimize=["einsum_path", (1, 2), (0, 1)])
    second = pb.contract("aij,jk,kl->ail", a, b, c, optimize=[(0, 1), (0, 1)])
    third = np.einsum("aij,jk,kl->ail", a, b, c, optimize=("greedy", 10))
    return np.real(np.sum(first * np.conj(second)) + np.sum(third))


def interleaved(a: Any, b: Any, c: Any) -> Any:
    y = pb.contract(a, [0, 1, 2], b, [2, 3], c, [3, 4], [0, 4])
    return np.real(np.sum(y * np.conj(y)))


def hyperedges(a: Any, b: Any, c: Any) -> Any:
    y = pb.contract("aij,jj,jk,jl->jk", a, b, c, c, optimize="greedy")
    z = pb.contract("...ij,jk->...ki", a, b)
    return np.real(np.sum(y * np.conj(y)) + np.sum(z * z))


def numbered(a: Any, b: Any, c: Any) -> Any:
    y = pb.ncon([a, b, c], [[-2, -1, 1], [1, 2], [2, -3]])
    z = pb.ncon([b, c, b], [[1, 2], [2, 1], [-1, -2]], order=[2, 1])
    return np.real(np.sum(y * np.conj(y)) + np.sum(z))


def one_tensor(a: Any, b: Any, c: Any) -> Any:
    y = pb.contract("ijj->ji", a[:, :3, :])
    return np.real(np.sum(y * np.conj(y)) + pb.contract("ii->", b) + pb.ncon([c], [[1, 1]]))


PROGRAMS = [in_a_loop, by_einsum, given_path, interleaved, hyperedges, numbered, one_tensor]


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_compiled(program: Any, dtype: Any) -> None:
    args = drawn(2, 3, 3, dtype=dtype), drawn(3, 3, dtype=dtype), drawn(3, 3, dtype=dtype) * 0.5
    compiled = pb.compile(program)
    np.testing.assert_allclose(compiled(*args), program(*args), rtol=1e-12)
    ours = pb.grad(compiled, argnums=(0, 1, 2))(*args)
    for x, y in zip(ours, pb.grad(program, argnums=(0, 1, 2))(*args), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-11, atol=1e-12)


def test_second_order_compiled() -> None:
    a, b, c, v = drawn(2, 3, 3), drawn(3, 3), drawn(3, 3) * 0.5, np.ones((3, 3))
    compiled = pb.compile(in_a_loop)
    ours = pb.hvp(lambda b: compiled(a, b, c), b, v)
    np.testing.assert_allclose(ours, pb.hvp(lambda b: in_a_loop(a, b, c), b, v), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"memory_limit": 5}, "known only at run time"),
        ({"slice_to": 5}, "known only at run time"),
        ({"optimize": [(0, 1)]}, "leaves 2 tensors"),
        ({"backend": "torch"}, "backend='torch'"),
        ({"out": np.zeros(())}, "with out= in compiled source"),
    ],
)
def test_what_needs_lengths_is_refused(options: Any, match: str) -> None:
    def program(a: Any) -> Any:
        return pb.contract("ij,jk,ki->", a, a, a, **options)

    with pytest.raises(UnsupportedError, match=match):
        pb.compile(program)(drawn(3, 3))


def test_indices_that_do_not_fit_are_an_error_of_compilation() -> None:
    def program(a: Any) -> Any:
        return pb.ncon([a, a], [[1, -1], [2, -2]])

    with pytest.raises(UnsupportedError, match="index 1 appears once"):
        pb.compile(program)(drawn(3, 3))
