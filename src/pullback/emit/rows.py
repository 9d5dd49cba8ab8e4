"""Numba's versions of `native.ROWS`: NumPy's own inner loops, called on rows that are in the cache."""

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import lower_builtin, type_callable
from numba.np.arrayobj import make_array

from pullback.emit import native
from pullback.emit.inner_loops import LOOPED, addresses, symbol_of

_BYTE, _WORD = ir.IntType(8), ir.IntType(64)
_POINTER = _BYTE.as_pointer()


def known_to_llvm() -> None:
    """Let LLVM find the loops where code calls them."""
    for symbol, address in addresses().items():
        llvm.add_symbol(symbol, address)


def _typed(function):
    def type_of(context):
        def result(*arrays):
            fit = all(isinstance(a, types.Array) and a.ndim == 2 and a.layout == "C" for a in arrays)
            return types.int64 if fit and len({a.dtype for a in arrays}) == 1 else None

        if function.nin == 1:
            return lambda y, place, count, a, i: result(y, a)
        return lambda y, place, count, a, i, b, j: result(y, a, b)

    return type_of


def _lowered(function):
    def lower(context, builder, signature, arguments):
        kinds = signature.args
        char = "d" if kinds[0].dtype == types.float64 else "f"
        places = (*range(3, len(kinds), 2), 0)
        pointers = [_row(context, builder, kinds[k], arguments[k], arguments[k + 1]) for k in places]
        size = ir.Constant(_WORD, 8 if char == "d" else 4)
        args = _filled(builder, _POINTER, pointers)
        lengths = _filled(builder, _WORD, [arguments[2]])
        steps = _filled(builder, _WORD, [size] * len(pointers))
        symbol = symbol_of(function, char)
        kind = ir.FunctionType(ir.VoidType(), [x.type for x in (args, lengths, steps)] + [_POINTER])
        loop = cgutils.get_or_insert_function(builder.module, kind, symbol)
        data = _external(builder.module, f"{symbol}.data")
        builder.call(loop, [args, lengths, steps, data])
        return ir.Constant(_WORD, 0)

    return lower


def _row(context, builder, kind, value, place):
    array = make_array(kind)(context, builder, value)
    width = cgutils.unpack_tuple(builder, array.shape)[1]
    return builder.bitcast(builder.gep(array.data, [builder.mul(place, width)]), _POINTER)


def _filled(builder, kind, values):
    """A pointer to memory with these values, which is allocated once a call of the function."""
    room = cgutils.alloca_once(builder, kind, size=len(values))
    for k, value in enumerate(values):
        builder.store(value, builder.gep(room, [ir.Constant(ir.IntType(32), k)]))
    return room


def _external(module, name):
    known = module.globals.get(name)
    return known if known is not None else ir.GlobalVariable(module, _BYTE, name)


for _function in LOOPED:
    _native = native.ROWS[_function]
    type_callable(_native)(_typed(_function))
    _places = (types.Array, types.Integer) * _function.nin
    lower_builtin(_native, types.Array, types.Integer, types.Integer, *_places)(_lowered(_function))

known_to_llvm()
