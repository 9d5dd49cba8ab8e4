"""The one check of the optimiser's tests: a pass keeps a program valid and its meaning."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from recording import record

from pullback.ir.nodes import Program
from pullback.ir.run import run
from pullback.ir.verify import verify
from pullback.optimize.lower import lower
from pullback.optimize.pipeline import finish, optimize, simplify


def check(function: Callable[..., Any], *examples: Any, others: tuple[tuple[Any, ...], ...] = ()) -> Program:
    """Record ``function(recorder, *examples)``, lower it, and compare on the examples and on `others`.

    Returns:
        the lowered program, simplified.
    """
    program = record(function, *examples)
    verify(program)
    lowered = lower(program)
    verify(lowered)
    finished = finish(optimize(program))
    verify(finished)
    for arguments in (examples, *others):
        compare(program, lowered, arguments)
        compare(program, finished, arguments)
    return simplify(lowered)


def compare(first: Program, second: Program, arguments: tuple[Any, ...]) -> None:
    """Both return the same, raise the same, and write the same into their arguments."""
    ours, theirs = copied(arguments), copied(arguments)
    try:
        expected = run(first, theirs)
    except (ValueError, IndexError) as error:
        try:
            run(second, ours)
        except type(error):
            return
        raise AssertionError(f"only the original raises: {error}") from error
    results = run(second, ours)
    for got, wanted in zip((*results, *ours), (*expected, *theirs), strict=True):
        assert np.shape(got) == np.shape(wanted)
        assert np.asarray(got).dtype == np.asarray(wanted).dtype
        tolerance = 1e-4 if np.asarray(wanted).dtype in (np.float32, np.complex64) else 1e-12
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


def copied(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments again, of the same layout."""
    return tuple(copy_of(x) for x in arguments)


def copy_of(x: Any) -> Any:
    if not isinstance(x, np.ndarray) or x.flags.c_contiguous or x.flags.f_contiguous:
        return copy.deepcopy(x) if not isinstance(x, np.ndarray) else x.copy(order="K")
    room = np.zeros((*(2 * n for n in x.shape), 2), x.dtype)[..., 0]
    view = room[tuple(slice(None, None, 2) for _ in x.shape)]
    view[...] = x
    return view
