"""`contract`: an Einstein sum of any number of tensors along one path, for the value and the derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.dispatch import tracked_in
from pullback.base.errors import MutationError, ShapeError, UnsupportedError
from pullback.capture import contractions
from pullback.capture.python_calls import PYTHON
from pullback.rules.networks.contracted import contracted
from pullback.rules.networks.path import check_backend, network, plan_for, shape_of


def contract(
    subscripts: Any,
    *tensors: Any,
    out: Any = None,
    use_blas: bool = True,  # noqa: ARG001  (opt_einsum has it)
    optimize: Any = "auto",
    memory_limit: int | str | None = None,
    backend: str = "auto",
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
        out: an array of the result's shape to write it into. Where the result is tracked, a tracked one.
        use_blas: as in opt_einsum; products of two matrices are a BLAS's in any case.
        optimize: how the path is chosen: a name that opt_einsum knows, a path (opt_einsum's or NumPy's), a
            path optimizer (opt_einsum's or cotengra's), or False for all tensors at once.
        memory_limit: elements that no intermediate of the path may exceed, as in opt_einsum; the path may
            then take more than two tensors at a time, which is slow.
        backend: as in opt_einsum: "auto" or "numpy".
        slice_to: elements that no intermediate may exceed, reached by summing over slices of indices that
            cotengra chooses. Reverse mode then computes intermediates again, slice by slice.

    Returns:
        The tensor that `numpy.einsum` gives.

    Raises:
        ShapeError: if an index has two lengths, or a tensor another number of axes than indices.
        UnsupportedError: for `slice_to` without cotengra, or another `backend` than NumPy.

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
    check_backend(backend)
    operands, key = network((subscripts, *tensors))
    plan = plan_for(key, tuple(map(shape_of, operands)), optimize, memory_limit, slice_to)
    result = contracted(plan, operands)
    return result if out is None else _written(result, out)


def _written(result: Any, out: Any) -> Any:
    if np.shape(out) != np.shape(result):
        raise ShapeError(f"pb.contract: out has the shape {np.shape(out)}, the result {np.shape(result)}")
    if tracked_in((result,)) and not tracked_in((out,)):
        raise MutationError(
            "pb.contract with out= writes a tracked result into a plain array",
            why="a plain array cannot hold a derivative",
            remedy="make it with pb.zeros or pb.zeros_like, or leave out= away.",
        )
    out[...] = result
    return out


PYTHON[contract] = contractions.contract
