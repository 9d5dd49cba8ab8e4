"""Calls that give a view of an argument in NumPy, and new memory in a program.

A program has few views (`ir.primitives.ALIASING`); what any other statement computes is memory of its own, so
that a pass may keep it while the argument is written into. Who runs a program, and who writes it as Python,
therefore copies what these calls give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pullback.ir.nodes import Arg, Assign, Var
from pullback.ir.primitives import ALIASING
from pullback.ir.results import dummy_arg
from pullback.ir.types import Array, dummy
from pullback.rules.table import BY_USERS, TABLE


def gives_view(statement: Assign) -> bool:
    """Whether NumPy may give a view of an argument as what is new memory in the program."""
    if statement.function in ALIASING:
        return False
    return bool(viewed(statement.function, statement.args, dict(statement.kwargs)))


def viewed(function: Callable[..., Any], args: Sequence[Arg], kwargs: Mapping[str, Arg]) -> list[Var]:
    """The arguments of a call that NumPy may give a view of."""
    rule = TABLE.get(function)
    by_user = function in BY_USERS and not isinstance(function, np.ufunc)
    if not by_user and (rule is None or not rule.view):
        return []
    variables = [(k, arg) for k, arg in enumerate(args) if isinstance(arg, Var)]
    if function is np.einsum and len(variables) != 1:
        return []  # with one operand it may be a diagonal, or a transpose
    return [arg for k, arg in variables if _may_view(function, args, kwargs, k)]


def _may_view(
    function: Callable[..., Any], args: Sequence[Arg], kwargs: Mapping[str, Arg], place: int
) -> bool:
    """Whether a function may give a view of the argument at `place`, for any layout of it."""
    operand = args[place]
    if not isinstance(operand, Var) or not isinstance(operand.type, Array):
        return False
    for layout in "CFA":
        base = dummy(replace(operand.type, layout=layout))
        stand_ins = [base if k == place else dummy_arg(arg) for k, arg in enumerate(args)]
        try:
            result = function(*stand_ins, **{key: dummy_arg(value) for key, value in kwargs.items()})
        except Exception:  # these lengths, or these numbers, do not go together
            return True
        if shares(result, base):
            return True
    return False


def shares(result: Any, base: Any) -> bool:
    """Whether a result, or a part of it, may be in the memory of an argument or of a part of that."""
    if isinstance(result, tuple | list):
        return any(shares(part, base) for part in result)
    if isinstance(base, tuple | list):
        return any(shares(result, part) for part in base)
    both = isinstance(result, np.ndarray) and isinstance(base, np.ndarray)
    return both and np.may_share_memory(result, base)
