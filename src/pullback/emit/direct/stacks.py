"""Lists of arrays that are appended to and popped from: what a loop keeps for the way back."""

from numba.core import cgutils

from pullback.emit.allocation import raise_if
from pullback.emit.direct.elements import WORD
from pullback.emit.direct.references import moved, release_all, retain

FIRST = 16


class Stack:
    """The code of one list: a buffer of Numba's array structures that doubles when it is full."""

    def __init__(self, context, builder, kind):
        self.context = context
        structure = context.get_value_type(kind)
        self.itemsize = context.get_abi_sizeof(structure)
        self.room = cgutils.alloca_once(builder, structure.as_pointer(), zfill=True)
        self.count = cgutils.alloca_once(builder, WORD, zfill=True)
        self.capacity = cgutils.alloca_once(builder, WORD, zfill=True)

    def append(self, builder, value):
        """Add an array at the end; the list has a reference of its own."""
        count = builder.load(self.count)
        with builder.if_then(builder.icmp_signed("==", count, builder.load(self.capacity)), likely=False):
            none = builder.icmp_signed("==", count, WORD(0))
            wider = builder.select(none, WORD(FIRST), builder.mul(count, WORD(2)))
            room = moved(builder, builder.load(self.room), count, wider, self.itemsize)
            refused = cgutils.is_null(builder, room)
            raise_if(self.context, builder, refused, MemoryError, "Allocation failed")
            builder.store(room, self.room)
            builder.store(wider, self.capacity)
        retain(builder, value)
        builder.store(value, builder.gep(builder.load(self.room), [count]))
        builder.store(builder.add(count, WORD(1)), self.count)

    def pop(self, builder):
        """The last array, with the list's reference to it."""
        count = builder.sub(builder.load(self.count), WORD(1))
        builder.store(count, self.count)
        return builder.load(builder.gep(builder.load(self.room), [count]))

    def free(self, builder):
        """Let go of what is left in it, and of the buffer."""
        release_all(builder, builder.load(self.room), builder.load(self.count), self.itemsize)
