"""`ncon`: contraction in the physicists' notation, where an index is a number (arXiv:1402.0939)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullback.base.errors import ShapeError
from pullback.capture import contractions
from pullback.capture.python_calls import PYTHON
from pullback.rules.networks.contracted import contracted
from pullback.rules.networks.indices import network_of, plan_of_indices
from pullback.rules.networks.path import arrays_of, shape_of


def ncon(tensors: Sequence[Any], indices: Sequence[Sequence[int]], order: Sequence[int] | None = None) -> Any:
    """Contract a network of tensors whose axes are numbered.

    Args:
        tensors: a list of arrays or tracked values, real or complex.
        indices: for each tensor the numbers of its axes. A positive one is summed over and appears twice; a
            negative one is open and appears once: -1 is the first axis of the result, -2 the next.
        order: the positive numbers in the order in which they are to be contracted; by default opt_einsum
            chooses the path.

    Returns:
        The contracted tensor, a number if nothing is open.

    Raises:
        ShapeError: if a number appears once or three times, if the open ones are not -1, -2, …, if a tensor
            has another number of axes, or the two axes of a number differ in length.

    Example:
        >>> import numpy as np, pullback as pb
        >>> a, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.0, 1.0], [1.0, 0.0]])
        >>> pb.ncon([a, b], [[-1, 1], [1, -2]])
        array([[2., 1.],
               [4., 3.]])

    Source: Pfeifer, Evenbly, Singh & Vidal, *NCON: a tensor network contractor for MATLAB*, arXiv:1402.0939.
    """
    operands = arrays_of(tensors)
    if len(operands) != len(indices):
        raise ShapeError(f"pb.ncon is given {len(operands)} tensors and {len(indices)} lists of indices")
    terms, output = network_of(indices)
    plan = plan_of_indices(
        terms, output, tuple(map(shape_of, operands)), None if order is None else tuple(map(int, order))
    )
    return contracted(plan, operands)


PYTHON[ncon] = contractions.ncon
