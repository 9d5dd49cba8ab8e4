"""Derivatives that one run of a program does not settle: it is run again, in other bases, or elsewhere.

Where eigenvalues or singular values are equal, a result may depend on their vectors, of which there are many
choices. A derivative counts if it is the same for two of them. Where the rules cannot tell the derivative
from one run, they may from several (see `rules.spectra.inquiry`).

Where a matrix has less than full rank, a derivative may hold only if it keeps the rank (see `rules.ranks`).
Runs beside the arguments tell: an analytic function that has the same ranks at a generic point
nearby has them at all but a set of measure zero, and nowhere higher ones.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType
from typing import Any, TypeVar

import numpy as np

from pullback.base.errors import NotDifferentiableError
from pullback.base.pytrees import flatten, unflatten
from pullback.base.spec import dtype_of
from pullback.base.tracked import bare
from pullback.dual import push
from pullback.rules.ranks import changes_rank
from pullback.rules.spectra.inquiry import (
    NOTED,
    Inquiry,
    UndeterminedError,
    beside,
    inquiry,
    is_beside,
    noted,
    ranks_noted,
)
from pullback.tape import sweep

LIMIT = 64
"""How many bases are tried; each tells as many numbers of a block as it has rows."""

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
_SETTLING: set[CodeType] = set()
_DERIVING = {f.__code__ for f in (sweep.walk, sweep.descend, sweep.sweep_from, push._contribution)}
"""What calls rules."""


def settles(function: F) -> F:
    """Decorate a transform that leaves no derivative unsettled, by `begin`, `compared` and `repeated`."""
    _SETTLING.add(function.__code__)
    return function


def _is_outermost() -> bool:
    """Whether the transform that asks is within no other one's run.

    What the inner one returns may depend on a basis as long as the end does not.
    """
    frame = sys._getframe(3)
    while frame is not None:
        if frame.f_code in _SETTLING:
            return False
        frame = frame.f_back
    return True


def settled(answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`answer` (see `quick`), with None where one run does not settle the derivative."""

    def careful(args: Any) -> Any:
        if NOTED:
            return None
        try:
            known = answer(args)
        except UndeterminedError:
            return None
        if NOTED:
            noted()  # what is done in its place will note it again
            return None
        return known

    return careful


def begin() -> int:
    """Forget what a run before left noted; how many ranks are. Called where `NOTED` is not empty."""
    if _is_outermost():
        noted()
    return len(ranks_noted())


def forget(since: int) -> None:
    """Forget the ranks noted `since` then, by a run that is done again."""
    del ranks_noted()[since:]


def compared(
    run: Callable[[], T],
    told: Callable[[T], Any],
    found: T,
    near: Callable[[int], Any],
    since: int,
) -> T:
    """`found`, which `run` has returned, if another basis gives the same; called where `NOTED` is not empty.

    Args:
        run: one run.
        told: the value and the derivative in what it returns.
        near: runs beside the arguments, on the side it is given (see `moved`).
        since: what `begin` has returned.
    """
    outermost = _is_outermost()
    if _is_asked():
        _compare_ranks(near, since)
    if not outermost:
        return found
    notes = noted()
    if notes is None or notes.pair is None:
        return found
    return _several(run, told, _depends(notes.pair), {0: found}, 1.0, near)


def repeated(
    run: Callable[[], T],
    told: Callable[[T], Any],
    error: UndeterminedError,
    near: Callable[[int], Any],
    weight: float = 1.0,
) -> T:
    """What `run` returns when asked several times.

    Args:
        error: what it has raised.
        near: as for `compared`.
        weight: the largest cotangent of the value.
    """
    if not _is_outermost():
        raise error
    noted()
    return _several(run, told, error.refusal, {}, weight, near)


# -- ranks ------------------------------------------------------------------------------------------------


def _is_asked() -> bool:
    """Whether the transform that asks is the program's, and not a rule's.

    A rule's is by what the rule reads, such as the arguments of a block of `checkpoint`, which need not move
    freely; so it leaves the ranks that it noted to the transform that called the rule.
    """
    frame = sys._getframe(3)
    while frame is not None and frame.f_code not in _SETTLING:
        if frame.f_code in _DERIVING:
            return False
        frame = frame.f_back
    return not is_beside()


def _compare_ranks(near: Callable[[int], Any], since: int) -> None:
    """Raise unless the ranks noted `since` then are the same beside the arguments, on either side.

    What is analytic has one rank on both; at a kink, such as that of ``np.maximum(x, 0)``, only one may tell.
    """
    ranks = ranks_noted()
    before = len(ranks)
    own = ranks[since:]
    if not own:
        return
    sides: list[Any] = []
    try:
        with beside(), np.errstate(all="ignore"):
            for side in (1, -1):
                near(side)
                sides.append(ranks[before:])
                del ranks[before:]
    except Exception as error:
        raise changes_rank(own[0], failed=True) from error
    others = next((found for found in sides if found != own), own)
    if others != own:
        raise changes_rank(next((one for one in own if one not in others), own[0]), failed=False)


def moved(tree: Any, side: int, along: Any = None) -> Any:
    """Arguments beside those in `tree`: so far that rounding hides no fourth power of the step.

    Args:
        side: 1, or -1 for the point across.
        along: tangents of the same structure, if the arguments move along them alone.
    """
    rng = np.random.default_rng(4)

    def shifted(leaf: Any, dot: Any) -> Any:
        x = np.asarray(bare(leaf))
        if x.dtype.kind not in "fc":
            return leaf
        size, eps = np.abs(x), np.finfo(x.dtype).eps
        largest = size.max(initial=0) or 1.0
        if dot is None:
            by = rng.standard_normal(x.shape)
            by = by + 1j * rng.standard_normal(x.shape) if x.dtype.kind == "c" else by
            # Numbers keep their sign and magnitude; what is zero moves as far as what is not.
            by = by * np.where(size > eps**0.5 * largest, size, largest)
        else:
            by = bare(dot) * (largest / (np.max(np.abs(bare(dot)), initial=0) or 1.0))
        by = (side * eps ** (1 / 8) * by).astype(x.dtype)
        return leaf + (by.item() if type(leaf) in (float, complex) else by)

    leaves, structure = flatten(tree)
    dots: list[Any] = [None] * len(leaves) if along is None else flatten(along)[0]
    return unflatten(structure, [shifted(leaf, dot) for leaf, dot in zip(leaves, dots, strict=True)])


# -- bases ------------------------------------------------------------------------------------------------


def _several(
    run: Callable[[], T],
    told: Callable[[T], Any],
    refusal: NotDifferentiableError,
    complete: dict[int, T],
    weight: float,
    near: Callable[[int], Any],
) -> T:
    """Run with one basis after the other, until two runs are complete: one in the first basis if possible."""
    with inquiry() as asked:
        for turn in range(len(complete), LIMIT):
            _attempt(run, asked, turn, complete, near)
            if complete and 0 not in complete:
                _attempt(run, asked, 0, complete, near)
            if len(complete) > 1:
                one, other = (told(complete[turn]) for turn in sorted(complete)[:2])
                if _agree(one, other, asked.doubted) and _is_rounding(asked.dropped, weight, one[0]):
                    return complete[min(complete)]
                break
    raise refusal


def _attempt(
    run: Callable[[], T], asked: Inquiry, turn: int, complete: dict[int, T], near: Callable[[int], Any]
) -> None:
    asked.begin(turn)
    since = len(ranks_noted())
    try:
        found = run()
    except UndeterminedError:
        return
    if not complete:
        _compare_ranks(near, since)
    complete[turn] = found


def _agree(one: Any, other: Any, doubted: bool) -> bool:
    """Whether two results are the same up to rounding; where cotangents were doubted, to more digits."""
    pairs = [(bare(a), bare(b)) for a, b in zip(flatten(one)[0], flatten(other)[0], strict=True)]
    numbers = [(a, b) for a, b in pairs if dtype_of(a).kind in "fc"]
    scale = max((float(np.max(np.abs(a), initial=0)) for a, _ in numbers), default=0.0)
    for a, b in numbers:
        eps = float(np.finfo(dtype_of(a)).eps)
        own = float(np.max(np.abs(a), initial=0))
        allowed = (32 * eps ** (2 / 3) if doubted else 8 * eps**0.5) * own + 256 * eps * scale
        if np.shape(a) != np.shape(b) or not np.allclose(a, b, rtol=0, atol=allowed, equal_nan=True):
            return False
    return True


def _is_rounding(dropped: float, weight: float, value: Any) -> bool:
    """Whether what is missing in a derivative is rounding of the value."""
    if not dropped:
        return True
    parts = [np.asarray(bare(part)) for part in flatten(value)[0] if dtype_of(bare(part)).kind in "fc"]
    return any(dropped <= 256 * np.finfo(x.dtype).eps * weight * np.max(np.abs(x), initial=0) for x in parts)


def _depends(pair: str) -> NotDifferentiableError:
    return NotDifferentiableError(
        f"the result has no derivative here that does not depend on a basis: {pair}, equal up to rounding",
        why="the function was run once more with other vectors, which are as good, and its value or its "
        "derivative came out different",
        remedy="use what does not depend on the basis: functions of all the values, projectors onto the "
        "whole space, or V f(w) V^H. A function whose own numbers change from call to call fails here, too.",
    )
