"""`agrees(f, *args)`: captures f, verifies the program, runs it, and compares with calling f itself."""

import copy
import dataclasses
from typing import Any

import numpy as np
import pytest

from pullback.base.errors import UnsupportedError
from pullback.capture import capture
from pullback.ir.run import run
from pullback.ir.types import type_of
from pullback.ir.verify import verify


def parts(tree) -> Any:
    """The parts of a structure and how to put others in their place; None for a leaf."""
    if isinstance(tree, tuple):
        named = hasattr(tree, "_fields")
        return list(tree), lambda new: type(tree)(*new) if named else tuple(new)
    if isinstance(tree, list):
        return tree, list
    if isinstance(tree, dict):
        return list(tree.values()), lambda new: dict(zip(tree, new, strict=True))
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        names = [f.name for f in dataclasses.fields(tree)]
        values = [getattr(tree, name) for name in names]
        return values, lambda new: type(tree)(**dict(zip(names, new, strict=True)))
    return None


def typed(tree) -> Any:
    inner = parts(tree)
    if inner is not None:
        return inner[1]([typed(part) for part in inner[0]])
    try:
        return type_of(tree)
    except TypeError:
        return tree


def leaves(tree) -> list[Any]:
    inner = parts(tree)
    if inner is not None:
        return [leaf for part in inner[0] for leaf in leaves(part)]
    try:
        type_of(tree)
    except TypeError:
        return []
    return [tree]


def outcome(call) -> Any:
    with np.errstate(all="ignore"):
        try:
            return call(), None
        except Exception as error:
            return None, error


def check(function, *args, same_dtype=True, **kwargs):
    """Capture for the types of these arguments; compare the value, what was written and what was raised."""
    captured = capture(function, typed(args), typed(kwargs))
    verify(captured.program)
    again(captured, function, *args, same_dtype=same_dtype, **kwargs)
    return captured


def again(captured, function, *args, same_dtype=True, **kwargs):
    """The same with other values of the same types."""
    mine, theirs = copy.deepcopy((args, kwargs)), copy.deepcopy((args, kwargs))
    captives = [copy.deepcopy(c) for c in captured.captives]
    want, expected = outcome(lambda: function(*theirs[0], **theirs[1]))
    after = [copy.deepcopy(c) for c in captured.captives]
    for array, before in zip(captured.captives, captives, strict=True):
        array[...] = before
    values = [*leaves(mine[0]), *leaves(mine[1]), *captured.captives]
    got, error = outcome(lambda: captured.rebuild(run(captured.program, values)))
    if expected is not None:
        assert type(error) is type(expected), (error, expected)
        if not isinstance(error, AssertionError):  # to which pytest adds
            assert str(error) == str(expected) or "{" in str(error)
        return
    if error is not None:
        raise error
    np.testing.assert_equal(leaves(got), leaves(want))
    assert [np.shape(x) for x in leaves(got)] == [np.shape(x) for x in leaves(want)]
    if same_dtype:
        assert [np.asarray(x).dtype for x in leaves(got)] == [np.asarray(x).dtype for x in leaves(want)]
    np.testing.assert_equal(leaves(mine[0]), leaves(theirs[0]))
    np.testing.assert_equal(list(captured.captives), after)


@pytest.fixture
def agrees():
    return check


@pytest.fixture
def agrees_again():
    return again


@pytest.fixture
def is_refused():
    def refuse(function, types, caret, what, error=UnsupportedError):
        with pytest.raises(UnsupportedError, match=what) as info:
            capture(function, types, {})
        assert type(info.value) is error
        where = info.value.where
        assert where is not None
        assert where.text[where.column - 1 :].startswith(caret), str(info.value)
        assert str(where).splitlines()[-1].strip("^ ") == ""
        assert info.value.why

    return refuse
