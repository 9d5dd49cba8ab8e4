"""`contract`: an Einstein sum of any number of tensors along one path, for the value and the derivatives."""

from __future__ import annotations

from typing import Any

from pullback.base.errors import UnsupportedError
from pullback.capture import contractions
from pullback.capture.python_calls import PYTHON
from pullback.rules.networks.contracted import contracted
from pullback.rules.networks.path import network, plan_for, shape_of


def contract(
    subscripts: Any,
    *tensors: Any,
    optimize: Any = "auto",
    memory_limit: int | str | None = None,
    slice_to: int | None = None,
) -> Any:
    """Contract tensors along a path that is chosen once, as `opt_einsum.contract` does.

    The gradients by all tensors come from one sweep back over the same path, with the intermediates of the
    forward sweep: two products of matrices for each one forward. The path is kept for the next call with the
    same subscripts and shapes.

    Args:
        subscripts: as in `numpy.einsum`, ``"ab,bc->ac"``, with ``...``, repeated indices (a trace, or a
            diagonal) and indices that more than two tensors share; or the interleaved form
            ``contract(a, [0, 1], b, [1, 2], [0, 2])``.
        tensors: arrays or tracked values, real or complex.
        optimize: how the path is chosen: a name that opt_einsum knows, a path, a path optimizer (opt_einsum's
            or cotengra's), or False for all tensors at once.
        memory_limit: elements that no intermediate of the path may exceed, as in opt_einsum; the path may
            then take more than two tensors at a time, which is slow.
        slice_to: elements that no intermediate may exceed, reached by summing over slices of indices that
            cotengra chooses. Reverse mode then computes intermediates again, slice by slice.

    Returns:
        The tensor that `numpy.einsum` gives.

    Raises:
        ShapeError: if an index has two lengths, or a tensor another number of axes than indices.
        UnsupportedError: for `slice_to` without cotengra.

    Example:
        >>> import numpy as np, pullback as pb
        >>> a, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.0, 1.0], [1.0, 0.0]])
        >>> pb.grad(lambda a: pb.contract("ij,ji->", a, b))(a)
        array([[0., 1.],
               [1., 0.]])

    Source: Smith & Gray, *opt_einsum*, JOSS 3, 753, 2018.
    """
    if not tensors:
        raise UnsupportedError("pb.contract without tensors", remedy='pb.contract("ij,jk->ik", a, b).')
    if slice_to is not None and (optimize != "auto" or memory_limit is not None):
        raise UnsupportedError(
            "pb.contract with slice_to= and optimize= or memory_limit=",
            why="the path of a sliced contraction is cotengra's",
            remedy="give one of them.",
        )
    operands, key = network((subscripts, *tensors))
    plan = plan_for(key, tuple(map(shape_of, operands)), optimize, memory_limit, slice_to)
    return contracted(plan, operands)


PYTHON[contract] = contractions.contract
