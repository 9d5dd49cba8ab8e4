"""`hvp`: products with the Hessian, without forming it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.api.gradient import grad
from pullback.api.products import forward
from pullback.base.errors import ConventionError
from pullback.base.pytrees import flatten
from pullback.base.spec import dtype_of
from pullback.base.tracked import bare
from pullback.rules.spectra.inquiry import SplitError


def hvp(function: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """The Hessian of a real-valued `function` times a vector, forward over reverse.

    Args:
        function: returns a real scalar.
        primals: the argument, or a tuple of all arguments; real.
        tangents: the vector, in the same form.

    Returns:
        The product, in the form of `primals`.

    Raises:
        ConventionError: for complex primals, whose Hessian depends on a convention.

    Example:
        >>> import numpy as np, pullback as pb
        >>> pb.hvp(lambda x: np.sum(x**3), np.array([1.0, 2.0]), np.array([1.0, 0.0]))
        array([6., 0.])

    Source: Pearlmutter, *Fast exact multiplication by the Hessian*, 1994.
    """
    several = isinstance(primals, tuple)
    arguments = primals if several else (primals,)
    vectors = tangents if several else (tangents,)
    for leaf in flatten(list(arguments))[0]:
        if dtype_of(bare(leaf)).kind == "c":
            raise ConventionError(
                "hvp of complex arguments", remedy="make the function one of the real and the imaginary part."
            )
    gradient = grad(function, argnums=tuple(range(len(arguments))))
    try:
        product = forward(gradient, arguments, vectors)[1]
    except SplitError:  # the Hessian is symmetric: reverse over reverse
        product = grad(_along(gradient, vectors), argnums=tuple(range(len(arguments))))(*arguments)
    return product if several else product[0]


def _along(gradient: Callable[..., Any], vectors: Any) -> Callable[..., Any]:
    """The slope of a function along a vector."""
    dots = flatten(list(vectors))[0]

    def slope(*arguments: Any) -> Any:
        bars = flatten(list(gradient(*arguments)))[0]
        return sum(np.sum(bar * dot) for bar, dot in zip(bars, dots, strict=True))

    return slope
