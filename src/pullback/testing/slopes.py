"""`slope`: the derivative of an elementwise function straight from its row of the table, with no engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.spec import spec_of
from pullback.rules.read import cotangent, fit, tangent
from pullback.rules.table import TABLE


def slope(function: Any, *args: Any, argument: int = 0, **kwargs: Any) -> Any:
    """The derivative of a real elementwise ``function(*args)`` in ``args[argument]``, entry by entry.

    Raises:
        AssertionError: where reverse mode and forward mode differ.
    """
    with np.errstate(all="ignore"):
        rule = TABLE[function]
        y = function(*args, **kwargs)
        x = args[argument]
        seed = np.ones_like(x)
        y_bar = np.ones_like(y)
        reverse = fit(cotangent(rule, argument, y_bar, y, args, kwargs, False), spec_of(x))
        forward = tangent(rule, argument, seed, y, args, kwargs)
    np.testing.assert_allclose(reverse, np.broadcast_to(forward, np.shape(reverse)), rtol=1e-15)
    assert np.result_type(reverse) == np.result_type(x)
    return reverse
