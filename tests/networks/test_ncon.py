"""`ncon` against einsum and finite differences, and what it says of indices that do not fit."""

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.base.errors import ShapeError
from pullback.rules.networks.indices import path_by_order


def drawn(*shape: int) -> Any:
    rng = np.random.default_rng(sum(shape))
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


A, B, C = drawn(2, 3, 4), drawn(4, 3, 5), drawn(5, 2)


@pytest.mark.parametrize(
    ("indices", "subscripts"),
    [
        ([[-1, 1, 2], [2, 1, 3], [3, -2]], "abc,cbd,de->ae"),
        ([[-2, 1, 2], [2, 1, 3], [3, -1]], "abc,cbd,de->ea"),
        ([[1, 2, 3], [3, 2, 4], [4, 1]], "abc,cbd,da->"),
        ([[-1, 1, -3], [-2, 1, 2], [2, -4]], "abc,ebd,df->aecf"),
    ],
)
def test_against_einsum(indices: Any, subscripts: str) -> None:
    wanted = np.einsum(subscripts, A, B, C)
    np.testing.assert_allclose(pb.ncon([A, B, C], indices), wanted, rtol=1e-12)
    assert pb.testing.gradcheck(lambda *xs: pb.ncon(xs, indices), A, B, C)
    numbers = sorted({n for term in indices for n in term if n > 0}, reverse=True)
    np.testing.assert_allclose(pb.ncon([A, B, C], indices, order=numbers), wanted, rtol=1e-12)
    assert pb.testing.gradcheck(lambda *xs: pb.ncon(xs, indices, order=numbers), A, B, C)


def test_a_trace_and_an_outer_product() -> None:
    m, v = drawn(3, 3), drawn(2)
    np.testing.assert_allclose(pb.ncon([m, v], [[1, 1], [-1]]), np.trace(m) * v, rtol=1e-13)
    np.testing.assert_allclose(pb.ncon([m, v], [[1, 1], [-1]], order=[1]), np.trace(m) * v, rtol=1e-13)
    assert pb.testing.gradcheck(lambda m, v: pb.ncon([m, v, v], [[1, 1], [-2], [-1]], order=[1]), m, v)
    np.testing.assert_allclose(pb.ncon([m], [[-2, -1]]), m.T)


def test_the_order_is_the_path() -> None:
    terms = [(1, 2), (2, 3), (3, 4), (4, 1)]
    assert path_by_order(terms, (3, 1, 2, 4)) == [(1, 2), (0, 1), (0, 1)]


def test_an_axis_of_length_1_is_contracted_with_another() -> None:
    a, b = drawn(2, 1), drawn(1, 3)
    np.testing.assert_allclose(pb.ncon([a, b], [[-1, 1], [1, -2]]), a @ b, rtol=1e-13)


def test_hessian() -> None:
    m = np.random.default_rng(0).standard_normal((3, 3))
    ours = pb.hessian(lambda m: pb.ncon([m, m, m], [[1, 2], [2, 3], [3, 1]]))(m)
    np.testing.assert_allclose(ours, pb.hessian(lambda m: np.trace(m @ m @ m))(m), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("tensors", "indices", "order", "match"),
    [
        ([A, B], [[-1, 1, 2], [2, -2, -3]], None, "index 1 appears once, on axis 1 of tensor 0"),
        (
            [C, C, C],
            [[1, -1], [1, -2], [1, -3]],
            None,
            "index 1 appears 3 times, on axis 0 of tensor 0, axis 0 of",
        ),
        ([C, C], [[1, -1], [1, -1]], None, "index -1 appears twice"),
        ([A, B], [[-1, 1.2], [1.8, -2]], None, r"1.2 is no index"),
        ([C, C], [[1, -1], [1, -3]], None, r"open indices are \[-1, -3\]"),
        ([C, C], [[0, -1], [0, -2]], None, "index 0 on axis 0 of tensor 0"),
        (
            [A, C],
            [[-1, -2, 1], [1, -3]],
            None,
            "joins axis 2 of tensor 0, which is 4 long, and axis 0 of tensor 1",
        ),
        ([drawn(1), drawn(3)], [[1], [1]], None, "joins axis 0 of tensor 0, which is 1 long"),
        ([A, C], [[-1, -2], [-3, -4]], None, "tensor 0 has 3 axes and 2 indices"),
        ([A, C], [[-1, -2, -3]], None, "2 tensors and 1 lists"),
        ([C, C], [[1, -1], [1, -2]], [2], r"order=\[2\] is not an order"),
        ([C, C], [[1, -1], [1, -2]], [1, 1], "is not an order"),
    ],
)
def test_indices_that_do_not_fit(tensors: Any, indices: Any, order: Any, match: str) -> None:
    with pytest.raises(ShapeError, match=match):
        pb.ncon(tensors, indices, order)
