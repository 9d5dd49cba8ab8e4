"""Which names may still be read after each statement of a function, from its syntax alone.

The classical backward analysis (Aho, Lam, Sethi & Ullman, *Compilers*, 2007, §9.2.5) on the syntax tree. A
name that is not live needs no variable that outlives its block. Names read by nested functions are live
throughout, since those may run at any time.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Names = frozenset[str]
EMPTY: Names = frozenset()

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


@dataclass(slots=True)
class Liveness:
    """Results by node id.

    Attributes:
        after: names live after a statement, on any way out of it.
        header: names live at the head of a loop.
        always: names that functions defined in this one may read when they are called.
        shared: names that functions defined in this one declare ``nonlocal``, and those it declares itself.
    """

    after: dict[int, Names] = field(default_factory=dict)
    header: dict[int, Names] = field(default_factory=dict)
    always: Names = EMPTY
    shared: Names = EMPTY


@dataclass(frozen=True, slots=True)
class _Exits:
    on_break: Names = EMPTY
    on_continue: Names = EMPTY


def analyse(node: ast.FunctionDef | ast.Lambda) -> Liveness:
    """The liveness of a whole function."""
    result = Liveness()
    if isinstance(node, ast.FunctionDef):
        inner = [n for n in ast.walk(node) if n is not node and isinstance(n, _SCOPES)]
        result.shared = frozenset(name for scope in (node, *inner) for name in declared_nonlocal(scope))
        always = result.shared.union(*map(loads, inner))
        result.always = always
        _block(node.body, always, _Exits(always, always), result, always)
    return result


def loads(node: ast.AST) -> Names:
    """The names a piece of syntax reads, in nested functions too."""
    return frozenset(
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Store)
    )


def reads(node: ast.AST, always: Names) -> Names:
    """The names a piece of syntax reads, those among them that a function called there may read."""
    return loads(node) | always if any(isinstance(n, ast.Call) for n in ast.walk(node)) else loads(node)


def declared_nonlocal(node: ast.AST) -> Names:
    """The names that a function declares to be of a function around it."""
    found: set[str] = set()
    pending = [node]
    while pending:
        inner = pending.pop()
        if isinstance(inner, ast.Nonlocal):
            found.update(inner.names)
        pending.extend(n for n in ast.iter_child_nodes(inner) if not isinstance(n, _SCOPES))
    return frozenset(found)


def stores(statements: Iterable[ast.AST]) -> Names:
    """The names that statements bind in their own scope."""
    found: set[str] = set()
    pending = list(statements)
    while pending:
        node = pending.pop()
        match node:
            case ast.FunctionDef() | ast.ClassDef() | ast.AsyncFunctionDef():
                found.add(node.name)
                continue
            case ast.Lambda():
                continue
            case ast.Name(ctx=ast.Store() | ast.Del()):
                found.add(node.id)
            case (
                ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name))
            ):
                found.add(name)
            case ast.Import() | ast.ImportFrom():
                found |= {(a.asname or a.name.split(".")[0]) for a in node.names}
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                found |= {n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr)}
                continue
        pending.extend(ast.iter_child_nodes(node))
    return frozenset(found)


def _block(
    statements: Sequence[ast.stmt], out: Names, exits: _Exits, result: Liveness, always: Names
) -> Names:
    for statement in reversed(statements):
        after = out
        if leaves_loop(statement):
            after = out | exits.on_break | exits.on_continue
        result.after[id(statement)] = result.after.get(id(statement), EMPTY) | after
        out = _statement(statement, out, exits, result, always)
    return out


def _statement(node: ast.stmt, out: Names, exits: _Exits, result: Liveness, always: Names) -> Names:
    match node:
        case ast.If() | ast.Match() | ast.With():
            return _branches(node, out, exits, result, always)
        case ast.For():
            return _loop(
                node, reads(node.iter, always), EMPTY, stores([node.target]), out, result, exits, always
            )
        case ast.While():
            test = reads(node.test, always)
            return _loop(node, EMPTY, test, EMPTY, out, result, exits, always)
        case ast.Break():
            return exits.on_break
        case ast.Continue():
            return exits.on_continue
        case ast.Return():
            return always | (loads(node.value) if node.value else EMPTY)
        case ast.Raise():
            return always | loads(node)
        case ast.Assign() | ast.AnnAssign():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            whole = frozenset(
                n.id for target in targets for n in _plain_targets(target) if isinstance(n, ast.Name)
            )
            return (out - whole) | reads(node, always)
        case ast.AugAssign(target=ast.Name(id=name)):
            return out | reads(node, always) | {name}
        case ast.FunctionDef():
            return (out - {node.name}) | loads(node)
    return out | loads(node) | always


def _branches(
    node: ast.If | ast.Match | ast.With, out: Names, exits: _Exits, result: Liveness, always: Names
) -> Names:
    match node:
        case ast.If():
            then = _block(node.body, out, exits, result, always)
            orelse = _block(node.orelse, out, exits, result, always)
            return then | orelse | reads(node.test, always)
        case ast.With():
            inside = _block(node.body, out, exits, result, always)
            return inside.union(*(reads(item, always) for item in node.items))
    found = out | reads(node.subject, always)
    for case in node.cases:
        inside = _block(case.body, out, exits, result, always)
        guard = reads(case.guard, always) if case.guard else EMPTY
        found |= (inside | guard) - stores([case.pattern]) | reads(case.pattern, always)
    return found


def _plain_targets(target: ast.expr) -> list[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        return [name for part in target.elts for name in _plain_targets(part)]
    if isinstance(target, ast.Starred):
        return _plain_targets(target.value)
    return [target]


def _loop(
    node: ast.For | ast.While,
    before: Names,
    test: Names,
    bound: Names,
    out: Names,
    result: Liveness,
    exits: _Exits,
    always: Names,
) -> Names:
    after = _block(node.orelse, out, exits, result, always) if node.orelse else out
    header = after | test
    while True:
        inside = _block(node.body, header, _Exits(out, header), result, always) - bound
        if inside | header == header:
            break
        header = header | inside
    result.header[id(node)] = header
    return header | before


def leaves_loop(statement: ast.stmt) -> bool:
    """Whether a statement holds a `break` or `continue` of the loop around it."""
    if isinstance(statement, ast.Break | ast.Continue):
        return True
    if isinstance(statement, ast.If):
        return any(leaves_loop(inner) for inner in (*statement.body, *statement.orelse))
    if isinstance(statement, ast.Match):
        return any(leaves_loop(inner) for case in statement.cases for inner in case.body)
    if isinstance(statement, ast.With):
        return any(leaves_loop(inner) for inner in statement.body)
    if isinstance(statement, ast.For | ast.While):
        return any(leaves_loop(inner) for inner in statement.orelse)
    return False


def always_exits(statements: Sequence[ast.stmt]) -> bool:
    """Whether no way leads from the start of these statements to their end, as far as syntax tells."""
    if not statements:
        return False
    last = statements[-1]
    if isinstance(last, ast.Return | ast.Break | ast.Continue | ast.Raise):
        return True
    if isinstance(last, ast.Match):
        final = last.cases[-1]
        complete = isinstance(final.pattern, ast.MatchAs) and final.pattern.pattern is None
        return complete and final.guard is None and all(always_exits(case.body) for case in last.cases)
    return isinstance(last, ast.If) and always_exits(last.body) and always_exits(last.orelse)
