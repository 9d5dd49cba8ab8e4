"""Two tables from kinds of syntax to the functions that capture them, filled by the other modules."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, TypeVar

from pullback.capture.context import Context

EXPRESSIONS: dict[type[ast.AST], Callable[[Context, Any], Any]] = {}
STATEMENTS: dict[type[ast.AST], Callable[[Context, Any], None]] = {}

Handler = TypeVar("Handler", bound=Callable[..., Any])


def expression(*kinds: type[ast.AST]) -> Callable[[Handler], Handler]:
    """Register the function that evaluates these kinds of expression."""

    def register(handler: Handler) -> Handler:
        EXPRESSIONS.update(dict.fromkeys(kinds, handler))
        return handler

    return register


def statement(*kinds: type[ast.AST]) -> Callable[[Handler], Handler]:
    """Register the function that executes these kinds of statement."""

    def register(handler: Handler) -> Handler:
        STATEMENTS.update(dict.fromkeys(kinds, handler))
        return handler

    return register


def evaluate(context: Context, node: ast.expr) -> Any:
    """The abstract value of an expression; what must be computed at run time is added to the program."""
    handler = EXPRESSIONS.get(type(node))
    with context.at(node):
        if handler is None:
            context.fail(
                f"{_WORDS.get(type(node), type(node).__name__)} is not in the language",
                "it has no translation to a program",
                "compute it outside the function",
            )
        return handler(context, node)


def execute(context: Context, node: ast.stmt) -> None:
    """Capture a statement."""
    handler = STATEMENTS.get(type(node))
    with context.at(node):
        if handler is None:
            why, remedy = "it has no translation to a program", "do it outside the function"
            if isinstance(node, ast.Try | ast.TryStar):
                why, remedy = "a program catches no exceptions", "ask first: if y != 0: ... else: ..."
            context.fail(f"{_WORDS.get(type(node), type(node).__name__)} is not in the language", why, remedy)
        frame = context.frame
        outer, frame.statement, frame.storing = frame.statement, node, False
        try:
            handler(context, node)
        finally:
            frame.statement, frame.storing = outer, False


_WORDS: dict[type[ast.AST], str] = {
    ast.Yield: "`yield`", ast.YieldFrom: "`yield from`", ast.Await: "`await`", ast.Set: "a set",
    ast.SetComp: "a set comprehension", ast.Try: "`try`", ast.ClassDef: "a class",
    ast.AsyncFunctionDef: "`async def`", ast.AsyncFor: "`async for`", ast.AsyncWith: "`async with`",
    ast.TryStar: "`try`",
}  # fmt: skip
