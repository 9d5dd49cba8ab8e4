"""A program for each type of number: every operation on it and a number of every type."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.ir.build import Builder
from pullback.ir.nodes import Program, Return
from pullback.ir.types import BOOL, FLOAT, INT, Scalar

OPERATIONS = [
    np.add, np.subtract, np.multiply, np.divide, np.floor_divide, np.remainder, np.power, np.less, np.equal,
    np.maximum, np.hypot, np.logical_and, np.arctan2, np.fmod, np.copysign, np.bitwise_and, np.left_shift,
]  # fmt: skip
FUNCTIONS = [
    np.negative, np.sin, np.sqrt, np.abs, np.square, np.sign, np.conjugate, np.floor, np.logical_not,
    np.isnan, np.exp, np.rint,
]  # fmt: skip
NUMBERS: dict[str, tuple[Scalar, Any]] = {
    "bool*": (BOOL, True),
    "int*": (INT, 3),
    "float*": (FLOAT, 0.1),
    "complex*": (Scalar(np.dtype(complex), weak=True), 0.1 + 0.2j),
}
for name in "bool int32 int64 uint8 float32 float64 complex64 complex128".split():
    dtype = np.dtype(name)
    NUMBERS[name] = (Scalar(dtype), dtype.type(2 if dtype.kind in "iub" else 0.7))


def operations(first: str) -> tuple[Program, list[Any]]:
    """All functions of a number of type `first`, and all operations on it and each other type."""
    b = Builder()
    kind, value = NUMBERS[first]
    x = b.var("x", kind)
    params, arguments, results = [x], [value], []
    for function in FUNCTIONS:
        results += tried(b, function, x)
    for kind, value in NUMBERS.values():
        y = b.var("y", kind)
        params.append(y)
        arguments.append(value)
        for function in OPERATIONS:
            # Complex numbers have no order in Python, nor in Numba.
            if function is not np.less or "c" not in NUMBERS[first][0].dtype.kind + kind.dtype.kind:
                results += tried(b, function, x, y)
    b.add(Return(tuple(results)))
    return Program(f"operations_on_{kind.dtype}", tuple(params), b.statements()), arguments


def tried(b: Builder, function: Any, *arguments: Any) -> list[Any]:
    """The result of a call, if NumPy takes such arguments and Numba has its dtype."""
    with b.block():
        try:
            result = b.call(function, *arguments, name=function.__name__)
        except TypeError:
            return []
    if isinstance(result.type, Scalar) and result.type.dtype == np.float16:
        return []
    return [b.call(function, *arguments, name=function.__name__)]
