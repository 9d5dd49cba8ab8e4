"""A call of `pullback.ode.solve` in compiled source: an integration of `steps`, inlined with its function."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from pullback.capture.arrays import as_array
from pullback.capture.context import Context
from pullback.capture.inline import inline_function
from pullback.capture.python_calls import PYTHON
from pullback.capture.values import describe, is_array, is_static, to_python
from pullback.ode.solve import solve
from pullback.ode.steps import native_dopri5, native_rk4

_SIGNATURE = inspect.signature(solve)


def _solve(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    try:
        bound = _SIGNATURE.bind(*args, **kwargs)
    except TypeError as error:
        context.fail("pb.ode.solve does not take these arguments", f"Python says: {error}")
    bound.apply_defaults()
    given = dict(bound.arguments)
    for name in ("method", "steps", "final", "gradient", "checkpoints", "max_steps", "events"):
        if not is_static(given[name]):
            context.static_needed(f"the argument {name} of pb.ode.solve", given[name])
        given[name] = to_python(given[name])
    if given["events"] is not None or given["gradient"] != "steps" or given["checkpoints"] is not None:
        context.fail(
            "pb.ode.solve in compiled source with events=, gradient= or checkpoints=",
            "the steps are compiled, and differentiated, like any loop",
            "leave them away; pb.compile(..., memory=...) bounds what the reverse sweep keeps",
        )
    y0 = as_array(context, given["y0"]) if not is_array(given["y0"]) else given["y0"]
    if not is_array(y0) or not y0.type.ndim:
        context.fail(
            f"pb.ode.solve of {describe(given['y0'])} in compiled source",
            "the state is an array of at least one axis there",
            "make it an array: np.array([y0])",
        )
    if y0.type.dtype.kind not in "fc":
        y0 = context.call(np.multiply, y0, 1.0)
    t, f, rest = as_array(context, given["t"]), given["f"], given["args"]
    if not is_array(t) or t.type.ndim != 1 or t.type.ones:
        context.fail(
            f"pb.ode.solve with {'one time' if is_array(t) and t.type.ndim == 1 else describe(t)} as t",
            "the state is wanted at the times in t, the first of them that of y0",
            "give a vector of at least two times, each later (or each earlier) than the one before",
        )
    if given["method"] == "rk4":
        return inline_function(context, native_rk4, [f, y0, t, rest, given["steps"], given["final"]], {})
    if given["method"] != "dopri5":
        context.fail(f"method={given['method']!r} is none", "", "'dopri5' or 'rk4'")
    options = [given["rtol"], given["atol"], given["max_steps"], given["final"]]
    return inline_function(context, native_dopri5, [f, y0, t, rest, *options], {})


PYTHON[solve] = _solve
