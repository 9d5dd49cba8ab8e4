"""Asking a program again, in other bases of its degenerate spaces.

In one basis, the cotangents of equal values are the diagonal of a block S of the gradient, and tell nothing
of the rest of it. But any basis of their space is as good, and in another one they are another diagonal of
the same block: ``d_j = Re(l_j^H S r_j)``, linear in S. After a few bases S is known, whatever the loss does;
and if it depends on the basis after all, then no S fits, or the results of two runs differ.

The rules only see one run. They find here which basis is the turn's, leave what they saw, and raise
`UndeterminedError` if that does not suffice; the transforms of `api.again` run the program again.

The reconstruction of a matrix from its diagonals in several bases is that of quantum state tomography; see
Wootters & Fields, *Optimal state-determination by mutually unbiased measurements*, 1989.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from pullback.base.errors import NotDifferentiableError

Array = np.ndarray[Any, Any]


class Deficient(NamedTuple):
    """A call with matrices of less than full rank: the shape of the stack, and the rank of each."""

    function: str
    shape: tuple[int, ...]
    ranks: tuple[int, ...]


class Notes:
    """What another run of the program would test.

    Attributes:
        pair: values whose vectors something depends on, if another basis is to be tried.
        ranks: those that have to be the same beside the arguments.
    """

    def __init__(self) -> None:
        self.pair: str | None = None
        self.ranks: list[Deficient] = []


NOTED: dict[int, Notes] = {}
"""By thread."""


class UndeterminedError(NotDifferentiableError):
    """The cotangents in one basis do not tell the derivative; in several they may.

    Attributes:
        refusal: the error for a program that has been run in several.
    """

    def __init__(self, refusal: NotDifferentiableError) -> None:
        self.refusal = refusal
        remedy = (
            f"let pb.grad, pb.vjp or pb.jacobian run the function in other bases, too; or {refusal.remedy}"
        )
        super().__init__(refusal.what, why=refusal.why, remedy=remedy, where=refusal.where)


class SplitError(NotDifferentiableError):
    """A tangent splits equal values; reverse mode may know the derivative."""


class Block:
    """What is known of one block of the gradient, from its diagonals in several bases.

    Attributes:
        left, right: the frames in which it is written down.
        hermitian: whether it is, and both frames are one.
    """

    def __init__(self, left: Array, right: Array, hermitian: bool) -> None:
        self.left, self.right, self.hermitian = left, right, hermitian
        self.rows: list[Array] = []
        self.seen: list[Array] = []
        self.found: Array | None = None
        self.floor = 0.0

    def add(self, left: Array, right: Array, diagonal: Array, floor: float) -> bool:
        """Take in a diagonal in the basis of the columns of `left` and `right`; False if it does not fit.

        Args:
            floor: what is rounding in the diagonal.
        """
        self.floor = max(self.floor, floor)
        one, other = np.conj(self.left.T) @ left, np.conj(self.right.T) @ right
        if not (_orthonormal(one) and _orthonormal(other)):
            return False
        if self.found is not None:
            return self._explains(np.real(np.diagonal(self.in_basis(left, right))), diagonal)
        terms = np.einsum("aj,bj->jab", np.conj(one), other).reshape(len(diagonal), -1)
        self.rows.append(np.hstack([terms.real, -terms.imag]) if terms.dtype.kind == "c" else terms)
        self.seen.append(diagonal)
        return self._solve()

    def in_basis(self, left: Array, right: Array) -> Array:
        """The block in the basis of these columns, once it is found."""
        return np.conj(left.T) @ self.left @ self.matrix @ np.conj(self.right.T) @ right

    @property
    def matrix(self) -> Array:
        """The block in its frames, once it is found."""
        assert self.found is not None
        return self.found

    def _solve(self) -> bool:
        p, q = self.left.shape[1], self.right.shape[1]
        is_complex = self.left.dtype.kind == "c"
        unknown = (p * p if is_complex else p * (p + 1) // 2) if self.hermitian else p * q * (1 + is_complex)
        design, seen = np.concatenate(self.rows), np.concatenate(self.seen)
        # The trace of a hermitian block is the same in all bases.
        told = len(design) - (len(self.rows) - 1) * self.hermitian
        if told <= unknown or len(self.rows) < 2:
            return True
        found, _, rank, _ = np.linalg.lstsq(design, seen, rcond=1e-4)
        if rank < unknown:
            return True
        if not self._explains(design @ found, seen):
            return False
        flat = found[: p * q] + 1j * found[p * q :] if is_complex else found
        self.found = flat.reshape(p, q)
        return True

    def _explains(self, expected: Array, seen: Array) -> bool:
        scale = max((float(np.max(np.abs(part))) for part in (*self.seen, seen)), default=0.0)
        return bool(np.max(np.abs(expected - seen)) <= np.finfo(seen.dtype).eps ** 0.5 * scale + self.floor)


def _orthonormal(columns: Array) -> bool:
    off = np.abs(np.conj(columns.T) @ columns - np.eye(columns.shape[1]))
    return bool(np.max(off) <= np.finfo(columns.dtype).eps ** 0.5)


class Inquiry:
    """A program that is run several times.

    Attributes:
        turn: which of the generic bases this run has; 0 is that of a run without an inquiry.
        doubted: whether cotangents were taken for invariant that miss it by more than rounding should.
        dropped: how much of a result is missing, because no block fits; it has to be rounding.
    """

    def __init__(self) -> None:
        self.turn = 0
        self.doubted = False
        self.dropped = 0.0
        self._visits = 0
        self._blocks: dict[Any, Block] = {}

    def drop(self, diagonal: Array, top: float) -> None:
        """Leave out a block that no bases agree on, of a matrix whose values go up to `top`."""
        self.dropped = max(self.dropped, float(np.max(np.abs(diagonal))) * top if top else np.inf)

    def begin(self, turn: int) -> None:
        """Start the run of a turn."""
        self.turn, self._visits = turn, 0

    def visit(self) -> int:
        """The number of a call of a rule within the run, by which other runs know it."""
        self._visits += 1
        return self._visits

    def block(
        self,
        key: Any,
        frames: Callable[[], tuple[Array, Array]] | None,
        left: Array,
        right: Array,
        diagonal: Array,
        floor: float,
        refusal: NotDifferentiableError,
    ) -> Block | None:
        """A block of the gradient, which this run has seen another diagonal of; None if the bases disagree.

        Args:
            key: which one it is.
            frames: gives orthonormal frames of the spaces of `left` and `right`; None for a hermitian block,
                which these span.

        Raises:
            UndeterminedError: with `refusal`, while it is not known.
        """
        known = self._blocks.get(key)
        if known is None:
            known = self._blocks[key] = Block(*(frames() if frames else (right, right)), frames is None)
        if not known.add(left, right, diagonal, floor):
            return None
        if known.found is None:
            raise UndeterminedError(refusal)
        return known


_local = threading.local()


def current() -> Inquiry | None:
    """The inquiry in progress in this thread."""
    return getattr(_local, "inquiry", None)


def turn() -> int:
    """Which of the generic bases to take."""
    inquiry = current()
    return 0 if inquiry is None else inquiry.turn


@contextlib.contextmanager
def inquiry() -> Iterator[Inquiry]:
    """Run with an inquiry in progress."""
    before = current()
    _local.inquiry = own = Inquiry()
    try:
        yield own
    finally:
        _local.inquiry = before
        noted()


@contextlib.contextmanager
def beside() -> Iterator[None]:
    """Run beside the arguments, to see the ranks there alone."""
    before = current()
    _local.inquiry, _local.beside = None, True
    try:
        yield
    finally:
        _local.inquiry, _local.beside = before, False


def is_beside() -> bool:
    """Whether such a run is in progress in this thread."""
    return getattr(_local, "beside", False)


def note(pair: str) -> None:
    """Ask for a second run in another basis."""
    notes = _notes()
    notes.pair = notes.pair or pair


def note_rank(met: Deficient) -> None:
    """Ask for a second run beside the arguments."""
    _notes().ranks.append(met)


def _notes() -> Notes:
    return NOTED.setdefault(threading.get_ident(), Notes())


def ranks_noted() -> list[Deficient]:
    """The ranks noted in this thread, which may be taken out."""
    notes = NOTED.get(threading.get_ident())
    return [] if notes is None else notes.ranks


def noted() -> Notes | None:
    """What was noted in this thread since the last call."""
    return NOTED.pop(threading.get_ident(), None)
