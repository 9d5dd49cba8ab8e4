"""Products in panels: the numbers of a product as NumPy forms it, whatever the shapes and the layouts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.base import panels

SHAPES = [(32, 256, 256), (8, 512, 784), (31, 224, 256), (1, 1024, 1024), (2, 1000, 600), (32, 255, 257)]
SHAPES += [(96, 100, 200), (250, 384, 128), (256, 256, 256), (131, 128, 128)]


@pytest.fixture(autouse=True)
def kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panels, "copies_nothing", lambda: True)


def layouts(x: Any) -> list[Any]:
    """The same matrix in C and in Fortran order, with gaps, and counted backwards."""
    wide = np.zeros((x.shape[0] * 2, x.shape[1] * 3), x.dtype)
    wide[::2, ::3] = x
    return [x, np.asfortranarray(x), wide[::2, ::3], x[::-1, ::-1].copy()[::-1, ::-1]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("rows", "inner", "columns"), SHAPES)
def test_a_product_in_panels(rows: int, inner: int, columns: int, dtype: Any) -> None:
    rng = np.random.default_rng(rows)
    x, b, a = (
        rng.standard_normal(shape).astype(dtype)
        for shape in ((rows, inner), (columns, inner), (rows, columns))
    )
    bound = 50 * np.finfo(dtype).eps * np.sqrt(inner)
    for other in layouts(x):
        for factor in layouts(b):
            y = panels.times_transposed(other, factor)
            assert y.dtype == dtype
            assert np.abs(y - x @ b.T).max() <= bound
        for factor in layouts(b.T.copy()):
            assert np.abs(panels.times(other, factor) - x @ b.T).max() <= bound
        for factor in layouts(a):
            assert np.abs(panels.transposed_times(factor, other) - a.T @ x).max() <= bound


def test_which_products_are_divided() -> None:
    assert panels.panel(256, 37) == 32
    assert panels.panel(784, 100) == 98
    assert panels.panel(257, 100) == 0
    assert panels.panel(24, 5) == 0


def test_factors_of_two_precisions_are_multiplied_in_the_higher() -> None:
    x, b = np.full((32, 256), 1 / 3, np.float32), np.full((256, 256), 1 / 3)
    assert panels.times_transposed(x, b).dtype == np.float64
    assert panels.transposed_times(np.full((32, 256), 1 / 3), x).dtype == np.float64
    assert panels.times(x, b).dtype == np.float64


def test_shapes_that_do_not_fit_are_numpy_s_error() -> None:
    for shape in ((512, 128), (128, 512), (255, 300)):
        x, w = pb.Variable(np.ones((32, 256))), pb.Variable(np.ones(shape))
        with pytest.raises(ValueError, match="matmul"):
            _ = x @ w


def test_gradients_of_a_layer_on_a_small_batch() -> None:
    rng = np.random.default_rng(3)
    h, w, seed = (
        rng.standard_normal((32, 256)),
        rng.standard_normal((256, 512)),
        rng.standard_normal((32, 512)),
    )
    x, weights = pb.Variable(h), pb.Variable(w)
    (x @ weights).backward(seed)
    assert np.allclose(x.grad, np.einsum("ij,kj->ik", seed, w))
    assert np.allclose(weights.grad, np.einsum("ki,kj->ij", h, seed))


def test_whether_the_kernels_exist_is_read_from_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for blas, found, expected in [
        ("scipy-openblas", ["AVX512F", "AVX512_SKX"], True),
        ("openblas", ["X86_V3", "X86_V4"], True),
        ("scipy-openblas", ["X86_V3"], False),
        ("accelerate", [], False),
        ("mkl-sdl", ["X86_V4"], False),
    ]:
        config = {"Build Dependencies": {"blas": {"name": blas}}, "SIMD Extensions": {"found": found}}
        monkeypatch.setattr(np, "show_config", lambda mode, config=config: config)
        assert panels.copies_nothing.__wrapped__() is expected
    monkeypatch.setattr(np, "show_config", lambda mode: {})
    assert panels.copies_nothing.__wrapped__() is False
