"""LLVM instructions of views of arrays: parts along leading axes, transposes, other shapes.

Numba's own are made for every index and layout, and are several times as long.
"""

import ast
from functools import reduce
from typing import Any

from numba.core import types

from pullback.emit import native
from pullback.emit.allocation import allocated, clear, raise_if
from pullback.emit.direct.elements import WORD, contiguous_steps, is_array
from pullback.emit.direct.references import retain
from pullback.emit.direct.syntax import constant_int, indices_of, is_path
from pullback.emit.matmul import multiplied, product_of


class Views:
    """A part of `Expressions`."""

    context: Any
    builder: Any
    found: Any
    bound: Any
    kind: Any
    of: Any
    is_natural: Any
    loc_of: Any

    def lent(self, node):
        """An array that a statement looks at: a view has no reference of its own then."""
        if type(node) is ast.Attribute and node.attr == "T" and not is_path(node, self.found.local):
            base = self.lent(node.value)
            return base.part(self.kind(node), base.data, base.shape[::-1], base.steps[::-1])
        if type(node) is ast.Subscript and self.is_row(node):
            base, indices = self.lent(node.value), self.places(node)
            axes = len(indices)
            data = base.pointer(self.builder, indices)
            return base.part(self.kind(node), data, base.shape[axes:], base.steps[axes:])
        if type(node) is ast.Call and self.reshapes(node):
            return self.reshaped(node)
        return self.of(node)

    def lends(self, node):
        """Whether an expression is a view of an array whose one name ends after those of its views."""
        if type(node) is ast.Name:
            return node.id in self.bound
        if type(node) is ast.Call:
            method: Any = node.func
            return self.reshapes(node) and self.lends(method.value)
        is_view = (
            self.is_row(node)
            if type(node) is ast.Subscript
            else type(node) is ast.Attribute and node.attr == "T"
        )
        return is_view and self.lends(node.value)

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
        """``array.reshape(n, m)``, as `lent` has it."""
        builder, base = self.builder, self.lent(node.func.value)
        lengths, count = [self.of(n) for n in node.args], base.size(self.builder)
        size = reduce(builder.mul, lengths, WORD(1))
        fails = builder.icmp_signed("!=", size, count)
        if not all(self.is_natural(n) for n in node.args):
            negative = builder.icmp_signed("<", reduce(builder.or_, lengths, WORD(0)), WORD(0))
            fails = builder.or_(fails, negative)
        message = "reshape: the array is of another size than the shape"
        raise_if(self.context, builder, fails, ValueError, message, self.loc_of(node))
        steps = contiguous_steps(builder, "C", lengths)
        return base.part(self.kind(node), base.data, lengths, steps)

    def derived(self, view):
        """A view with a reference of its own."""
        retain(self.builder, view)
        return view

    def allocates(self, node):
        """Whether a call is one of `native.empty` or `native.zeros`."""
        return self.found.value(node.func) in (native.empty, native.zeros) and len(node.args) == 1

    def allocation(self, node):
        """A new array."""
        shape = node.args[0]
        lengths = shape.elts if type(shape) is ast.Tuple else [shape]
        array = allocated(
            self.context,
            self.builder,
            self.kind(node),
            [self.of(n) for n in lengths],
            self.loc_of(node),
            natural=all(map(self.is_natural, lengths)),
        )
        if self.found.value(node.func) is native.zeros:
            clear(self.context, self.builder, array)
        return array

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
