"""Functions that call SciPy, with `pullback.scipy` in its place, and matrices to call them with."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

import pullback as pb

_RNG = np.random.default_rng(4)


def matrix(*shape: int, kind: type = float, shift: float = 0.0) -> Any:
    a = _RNG.uniform(-1, 1, shape)
    if kind is complex:
        a = a + 1j * _RNG.uniform(-1, 1, shape)
    return a + shift * np.eye(shape[-2], shape[-1])


def definite(n: int, kind: type) -> Any:
    a = matrix(n, n, kind=kind)
    return a @ a.conj().T + np.eye(n)


def with_ours(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with `pullback.scipy` in place of `scipy`."""
    names = {**function.__globals__, "scipy": pb.scipy}
    return FunctionType(function.__code__, names, function.__name__)
