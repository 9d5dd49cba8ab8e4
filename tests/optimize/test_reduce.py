"""Reductions over every axis, in every dtype, of empty arrays and of those with NaN."""

from __future__ import annotations

import numpy as np
import pytest
from comparing import check

cube = np.sin(np.arange(24.0)).reshape(2, 3, 4)
holed = np.where(np.arange(24).reshape(2, 3, 4) % 11 == 5, np.nan, cube)

FUNCTIONS = (
    np.sum, np.prod, np.any, np.all, np.count_nonzero, np.nansum, np.nanprod, np.max, np.min, np.nanmax,
    np.nanmin, np.ptp, np.mean, np.nanmean, np.var, np.std, np.nanvar, np.nanstd,
)  # fmt: skip
AXES = (None, 0, 1, -1, (0, 1), (0, 2), (0, 1, 2))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
def test_axes(function, axis, keepdims):
    others = ((holed,), (cube[:, :, ::2],), (np.asfortranarray(cube),))
    check(lambda r, a: function(a, axis=axis, keepdims=keepdims), cube, others=others)
    check(lambda r, a: function(a * 2, axis=axis, keepdims=keepdims), cube[:1])


@pytest.mark.parametrize("function", FUNCTIONS[:9])
def test_empty(function):
    others = tuple((np.ones(shape),) for shape in ((0, 3), (3, 0), (0, 0)))
    for axis in (None, 0, 1):
        check(lambda r, a, axis=axis: function(a, axis=axis), np.ones((2, 3)), others=others)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.int32, bool, np.complex128])
def test_dtypes(function, dtype):
    if np.dtype(dtype).kind == "c" and function in (np.max, np.min, np.nanmax, np.nanmin, np.ptp):
        return
    if np.dtype(dtype).kind == "b" and function is np.ptp:
        return
    check(lambda r, a: function(a, axis=1), (cube[0] * 9).astype(dtype))


@pytest.mark.parametrize("function", [np.argmax, np.argmin])
@pytest.mark.parametrize("axis", [None, 0, 1, 2])
def test_places(function, axis):
    check(lambda r, a: function(a, axis=axis), cube, others=((holed,), (np.round(cube),)))
    check(lambda r, a: function(a, axis=axis, keepdims=True), cube.astype(int))


def test_options():
    mask = cube > 0
    check(lambda r, a, m: np.sum(a, axis=1, where=m), cube, mask)
    check(lambda r, a, m: np.mean(a, axis=1, where=m), cube, mask)
    check(lambda r, a, m: np.var(a, where=m), cube, mask)
    check(lambda r, a: np.var(a, axis=0, ddof=1), cube)
    check(lambda r, a: np.std(a, axis=(0, 2), ddof=1, keepdims=True), cube)
    check(lambda r, a: np.sum(a, dtype=np.float32), cube)
    check(lambda r, a: np.add.reduce(a), cube)
    check(lambda r, a, w: np.average(a, axis=1, weights=w), cube, np.arange(3.0))
    check(lambda r, a, w: np.average(a, weights=w), cube, np.abs(cube))
    check(lambda r, a: (np.add.reduce(a, axis=(0, 1)), np.multiply.reduce(a)), cube)


@pytest.mark.parametrize("order", [None, 1, 2, np.inf, -np.inf, 3])
def test_norms(order):
    check(lambda r, a: np.linalg.norm(a, order), cube[0, 0], others=((holed[0, 0],),))
    check(lambda r, a: np.linalg.norm(a, order, axis=1), cube[0] + 1j)
    check(lambda r, a: np.linalg.norm(a, order, axis=0, keepdims=True), cube[0].astype(np.float32))
    check(lambda r, a: np.linalg.norm(a), cube)


def test_a_reduction_inside_a_broadcast_is_not_repeated():
    check(lambda r, a: np.exp(a - np.max(a, axis=1, keepdims=True)), cube[0])
    check(lambda r, a: a / np.sum(np.exp(a), axis=0), cube[0])
    check(lambda r, a: a.T / np.sum(np.exp(a), axis=1), cube[0])
