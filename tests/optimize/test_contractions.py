"""Contractions of tensors become products of matrices, and mean what NumPy's mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from comparing import check
from hypothesis import given, settings
from hypothesis import strategies as st

from pullback.ir.nodes import Assign
from pullback.ir.walk import walk
from pullback.rules.conjugating import PRODUCTS

LENGTHS = dict(zip("abcdefgh", (5, 6, 5, 7, 6, 5, 1, 2), strict=True))


def tensor(labels: str, dtype: Any = float, seed: int = 0) -> Any:
    rng = np.random.default_rng([seed, len(labels)])
    shape = [LENGTHS[label] for label in labels]
    x = rng.standard_normal(shape)
    return (x + 1j * rng.standard_normal(shape) if np.dtype(dtype).kind == "c" else x).astype(dtype)


def einsum(subscripts, *arrays):
    return check(lambda r, *arrays: np.einsum(subscripts, *arrays), *arrays)


def products(program):
    return sum(isinstance(s, Assign) and s.function in PRODUCTS for s in walk(program.body))


AS_MATRICES = [
    "ab,cb->ac", "ab,cb->ca", "ba,cb->ac", "abc,bcd->ad", "abc,cbd->ad", "abc,bd->acd", "abc,bd->dac",
    "abc,adb->cd", "gab,bc->gac", "ahb,hc->abc",
    "abc,abd->acd", "abc,adc->abd", "bac,dac->abd", "abc,bde->acde", "abc,bde->eacd", "ab,cdb->dca",
    "...ab,...bc->...ac", "...ab,cb->...ac",
]  # fmt: skip
AS_LOOPS = ["ab,ab->a", "abc,c->ab", "aab,bc->ac", "abc,bd->ad"]


@pytest.mark.parametrize("subscripts", AS_MATRICES + AS_LOOPS)
@pytest.mark.parametrize("dtypes", [(float, float), (complex, float), (np.float32, np.complex64)])
def test_two_tensors(subscripts, dtypes):
    terms = subscripts.partition("->")[0].replace("...", "d").split(",")
    arrays = [tensor(term, dtype, k) for k, (term, dtype) in enumerate(zip(terms, dtypes, strict=True))]
    program = einsum(subscripts, *arrays)
    assert (products(program) > 0) is (subscripts in AS_MATRICES)


def test_conjugates_and_parts():
    a, b = tensor("abc", complex), tensor("bcd", complex, 1)
    for function in (
        lambda r, a, b: np.einsum("abc,bcd->ad", np.conj(a), b),
        lambda r, a, b: np.einsum("abc,bcd->ad", a[1:3], np.conj(b[:, :, ::-1])),
        lambda r, a, b: np.einsum("cba,bcd->ad", np.transpose(np.conj(a), (2, 1, 0)), b),
        lambda r, a, b: np.tensordot(np.conj(a), b, ((1, 2), (0, 1))),
        lambda r, a, b: np.tensordot(a * 2, b + 1, 2),
        lambda r, a, b: np.sum(np.abs(np.tensordot(a, b, ((2,), (1,)))) ** 2),
        lambda r, a, b: np.einsum(a, [0, 1, 2], b, [1, 2, 4], [4, 0]),
        lambda r, a, b: np.dot(a, np.transpose(b, (0, 1, 2))[:, :5]),
        lambda r, a, b: np.inner(a, np.transpose(b, (2, 0, 1))),
    ):
        check(function, a, b, others=((a[:0], b), (a[:, :, :0], b[:, :0])))


def test_an_array_that_changes_afterwards():
    def written(r, a, b):
        c = np.einsum("abc,bcd->ad", a, b)
        a[...] = 0.5
        return np.einsum("ad,abc->dbc", c, a)

    check(written, tensor("abc"), tensor("bcd", seed=1))


@st.composite
def contractions(draw):
    """Two terms of distinct labels and an output."""
    first, second = (
        draw(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=4, unique=True)) for _ in range(2)
    )
    output = draw(st.permutations(sorted({*first, *second})))
    kept = output[: draw(st.integers(0, min(4, len(output))))]
    return f"{''.join(first)},{''.join(second)}->{''.join(kept)}"


@settings(max_examples=40, deadline=None)
@given(contractions(), st.sampled_from([float, complex]))
def test_any_two_tensors(subscripts, dtype):
    first, second = subscripts.partition("->")[0].split(",")
    einsum(subscripts, tensor(first, dtype), tensor(second, complex, 1))


@pytest.mark.parametrize("power", [2, 3, 6])
@pytest.mark.parametrize("shape", [(5, 5), (2, 5, 5)])
def test_powers_of_matrices(power, shape):
    a = np.sin(np.arange(float(np.prod(shape)))).reshape(shape)
    program = check(lambda r, a: np.linalg.matrix_power(a, power), a, others=((a[..., :0, :0],),))
    assert np.linalg.matrix_power not in {s.function for s in walk(program.body) if isinstance(s, Assign)}
    check(lambda r, a: np.linalg.matrix_power(a, 2)[..., 0] + a[..., 0], a + 1j)


def test_many_matrices():
    a, b, c, v, w = tensor("ab"), tensor("bd", seed=1), tensor("da", complex), tensor("a"), tensor("d")
    for factors in ((a, b, c), (a, b, c, a), (v, a, b), (a, b, w), (v, a, b, w)):
        program = check(lambda r, *factors: np.linalg.multi_dot(factors), *factors)
        assert np.linalg.multi_dot not in {s.function for s in walk(program.body) if isinstance(s, Assign)}
