"""NumPy's inner loops, found through the public C struct of a ufunc (`PyUFuncObject` of numpy/ufuncobject.h).

Called on some numbers at a time, they have the speed of NumPy's vector code, and its very bits.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import numpy as np

LOOPED: tuple[np.ufunc, ...] = (
    np.power, np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.cbrt, np.sin, np.cos, np.tan,
    np.arcsin, np.arccos, np.arctan, np.arctan2, np.sinh, np.cosh, np.tanh, np.arcsinh, np.arccosh,
    np.arctanh,
)  # fmt: skip
"""The functions that are called so, of doubles and of single-precision numbers."""


class _UfuncObject(ctypes.Structure):
    _fields_ = [
        ("head", ctypes.c_char * object.__basicsize__),
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int),
        ("reserved", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("types", ctypes.c_void_p),
    ]


_NOTHING = ctypes.create_string_buffer(8)
"""What a loop that takes no data is given: linkers take no null for an address."""


def symbol_of(function: np.ufunc, char: str) -> str:
    """What compiled code calls the loop for numbers of a kind; its data has ``.data`` after it."""
    return f"numpy.{function.__name__}.{char}"


@functools.cache
def addresses() -> dict[str, int]:
    """The addresses of the loops and of their data, by symbol."""
    found: dict[str, int] = {}
    for function in LOOPED:
        for char in "df":
            loop = _loop(function, char)
            if loop is not None:
                symbol = symbol_of(function, char)
                found[symbol], found[f"{symbol}.data"] = loop
    return found


def has_loop(function: Any, dtype: np.dtype[Any]) -> bool:
    """Whether the loop of a function is known for numbers of a dtype."""
    return isinstance(function, np.ufunc) and symbol_of(function, dtype.char) in addresses()


def _loop(function: np.ufunc, char: str) -> tuple[int, int] | None:
    given = _UfuncObject.from_address(id(function))
    shape = (function.nin, function.nout, function.nargs, function.ntypes)
    if (given.nin, given.nout, given.nargs, given.ntypes) != shape:
        return None
    if given.name != function.__name__.encode():
        return None
    wanted = f"{char * function.nin}->{char}"
    if wanted not in function.types:
        return None
    position = function.types.index(wanted)
    codes = ctypes.string_at(given.types + position * given.nargs, given.nargs)
    address, data = given.functions[position], given.data[position] if given.data else None
    if set(codes) != {np.dtype(char).num} or not address:
        return None
    return address, data or ctypes.addressof(_NOTHING)
