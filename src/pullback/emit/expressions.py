"""The right-hand side of an assignment as Python text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.emit import functions
from pullback.emit.constants import dtype_name
from pullback.emit.elementwise import cast, ufunc_text
from pullback.emit.names import spelled
from pullback.emit.text import Level, Text, attribute, binary, call, conditional, slice_of, subscript
from pullback.ir import primitives
from pullback.ir.build import operand_type
from pullback.ir.nodes import Arg, Assign, Const, Operand, Slice
from pullback.ir.types import Array, Scalar
from pullback.rules.conjugating import matmul_conjugated

_CHOICES: dict[Callable[..., Any], str] = {max: ">=", min: "<="}

Reader = Callable[[Any], Text]
"""Gives the text of an operand or a tuple of them."""


def expression(statement: Assign, read: Reader) -> Text:
    """The text of ``function(*args, **kwargs)``."""
    primitive = _PRIMITIVES.get(statement.function)
    if primitive is not None:
        return primitive(*statement.args, read=read, **dict(statement.kwargs))
    function = statement.function
    if isinstance(function, np.ufunc) and functions.compiles(statement):
        if function is np.matmul:
            first, second = (read(arg) for arg in statement.args)
            if _are_contiguous(statement):
                return call("native.matmul", first, second)
            return binary("@", first, second)
        operands = tuple(x for x in statement.args if not isinstance(x, tuple | Slice))
        return ufunc_text(function, operands, tuple(read(x) for x in operands))
    if function is matmul_conjugated and functions.compiles(statement):
        return call("native.matmul", *(read(arg) for arg in statement.args))
    factored = functions.of_matrices(statement)
    if factored is not None:
        return call(spelled(factored[0])[0], *(read(arg) for arg in factored[1]))
    if function in _CHOICES and len(statement.args) == 2:
        # Numba makes a function of its own of ``max``.
        first, second = (read(arg) for arg in statement.args)
        return conditional(binary(_CHOICES[function], first, second), first, second)
    return plain_call(statement, read)


def _are_contiguous(statement: Assign) -> bool:
    """Whether the arguments are matrices, each contiguous in one order."""
    kinds = functions.array_kinds(statement)
    return all(kind is not None and kind.ndim == 2 and kind.layout != "A" for kind in kinds)


def plain_call(statement: Assign, read: Reader) -> Text:
    """The call as Python spells it, with nothing said about dtypes."""
    arguments = [read(arg) for arg in statement.args]
    return call(
        spelled(statement.function)[0], *arguments, **{key: read(arg) for key, arg in statement.kwargs}
    )


def index_texts(index: tuple[Arg, ...], read: Reader) -> list[Text]:
    """The entries between the brackets of an index."""
    return [_entry(entry, read) for entry in index]


def _entry(entry: Arg, read: Reader) -> Text:
    if isinstance(entry, Slice):
        return slice_of(*(None if x is None else read(x) for x in (entry.start, entry.stop, entry.step)))
    return read(entry)


def _bind(x: Operand, *, read: Reader) -> Text:
    if isinstance(x, Const) and isinstance(x.value, np.ndarray):
        return call(f"{read(x).code}.copy")
    return read(x)


def _indexed(array: Operand, index: tuple[Arg, ...], *, read: Reader) -> Text:
    # With whole axes named at the end, Numba does not see that a view is contiguous.
    count = len(index)
    while count > 1 and index[count - 1] == Slice():
        count -= 1
    return subscript(read(array), index_texts(index[:count], read))


def _dim(array: Operand, axis: Const, *, read: Reader) -> Text:
    return subscript(attribute(read(array), "shape"), [Text(str(axis.value))])


def _cast(x: Operand, dtype: Const, *, read: Reader) -> Text:
    kind, wanted = operand_type(x), np.dtype(dtype.value)
    text = read(x)
    if isinstance(kind, Scalar):
        return cast(text, kind.dtype, wanted)
    if kind.dtype.kind == "c" and wanted.kind != "c":
        text = attribute(text, "real")
    return call(f"{text.at(Level.ATOM)}.astype", Text(dtype_name(wanted))).reading(text)


def _weaken(x: Operand, *, read: Reader) -> Text:
    kind, text = operand_type(x), read(x)
    wide = {"b": "bool", "i": "int64", "u": "int64", "f": "float64", "c": "complex128"}[kind.dtype.kind]
    if not kind.weak and kind.dtype != np.dtype(wide):
        text = call(dtype_name(np.dtype(wide)), text)
    return call({"b": "bool", "i": "int", "u": "int", "f": "float", "c": "complex"}[kind.dtype.kind], text)


def _stopped(x: Operand, *, read: Reader) -> Text:
    text = read(x)
    return text if isinstance(operand_type(x), Scalar) else call(f"{text.at(Level.ATOM)}.copy").reading(text)


def _truncate(x: Operand, *, read: Reader) -> Text:
    return call("int", read(x))


def _select(test: Operand, a: Operand, b: Operand, *, read: Reader) -> Text:
    return conditional(read(test), read(a), read(b))


def _scale(partial: Operand, seed: Operand, *, read: Reader) -> Text:
    return call("native.scale", read(partial), read(seed))


def _reserve(room: Operand, size: Operand, *, read: Reader) -> Text:
    return call("native.reserve", read(room), read(size))


def _transpose(array: Operand, axes: Arg | None = None, *, read: Reader) -> Text:
    text = read(array)
    order = axes.value if isinstance(axes, Const) else axes
    if isinstance(order, tuple):
        order = tuple(axis.value if isinstance(axis, Const) else axis for axis in order)
    kind = operand_type(array)
    if order is None or (isinstance(kind, Array) and order == tuple(reversed(range(kind.ndim)))):
        return attribute(text, "T")
    # Numba takes seconds for ``np.transpose``, and a tenth of one for the method.
    assert axes is not None
    return call(f"{text.at(Level.ATOM)}.transpose", read(axes)).reading(text)


def _reshape(array: Operand, shape: Arg, *, read: Reader) -> Text:
    lengths = [read(n) for n in shape] if isinstance(shape, tuple) else [read(shape)]
    text = read(array)
    return call(f"{text.at(Level.ATOM)}.reshape", *(lengths or [Text("()")])).reading(text)


def _real(x: Operand, *, read: Reader) -> Text:
    return attribute(read(x), "real") if isinstance(operand_type(x), Scalar) else call("np.real", read(x))


def _imag(x: Operand, *, read: Reader) -> Text:
    return attribute(read(x), "imag") if isinstance(operand_type(x), Scalar) else call("np.imag", read(x))


_PRIMITIVES: dict[Callable[..., Any], Callable[..., Text]] = {
    primitives.bind: _bind, primitives.item: _indexed, primitives.view: _indexed, primitives.pick: _indexed,
    primitives.dim: _dim, primitives.cast: _cast, primitives.weaken: _weaken,
    primitives.truncate: _truncate, primitives.select: _select, primitives.scale: _scale,
    primitives.reserve: _reserve, primitives.stopped: _stopped,
    np.transpose: _transpose, np.reshape: _reshape, np.real: _real, np.imag: _imag,
}  # fmt: skip


def runs_in_python(statement: Assign) -> bool:
    """Whether the statement is a call that Numba does not compile."""
    if statement.function is primitives.pick:
        index = statement.args[1]
        assert isinstance(index, tuple)
        return not functions.index_compiles(index)
    return statement.function not in _PRIMITIVES and not functions.compiles(statement)


def is_reference(statement: Assign) -> bool:
    """Whether evaluating the call reads no elements: its result refers to its argument's memory."""
    if statement.function is primitives.dim:
        return True
    return statement.function in primitives.ALIASING and isinstance(statement.targets[0].type, Array)
