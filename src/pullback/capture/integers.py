"""Functions of integers as NumPy has them, where a processor's, or Numba's, differ.

A shift by more bits than there are, or by a negative number of them, leaves nothing; `fmod` has the sign of
the dividend; a negative power of an integer is refused. (NumPy, `umath/loops.c.src`.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.capture.context import Context
from pullback.capture.domain import check_whole_power, is_weak
from pullback.capture.values import is_array, is_number, kind_of
from pullback.ir.primitives import select


def called(context: Context, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A call of a function of numbers and arrays."""
    if function is np.power:
        check_whole_power(context, *args)
    rewritten = _REWRITTEN.get(function)
    if rewritten is None or kwargs or any(kind_of(x).dtype.kind not in "iub" for x in args):
        return context.call(function, *args, **kwargs)
    return rewritten(context, *args)


def _shift(function: Callable[..., Any]) -> Callable[..., Any]:
    def shifted(context: Context, value: Any, count: Any) -> Any:
        bits = 8 * np.result_type(*(kind_of(x).dtype for x in (value, count))).itemsize
        few_enough = kind_of(count).dtype.kind == "b" or (is_number(count) and 0 <= count < bits)
        # Python's own integers grow, or else an error says so (`emit.whole`).
        grows = function is np.left_shift and is_weak(value) and is_weak(count)
        if few_enough or grows:
            return context.call(function, value, count)
        enough = context.call(np.greater_equal, count, 0)
        few = context.call(np.less, count, bits)
        fits = context.call(np.logical_and, enough, few, name="fits")
        result = context.call(function, value, _choice(context, fits, count, 0))
        # What is left is the sign.
        rest = 0 if function is np.left_shift else context.call(function, value, bits - 1)
        return _choice(context, fits, result, rest)

    return shifted


def _fmod(context: Context, a: Any, b: Any) -> Any:
    remainder = context.call(np.remainder, a, b, name="remainder")
    apart = context.call(np.not_equal, context.call(np.less, a, 0), context.call(np.less, b, 0), name="apart")
    some = context.call(np.not_equal, remainder, 0)
    turned = context.call(np.logical_and, apart, some, name="turned")
    return _choice(context, turned, context.call(np.subtract, remainder, b), remainder)


def _choice(context: Context, test: Any, one: Any, other: Any) -> Any:
    if any(map(is_array, (test, one, other))):
        return context.call(np.where, test, one, other)
    return context.call(select, test, one, other)


_REWRITTEN: dict[Callable[..., Any], Callable[..., Any]] = {
    np.left_shift: _shift(np.left_shift), np.right_shift: _shift(np.right_shift), np.fmod: _fmod,
}  # fmt: skip


__all__ = ["called"]
