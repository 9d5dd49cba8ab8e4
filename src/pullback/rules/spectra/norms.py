"""The gradients of the norms that are functions of singular values: spectral, smallest and nuclear.

Conventions: singular values that tie for the largest or the smallest share equally; one that is 0 has
gradient 0, as ``abs`` at 0. (Watson, *Characterization of the subdifferential of some matrix norms*, 1992.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.tracked import bare
from pullback.rules.spectra.gauge import Array, equal_neighbours
from pullback.rules.spectra.svd import generic_svd, ranks

KINDS = {2: "largest", -2: "smallest", "nuc": "sum"}
"""The norms of `numpy.linalg.norm` by what they take of the singular values."""


def singular_gradient(x: Any, kind: str, axes: tuple[int, ...]) -> Any:
    """The gradient in every entry of `x`, whose matrices lie along `axes`."""
    u, s, vh = generic_svd(np.moveaxis(x, axes, (-2, -1)), False)
    size = max(u.shape[-2], vh.shape[-1])
    return np.moveaxis((u * _weights(bare(s), kind, size)[..., None, :]) @ vh, (-2, -1), axes)


def _weights(s: Array, kind: str, size: int) -> Array:
    """What each singular value contributes to the norm."""
    if not s.shape[-1]:
        return s
    positive = np.arange(s.shape[-1]) < ranks(s, size)[..., None]
    if kind == "sum":
        return positive.astype(s.dtype)
    equal = equal_neighbours(s, size)
    equal = equal if kind == "largest" else equal[..., ::-1]
    joined = np.concatenate((np.ones_like(positive[..., :1]), np.logical_and.accumulate(equal, -1)), axis=-1)
    joined = joined if kind == "largest" else joined[..., ::-1]
    return (joined & positive) / np.sum(joined, axis=-1, keepdims=True).astype(s.dtype)
