"""Dense Jacobians of small calls: what a linear function does, and what its row says it does.

A function that is linear (or affine) in an argument maps the unit vectors to the columns of its Jacobian
exactly, so the two matrices can be compared entry by entry, without a step size.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.spec import spec_tree
from pullback.rules.read import cotangent, fit
from pullback.rules.structured import dense
from pullback.rules.table import Rule
from pullback.testing.rows import reduced


def columns(rule: Rule, position: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> np.ndarray[Any, Any]:
    """The Jacobian of an affine function in ``args[position]``, from its values at zero and unit vectors."""

    def value(x: Any) -> Any:
        return np.ravel(rule.function(*args[:position], x, *args[position + 1 :], **kwargs))

    own = np.asarray(args[position])
    origin = value(np.zeros_like(own))
    units = [value(unit.reshape(own.shape)) - origin for unit in np.eye(own.size, dtype=own.dtype)]
    return np.stack(units, axis=1) if units else np.zeros((origin.size, 0), own.dtype)


def transposed_columns(
    rule: Rule, position: int, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> np.ndarray[Any, Any]:
    """The same Jacobian, row by row, from the row's vjp at the unit cotangents."""
    y = rule.function(*args, **kwargs)
    kept_y, kept_args = reduced(rule, position, y, args)
    complex_output = np.result_type(y).kind == "c"
    rows = []
    for unit in np.eye(np.size(y), dtype=np.result_type(y)):
        x_bar = cotangent(
            rule, position, unit.reshape(np.shape(y)), kept_y, kept_args, kwargs, complex_output
        )
        rows.append(np.ravel(dense(fit(x_bar, spec_tree(args[position])))))
    return np.stack(rows) if rows else np.zeros((0, np.size(args[position])))
