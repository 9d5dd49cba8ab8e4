"""Which accesses cannot meet in memory, as LLVM's metadata says it (`alias.scope`, `noalias`).

An array that the function allocates is apart from every other, where its name and those of views of it are
the only ways to it. LLVM cannot see that: it would compare addresses ahead of each loop, and leave loops over
many arrays as they are. (LLVM Language Reference, "'noalias' and 'alias.scope' Metadata".)
"""

import ast

from numba.core import types

from pullback.emit import native
from pullback.emit.direct.syntax import names_in, nodes_of

GIVEN, REST = " given", " rest"
_ALLOCATING = frozenset([native.empty, native.matmul, native.zeros])
"""What gives arrays that are nothing else's, and keeps none of those it is given."""
_VIEWING = frozenset(["reshape", "transpose"])


class Scopes:
    """The metadata of loads and stores, by the expression of the array.

    Attributes:
        roots: for each name that stands for a view alone, the name of what it is a view of.
        apart: names of arrays to which no name leads that is not rooted there.
        given: parameters that only parameters lead to; the caller may pass one array twice.
    """

    def __init__(self, module, tree, found, alone):
        self.found = found
        self.roots = {}
        shared, allocated = set(), set()
        for node in nodes_of(tree):
            if isinstance(node, ast.Assign) and isinstance(found.kinds[node.value], types.Array):
                self._assigned(node.targets[0], node.value, alone, shared, allocated)
            elif isinstance(node, ast.Call) and self._shares(node):
                shared |= names_in(node)
        shared = set(map(self.root, shared))
        self.apart = sorted(allocated - shared)
        self.given = {arg.arg for arg in tree.args.args if arg.arg in alone} - shared
        domain = module.add_metadata([f"{module.name} {tree.name}"])
        own = {name: module.add_metadata([name, domain]) for name in (*self.apart, GIVEN, REST)}
        self.scope = {name: module.add_metadata([scope]) for name, scope in own.items()}
        self.others = {
            name: module.add_metadata([scope for other, scope in own.items() if other != name])
            for name in own
        }

    def mark(self, instructions, array):
        """Say of the loads and stores among `instructions` that they are of the array that is a node."""
        name = self.root(self._viewed(array))
        key = name if name in self.scope else GIVEN if name in self.given else REST
        for instruction in instructions:
            if instruction.opname in ("load", "store", "call"):
                instruction.set_metadata("alias.scope", self.scope[key])
                instruction.set_metadata("noalias", self.others[key])

    def root(self, name):
        """The name of what an array is a view of, which may be itself."""
        while name in self.roots:
            name = self.roots[name]
        return name

    def _assigned(self, target, value, alone, shared, allocated):
        is_alone = isinstance(target, ast.Name) and target.id in alone
        viewed = self._viewed(value)
        if is_alone and viewed is not None:
            self.roots[target.id] = viewed
        elif is_alone and isinstance(value, ast.Call) and self._allocates(value):
            allocated.add(target.id)
        elif viewed is not None and isinstance(target, ast.Name):
            shared.add(viewed)

    def _viewed(self, node):
        """The name of the array that an expression is, or is a view of; None for another expression."""
        while not isinstance(node, ast.Name):
            if isinstance(node, ast.Call):
                node = node.func
                if not isinstance(node, ast.Attribute) or node.attr not in _VIEWING:
                    return None
            if not isinstance(node, ast.Subscript | ast.Attribute):
                return None
            node = node.value
        return node.id

    def _allocates(self, call):
        return self.found.value(call.func) in _ALLOCATING

    def _shares(self, call):
        """Whether a call may make another way to the arrays it is given."""
        if self.found.list_of(call, "append"):
            return True
        gives = isinstance(self.found.kinds.get(call), types.Array | types.BaseTuple)
        return gives and not self._allocates(call) and self._viewed(call) is None
