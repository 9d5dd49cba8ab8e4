"""Contractions of many tensors in captured source: Einsum by Einsum, two tensors at a time.

Lengths are known only at run time, so the path is chosen for axes that are all equally long (but for those
that are known to have length 1); who knows better gives it as ``optimize=``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.base.errors import PullbackError
from pullback.capture.arrays import as_array
from pullback.capture.context import Context
from pullback.capture.sequences import items_of
from pullback.capture.values import describe, is_static, to_python
from pullback.ir.types import Array
from pullback.rules.networks.indices import network_of, path_by_order
from pullback.rules.networks.path import check_backend, path_given, path_of, subscripts_of
from pullback.rules.networks.plan import Labels, steps_of, written

_LENGTH = 4
"""What an axis of unknown length counts as where a path is chosen."""


def contract(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A call of `pullback.contract`, or of `numpy.einsum` with a path."""
    if kwargs.get("out") is not None and not (is_static(kwargs["out"]) and to_python(kwargs["out"]) is None):
        context.fail(
            "a contraction with out= in compiled source", "it is not in the language", "out[...] = the result"
        )
    options = {key: _static(context, f"{key}=", value) for key, value in kwargs.items() if key != "out"}
    for key, reason in _LENGTHS_NEEDED.items():
        if options.pop(key, None) is not None:
            context.fail(f"a contraction with {key}= in compiled source", reason, "give a path: optimize=[…]")
    optimize = options.pop("optimize", "auto")
    options.pop("use_blas", None)
    backend = options.pop("backend", "auto")
    if options:
        context.fail(
            f"a contraction with {', '.join(options)}= in compiled source", "it is not in the language"
        )
    if is_static(args[0]) and isinstance(to_python(args[0]), str):
        tensors, key = args[1:], to_python(args[0])
    else:
        pairs = len(args) // 2
        terms = [tuple(_static(context, "a list of indices", term)) for term in args[1 : 2 * pairs : 2]]
        output = tuple(_static(context, "a list of indices", args[-1])) if len(args) % 2 else None
        tensors, key = args[0 : 2 * pairs : 2], (tuple(terms), output)
    arrays = [_tensor(context, tensor) for tensor in tensors]
    try:
        check_backend(backend)
        shapes = [_shape(array) for array in arrays]
        inputs, result = subscripts_of(key, shapes)
        path = path_of(inputs, result, shapes, path_given(optimize))
        return _along(context, arrays, inputs, result, path)
    except PullbackError as error:
        raise context.refusal(error.what, error.why or "", error.remedy or "") from None


_LENGTHS_NEEDED = {
    "memory_limit": "which path needs how much memory is known only at run time",
    "slice_to": "which indices are to be sliced is known only at run time",
}


def ncon(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A call of `pullback.ncon`."""
    given = dict(zip(("tensors", "indices", "order"), args, strict=False)) | kwargs
    tensors = items_of(context, given["tensors"])
    if tensors is None:
        context.fail(f"pb.ncon of {describe(given['tensors'])}", "it takes a list of tensors")
    indices = _static(context, "the indices of pb.ncon", given["indices"])
    order = _static(context, "the order of pb.ncon", given.get("order"))
    arrays = [_tensor(context, tensor) for tensor in tensors]
    try:
        inputs, result = network_of(indices)
        shapes = [_shape(array) for array in arrays]
        path = path_of(inputs, result, shapes) if order is None else path_by_order(inputs, tuple(order))
        return _along(context, arrays, inputs, result, path)
    except PullbackError as error:
        raise context.refusal(error.what, error.why or "", error.remedy or "") from None


def _static(context: Context, what: str, value: Any) -> Any:
    if not is_static(value):
        context.static_needed(what, value)
    return to_python(value)


def _tensor(context: Context, value: Any) -> Any:
    return as_array(context, value)


def _shape(array: Any) -> tuple[int, ...]:
    kind = getattr(array, "type", None)
    if not isinstance(kind, Array):
        return np.shape(to_python(array)) if is_static(array) else ()
    return tuple(1 if axis in kind.ones else _LENGTH for axis in range(kind.ndim))


def _along(
    context: Context,
    arrays: Sequence[Any],
    inputs: Sequence[Labels],
    output: Labels,
    path: Sequence[Sequence[int]],
) -> Any:
    from pullback.capture.numpy_calls import call_numpy

    steps = steps_of(inputs, output, [_shape(array) for array in arrays], path)
    own = steps.own
    if steps.places:
        # The last step leaves the axes in the order of the output.
        own[-1] = tuple(output)
    else:
        own[0] = tuple(output)
    values = [
        array
        if tuple(given) == kept and steps.places
        else call_numpy(context, np.einsum, [written([given], kept), array], {})
        for array, given, kept in zip(arrays, inputs, own[: len(arrays)], strict=True)
    ]
    for k, places in enumerate(steps.places):
        text = written([own[place] for place in places], own[len(arrays) + k])
        values.append(call_numpy(context, np.einsum, [text, *(values[place] for place in places)], {}))
    return values[steps.last]
