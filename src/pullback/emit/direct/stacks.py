"""Arrays that are kept in memory: variables with several assignments, and lists for the way back.

What is kept of an array is what `View` has, without what follows from it: half of Numba's structure.
"""

from llvmlite import ir
from numba.core import cgutils

from pullback.emit.allocation import raise_if
from pullback.emit.direct.elements import WORD, View, contiguous_steps
from pullback.emit.direct.references import POINTER, ROWS, note, popped, pushed, release_rows, retain


def parts_of(view):
    """What is kept of an array, beside the reference to its memory."""
    parent = ir.Constant(POINTER, None) if view.parent is None else view.parent
    return [parent, view.data, *view.shape, *(view.steps if view.kind.layout == "A" else ())]


def kinds_of(context, kind):
    """The LLVM types of `parts_of`."""
    words = kind.ndim * (2 if kind.layout == "A" else 1)
    return [POINTER, context.get_data_type(kind.dtype).as_pointer(), *[WORD] * words]


def view_of(builder, kind, memory, parts):
    """The array of which these are the parts."""
    parent, data, *words = parts
    shape, steps = words[: kind.ndim], words[kind.ndim :]
    steps = steps or contiguous_steps(builder, kind.layout, shape)
    return View(kind, data, shape, steps, memory, parent)


class Cell:
    """A variable that has one array after the other; its reference is in a slot of `Leaving`."""

    def __init__(self, context, builder, kind, name, slot):
        self.kind, self.slot = kind, slot
        self.parts = [cgutils.alloca_once(builder, part, name=name) for part in kinds_of(context, kind)]

    def read(self, builder):
        """The array that it has now."""
        memory, *parts = (builder.load(place) for place in (self.slot, *self.parts))
        return view_of(builder, self.kind, memory, parts)

    def write(self, builder, view):
        """Give it another array, with a reference."""
        for value, place in zip(parts_of(view), self.parts, strict=True):
            builder.store(value, place)
        note(builder, view.memory, self.slot)


class Stack:
    """The code of one list: a buffer that doubles when it is full."""

    def __init__(self, context, builder, kind):
        self.context, self.kind = context, kind
        self.entry = ir.LiteralStructType([POINTER, *kinds_of(context, kind)])
        self.itemsize = context.get_abi_sizeof(self.entry)
        self.rows = cgutils.alloca_once(builder, ROWS, zfill=True)

    def append(self, builder, view):
        """Add an array at the end; the list has a reference of its own."""
        place = pushed(builder, self.rows, self.itemsize)
        raise_if(self.context, builder, cgutils.is_null(builder, place), MemoryError, "Allocation failed")
        retain(builder, view)
        for value, part in zip((view.memory, *parts_of(view)), self._parts(builder, place), strict=True):
            builder.store(value, part)

    def pop(self, builder):
        """The last array, with the list's reference to it."""
        place = popped(builder, self.rows, self.itemsize)
        memory, *parts = (builder.load(part) for part in self._parts(builder, place))
        return view_of(builder, self.kind, memory, parts)

    def _parts(self, builder, place):
        entry = builder.bitcast(place, self.entry.as_pointer())
        return [cgutils.gep_inbounds(builder, entry, 0, part) for part in range(len(self.entry.elements))]

    def free(self, builder):
        """Let go of what is left in it, and of the buffer."""
        release_rows(builder, self.rows, self.itemsize)
