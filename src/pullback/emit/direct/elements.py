"""Arrays in code: their parts, and where an element of one is."""

from llvmlite import ir
from llvmlite.ir.instructions import InsertValue
from numba.core import cgutils, types

WORD = cgutils.intp_t


class View:
    """The parts of an array, as LLVM values.

    Attributes:
        kind: its Numba type.
        value: the structure that stands for the array.
        data: a pointer to the first element.
        shape: the lengths of the axes.
        steps: how many elements (for layout "A": bytes) lie between neighbours along each axis.
    """

    def __init__(self, context, builder, kind, value):
        self.kind = kind
        self.value = value
        index = context.data_model_manager[kind].get_field_position
        self.data = part_of(builder, value, index("data"))
        self.size_at = index("nitems")
        self.shape = [part_of(builder, value, index("shape"), k) for k in range(kind.ndim)]
        if kind.layout == "A":
            self.steps = [part_of(builder, value, index("strides"), k) for k in range(kind.ndim)]
            return
        along = range(kind.ndim) if kind.layout == "F" else range(kind.ndim - 1, -1, -1)
        self.steps = [ir.Constant(WORD, 1)] * kind.ndim
        step = None
        for axis in along:
            if step is not None:
                self.steps[axis] = step
            step = self.shape[axis] if step is None else builder.mul(step, self.shape[axis])

    def part(self, kind, data, shape, steps):
        """A view of the same array, without a structure of its own."""
        made = View.__new__(View)
        made.kind, made.data, made.shape, made.steps = kind, data, shape, steps
        return made

    def pointer(self, builder, indices):
        """Where the element is at `indices`, pairs of a value and whether it may be negative."""
        offset = None
        for axis, (index, signed) in enumerate(indices):
            if signed:
                negative = builder.icmp_signed("<", index, ir.Constant(WORD, 0))
                index = builder.select(negative, builder.add(index, self.shape[axis]), index)
            step = self.steps[axis]
            one = isinstance(step, ir.Constant) and step.constant == 1
            moved = index if one else builder.mul(index, step)
            offset = moved if offset is None else builder.add(offset, moved)
        if offset is None:
            return self.data
        if self.kind.layout == "A":
            return cgutils.pointer_add(builder, self.data, offset)
        return builder.gep(self.data, [offset])


def part_of(builder, value, *place):
    """A part of a structure: what was put there, where that can be seen, so that LLVM need not find it."""
    while place and isinstance(value, InsertValue):
        put = tuple(value.indices)
        if put == place[: len(put)]:
            value, place = value.operands[1], place[len(put) :]
        elif place == put[: len(place)]:
            break
        else:
            value = value.operands[0]
    return builder.extract_value(value, place) if place else value


def is_array(kind):
    """Whether a type is that of an array."""
    return isinstance(kind, types.Array)
