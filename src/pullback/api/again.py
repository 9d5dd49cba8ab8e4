"""Derivatives that one run of a program does not settle: it is run again, in other bases.

Where eigenvalues or singular values are equal, a result may depend on their vectors, of which there are many
choices. A derivative counts if it is the same for two of them. Where the rules cannot tell the derivative
from one run, they may from several (see `rules.spectra.inquiry`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType
from typing import Any, TypeVar

import numpy as np

from pullback.base.errors import NotDifferentiableError
from pullback.base.pytrees import flatten
from pullback.base.spec import dtype_of
from pullback.base.tracked import bare
from pullback.rules.spectra.inquiry import NOTED, Inquiry, UndeterminedError, inquiry, noted

LIMIT = 64
"""How many bases are tried; each tells as many numbers of a block as it has rows."""

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
_SETTLING: set[CodeType] = set()


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
        return None if NOTED else known

    return careful


def begin() -> None:
    """Forget what a run before left noted; called where `NOTED` is not empty."""
    if _is_outermost():
        noted()


def compared(run: Callable[[], T], told: Callable[[T], Any], found: T) -> T:
    """`found`, which `run` has returned, if another basis gives the same; called where `NOTED` is not empty.

    Args:
        run: one run.
        told: the value and the derivative in what it returns.
    """
    if not _is_outermost():
        return found
    pair = noted()
    return found if pair is None else _several(run, told, _depends(pair), {0: found}, 1.0)


def repeated(
    run: Callable[[], T], told: Callable[[T], Any], error: UndeterminedError, weight: float = 1.0
) -> T:
    """What `run` returns when asked several times.

    Args:
        error: what it has raised.
        weight: the largest cotangent of the value.
    """
    if not _is_outermost():
        raise error
    noted()
    return _several(run, told, error.refusal, {}, weight)


def _several(
    run: Callable[[], T],
    told: Callable[[T], Any],
    refusal: NotDifferentiableError,
    complete: dict[int, T],
    weight: float,
) -> T:
    """Run with one basis after the other, until two runs are complete: one in the first basis if possible."""
    with inquiry() as asked:
        for turn in range(len(complete), LIMIT):
            _attempt(run, asked, turn, complete)
            if complete and 0 not in complete:
                _attempt(run, asked, 0, complete)
            if len(complete) > 1:
                one, other = (told(complete[turn]) for turn in sorted(complete)[:2])
                if _agree(one, other, asked.doubted) and _is_rounding(asked.dropped, weight, one[0]):
                    return complete[min(complete)]
                break
    raise refusal


def _attempt(run: Callable[[], T], asked: Inquiry, turn: int, complete: dict[int, T]) -> None:
    asked.begin(turn)
    try:
        complete[turn] = run()
    except UndeterminedError:
        return


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
