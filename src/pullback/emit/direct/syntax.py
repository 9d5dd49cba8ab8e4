"""The forms of the small language, as they are told from others by their syntax alone."""

import ast
import builtins
from typing import Any

from numba.core.errors import NumbaError


class RefusedError(NumbaError):
    """Not in the small language; Numba's own passes are to take the function."""


def nodes_of(tree):
    """All nodes of a tree, which several look through."""
    if not hasattr(tree, "nodes"):
        tree.nodes = [*ast.walk(tree)]
    return tree.nodes


def range_of(loop, namespace) -> Any:
    """Start, stop and step of a loop, as nodes and a constant; None for another loop."""
    call = loop.iter
    if type(call) is not ast.Call or type(call.func) is not ast.Name or call.func.id != "range":
        return None
    if call.keywords or namespace.get("range", range) is not range:
        return None
    args = call.args
    if len(args) == 1:
        return None, args[0], 1
    if len(args) == 2:
        return args[0], args[1], 1
    step = constant_int(args[2])
    return (args[0], args[1], step) if step else None


def constant_int(node):
    """The integer that a literal stands for, or None."""
    if type(node) is ast.UnaryOp and type(node.op) is ast.USub:
        inner = constant_int(node.operand)
        return None if inner is None else -inner
    return node.value if type(node) is ast.Constant and type(node.value) is int else None


def raised_by(node, namespace):
    """The class and the arguments of a ``raise``."""
    call = node.exc
    if node.cause is not None or type(call) is not ast.Call or type(call.func) is not ast.Name:
        raise RefusedError("raise of another kind")
    error = namespace.get(call.func.id, getattr(builtins, call.func.id, None))
    if not (isinstance(error, type) and issubclass(error, Exception)) or call.keywords:
        raise RefusedError("raise of another kind")
    arguments = [argument for argument in call.args if isinstance(argument, ast.Constant)]
    if len(arguments) < len(call.args):
        raise RefusedError("raise of another kind")
    return error, tuple(argument.value for argument in arguments)


def is_path(node, local):
    """Whether an attribute is one of a module, and not of a value."""
    while type(node) is ast.Attribute:
        node = node.value
    return type(node) is ast.Name and node.id not in local


def indices_of(node):
    """The expressions in the brackets."""
    return node.slice.elts if type(node.slice) is ast.Tuple else [node.slice]


def names_in(node):
    """The names that occur in a piece of syntax."""
    return {part.id for part in ast.walk(node) if type(part) is ast.Name}
