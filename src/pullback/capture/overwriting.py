"""SciPy's flags that let a function write anything into its arguments."""

from __future__ import annotations

import inspect
from typing import Any


def keep_arguments(function: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
    """Take back SciPy's leave to write anything into an argument, as in ``solve(a, b, overwrite_a=True)``."""
    for key in [key for key in kwargs if key.startswith("overwrite_")]:
        del kwargs[key]
    if len(args) > 1 and (getattr(function, "__module__", None) or "").startswith("scipy."):
        for place, name in enumerate(list(inspect.signature(function).parameters)[: len(args)]):
            if name.startswith("overwrite_"):
                args[place] = False
