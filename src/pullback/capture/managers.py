"""``with``: a program warns of nothing, so what only changes how warnings are given stands for its body."""

from __future__ import annotations

import ast
import contextlib
import warnings
from typing import Any

import numpy as np

from pullback.capture.context import Context
from pullback.capture.dispatch import evaluate, statement
from pullback.capture.python_calls import handles
from pullback.capture.statements import assign, run_block
from pullback.capture.values import describe, is_static
from pullback.rules.table import name_of


@statement(ast.With)
def _with(context: Context, node: ast.With) -> None:
    for item in node.items:
        with context.at(item.context_expr):
            value = _entered(context, item.context_expr)
        if item.optional_vars is not None:
            assign(context, item.optional_vars, value)
    run_block(context, node.body)


def _entered(context: Context, node: ast.expr) -> Any:
    """What a context manager gives that changes no value."""
    call = node if isinstance(node, ast.Call) else None
    manager = evaluate(context, call.func) if call is not None else None
    if call is not None and manager is contextlib.nullcontext:
        values = [evaluate(context, x) for x in (*call.args, *(k.value for k in call.keywords))]
        return values[0] if values else None
    if call is not None and manager is np.errstate:
        for keyword in call.keywords:
            wanted = evaluate(context, keyword.value)
            if wanted not in ("ignore", "warn", "print", None):
                context.fail(
                    f"np.errstate with {describe(wanted)}",
                    "a program does not see floating-point errors",
                    "test the result: if not np.isfinite(...): raise ...",
                )
        return None
    if call is not None and manager is warnings.catch_warnings and not call.keywords:
        return None
    what = f"`with {name_of(manager)}`" if callable(manager) else "`with` of what is no call"
    why = "a context manager runs arbitrary Python"
    raise context.refusal(f"{what} is not in the language", why, "put the `with` around the call")


@handles(warnings.simplefilter, warnings.filterwarnings)
def _filter(context: Context, args: list[Any], kwargs: dict[str, Any]) -> None:
    if not is_static(tuple(args)) or "error" in args or "error" in kwargs.values():
        context.fail("warnings become errors", "a program warns of nothing", "test the result and raise")
