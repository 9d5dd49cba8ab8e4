"""How the functions of scipy.linalg reach the engines, and what the rules beside have in common.

SciPy turns its arguments into plain arrays, so each function has a namesake here that hands a tracked
argument to its engine. A flag ``overwrite_a=True`` allows SciPy to leave anything in `a`; on tracked values
nothing is overwritten.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy

from pullback.base.cast import astype
from pullback.base.dispatch import dispatched, tracked_in
from pullback.base.spec import dtype_of
from pullback.rules.table import PARTS, alias

BATCHES = np.lib.NumpyVersion(scipy.__version__) >= "1.16.0"
"""Whether most functions of scipy.linalg take stacks of matrices."""


def followed(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, a function of SciPy's that has a row, as one that engines follow."""
    inner = dispatched(function)
    alias(function, inner)
    parameters = inspect.signature(function).parameters
    flags = [place for place, name in enumerate(parameters) if name.startswith("overwrite_")]
    if not flags:
        return inner

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if (kwargs or len(args) > flags[0]) and (tracked_in(args) or tracked_in(kwargs.values())):
            args = tuple(False if place in flags else value for place, value in enumerate(args))
            kwargs = {key: value for key, value in kwargs.items() if not key.startswith("overwrite_")}
        return inner(*args, **kwargs)

    call.__dict__["dispatched"] = call
    alias(call, inner)
    return call


def composed(function: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate what computes the same as SciPy's `function`, of parts that have rows.

    SciPy's own runs on plain arrays; compiled code has the parts.
    """

    def decorate(parts: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if tracked_in(args) or tracked_in(kwargs.values()):
                return parts(*args, **kwargs)
            return function(*args, **kwargs)

        PARTS[call] = PARTS[function] = parts
        return call

    return decorate


def conj(a: Any) -> Any:
    """The conjugate; a real array itself."""
    return np.conj(a) if dtype_of(a).kind == "c" else a


def widened(a: Any) -> Any:
    """`a`, in double precision where it is of half precision, which LAPACK has not."""
    return astype(a, np.float64) if dtype_of(a) == np.float16 else a


PARTS[widened] = widened  # compiled code looks into functions of the package that are parts


def finite(a: Any, check_finite: bool = True) -> Any:
    """`a`, of which SciPy takes finite numbers alone, unless it is told not to look."""
    if check_finite and not np.all(np.isfinite(a)):
        raise ValueError("array must not contain infs or NaNs")
    return a


PARTS[finite] = finite


def is_vector(b: Any) -> bool:
    """Whether a right side is one vector, and not a matrix of columns or a stack of them."""
    return np.ndim(b) == 1
