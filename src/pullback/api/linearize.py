"""`linearize`: the linear map of tangents at a point, recorded once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.api.follow import function_name
from pullback.api.products import matching, vjp
from pullback.base.errors import ShapeError
from pullback.base.pytrees import flatten, tree_map, unflatten
from pullback.base.spec import spec_of
from pullback.base.tracked import bare


def linearize(function: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """Evaluate `function` and return its value with the linear map of tangents at `primals`.

    The map is the adjoint of the adjoint: recorded once, it costs no evaluation of `function` for further
    tangents.

    Args:
        function: of as many arguments as there are primals.
        primals: arrays, numbers or pytrees of a floating or complex dtype.

    Returns:
        ``(value, push)``; ``push(*tangents)``, one tangent for each primal, returns the tangent of the value.

    Raises:
        NotDifferentiableError: if a primal is integer or boolean.
        ShapeError: from ``push``, if a tangent has another structure, shape or dtype than its primal.

    Example:
        >>> import numpy as np, pullback as pb
        >>> y, push = pb.linearize(np.exp, 0.0)
        >>> print(y, push(3.0))
        1.0 3.0

    Source: transposing twice, as in Radul et al., *You Only Linearize Once*, POPL 2023.
    """
    value, pull = vjp(function, *primals)
    _, push_back = vjp(pull, tree_map(lambda leaf: np.ones_like(leaf)[()], value))
    known = [flatten(primal) for primal in primals]
    specs = [[spec_of(bare(leaf)) for leaf in leaves] for leaves, _ in known]
    owner = f"the linear map of {function_name(function)}"

    def push(*tangents: Any) -> Any:
        """The tangent of the value."""
        if len(tangents) != len(primals):
            raise ShapeError(
                f"linearize was given {len(primals)} primals, and its map {len(tangents)} tangents"
            )
        fitted = [
            unflatten(structure, matching(tangent, structure, own, "tangent", owner))
            for tangent, (_, structure), own in zip(tangents, known, specs, strict=True)
        ]
        return push_back(tuple(fitted))[0]

    return value, push
