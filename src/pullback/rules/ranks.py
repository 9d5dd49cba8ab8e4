"""Where a matrix has less than full rank: what a derivative at constant rank leaves open.

The pseudo-inverse has a derivative along matrices of one rank, and none where the rank changes. A tangent
that leaves them says so; but one that does not need not keep to them (``diag(1, t**2)`` at 0), and a
cotangent says nothing. So a rule notes the rank it met, and the transforms of `api.again` run the program
again on both sides of its arguments: a rank that holds there is constant around them, by semicontinuity.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from pullback.base.errors import NotDifferentiableError
from pullback.rules.spectra.inquiry import Deficient, is_beside, note_rank

Array = np.ndarray[Any, Any]

_REMEDY = (
    "make the matrix of factors of its rank, l @ r, and differentiate by these; or regularise: "
    "np.linalg.solve(a.T @ a + eps * np.eye(n), a.T); or hold it constant."
)


def is_zero_beside(small: Any, large: Any, dtype: Any) -> Any:
    """Whether a singular value is no more than rounding makes of 0 where `large` is the last that counts."""
    return small <= large * np.finfo(dtype).eps ** 0.75


def is_full(function: str, a: Array, ranks: Any) -> bool:
    """Whether each matrix of a stack has full rank; a deficient one is noted.

    Args:
        ranks: what NumPy found.

    Raises:
        NotDifferentiableError: if NumPy leaves out a singular value that is not zero.
    """
    size = min(a.shape[-2:])
    full = not a.size or bool(np.all(ranks >= size))
    if full and not (is_beside() and a.size):
        return True
    values = np.reshape(np.linalg.svd(a, compute_uv=False), (-1, size))
    for rank, found in zip(np.ravel(ranks), values, strict=True):
        if is_beside() or rank == size or not found[rank]:
            continue
        if not rank or not is_zero_beside(found[rank], found[rank - 1], a.dtype):
            raise drops(function)
    # Beside the arguments what counts is not what NumPy's cutoff keeps, which may be rounding, or drops.
    seen = tuple(_rank(found) for found in values)
    if min(seen) < size:
        note_rank(Deficient(function, a.shape, seen))
    return full


def _rank(values: Array) -> int:
    """How many of ordered singular values come before the first that is zero beside its neighbour."""
    for k, (large, small) in enumerate(itertools.pairwise(values)):
        if not large or is_zero_beside(small, large, values.dtype):
            return k + bool(large)
    return len(values) if values[-1] else 0


def drops(function: str) -> NotDifferentiableError:
    """The error for a singular value that a cutoff drops although it is not 0."""
    return NotDifferentiableError(
        f"numpy.linalg.{function} drops a singular value that is not zero",
        why="its derivative is known where the rank is constant (Golub & Pereyra, 1973)",
        remedy="use a smaller rcond or rtol, or cut the spectrum of np.linalg.svd yourself.",
    )


def check_tangent(function: str, a_dot: Array, a: Array, p: Array) -> None:
    """Raise if a tangent has a part between the two null spaces, which raises the rank.

    Args:
        p: the pseudo-inverse of `a`.
    """
    if is_beside():
        return
    part = a_dot - a @ (p @ a_dot)
    part = part - (part @ p) @ a
    size = np.linalg.norm(a_dot, axis=(-2, -1))
    if np.any(np.linalg.norm(part, axis=(-2, -1)) > size * np.finfo(a.dtype).eps ** 0.5):
        raise NotDifferentiableError(
            f"the rank of a matrix changes along its tangent in numpy.linalg.{function}",
            why="the pseudo-inverse is not even continuous there",
            remedy=f"move along matrices of the same rank; that is, {_REMEDY}",
        )


def changes_rank(noted: Deficient, failed: bool) -> NotDifferentiableError:
    """The error for a rank that is not the same beside the arguments.

    Args:
        failed: whether the function could not be run there.
    """
    rank, shape = min(noted.ranks), noted.shape[-2:]
    return NotDifferentiableError(
        f"numpy.linalg.{noted.function} meets a matrix of rank {rank} and shape {shape}, whose rank "
        + ("may change" if failed else "changes")
        + " with the arguments",
        why="its derivative is known where the rank is constant (Golub & Pereyra, 1973), and "
        + (
            "the function cannot be run beside its arguments to see whether it is"
            if failed
            else "it is another one beside the arguments, where the function was run once more"
        ),
        remedy=_REMEDY,
    )


def unknown_rank(noted: Deficient, caller: str) -> NotDifferentiableError:
    """The error where there is no function to run once more."""
    return NotDifferentiableError(
        f"{caller} comes to numpy.linalg.{noted.function} of a matrix of rank {min(noted.ranks)} and shape "
        f"{noted.shape[-2:]}",
        why="it has a derivative only if the rank is constant (Golub & Pereyra, 1973), which a function "
        "tells that is run once more, beside its arguments",
        remedy=f"pb.grad, pb.value_and_grad, pb.vjp or pb.jacobian of a function; or {_REMEDY}",
    )
