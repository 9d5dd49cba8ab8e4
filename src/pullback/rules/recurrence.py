"""`recurrence`: ``s[i] = term[i] + factor[i] * s[i - 1]`` along an axis; its derivatives are recurrences too.

It is what running products and running maxima need in their adjoints: exact with zero factors (no
division), and closed under differentiation. The adjoint of a forward recurrence runs backward with the
factors moved by one place (Griewank & Walther, *Evaluating Derivatives*, 2008, §3.2, the reverse sweep of
a linear recursion).
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from pullback.base.dispatch import dispatched
from pullback.rules.axes import shifted
from pullback.rules.domain import array, call
from pullback.rules.table import calls, jvp, vjp


@dispatched
def recurrence(factor: Any, term: Any, axis: int, reverse: bool = False) -> Any:
    """The solution of ``s[i] = term[i] + factor[i] * s[i - 1]``, or from the end if `reverse`.

    Args:
        factor, term: arrays of one shape. The first factor (the last if `reverse`) multiplies nothing.
        axis: the axis that i runs along, not negative.
        reverse: run from the end: ``s[i] = term[i] + factor[i] * s[i + 1]``.
    """
    total = np.empty(term.shape, np.result_type(factor, term))
    if term.ndim == 1:
        step = slice(None, None, -1) if reverse else slice(None)
        pairs = zip(factor[step].tolist(), term[step].tolist(), strict=True)
        first = next(pairs, None)
        if first is not None:
            total[step] = list(
                itertools.accumulate(pairs, lambda s, pair: pair[1] + pair[0] * s, initial=first[1])
            )
        return total
    rows, factors, terms = (np.moveaxis(x, axis, 0) for x in (total, factor, term))
    previous: Any = None
    for i in range(len(rows) - 1, -1, -1) if reverse else range(len(rows)):
        if previous is None:
            rows[i] = terms[i]
        else:
            np.multiply(factors[i], previous, out=rows[i])
            rows[i] += terms[i]
        previous = rows[i]
    return total


def neighbour(s: Any, axis: int, reverse: bool) -> Any:
    """What each factor multiplies."""
    return shifted(s, -1 if reverse else 1, axis)


@vjp(recurrence, 1, reads="factor axis reverse")
def recurrence_term_vjp(y_bar: Any, y: Any, factor: Any, term: Any, axis: int, reverse: bool = False) -> Any:
    return recurrence(shifted(factor, 1 if reverse else -1, axis), y_bar, axis, not reverse)


@vjp(recurrence, 0, reads="y factor axis reverse")
def recurrence_factor_vjp(
    y_bar: Any, y: Any, factor: Any, term: Any, axis: int, reverse: bool = False
) -> Any:
    return recurrence_term_vjp(y_bar, y, factor, term, axis, reverse) * neighbour(y, axis, reverse)


@jvp(recurrence, 1)
def recurrence_term_jvp(
    term_dot: Any, y: Any, factor: Any, term: Any, axis: int, reverse: bool = False
) -> Any:
    return recurrence(factor, term_dot, axis, reverse)


@jvp(recurrence, 0)
def recurrence_factor_jvp(
    factor_dot: Any, y: Any, factor: Any, term: Any, axis: int, reverse: bool = False
) -> Any:
    return recurrence(factor, factor_dot * neighbour(y, axis, reverse), axis, reverse)


calls(
    recurrence,
    call(array(5), array(5), 0),
    call(array(5), array(5), 0, True),
    call(array(3, 4), array(3, 4), 1),
    call(array(3, 4), array(3, 4), 0, reverse=True),
    call(array(0), array(0), 0),
    call(array(0, 2), array(0, 2), 0),
)
