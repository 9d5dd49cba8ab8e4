"""LLVM instructions of views of arrays: parts along leading axes, transposes, other shapes.

Numba's own are made for every index and layout, and are several times as long.
"""

import ast
from functools import reduce
from typing import Any

from numba.core import cgutils, types

from pullback.emit import native
from pullback.emit.allocation import raise_if
from pullback.emit.direct.elements import WORD, is_array, part_of
from pullback.emit.direct.references import retain
from pullback.emit.direct.syntax import constant_int, indices_of, is_path
from pullback.emit.matmul import multiplied, product_of


class Views:
    """A part of `Expressions`."""

    context: Any
    builder: Any
    found: Any
    kind: Any
    of: Any
    view: Any
    is_natural: Any
    loc_of: Any

    def lent(self, node):
        """The parts of an array that a statement looks at: a view has no structure then, and no reference."""
        if type(node) is ast.Attribute and node.attr == "T" and not is_path(node, self.found.local):
            base = self.lent(node.value)
            return base.part(self.kind(node), base.data, base.shape[::-1], base.steps[::-1])
        if type(node) is ast.Subscript and self.is_row(node):
            base, indices = self.lent(node.value), self.places(node)
            axes = len(indices)
            data = base.pointer(self.builder, indices)
            return base.part(self.kind(node), data, base.shape[axes:], base.steps[axes:])
        return self.view(node)

    def is_row(self, node):
        """Whether ``array[i, j]`` takes a place along leading axes."""
        kind = self.kind(node.value)
        if not is_array(kind) or kind.layout == "F" or self.kind(node).layout != kind.layout:
            return False
        indices = indices_of(node)
        return all(type(i) is not ast.Slice and self.kind(i) == types.int64 for i in indices)

    def places(self, node):
        """The indices in the brackets, with whether each may be negative."""
        return [(self.of(index), not self.is_natural(index)) for index in indices_of(node)]

    def row(self, node):
        """``array[i, j]`` that is an array."""
        value = self.of(node.value)
        base, indices = self.view(node.value), self.places(node)
        axes = len(indices)
        data = base.pointer(self.builder, indices)
        strides = [
            part_of(self.builder, value, *self.at(base.kind, "strides"), k) for k in range(base.kind.ndim)
        ]
        return self.derived(node, value, data, base.shape[axes:], strides[axes:])

    def reshapes(self, node):
        """Whether a call is ``array.reshape(n, m)`` of an array in C order, with all lengths given."""
        method = node.func
        if type(method) is not ast.Attribute or method.attr != "reshape" or node.keywords:
            return False
        if is_path(method, self.found.local):
            return False
        given = all(self.kind(n) == types.int64 and (constant_int(n) or 0) >= 0 for n in node.args)
        return given and self.kind(method.value).layout == self.kind(node).layout == "C"

    def reshaped(self, node):
        """``array.reshape(n, m)``."""
        builder, base = self.builder, node.func.value
        value, lengths = self.of(base), [self.of(n) for n in node.args]
        count = part_of(builder, value, *self.at(self.kind(base), "nitems"))
        size = reduce(builder.mul, lengths, WORD(1))
        fails = builder.icmp_signed("!=", size, count)
        if not all(self.is_natural(n) for n in node.args):
            negative = builder.icmp_signed("<", reduce(builder.or_, lengths, WORD(0)), WORD(0))
            fails = builder.or_(fails, negative)
        message = "reshape: the array is of another size than the shape"
        raise_if(self.context, builder, fails, ValueError, message, self.loc_of(node))
        strides = [part_of(builder, value, *self.at(self.kind(base), "itemsize"))]
        for n in lengths[:0:-1]:
            strides.insert(0, builder.mul(strides[0], n))
        data = part_of(builder, value, *self.at(self.kind(base), "data"))
        return self.derived(node, value, data, lengths, strides[: len(lengths)])

    def at(self, kind, name):
        return (self.context.data_model_manager[kind].get_field_position(name),)

    def derived(self, node, value, data, shape, strides):
        """A view of the array `value`, with a reference of its own."""
        builder, kind = self.builder, self.kind(node)
        array = node.value if type(node) is ast.Subscript else node.func.value
        own = {
            name: part_of(builder, value, *self.at(self.kind(array), name))
            for name in ("meminfo", "parent", "itemsize")
        }
        own |= {
            "data": data, "nitems": reduce(builder.mul, shape, WORD(1)),
            "shape": cgutils.pack_array(builder, shape, WORD),
            "strides": cgutils.pack_array(builder, strides, WORD),
        }  # fmt: skip
        result = self.context.get_constant_null(kind)
        for name, part in own.items():
            result = builder.insert_value(result, part, *self.at(kind, name))
        retain(builder, result)
        return result

    def multiplies(self, node):
        """Whether a call is one of a product of matrices."""
        return not node.keywords and self.found.value(node.func) in (native.matmul, native.multiply)

    def multiplication(self, node):
        """A product of matrices, of views without references."""
        call, loc = self.found.calls[node], self.loc_of(node)
        arrays = [self.lent(n) for n in node.args if is_array(self.kind(n))]
        conjugate, adds, *_ = (*(n for n in node.args if not is_array(self.kind(n))), None, None)
        which = -1 if conjugate is None else constant_int(conjugate)
        *y, a, b = arrays
        if not y:
            return product_of(self.context, self.builder, call.signature.return_type, a, b, which, loc)
        multiplied(self.context, self.builder, y[0], a, b, which, self.of(adds), loc)
        return self.context.get_dummy_value()
