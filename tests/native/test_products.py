"""Products of matrices that are stored where they belong, and what their adjoints keep and make zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb


def drawn(*shape: int) -> Any:
    rng = np.random.default_rng(sum(shape))
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def chain(tensors: Any, start: Any) -> Any:
    state = start
    for k in range(tensors.shape[0]):
        state = np.conj(tensors[k]).T @ (state[:, None] @ tensors[k])[:, 0]
    return np.sum(np.abs(state) ** 2)


def written_twice(a: Any, b: Any) -> Any:
    """The second product is stored over the first, which has no part in the result."""
    y = np.empty((2, 6, 6), a.dtype)
    for k in range(3):
        y[min(k, 1)] = a[k] @ b[k]
    return np.sum(np.abs(y) ** 2)


def over_what_is_read(a: Any, b: Any) -> Any:
    y = np.empty((3, 6, 6), a.dtype)
    y[0] = a[0] @ b[0]
    for k in range(2):
        y[k + 1] = y[k] @ b[k]
        y[k] = a[k] @ y[k + 1]
    return np.sum(np.abs(y) ** 2)


def from_the_end(a: Any, b: Any) -> Any:
    """Indices -1 and 2 are of one element."""
    y = np.empty((3, 6, 6), a.dtype)
    for k in range(-1, 3):
        y[k] = a[k] @ b[k]
    return np.sum(np.abs(y) ** 2)


def into_a_factor(a: Any, b: Any) -> Any:
    y = a.copy()
    for k in range(2):
        y[k] = y[k] @ b[k]
        y[k + 1] += y[k].T @ y[k]
        y[k + 1] = np.conj(y[k + 1] @ np.conj(b[k]))
    return np.sum(np.abs(y) ** 2)


def transposed(a: Any, b: Any) -> Any:
    y = np.zeros((6, 6), a.dtype)
    for k in range(3):
        y += np.conj(np.conj(a[k]) @ b[k].T).T
        y.T[:, :] += a[k].T @ np.conj(b[k]).T
    return np.sum(np.abs(y) ** 2)


def kept_by_reference(a: Any, b: Any) -> Any:
    """Arrays that go from trip to trip, and are read by the reverse sweep as they were."""
    total = 0.0
    y = a[0].copy()
    for k in range(3):
        fresh = np.empty((6, 6), a.dtype)
        fresh[:, :] = y @ b[k]
        fresh[0, 0] = 0.5
        total += np.sum(np.abs(fresh @ fresh) ** 2)
        y = fresh
    return total


def conjugates_in_other_shapes(a: Any, b: Any) -> Any:
    """One of them is made before `a` changes, and read afterwards."""
    a = a.copy()
    total = 0.0
    for k in range(2):
        before = np.conj(a[k]).reshape(3, 12)
        tall = np.conj(a).reshape(18, 6)
        a[k + 1] += tall[::3].T @ b[k]
        turned = np.conj(b).transpose(0, 2, 1)[k]
        total += np.sum(np.abs(before @ np.conj(b[:2]).reshape(12, 6) @ turned) ** 2)
        total += np.sum(np.abs(tall.T @ np.conj(np.conj(a).reshape(18, 6))) ** 2)
    return total


def conjugates_written_into(a: Any, b: Any) -> Any:
    whole = np.conj(a)
    tall = whole.reshape(18, 6)
    whole[0] = b[0]
    tall[-1] = 2 * b[1, 0]
    return np.sum(np.abs(tall.T @ tall) ** 2) + np.sum(np.abs(whole[2] @ b[2]) ** 2)


CASES = [
    written_twice, over_what_is_read, from_the_end, into_a_factor, transposed, kept_by_reference,
    conjugates_in_other_shapes, conjugates_written_into,
]  # fmt: skip


@pytest.mark.parametrize("function", CASES)
@pytest.mark.parametrize("real", [False, True])
def test_gradients_are_slopes(function: Any, real: bool) -> None:
    a, b = (0.3 * (x.real.copy() if real else x) for x in (drawn(3, 6, 6), 1j * drawn(3, 6, 6)))
    np.testing.assert_allclose(pb.compile(function)(a, b), function(a, b), rtol=1e-12)
    gradients = pb.grad(pb.compile(function), argnums=(0, 1))(a, b)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        along = [
            rng.standard_normal(x.shape) + (0 if real else 1j * rng.standard_normal(x.shape)) for x in (a, b)
        ]
        slope = sum(np.sum(np.conj(g) * d).real for g, d in zip(gradients, along, strict=True))
        h = 1e-5
        ahead, behind = (function(a + s * h * along[0], b + s * h * along[1]) for s in (1, -1))
        np.testing.assert_allclose(slope, (ahead - behind) / (2 * h), rtol=1e-6)


def test_a_chain_of_products() -> None:
    tensors, start = 0.3 * drawn(4, 6, 6), drawn(6, 6)
    compiled = pb.grad(pb.compile(chain), argnums=(0, 1))(tensors, start)
    taped = pb.grad(chain, argnums=(0, 1), engine="tape")(tensors, start)
    for ours, theirs in zip(compiled, taped, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def in_parts(x: Any, y: Any, u: Any, v: Any) -> Any:
    return chain(x + 1j * y, u + 1j * v)


def test_second_derivatives_of_a_chain() -> None:
    tensors, start, along = 0.3 * drawn(3, 5, 5), drawn(5, 5), drawn(3, 5, 5) * 0.7
    primals = (tensors.real.copy(), tensors.imag.copy(), start.real.copy(), start.imag.copy())
    tangents = (along.real.copy(), along.imag.copy(), 0 * primals[2], primals[3])
    compiled = pb.hvp(pb.compile(in_parts), primals, tangents)
    taped = pb.hvp(in_parts, primals, tangents)
    for ours, theirs in zip(compiled, taped, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def first_rows(a: Any) -> Any:
    return a[:, :5] @ a[0, :, :6]


def gram_of_rows(a: Any) -> Any:
    return a[:, :5] @ np.conj(a[:, :5].mT)


def gram_of_columns(a: Any) -> Any:
    return a[:, :, :5] @ np.conj(a[:, :, :5].mT)


def rows_of_columns(a: Any) -> Any:
    return a[:, :, :5].mT @ a[:, :, :7]


def one_beside_all(a: Any) -> Any:
    return a[:, None, 1:6] @ a[1:2, :5].mT


@pytest.mark.parametrize(
    "function", [first_rows, gram_of_rows, gram_of_columns, rows_of_columns, one_beside_all]
)
@pytest.mark.parametrize("jit", [False, True])
def test_the_first_rows_or_columns_of_a_stack(function: Any, jit: bool) -> None:
    """They lie in memory where those of the whole matrices do, and are less."""
    a = drawn(3, 8, 8)
    value, pull = pb.vjp(pb.compile(function, jit=jit), a)
    wanted, taped = pb.vjp(function, a)
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    np.testing.assert_allclose(pull(wanted)[0], taped(wanted)[0], rtol=1e-12)


def over_pairs_of_axes(a: Any, b: Any) -> Any:
    first = np.tensordot(a, np.conj(b), ((0, 2), (0, 1)))
    return np.sum(np.abs(first @ np.tensordot(b, a, ([2, 0], [0, 1]))) ** 2)


def over_axes_by_their_number(a: Any, b: Any) -> Any:
    return np.sum(np.abs(np.tensordot(a[0], b[0], (1, 1)) @ np.tensordot(a[1], b[1], 1)) ** 2)


@pytest.mark.parametrize("function", [over_pairs_of_axes, over_axes_by_their_number])
def test_tensordot_takes_axes_by_position(function: Any) -> None:
    a, b = drawn(4, 4, 4), 1j * drawn(4, 4, 4)
    compiled = pb.value_and_grad(pb.compile(function), argnums=(0, 1))(a, b)
    taped = pb.value_and_grad(function, argnums=(0, 1), engine="tape")(a, b)
    np.testing.assert_allclose(compiled[0], function(a, b), rtol=1e-12)
    for ours, theirs in zip(compiled[1], taped[1], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)
