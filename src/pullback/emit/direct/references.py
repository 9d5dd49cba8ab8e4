"""References to arrays, counted an instruction at a time.

An array's structure begins with the reference to its memory. Numba's own counting takes the whole structure
apart first, into a dozen numbers that nobody reads.
"""

from llvmlite import ir
from numba.core import cgutils

from pullback.emit.direct.elements import WORD, part_of

POINTER = cgutils.voidptr_t


def retain(builder, array):
    """One more reference to an array, a structure."""
    count(builder, "NRT_incref", part_of(builder, array, 0))


def release_in(builder, cell):
    """One less to the array whose structure is in memory at `cell`."""
    count(builder, "NRT_decref", builder.load(cgutils.gep_inbounds(builder, cell, 0, 0)))


def release_each(builder, first, number):
    """One less to each memory whose references follow each other, `number` of them; some may be none."""
    _release_all(builder, "pullback.release_each", first, number, WORD.width // 8, frees=False)


def release_all(builder, first, number, itemsize):
    """One less to each of `number` arrays whose structures follow each other in memory, then free that."""
    _release_all(builder, "pullback.release_all", first, number, itemsize, frees=True)


def _release_all(builder, name, first, number, itemsize, *, frees):
    def write(builder, first, number, itemsize):
        with cgutils.for_range(builder, number) as loop:
            place = builder.gep(first, [builder.mul(loop.index, itemsize)])
            count(builder, "NRT_decref", builder.load(builder.bitcast(place, POINTER.as_pointer())))
        if frees:
            _free(builder, first)
        builder.ret_void()

    known = _function(builder, name, ir.VoidType(), [POINTER, WORD, WORD], write)
    builder.call(known, [builder.bitcast(first, POINTER), number, WORD(itemsize)])


def moved(builder, old, number, room, itemsize):
    """Where `number` structures have been moved to from `old`, with room for `room`; null without memory."""
    known = _function(builder, "pullback.moved", POINTER, [POINTER, WORD, WORD, WORD], _moved)
    place = builder.call(known, [builder.bitcast(old, POINTER), number, room, WORD(itemsize)])
    return builder.bitcast(place, old.type)


def _moved(builder, old, number, room, itemsize):
    kind = ir.FunctionType(POINTER, [WORD])
    allocate = cgutils.get_or_insert_function(builder.module, kind, "NRT_Allocate")
    place = builder.call(allocate, [builder.mul(room, itemsize)])
    with builder.if_then(cgutils.is_not_null(builder, place)):
        cgutils.raw_memcpy(builder, place, old, number, itemsize)
        _free(builder, old)
    builder.ret(place)


def _free(builder, memory):
    with builder.if_then(cgutils.is_not_null(builder, memory)):
        kind = ir.FunctionType(ir.VoidType(), [POINTER])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, "NRT_Free"), [memory])


def count(builder, name, memory):
    """Call what counts one more or less, on the reference to some memory, which may be none."""
    kind = ir.FunctionType(ir.VoidType(), [POINTER])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    for attribute in ("noalias", "captures(none)"):
        function.args[0].add_attribute(attribute)
    builder.call(function, [memory])


def _function(builder, name, result, kinds, write):
    """A function that a module has once, out of the way of what calls it."""
    known = builder.module.globals.get(name)
    if known is None:
        known = ir.Function(builder.module, ir.FunctionType(result, kinds), name)
        known.linkage = "internal"
        for attribute in ("noinline", "minsize", "optsize"):
            known.attributes.add(attribute)
        write(ir.IRBuilder(known.append_basic_block("entry")), *known.args)
    return known
