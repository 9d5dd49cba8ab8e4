"""Elementwise functions of broadcast arrays, as delayed arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import operand_type
from pullback.ir.nodes import Const, Operand
from pullback.ir.types import Array, DType, Scalar, Type, result_types
from pullback.optimize.delayed import Delayed, Index, Value, element, is_one, pointwise, read_by
from pullback.optimize.emitter import Emitter
from pullback.rules.table import TABLE

_LIGHT = frozenset([
    np.negative, np.positive, np.conjugate, np.real, np.imag, primitives.cast, primitives.stopped,
])  # fmt: skip
"""Elementwise functions as cheap as a read, which may be asked for again."""

_FUNCTIONS = frozenset([
    np.clip, np.real, np.imag, np.angle, np.round, np.around, np.fix, np.sinc, np.nan_to_num, np.isreal,
    np.iscomplex, np.isclose, np.isposinf, np.isneginf, primitives.scale,
    primitives.stopped,
])  # fmt: skip
"""Functions that are no ufunc and work element by element; of a number they return a number."""


def is_elementwise(function: Callable[..., Any]) -> bool:
    """Whether the function works element by element, one result, numbers in and a number out."""
    if isinstance(function, np.ufunc):
        return function.signature is None and function.nout == 1
    row = TABLE.get(function)
    return function in _FUNCTIONS or (row is not None and row.partials is not None and function is not np.i0)


def shape_of(x: Value) -> Index:
    return x.shape if isinstance(x, Delayed) else ()


def type_of_value(x: Value) -> Type:
    """A type of the same dtype and rank, all that promotion looks at."""
    if isinstance(x, Delayed):
        return Scalar(x.dtype) if x.ndim == 0 else Array(x.dtype, x.ndim)
    return operand_type(x)


def broadcast_shape(e: Emitter, what: str, *shapes: Index) -> Index:
    """The shape that arrays broadcast to; lengths that are not known to be equal are checked at run time."""
    ndim = max((len(shape) for shape in shapes), default=0)
    result: list[Operand] = []
    for axis in range(ndim):
        lengths = [shape[axis - ndim] for shape in shapes if len(shape) >= ndim - axis]
        longer = [n for n in lengths if not is_one(n)]
        for other in longer[1:]:
            e.check_equal(longer[0], other, what)
        result.append(e.known(longer[0]) if longer else Const(1))
    return tuple(result)


def elementwise(
    e: Emitter, function: Callable[..., Any], *operands: Value, dtype: DType | None = None, **kwargs: Any
) -> Value:
    """``function(*operands)``: a number at once, an array delayed."""
    if function is np.positive and isinstance(operands[0], Delayed) and dtype is None:
        return operands[0]
    if function is np.conjugate and dtype is None:
        (x,) = operands
        if isinstance(x, Delayed) and x.dtype.kind == "c":
            return conjugated(x)
    name = getattr(function, "__name__", "an operation")
    shape = broadcast_shape(e, name, *(shape_of(x) for x in operands))
    if dtype is not None:
        operands = tuple(cast(e, x, dtype) for x in operands)

    def compute(e: Emitter, *elements: Operand) -> Operand:
        return e.scalar(function, *elements, name=_wish(function), **kwargs)

    if not shape and all(not isinstance(x, Delayed) for x in operands):
        return compute(e, *operands)  # type: ignore[arg-type]
    return pointwise(
        compute, operands, shape, result_dtype(function, operands, kwargs), work=function not in _LIGHT
    )


def conjugated(x: Delayed) -> Delayed:
    """The conjugate of complex numbers; of products those of the conjugates."""
    if x.conjugate is not None:
        return x.conjugate
    if x.product is not None:
        return x.product.conjugates((conjugated(x.product.a), conjugated(x.product.b)), x.shape)

    def compute(e: Emitter, element: Operand) -> Operand:
        return e.scalar(np.conjugate, element, name=_wish(np.conjugate))

    return replace(pointwise(compute, (x,), x.shape, x.dtype, work=False), conjugate=x)


def result_dtype(function: Callable[..., Any], operands: tuple[Value, ...], kwargs: dict[str, Any]) -> DType:
    """The dtype of an elementwise function of arrays and numbers."""
    probes = tuple(_probe(x) for x in operands)
    kinds = result_types(function, probes, kwargs)
    return kinds[0].dtype  # type: ignore[union-attr]


def _probe(x: Value) -> Any:
    """Ones of the dtype and rank of a value."""
    if isinstance(x, Const):
        return x.value
    if isinstance(x, Delayed):
        return np.ones((1,) * x.ndim, x.dtype)
    kind = operand_type(x)
    one = kind.dtype.type(1)
    return one.item() if kind.weak else one


def cast(e: Emitter, x: Value, dtype: DType) -> Value:
    """`x` converted."""
    if not isinstance(x, Delayed):
        return e.cast(x, dtype)
    if x.dtype == dtype:
        return x
    return pointwise(lambda e, a: e.cast(a, dtype), (x,), x.shape, dtype, work=False)


def where(e: Emitter, test: Value, a: Value, b: Value) -> Value:
    """``np.where(test, a, b)``."""
    dtype = result_dtype(lambda x, y: np.where(True, x, y), (a, b), {})
    shape = broadcast_shape(e, "where", *(shape_of(x) for x in (test, a, b)))

    def compute(e: Emitter, test: Operand, a: Operand, b: Operand) -> Operand:
        if operand_type(test).dtype.kind != "b":
            test = e.scalar(np.not_equal, test, operand_type(test).dtype.type(0), name="test")
        return e.scalar(primitives.select, test, e.cast(a, dtype), e.cast(b, dtype), name="chosen")

    if not shape and not any(isinstance(x, Delayed) for x in (test, a, b)):
        return compute(e, test, a, b)  # type: ignore[arg-type]
    return pointwise(compute, (test, a, b), shape, dtype, work=True)


def filled(shape: Index, value: Operand, dtype: DType) -> Delayed:
    """An array of one value."""
    fill = value if isinstance(value, Const) else None
    return Delayed(shape, dtype, lambda e, index: e.cast(value, dtype), False, *read_by((value,)), fill=fill)


def broadcast_to(e: Emitter, x: Value, shape: Index) -> Delayed:
    """``np.broadcast_to``, where the lengths that have to be equal are checked."""
    own = shape_of(x)
    for n, target in zip(own, shape[len(shape) - len(own) :], strict=True):
        if not is_one(n):
            e.check_equal(n, target, "broadcast_to")
    if not isinstance(x, Delayed):
        return filled(shape, x, operand_type(x).dtype)
    return Delayed(shape, x.dtype, lambda e, index: element(e, x, index), x.work, x.memory, x.cells)


def _wish(function: Callable[..., Any]) -> str:
    return _NAMES.get(function, getattr(function, "__name__", "t"))


_NAMES: dict[Callable[..., Any], str] = {
    np.add: "total", np.subtract: "difference", np.multiply: "product", np.divide: "quotient",
    np.power: "power", np.exp: "e", np.negative: "minus",
}  # fmt: skip
