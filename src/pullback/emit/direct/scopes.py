"""Which accesses cannot meet in memory, as LLVM's metadata says it (`alias.scope`, `noalias`).

An array that the function allocates, and whose name is the only way to it, is apart from every other. LLVM
cannot see that: it would compare addresses ahead of each loop, and leave loops over many arrays as they are.
(LLVM Language Reference, "'noalias' and 'alias.scope' Metadata".)
"""

import ast

from numba.core import types

from pullback.emit import native

GIVEN, REST = " given", " rest"
_ALLOCATING = (native.empty, native.zeros)


class Scopes:
    """The metadata of loads and stores, by the name of the array.

    Attributes:
        apart: names of arrays that no other name leads to.
        given: parameters that only parameters lead to; the caller may pass one array twice.
    """

    def __init__(self, module, tree, found, alone):
        shared = _shared(tree, found)
        self.apart = sorted(_allocated(tree, found, alone) - shared)
        self.given = {arg.arg for arg in tree.args.args if arg.arg in alone} - shared
        domain = module.add_metadata([f"{module.name} {tree.name}"])
        own = {name: module.add_metadata([name, domain]) for name in (*self.apart, GIVEN, REST)}
        self.scope = {name: module.add_metadata([scope]) for name, scope in own.items()}
        self.others = {
            name: module.add_metadata([scope for other, scope in own.items() if other != name])
            for name in own
        }

    def mark(self, instructions, name):
        """Say of the loads and stores among `instructions` that they are of the array called `name`."""
        key = name if name in self.scope else GIVEN if name in self.given else REST
        for instruction in instructions:
            if instruction.opname in ("load", "store"):
                instruction.set_metadata("alias.scope", self.scope[key])
                instruction.set_metadata("noalias", self.others[key])


def _allocated(tree, found, alone):
    return {
        node.targets[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in alone
        and isinstance(node.value, ast.Call)
        and found.value(node.value.func) in _ALLOCATING
    }


def _shared(tree, found):
    """Names whose arrays may have another name: by an assignment, a list, a call that gives an array."""
    shared = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            shared.add(node.value.id)
        elif isinstance(node, ast.Call) and _gives_arrays(node, found):
            shared.update(part.id for part in ast.walk(node) if isinstance(part, ast.Name))
    return shared


def _gives_arrays(call, found):
    return isinstance(found.kinds.get(call), types.Array | types.BaseTuple) or found.list_of(call, "append")
