"""``match``: patterns become tests and bindings, cases the branches of an ``if``.

A pattern that depends on the run may be one of numbers; what is a tuple, a dict, an instance or a string is
known while the program is made. (PEP 634 says what patterns mean.)
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from pullback.capture.context import Context
from pullback.capture.dispatch import evaluate, statement
from pullback.capture.join import fork
from pullback.capture.methods import attribute
from pullback.capture.operators import compare, condition, conjunction, negation, short_circuit
from pullback.capture.python_calls import is_instance, python_type
from pullback.capture.sequences import items_of
from pullback.capture.statements import live_after, run_block
from pullback.capture.truth import truth
from pullback.capture.values import (
    DictValue,
    ListValue,
    Maybe,
    RangeValue,
    describe,
    is_numeric,
    is_static,
    to_python,
)  # fmt: skip
from pullback.ir.nodes import Var

Names = dict[str, Any]
"""What a pattern binds if it matches."""


@statement(ast.Match)
def _match(context: Context, node: ast.Match) -> None:
    name = node.subject.id if isinstance(node.subject, ast.Name) else ""
    known = context.env.get(name)
    if isinstance(known, Maybe) and known.none:
        context.fail(
            f"{name}, which may be None, is matched",
            "whether it is None is known only at run time",
            "ask `is None` first",
            node.subject,
        )
    subject = evaluate(context, node.subject)
    live = live_after(context, [node])
    _cases(context, subject, node.cases, live)


def _cases(context: Context, subject: Any, cases: Sequence[ast.match_case], live: frozenset[str]) -> None:
    """The first case that matches, its guard included."""
    if not cases:
        return
    case, rest = cases[0], cases[1:]
    names: Names = {}
    with context.at(case.pattern):
        test = matches(context, case.pattern, subject, names)

    def go_on() -> None:
        _cases(context, subject, rest, live)

    def body() -> None:
        run_block(context, case.body)

    def guarded() -> None:
        _bind(context, names)
        _either(context, _guard(context, case), body, go_on, live)

    def bound() -> None:
        _bind(context, names)
        body()

    if case.guard is None or test is False:
        _either(context, test, bound, go_on, live)
    elif test is True or names:
        _either(context, test, guarded, go_on, live)
    else:
        both = truth(context, short_circuit(context, test, lambda: _guard(context, case), True))
        _either(context, both, body, go_on, live)


def _guard(context: Context, case: ast.match_case) -> Any:
    assert case.guard is not None
    return condition(context, case.guard)


def _either(
    context: Context, test: Any, then: Callable[[], Any], orelse: Callable[[], Any], live: frozenset[str]
) -> None:
    if isinstance(test, bool):
        (then if test else orelse)()
    else:
        fork(context, test, then, orelse, live)


def _bind(context: Context, names: Names) -> None:
    context.keep(tuple(names.values()))
    context.env.update(names)


def matches(context: Context, pattern: ast.pattern, subject: Any, names: Names) -> Any:
    """Whether a pattern matches: a static bool or a Var."""
    match pattern:
        case ast.MatchValue(value=value):
            return _equal(context, subject, evaluate(context, value))
        case ast.MatchSingleton(value=value):
            return _singleton(context, subject, value)
        case ast.MatchAs(pattern=inner, name=name):
            test = True if inner is None else matches(context, inner, subject, names)
            if name is not None:
                names[name] = subject
            return test
        case ast.MatchOr(patterns=patterns):
            return _any(context, patterns, subject, names)
        case ast.MatchSequence(patterns=patterns):
            return _sequence(context, patterns, subject, names)
        case ast.MatchMapping():
            return _mapping(context, pattern, subject, names)
        case ast.MatchClass():
            return _instance(context, pattern, subject, names)
    raise context.refusal("this pattern is not in the language", "it has no translation to a program")


def _equal(context: Context, subject: Any, value: Any) -> Any:
    if is_numeric(subject) != is_numeric(value):
        return False
    return truth(context, compare(context, ast.Eq(), subject, value))


def _singleton(context: Context, subject: Any, value: Any) -> Any:
    """``subject is value`` for None, True or False."""
    if isinstance(subject, Var):
        if value is None or python_type(subject) is not bool:
            return False
        return subject if value else negation(context, subject)
    return is_static(subject) and to_python(subject) is value


def _any(context: Context, patterns: list[ast.pattern], subject: Any, names: Names) -> Any:
    found: Any = False
    for inner in patterns:
        own: Names = {}
        test = matches(context, inner, subject, own)
        if test is False:
            continue
        if own and not (test is True and found is False):
            context.fail(
                "a capture in one of several patterns",
                "which of them matches is known only at run time",
                "write a case for each",
            )
        names.update(own)
        if test is True:
            return True
        found = test if found is False else _or(context, found, test)
    return found


def _or(context: Context, a: Any, b: Any) -> Any:
    return short_circuit(context, a, lambda: b, False)


def _sequence(context: Context, patterns: list[ast.pattern], subject: Any, names: Names) -> Any:
    if not isinstance(subject, tuple | ListValue | RangeValue):
        return False
    items = items_of(context, subject)
    if items is None:
        context.static_needed("what is matched with a sequence", subject)
    star = next((k for k, inner in enumerate(patterns) if isinstance(inner, ast.MatchStar)), None)
    behind = 0 if star is None else len(patterns) - star - 1
    if len(items) != len(patterns) if star is None else len(items) < len(patterns) - 1:
        return False
    before = patterns if star is None else patterns[:star]
    pairs = list(zip(before, items, strict=False))
    if star is not None:
        inner = patterns[star]
        assert isinstance(inner, ast.MatchStar)
        if inner.name is not None:
            names[inner.name] = ListValue(items[star : len(items) - behind], context.home)
        pairs += zip(patterns[star + 1 :], items[len(items) - behind :], strict=True)
    return _all(context, pairs, names)


def _all(context: Context, pairs: list[tuple[ast.pattern, Any]], names: Names) -> Any:
    result: Any = True
    for inner, part in pairs:
        result = conjunction(context, result, matches(context, inner, part, names))
        if result is False:
            return False
    return result


def _mapping(context: Context, pattern: ast.MatchMapping, subject: Any, names: Names) -> Any:
    if not isinstance(subject, DictValue):
        return False
    keys = [to_python(evaluate(context, key)) for key in pattern.keys]
    if any(key not in subject.items for key in keys):
        return False
    if pattern.rest is not None:
        rest = {key: value for key, value in subject.items.items() if key not in keys}
        names[pattern.rest] = DictValue(rest, context.home)
    parts = [subject.items[key] for key in keys]
    return _all(context, list(zip(pattern.patterns, parts, strict=True)), names)


_OF_ITSELF = (bool, bytearray, bytes, dict, float, frozenset, int, list, set, str, tuple)


def _instance(context: Context, pattern: ast.MatchClass, subject: Any, names: Names) -> Any:
    kind = evaluate(context, pattern.cls)
    if not isinstance(kind, type):
        context.fail(f"{describe(kind)} in a pattern", "it is no class")
    if not is_instance(subject, kind):
        return False
    words = list(pattern.kwd_attrs)
    pairs: list[tuple[ast.pattern, Any]] = []
    if pattern.patterns and kind in _OF_ITSELF and not hasattr(kind, "__match_args__"):
        pairs.append((pattern.patterns[0], subject))
    else:
        words = [*getattr(kind, "__match_args__", ())[: len(pattern.patterns)], *words]
        if len(words) != len(pattern.patterns) + len(pattern.kwd_attrs):
            context.fail(f"too many patterns for {kind.__name__}", "Python raises a TypeError")
    inner = [*pattern.patterns[len(pairs) :], *pattern.kwd_patterns]
    fields = [attribute(context, subject, word) for word in words]
    return _all(context, [*pairs, *zip(inner, fields, strict=True)], names)
