"""Elementwise functions as operators and calls, with the casts that NumPy's promotion asks for.

NumPy says in which dtypes a loop computes (NEP 50: a Python number takes the precision of what it meets).
Numba promotes by rules of its own: ``float32 * 0.1`` is float64 there, ``int32 + int32`` int64. So where
the two differ, the text converts operands before and the result after; CPython computes the same either
way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.emit.constants import constant, dtype_name
from pullback.emit.names import spelled
from pullback.emit.text import Level, Text, attribute, binary, call, unary
from pullback.ir.build import operand_type
from pullback.ir.nodes import Const, Operand
from pullback.ir.types import Array, Scalar

_INFIX: dict[Callable[..., Any], str] = {
    np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.floor_divide: "//",
    np.remainder: "%", np.power: "**", np.less: "<", np.less_equal: "<=", np.greater: ">",
    np.greater_equal: ">=", np.equal: "==", np.not_equal: "!=", np.bitwise_and: "&", np.bitwise_or: "|",
    np.bitwise_xor: "^", np.left_shift: "<<", np.right_shift: ">>",
}  # fmt: skip
_PREFIX: dict[Callable[..., Any], str] = {np.negative: "-", np.positive: "+", np.invert: "~"}
_OF_TRUTH: dict[Callable[..., Any], str] = {np.logical_and: "and", np.logical_or: "or"}
# On booleans NumPy's + is "or" and its * is "and".
_ON_BOOLEANS: dict[Callable[..., Any], str] = {np.add: "|", np.multiply: "&"}
_OF_COMPLEX = {np.absolute: "native.magnitude", np.sign: "native.direction"}
_PYTHON_TYPES = {"b": np.dtype(bool), "i": int, "f": float, "c": complex}
# The dtypes in which Numba's arithmetic stays, as NumPy's does.
_CLOSED = frozenset(
    np.dtype(name) for name in "bool int64 uint64 float32 float64 complex64 complex128".split()
)
_WIDE = frozenset(np.dtype(name) for name in "float64 complex128".split())
MAX_LITERAL_EXPONENT = 64


def ufunc_text(function: np.ufunc, operands: tuple[Operand, ...], texts: tuple[Text, ...]) -> Text:
    """The call of a ufunc of one result as text."""
    kinds = tuple(operand_type(x) for x in operands)
    if all(isinstance(kind, Scalar) and kind.weak for kind in kinds) and function in {*_INFIX, *_PREFIX}:
        return _spell(function, kinds, texts)
    loop = loop_dtypes(function, kinds)
    if function is np.power and _literal_exponent(operands, kinds) is not None:
        exponent = Text(repr(_literal_exponent(operands, kinds)), Level.ATOM)
        return binary("**", texts[0], exponent)
    texts = tuple(
        plain_number(x, loop[0]) or text if _is_decided(kinds[:k] + kinds[k + 1 :], loop) else text
        for k, (x, text) in enumerate(zip(operands, texts, strict=True))
    )
    natural = _promotes_alike(kinds, loop)
    converted = tuple(
        text if natural or isinstance(kind, Array) or kind.dtype == dtype else cast(text, kind.dtype, dtype)
        for text, kind, dtype in zip(texts, kinds, loop, strict=False)
    )
    result = _spell(function, kinds, converted)
    if any(isinstance(kind, Array) for kind in kinds) or loop[-1] in _CLOSED:
        return result
    return call(dtype_name(loop[-1]), result)


def loop_dtypes(function: np.ufunc, kinds: tuple[Any, ...]) -> tuple[np.dtype[Any], ...]:
    """The dtypes in which NumPy's loop takes its operands and gives its results."""
    given = [_PYTHON_TYPES[kind.dtype.kind] if _is_weak(kind) else kind.dtype for kind in kinds]
    if all(_is_weak(kind) for kind in kinds):
        given = [kind.dtype for kind in kinds]
    return function.resolve_dtypes((*given, *(None,) * function.nout))


def _is_decided(others: tuple[Any, ...], loop: tuple[np.dtype[Any], ...]) -> bool:
    """Whether the operands beside one have the dtype that all are computed in."""
    same = len(set(loop[: len(others) + 1])) == 1
    return same and any(kind.dtype == loop[0] and not _is_weak(kind) for kind in others)


def plain_number(operand: Operand, dtype: np.dtype[Any]) -> Text | None:
    """The Python number where the operand is a NumPy number that means the same in a place of this dtype."""
    value = operand.value if isinstance(operand, Const) else None
    if isinstance(value, np.generic) and value.dtype == dtype and dtype in _WIDE:
        return constant(value.item())
    return None


def _is_weak(kind: Any) -> bool:
    return isinstance(kind, Scalar) and kind.weak


def _promotes_alike(kinds: tuple[Any, ...], loop: tuple[np.dtype[Any], ...]) -> bool:
    """Whether Numba, left alone, computes in the same dtypes."""
    dtypes = [kind.dtype for kind in kinds]
    inputs = set(loop[: len(kinds)])
    if len(inputs) > 1:
        return dtypes == list(loop[: len(kinds)])
    (dtype,) = inputs
    if all(given == dtype for given in dtypes):
        return True
    if dtype == np.int64:
        return all(given.kind in "bi" for given in dtypes) and any(given == dtype for given in dtypes)
    # A lone int64 becomes float64 in every ufunc; beside a float64 everything does.
    return dtype in _WIDE and (dtype in dtypes or (dtype.kind == "f" and set(dtypes) == {np.dtype(np.int64)}))


def _literal_exponent(operands: tuple[Operand, ...], kinds: tuple[Any, ...]) -> int | None:
    """A small whole exponent of an inexact number, which Numba turns into multiplications."""
    exponent = operands[1]
    if not isinstance(exponent, Const) or not isinstance(exponent.value, int | float):
        return None
    if isinstance(kinds[0], Array) or kinds[0].dtype.kind not in "fc" or isinstance(exponent.value, bool):
        return None
    wider = isinstance(exponent.value, np.generic) and kinds[0].dtype not in _WIDE
    whole = float(exponent.value).is_integer() and 0 <= exponent.value <= MAX_LITERAL_EXPONENT
    return int(exponent.value) if whole and not wider else None


def _spell(function: Callable[..., Any], kinds: tuple[Any, ...], texts: tuple[Text, ...]) -> Text:
    scalars = all(isinstance(kind, Scalar) for kind in kinds)
    booleans = all(kind.dtype == bool for kind in kinds)
    if booleans and not all(_is_weak(kind) for kind in kinds) and function in _ON_BOOLEANS:
        return binary(_ON_BOOLEANS[function], *texts)
    if function is np.divide and scalars and any(kind.dtype.kind == "c" for kind in kinds):
        numbers = (
            binary("+", text, Text("0")) if kind.dtype == bool else text
            for text, kind in zip(texts, kinds, strict=True)
        )
        return call("native.divide", *numbers)
    if scalars and kinds[0].dtype.kind == "c" and function in _OF_COMPLEX:
        return call(_OF_COMPLEX[function], *texts)
    if function in _INFIX:
        return binary(_INFIX[function], *texts)
    if function in _PREFIX:
        return unary(_PREFIX[function], *texts)
    if scalars and booleans and function in _OF_TRUTH:
        return binary(_OF_TRUTH[function], *texts)
    if scalars and booleans and function is np.logical_not:
        return unary("not", *texts)
    if function is np.reciprocal and scalars and kinds[0].dtype.kind == "f" and not kinds[0].weak:
        return binary("/", Text("1" if kinds[0].dtype in _WIDE else "np.float32(1)"), texts[0])
    if function is np.absolute and scalars:
        return call("abs", *texts)
    return call(spelled(function)[0], *texts)


def cast(x: Text, given: np.dtype[Any], wanted: np.dtype[Any]) -> Text:
    """A number converted: ``np.float32(x)``; ``x != 0`` for a boolean; the real part of a complex number."""
    if wanted.kind == "b":
        return x if given.kind == "b" else binary("!=", x, Text("0"))
    if given.kind == "c" and wanted.kind != "c":
        x = attribute(x, "real")
    return call(dtype_name(wanted), x)
