"""Pseudo-inverses and least squares with SciPy's arguments; NumPy's functions have the rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

from pullback.base.dispatch import dispatched
from pullback.base.errors import UnsupportedError
from pullback.base.spec import dtype_of
from pullback.base.tracked import Tracked
from pullback.rules.scipy_linalg.calling import composed, finite
from pullback.rules.scipy_linalg.systems import as_read
from pullback.rules.table import constant


@dispatched
def relative_cutoff(a: Any, atol: Any, rtol: Any) -> Any:
    """NumPy's ``rtol`` for SciPy's two, which drop what is at most ``atol + rtol * s_max``."""
    size = np.shape(a)[-2:]
    relative = max(size) * np.finfo(a.dtype).eps if rtol is None else rtol
    if atol is None or 0 in size:
        return np.full(np.shape(a)[:-2], relative)
    largest = np.linalg.norm(a, 2, (-2, -1))
    return relative + atol / np.where(largest > 0, largest, 1)


constant(relative_cutoff)


@composed(scipy.linalg.pinv)
def pinv(
    a: Any, *, atol: Any = None, rtol: Any = None, return_rank: bool = False, check_finite: bool = True
) -> Any:
    """As `scipy.linalg.pinv`."""
    if return_rank:
        raise UnsupportedError(
            "scipy.linalg.pinv with return_rank=True has no derivative rule",
            why="the rank is a number that does not move",
            remedy="leave return_rank away, and use np.linalg.matrix_rank(a).",
        )
    for cutoff in (atol, rtol):
        if cutoff is not None and cutoff < 0:
            raise ValueError("atol and rtol values must be positive.")
    a = finite(a, check_finite)
    if atol is None:
        return np.linalg.pinv(a, rtol=rtol)
    return np.linalg.pinv(a, rtol=relative_cutoff(a, atol, rtol))


@composed(scipy.linalg.pinvh)
def pinvh(
    a: Any, atol: Any = None, rtol: Any = None, lower: bool = True, return_rank: bool = False,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """As `scipy.linalg.pinvh`."""
    a = finite(a, check_finite)
    return pinv(as_read(a, "her", lower), atol=atol, rtol=rtol, return_rank=return_rank, check_finite=False)


@dataclass(frozen=True)
class Residue:
    """What compiled source has for the sum of squares that is left of a vector.

    Attributes:
        squares: what `numpy.linalg.lstsq` gives.
    """

    squares: Any
    without = (
        "in SciPy it is a number, or an empty array if the rank is less than full, which depends on values",
        "use np.linalg.lstsq(a, b), whose second result is an array always, or b[:, None] in place of b",
    )


@composed(scipy.linalg.lstsq)
def lstsq(
    a: Any, b: Any, cond: Any = None, overwrite_a: bool = False, overwrite_b: bool = False,
    check_finite: bool = True, lapack_driver: Any = None,
) -> Any:  # fmt: skip
    """As `scipy.linalg.lstsq` of one matrix."""
    if lapack_driver not in (None, "gelsd", "gelsy", "gelss"):
        raise ValueError(f'LAPACK driver "{lapack_driver}" is not found')
    if np.ndim(a) != 2 or np.ndim(b) > 2:
        raise UnsupportedError(
            "scipy.linalg.lstsq of a stack of matrices has no derivative rule",
            why="residuals and ranks are those of one matrix",
            remedy="take them one by one, or for the solutions alone np.linalg.pinv(a) @ b.",
        )
    a, b = finite(a, check_finite), finite(b, check_finite)
    found = np.linalg.lstsq(a, b, np.finfo(np.result_type(a, b, np.float32)).eps if cond is None else cond)
    if lapack_driver == "gelsy":
        return found[0], np.zeros(0, dtype_of(found[0])), found[2], None
    if np.ndim(b) == 2:
        return found[0], found[1], found[2], found[3]
    if not isinstance(found[0], Tracked):  # in compiled source
        return found[0], Residue(found[1]), found[2], found[3]
    return found[0], found[1][0] if np.size(found[1]) else found[1], found[2], found[3]
