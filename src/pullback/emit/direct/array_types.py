"""The types of what is done with whole arrays: views, methods and attributes of them, stores into views."""

import ast
import operator
from typing import Any

from numba.core import types

from pullback.emit.direct.syntax import RefusedError, indices_of, is_path


class ArrayTypes:
    """A part of `Types`."""

    typing: Any
    kinds: Any
    local: Any
    called: Any
    of: Any

    def of_Slice(self, node):
        parts = [part for part in (node.lower, node.upper, node.step) if part is not None]
        kinds = [types.none if part is None else self.of(part) for part in (node.lower, node.upper)]
        if node.step is not None:
            kinds.append(self.of(node.step))
        if any(self.kinds[part] != types.int64 for part in parts):
            raise RefusedError("a slice of another kind")
        return self.called(node, slice, kinds, {})

    def index_kind(self, node):
        """The type of what stands in the brackets, a tuple or one entry of it."""
        if type(node) is ast.Tuple:
            kind = types.BaseTuple.from_types(tuple(self.index_kind(part) for part in node.elts))
        elif type(node) is ast.Constant and node.value is None:
            kind = types.none
        elif type(node) is ast.Constant and node.value is Ellipsis:
            kind = types.ellipsis
        else:
            kind = self.of(node)
            if not isinstance(kind, types.Integer | types.SliceType | types.Array):
                raise RefusedError("an index of another kind")
        self.kinds[node] = kind
        return kind

    def element(self, node, kind):
        """The dtype, if the index takes one element of an array of type `kind`."""
        indices = indices_of(node)
        if not isinstance(kind, types.Array) or len(indices) != kind.ndim:
            return None
        if any(type(index) is ast.Slice for index in indices):
            return None
        return kind.dtype if all(self.index_kind(index) == types.int64 for index in indices) else None

    def view(self, node, kind):
        """The type of ``array[index]`` that is no element."""
        if not isinstance(kind, types.Array):
            raise RefusedError("an index of another kind")
        return self.called(node, operator.getitem, (kind, self.index_kind(node.slice)), {})

    def stored(self, node, value):
        """Note how a value of type `value` is stored where ``array[index]`` is no element."""
        kind = self.kinds[node.value]
        if not isinstance(kind, types.Array):
            raise RefusedError("a store of another kind")
        self.called(node, operator.setitem, (kind, self.index_kind(node.slice), value), {})

    def method(self, node):
        """Numba's type of the method of an array that a call names; None if it is no such thing."""
        if type(node) is not ast.Attribute or is_path(node, self.local):
            return None
        kind = self.of(node.value)
        return self.typing.resolve_getattr(kind, node.attr) if isinstance(kind, types.Array) else None
