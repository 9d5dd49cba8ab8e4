"""Lists of arrays that are appended to and popped from: what a loop keeps for the way back."""

from llvmlite import ir
from numba.core import cgutils

from pullback.emit.direct.elements import WORD

FIRST = 16


class Stack:
    """The code of one list: a buffer of Numba's array structures that doubles when it is full."""

    def __init__(self, context, builder, kind):
        self.context, self.kind = context, kind
        self.structure = context.get_value_type(kind)
        self.room = cgutils.alloca_once(builder, self.structure.as_pointer(), zfill=True)
        self.count = cgutils.alloca_once(builder, WORD, zfill=True)
        self.capacity = cgutils.alloca_once(builder, WORD, zfill=True)

    def append(self, builder, value):
        """Add an array at the end; the list has a reference of its own."""
        count = builder.load(self.count)
        with builder.if_then(builder.icmp_signed("==", count, builder.load(self.capacity)), likely=False):
            self._grow(builder, count)
        self.context.nrt.incref(builder, self.kind, value)
        builder.store(value, builder.gep(builder.load(self.room), [count]))
        builder.store(builder.add(count, ir.Constant(WORD, 1)), self.count)

    def _grow(self, builder, count):
        nrt = self.context.nrt
        empty = builder.icmp_signed("==", count, ir.Constant(WORD, 0))
        wider = builder.select(empty, ir.Constant(WORD, FIRST), builder.mul(count, ir.Constant(WORD, 2)))
        itemsize = self.context.get_abi_sizeof(self.structure)
        memory = nrt.allocate(builder, builder.mul(wider, ir.Constant(WORD, itemsize)))
        room = builder.bitcast(memory, self.structure.as_pointer())
        old = builder.load(self.room)
        with builder.if_then(builder.not_(empty)):
            cgutils.raw_memcpy(builder, room, old, count, itemsize)
            nrt.free(builder, builder.bitcast(old, cgutils.voidptr_t))
        builder.store(room, self.room)
        builder.store(wider, self.capacity)

    def pop(self, builder):
        """The last array, with the list's reference to it."""
        count = builder.sub(builder.load(self.count), ir.Constant(WORD, 1))
        builder.store(count, self.count)
        return builder.load(builder.gep(builder.load(self.room), [count]))

    def free(self, builder):
        """Let go of what is left in it, and of the buffer."""
        with cgutils.for_range(builder, builder.load(self.count)) as loop:
            left = builder.load(builder.gep(builder.load(self.room), [loop.index]))
            self.context.nrt.decref(builder, self.kind, left)
        room = builder.load(self.room)
        with builder.if_then(cgutils.is_not_null(builder, room)):
            self.context.nrt.free(builder, builder.bitcast(room, cgutils.voidptr_t))
