"""LLVM instructions of what is done with whole arrays, and the references to those that have no name.

Every expression but a name gives an array with a reference of its own. The statement it stands in lets go
of it, unless a name takes it over.
"""

import ast
from contextlib import contextmanager
from typing import Any

from numba.core import types

from pullback.emit.direct.elements import View, is_array
from pullback.emit.direct.references import retain
from pullback.emit.direct.views import Views


class ArrayCode(Views):
    """A part of `Expressions`.

    Attributes:
        nameless: the arrays that have no name, as `Owned`, in the order they came to be.
    """

    context: Any
    builder: Any
    found: Any
    bound: Any
    kind: Any
    of: Any
    read: Any
    loc_of: Any
    nameless: Any
    leaving: Any
    live: Any
    ending: Any

    def held(self, kind, value):
        """`value`, which the statement lets go of if it is an array."""
        if is_array(kind):
            self.nameless.append(self.leaving.own(value))
        return value

    def taken(self, node):
        """The value of an array, and what its reference is owned by, which goes to the statement."""
        value = self.of(node)
        if type(node) is not ast.Name:
            return value, self.nameless.pop()
        if node.id in self.ending and node.id in self.live:
            return value, self.live.pop(node.id)
        retain(self.builder, value)
        return value, self.leaving.own(value)

    @contextmanager
    def letting_go(self):
        """Afterwards the arrays without names that have come to be meanwhile are released."""
        before = len(self.nameless)
        yield
        for owned in self.nameless[before:]:
            if not self.builder.block.is_terminated:
                self.leaving.release(owned)
            self.leaving.forget(owned)
        del self.nameless[before:]

    def number(self, node):
        """The value of an expression that is a number."""
        with self.letting_go():
            return self.of(node)

    def truth(self, node):
        """Whether a number is not zero."""
        kind = self.kind(node)
        with self.letting_go():
            value = self.of(node)
            return value if kind == types.boolean else self.context.is_true(self.builder, kind, value)

    def plain(self, value):
        """What Numba's functions take: of an array its structure."""
        return value.whole(self.context, self.builder) if isinstance(value, View) else value

    def viewed(self, kind, value):
        """What these functions gave; a `View` of an array."""
        return View.of(self.context, self.builder, kind, value) if is_array(kind) else value

    def index(self, node):
        """The value of what stands in the brackets."""
        if type(node) is ast.Tuple:
            return self.context.make_tuple(self.builder, self.kind(node), [self.index(e) for e in node.elts])
        if type(node) is ast.Constant and not isinstance(node.value, int):
            return self.context.get_dummy_value()
        return self.plain(self.of(node))

    def of_Slice(self, node):
        parts = [node.lower, node.upper, *([node.step] if node.step else [])]
        values = [self.context.get_dummy_value() if part is None else self.of(part) for part in parts]
        return self.applied(node, *values)

    def selected(self, node):
        """``array[index]`` that is no element."""
        if self.is_row(node):
            return self.derived(self.lent(node))
        return self.applied(node, self.of(node.value), self.index(node.slice))

    def put_all(self, target, value):
        """Store `value` where ``array[index]`` is no element."""
        self.applied(target, self.of(target.value), self.index(target.slice), value)

    def applied(self, node, *values):
        """What the function that was noted for `node` gives for these values, of just its types."""
        call = self.found.calls[node]
        function = self.context.get_function(call.function, call.signature)
        return self.viewed(call.signature.return_type, function(self.builder, [*map(self.plain, values)]))
