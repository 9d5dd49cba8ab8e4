"""From a function to its row, or to the error that says how to add one."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.errors import UnsupportedError
from pullback.rules.table import EACH, TABLE, Rule, name_of


def row_of(function: Callable[..., Any]) -> Rule | None:
    """The row of `function`, or None; the rows of a part of SciPy join the table when that is loaded."""
    rule = TABLE.get(function) or getattr(function, "rule", None)
    if rule is None:
        fill()
        rule = TABLE.get(function)
    return rule


def fill() -> None:
    """Let the rows join the table whose functions are loaded."""
    for module, rules in _LATE.items():
        if module in sys.modules:
            importlib.import_module(rules)


def sparse_product(function: Callable[..., Any], args: tuple[Any, ...]) -> Callable[..., Any] | None:
    """What multiplies a tracked value with a sparse matrix; None if `args` are something else."""
    if function is not np.matmul or not any(type(x).__module__.startswith(_SPARSE) for x in args):
        return None
    return importlib.import_module("pullback.rules.scipy_sparse.products").matmul


_SPARSE = ("scipy.sparse", "pullback.scipy.sparse")
_LATE = {
    "scipy.special": "pullback.rules.special",
    "scipy.linalg": "pullback.rules.scipy_linalg",
    "scipy.fft": "pullback.rules.scipy_fft",
}


def rule_of(function: Callable[..., Any]) -> Rule:
    """The row of `function`.

    Raises:
        UnsupportedError: if there is none, or if it is refused, naming the function and how to add a rule.
    """
    rule = row_of(function)
    if rule is None:
        name = name_of(function)
        raise UnsupportedError(
            f"{name} has no rule",
            why="pullback does not know its derivative",
            remedy=f"add one: pb.partials({name}, ...) if it is elementwise, else @pb.vjp_rule({name}) "
            f"and @pb.jvp_rule({name}).",
        )
    if EACH in rule.refusals:
        raise UnsupportedError(f"{rule.name} is not supported on tracked values", why=rule.refusals[EACH])
    return rule
