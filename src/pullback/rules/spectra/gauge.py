"""What is arbitrary in eigenvectors and singular vectors: phases, and the basis where values are equal.

A loss has a derivative only if it does not depend on that choice, which is a *gauge*. Three things are needed
to tell from its cotangents alone.

- The basis of a space with equal values is turned by a fixed generic rotation before it is recorded (any
  basis is as valid as LAPACK's). In a structured one, such as the identity's columns, ``|V[0, 0]|**2``, which
  depends on the basis, has the same cotangents as a projector's entry, which does not.
- Values that are equal become the same number, their mean, so that rounding does not tell them apart.
  They count as equal when they are `JOINED` ``n eps`` times the largest apart, which is what LAPACK
  resolves.
- *Near* are those within the square root of eps, where ``1/gap`` amplifies rounding.

What goes in is plain arrays; nothing here is differentiated.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np

from pullback.base.errors import NotDifferentiableError
from pullback.base.tracked import Tracked
from pullback.rules.spectra.inquiry import SplitError

Array = np.ndarray[Any, Any]

_SMALL = 16
JOINED = 16
"""Values are equal where they differ by at most this many ``n eps`` of the largest."""

ROUNDED = 32
"""Entries of a product are rounding where they are at most this many ``n eps`` of its factors."""


@functools.cache
def eps_of(dtype: np.dtype[Any]) -> float:
    """The relative spacing of numbers of `dtype`."""
    return float(np.finfo(dtype).eps)


@functools.cache
def slack_of(dtype: np.dtype[Any]) -> float:
    """How far, relative to their size, cotangents may miss what invariance says: eps to the power 2/3."""
    return eps_of(dtype) ** (2 / 3)


@functools.cache
def hidden_of(dtype: np.dtype[Any]) -> float:
    """Times the cotangents of vectors: quotients times gaps that are less may be rounding (see `blurred`)."""
    return 8 * eps_of(dtype) ** (2 / 3)


def absent(cotangent: Any) -> bool:
    """Whether nothing flowed to an output: its cotangent came as one number."""
    return np.ndim(cotangent) == 0


@functools.cache
def infinite_diagonal(size: int, dtype: np.dtype[Any]) -> Array:
    """Zeros, with infinity on the diagonal: what a value's distance to itself is replaced by."""
    return np.where(np.eye(size, dtype=bool), dtype.type(np.inf), dtype.type(0))


@functools.cache
def identity(size: int, dtype: np.dtype[Any]) -> Array:
    """The identity matrix, made once."""
    return np.eye(size, dtype=dtype)


# -- which values are equal -------------------------------------------------------------------------------


def largest(values: Array) -> Array:
    """The largest magnitude among ordered values, with the axis kept."""
    return np.maximum(np.abs(values[..., :1]), np.abs(values[..., -1:]))


def equal_neighbours(values: Array, size: int) -> Array:
    """Where neighbours among ordered values are equal up to the rounding of a matrix of `size`."""
    reach = JOINED * size * eps_of(values.dtype)
    return np.abs(values[..., 1:] - values[..., :-1]) <= reach * largest(values)


def all_apart(values: Array, reach: float) -> bool:
    """Whether all neighbours among ordered values are more than `reach` of the largest apart."""
    if values.ndim > 1 or len(values) > _SMALL:
        return not (np.abs(values[..., 1:] - values[..., :-1]) <= reach * largest(values)).any()
    entries = values.tolist()
    if len(entries) < 2:
        return True
    top = reach * max(abs(entries[0]), abs(entries[-1]))
    return not any(abs(b - a) <= top for a, b in itertools.pairwise(entries))


def turned_neighbours(values: Array, size: int, turn: int) -> Array:
    """Where neighbours among ordered values get a basis without structure.

    A further run, which another one is compared with, may turn what is not resolved, too.
    """
    equal = equal_neighbours(values, size)
    return equal | unresolved_neighbours(values) if turn else equal


def unresolved_neighbours(values: Array) -> Array:
    """Where neighbours among ordered values are so near that rounding takes two thirds of their vectors."""
    return np.abs(values[..., 1:] - values[..., :-1]) <= slack_of(values.dtype) * largest(values)


def near_neighbours(values: Array) -> Array:
    """Where neighbours among ordered values are so near that ``1/gap`` amplifies rounding."""
    return np.abs(values[..., 1:] - values[..., :-1]) <= eps_of(values.dtype) ** 0.5 * largest(values)


def runs(joined: Array) -> list[slice]:
    """The runs of two and more entries whose neighbours are `joined`."""
    found, start = [], 0
    for place in range(len(joined) + 1):
        if place == len(joined) or not joined[place]:
            if place > start:
                found.append(slice(start, place + 1))
            start = place + 1
    return found


def merge(values: Array, run: slice) -> None:
    """Make equal values the same number, so that what a symmetric function sends them is the same, too."""
    if values[run.start] != values[run.stop - 1]:
        values[run] = values[run].mean()


# -- generic bases ----------------------------------------------------------------------------------------


@functools.cache
def _numbers(rows: int, columns: int, is_complex: bool, side: int, turn: int) -> Array:
    rng = np.random.default_rng([rows, columns, 11 + side, *[turn] * bool(turn)])
    numbers = rng.standard_normal((rows, columns))
    return numbers + 1j * rng.standard_normal((rows, columns)) if is_complex else numbers


@functools.cache
def rotation(size: int, dtype: np.dtype[Any], turn: int) -> Array:
    """A fixed orthogonal or unitary matrix without any structure, another one for each turn."""
    return np.linalg.qr(_numbers(size, size, dtype.kind == "c", 0, turn))[0].astype(dtype)


def complement(basis: Array, count: int, side: int, turn: int) -> Array:
    """`count` orthonormal columns without any structure, orthogonal to those of `basis`."""
    columns = _numbers(len(basis), count, basis.dtype.kind == "c", side, turn).astype(basis.dtype)
    for _ in range(2):  # once more: the first leaves the rounding of what it took away
        columns = np.linalg.qr(columns - basis @ (np.conj(basis.T) @ columns))[0]
    return columns


# -- errors -----------------------------------------------------------------------------------------------


def placed(place: tuple[int, ...]) -> str:
    """Which matrix of a stack an error is about; nothing where there is one alone."""
    return "" if not place else f" of matrix {place[0] if len(place) == 1 else place}"


def named(kind: str, values: Array, first: int, second: int, place: tuple[int, ...]) -> str:
    """The pair of values that an error is about: indices, values, and which matrix of a stack."""
    where = placed(place)
    return f"{kind} {first} and {second}{where} ({values[first]} and {values[second]})"


def refuse_basis(
    function: str, kind: str, values: Array, pair: tuple[int, int], place: tuple[int, ...]
) -> NotDifferentiableError:
    """The error for a loss that depends on the basis of a degenerate space."""
    return NotDifferentiableError(
        f"{function} has no derivative here: {named(kind, values, *pair, place)} are equal up to rounding",
        why="the result depends on the choice of a basis in their common space, which is arbitrary",
        remedy="use what does not: functions of all the values, projectors onto the whole space, "
        "or V f(w) V^H.",
    )


def refuse_split(
    function: str, kind: str, values: Array, pair: tuple[int, int], place: tuple[int, ...]
) -> NotDifferentiableError:
    """The error for a loss that treats equal values differently, or whose dependence is not determined."""
    return NotDifferentiableError(
        f"{function} has no derivative that its cotangents determine here: "
        f"{named(kind, values, *pair, place)} are equal up to rounding",
        why="the result depends on them one by one, and not only through a symmetric function of them "
        "or a matrix V f(w) V^H",
        remedy="use a function of all of them; or shift the matrix by a multiple of the identity where "
        "f(w) vanishes; or separate the values.",
    )


def refuse_small(
    function: str, values: Array, pair: tuple[int, int], place: tuple[int, ...]
) -> NotDifferentiableError:
    """The error for singular values that are small beside what the result varies with."""
    first, second = sorted(pair)
    which = (
        f"singular value {first}{placed(place)} ({values[place][first]}) is"
        if first == second
        else f"{named('singular values', values[place], first, second, place)} are"
    )
    return NotDifferentiableError(
        f"{function} has no derivative that its cotangents determine here: {which} small beside what the "
        "result varies with",
        why="the derivative divides by them, and rounding would take more than a third of its digits",
        remedy="use functions of the singular values alone; or eigh of a.conj().T @ a, if the result is made "
        "of one side's vectors; or multiply the matrix by a large number.",
    )


def refuse_phase(function: str, kind: str, values: Array, index: int, place: tuple[int, ...]) -> Exception:
    """The error for a loss that depends on the phase of a complex vector."""
    where = placed(place)
    return NotDifferentiableError(
        f"{function} has no derivative here: the result depends on the phase of the vector of "
        f"{kind} {index}{where} ({values[index]})",
        why="the phase of a complex eigenvector or pair of singular vectors is arbitrary",
        remedy="use what does not depend on it, such as abs(v), or a product of v and conj(v).",
    )


def refuse_forward(
    function: str, kind: str, values: Array, pair: tuple[int, int], place: tuple[int, ...]
) -> NotDifferentiableError:
    """The error for a tangent that splits equal values, or moves another one that does."""
    return SplitError(
        f"{function} has no tangent here: {named(kind, values, *pair, place)} are equal up to rounding "
        "beside the tangent of the matrix, which splits them",
        why="forward mode does not see whether the result depends on the basis of their common space",
        remedy="use reverse mode, which does: pb.grad, pb.vjp, "
        "pb.jacobian(f, mode='reverse') (of pb.grad(f) for a Hessian).",
    )


def refuse_second(function: str, kind: str, values: Array, run: slice, place: tuple[int, ...]) -> Exception:
    """The error for a second derivative through the vectors of equal values."""
    return NotDifferentiableError(
        f"{function} has no second derivative here: "
        f"{named(kind, values, run.start, run.stop - 1, place)} are equal up to rounding",
        why="the first derivative's cotangents do not tell how the vectors' part of it changes as they split",
        remedy="use functions of the values alone, whose second derivatives exist, or separate the values.",
    )


def first_order_only(*values: Any) -> bool:
    """Whether no derivative of this derivative is being taken."""
    return not any(isinstance(value, Tracked) for value in values)


def seeds_alone(seeds: Any, basis: Any) -> bool:
    """Whether a derivative by the cotangents alone is being taken."""
    level = max((seed.level for seed in seeds if isinstance(seed, Tracked)), default=-1)
    return level > max((part.level for part in basis if isinstance(part, Tracked)), default=-1)


def refuse_seeds(function: str, kind: str, values: Array, equal: Array) -> None:
    """Raise if there are equal values: what is decided there from some cotangents does not hold for all."""
    for *place, index in np.argwhere(equal)[:1].tolist():
        raise NotDifferentiableError(
            f"{function} has no linear map of cotangents here: "
            f"{named(kind, values[tuple(place)], index, index + 1, tuple(place))} are equal up to rounding",
            why="what its derivative is there is decided from the cotangents of one result",
            remedy="use pb.jacobian(f, mode='reverse'), pb.vjp or pb.jvp in place of pb.linearize.",
        )
