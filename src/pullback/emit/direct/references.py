"""References to arrays, counted an instruction at a time.

An array's structure begins with the reference to its memory. Numba's own counting takes the whole structure
apart first, into a dozen numbers that nobody reads.
"""

from llvmlite import ir
from llvmlite.ir.instructions import StoreInstr
from numba.core import cgutils

from pullback.emit.direct.elements import WORD
from pullback.emit.shared import shared

POINTER = cgutils.voidptr_t
ROWS = ir.LiteralStructType([POINTER, WORD, WORD])
"""A list: where its entries are, how many there are, and how many there is room for."""
FEWEST = 16
"""How many entries a list has room for at first."""


def retain(builder, array):
    """One more reference to an array, a `View`."""
    count(builder, "NRT_incref", array.memory)


class _Note(StoreInstr):
    """A store that LLVM leaves where it is; otherwise it moves to each of the ways out of a loop."""

    align = None

    def descr(self, buf):
        written = []
        super().descr(written)
        buf.append("".join(written).replace("store", "store volatile", 1))


def note(builder, value, slot):
    """Write what the way out of the function finds there, a reference to some memory."""
    builder._insert(_Note(builder.block, value, slot))


def release_in(builder, slot):
    """One less to the memory whose reference is at `slot`, if there is one."""
    count(builder, "NRT_decref", builder.load(slot))


def release_each(builder, first, number):
    """One less to each memory whose references follow each other, `number` of them; some may be none."""

    def write(builder, first, number):
        _release_all(builder, first, number, WORD(WORD.width // 8))
        builder.ret_void()

    known = _function(builder, "pullback.release_each", ir.VoidType(), [POINTER, WORD], write)
    builder.call(known, [builder.bitcast(first, POINTER), number])


def pushed(builder, rows, itemsize):
    """Where a new last entry of a list goes, which is counted already; null without memory.

    Args:
        builder: to write instructions with.
        rows: a pointer to the `ROWS` of the list.
        itemsize: how many bytes an entry takes.
    """
    known = _function(builder, "pullback.pushed", POINTER, [ROWS.as_pointer(), WORD], _pushed)
    return builder.call(known, [rows, WORD(itemsize)])


def _pushed(builder, rows, itemsize):
    first, number, room = (cgutils.gep_inbounds(builder, rows, 0, part) for part in range(3))
    before, most = builder.load(number), builder.load(room)
    with builder.if_then(builder.icmp_signed("==", before, most)):
        none = builder.icmp_signed("==", most, WORD(0))
        wider = builder.select(none, WORD(FEWEST), builder.mul(most, WORD(2)))
        kind = ir.FunctionType(POINTER, [WORD])
        allocate = cgutils.get_or_insert_function(builder.module, kind, "NRT_Allocate")
        place = builder.call(allocate, [builder.mul(wider, itemsize)])
        with builder.if_then(cgutils.is_null(builder, place)):
            builder.ret(place)
        old = builder.load(first)
        cgutils.raw_memcpy(builder, place, old, before, itemsize)
        _free(builder, old)
        builder.store(place, first)
        builder.store(wider, room)
    builder.store(builder.add(before, WORD(1)), number)
    builder.ret(builder.gep(builder.load(first), [builder.mul(before, itemsize)]))


def popped(builder, rows, itemsize):
    """Where the last entry of a list is, which is not counted any more."""
    known = _function(builder, "pullback.popped", POINTER, [ROWS.as_pointer(), WORD], _popped)
    return builder.call(known, [rows, WORD(itemsize)])


def _popped(builder, rows, itemsize):
    first, number = (cgutils.gep_inbounds(builder, rows, 0, part) for part in range(2))
    left = builder.sub(builder.load(number), WORD(1))
    builder.store(left, number)
    builder.ret(builder.gep(builder.load(first), [builder.mul(left, itemsize)]))


def release_rows(builder, rows, itemsize):
    """One less to each array of a list, whose entries begin with their references, then free its memory."""

    def write(builder, rows, itemsize):
        first, number = (builder.load(cgutils.gep_inbounds(builder, rows, 0, part)) for part in range(2))
        _release_all(builder, first, number, itemsize)
        _free(builder, first)
        builder.ret_void()

    known = _function(builder, "pullback.release_rows", ir.VoidType(), [ROWS.as_pointer(), WORD], write)
    builder.call(known, [rows, WORD(itemsize)])


def _release_all(builder, first, number, itemsize):
    with cgutils.for_range(builder, number) as loop:
        place = builder.gep(first, [builder.mul(loop.index, itemsize)])
        count(builder, "NRT_decref", builder.load(builder.bitcast(place, POINTER.as_pointer())))


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
    """A function that is out of the way of what calls it."""
    return shared(builder.module, name, ir.FunctionType(result, kinds), write, ("minsize", "optsize"))
