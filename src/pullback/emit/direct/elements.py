"""Arrays in code: their parts, and where an element of one is."""

from functools import reduce
from itertools import pairwise

from llvmlite import ir
from llvmlite.ir.instructions import InsertValue
from numba.core import cgutils, types

WORD = cgutils.intp_t


class View:
    """The parts of an array, as LLVM values.

    Attributes:
        kind: its Numba type.
        data: a pointer to the first element.
        shape: the lengths of the axes.
        steps: how many elements (for layout "A": bytes) lie between neighbours along each axis.
        memory: the reference to its memory.
        parent: the Python object that it came from; None without one.
        value: Numba's structure, if there is one already.
    """

    def __init__(self, kind, data, shape, steps, memory, parent=None, value=None):
        self.kind, self.data, self.shape, self.steps = kind, data, shape, steps
        self.memory, self.parent, self.value = memory, parent, value

    @classmethod
    def of(cls, context, builder, kind, value):
        """That of Numba's structure of an array."""

        def part(name, *axis):
            return part_of(builder, value, context.data_model_manager[kind].get_field_position(name), *axis)

        shape = [part("shape", axis) for axis in range(kind.ndim)]
        if kind.layout == "A":
            steps = [part("strides", axis) for axis in range(kind.ndim)]
        else:
            steps = contiguous_steps(builder, kind.layout, shape)
        return cls(kind, part("data"), shape, steps, part("meminfo"), part("parent"), value)

    def part(self, kind, data, shape, steps):
        """A view of the same array, which has no reference of its own."""
        return View(kind, data, shape, steps, self.memory, self.parent)

    def size(self, builder):
        """How many elements there are."""
        return reduce(builder.mul, self.shape) if self.shape else WORD(1)

    def whole(self, context, builder):
        """Numba's structure of all that is known of it, which is written where it is asked for."""
        if self.value is not None:
            return self.value
        itemsize = WORD(context.get_abi_sizeof(context.get_data_type(self.kind.dtype)))
        steps = self.steps
        strides = steps if self.kind.layout == "A" else [builder.mul(step, itemsize) for step in steps]
        parts = {
            "meminfo": self.memory, "parent": self.parent, "nitems": self.size(builder),
            "itemsize": itemsize, "data": self.data,
            "shape": cgutils.pack_array(builder, self.shape, WORD),
            "strides": cgutils.pack_array(builder, strides, WORD),
        }  # fmt: skip
        result = context.get_constant_null(self.kind)
        for name, part in parts.items():
            if part is not None:
                position = context.data_model_manager[self.kind].get_field_position(name)
                result = builder.insert_value(result, part, position)
        return result

    def pointer(self, builder, indices):
        """Where the element is at `indices`, pairs of a value and whether it may be negative."""
        offset = None
        for axis, (index, signed) in enumerate(indices):
            if signed:
                negative = builder.icmp_signed("<", index, ir.Constant(WORD, 0))
                index = builder.select(negative, builder.add(index, self.shape[axis]), index)
            step = self.steps[axis]
            moved = index if is_one(step) else builder.mul(index, step)
            offset = moved if offset is None else builder.add(offset, moved)
        if offset is None:
            return self.data
        if self.kind.layout == "A":
            return cgutils.pointer_add(builder, self.data, offset)
        return builder.gep(self.data, [offset])


def is_one(value):
    """Whether an integer is the constant 1."""
    return isinstance(value, ir.Constant) and value.constant == 1


def contiguous_steps(builder, layout, shape):
    """How many elements lie between neighbours along each axis of an array in an order."""
    steps = [WORD(1)] * len(shape)
    along = [*range(len(shape))] if layout == "F" else [*reversed(range(len(shape)))]
    for before, axis in pairwise(along):
        steps[axis] = shape[before] if is_one(steps[before]) else builder.mul(steps[before], shape[before])
    return steps


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
