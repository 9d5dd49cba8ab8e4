"""Assignments, branches, exits, assert and raise."""
# pyright: reportPossiblyUnboundVariable=false, reportAttributeAccessIssue=false

import numpy as np
import pytest

from pullback.capture import capture
from pullback.ir.types import INT, Array

X = np.array([0.5, -1.5, 2.5, 3.5])


def straight(x):
    """Docstring."""
    y = x * 2.0
    y = y + 1.0
    z: np.ndarray = y
    a = b = z - x
    return a * b


def swaps(a, b):
    a, b = b, a + b
    (a, c), d = (b, a), a * b
    return a, b, c, d


def starred(x):
    first, *middle, last = (x, x + 1, x * 2, x / 3)
    return first + last, middle[0] * middle[1]


def chained(x):
    if x > 1:
        y = x * 2
    elif x > 0:
        y = x * 3
    else:
        y = -x
    return y


def one_sided(x):
    y = x
    if x < 0:
        y = -y
    return y


def nested(x, y):
    if x > 0:
        if y > 0:
            z = x + y
        else:
            z = x - y
        z = z * 2
    else:
        z = y
    return z


def early(x):
    if x < 0:
        return -x
    y = x * x
    if y > 4:
        return y - 4
    return y


def early_nested(x, y):
    if x > 0:
        t = x
        if y > 0:
            return t * y
        t = t + 1.0
    else:
        t = y
    return t - x


def guarded(x):
    assert x > 0
    if x > 10:
        raise ValueError("too large")
    return np.sqrt(x)


def raise_in_else(x):
    if x > 0:
        y = x
    else:
        raise ValueError(f"bad {x}")
    return y * 2


def augmented(x, i):
    y = x.copy()
    y += x
    y[i] += 2.0
    y[1:] *= 3.0
    y[:2] -= x[2:]
    y /= 2.0
    y **= 2
    s = 1.0
    s += y[0]
    s *= 3
    s -= 1
    s /= 7
    s //= 0.25
    s %= 3
    return y, s


def in_place_is_seen(x):
    y = x
    y += 1.0
    x[0] = 7.0
    return x * y


def rebinding_is_not_seen(x):
    y = x
    x = x + 1.0
    x[0] = 3.0
    return x * y


def int_becomes_float(x):
    y = 0
    if x > 0:
        y = x
    return y + 1


def maybe_unbound(x):
    if x > 0:
        y = x * 2
    return y


def maybe_unbound_array(x):
    if x[0] > 0:
        y = x * 2
    return y


def array_in_branch(x, flag):
    if flag:
        y = x[::2]
    else:
        y = x[1::2].copy()
    y[0] = 9.0
    return y * 2


def local_to_branch(x):
    if x > 0:
        t = (x, 2.0)
        r = t[0] * t[1]
    else:
        t = "text"
        r = -x
    return r


def tuple_in_branch(x):
    if x > 0:
        pair = (x, x * 2)
    else:
        pair = (-x, 0.0)
    return pair[0] + pair[1]


def folded(x, axis=None, kind="sum"):
    if axis is None:
        y = x
    else:
        y = np.sum(x, axis=axis)
    if kind == "sum":
        return np.sum(y)
    return np.this_function_does_not_exist(y)


def deleted(x):
    y = x * 2
    z = y + 1
    del y
    return z


def conditional(x, y):
    a = max(y, x)
    return a * (1 if x > 0 else -1)


def walrus(x):
    if (y := x * 2) > 3:
        return y
    return y + x


def global_names(x):
    return X * x + np.pi


def returns_structures(x):
    if x > 0:
        return {"a": x, "b": (x * 2, [None, "s"])}
    return {"a": -x, "b": (x, [None, "s"])}


def nothing(x):
    x[0] = 2.0


@pytest.mark.parametrize(
    ("function", "cases"),
    [
        (straight, [(X,), (np.zeros(0),)]),
        (swaps, [(2.0, 3.0)]),
        (starred, [(2.0,), (X,)]),
        (chained, [(2.0,), (0.5,), (-1.0,)]),
        (one_sided, [(2.0,), (-1.0,)]),
        (nested, [(1.0, 2.0), (1.0, -2.0), (-1.0, 2.0)]),
        (early, [(-1.0,), (1.0,), (3.0,)]),
        (early_nested, [(1.0, 1.0), (1.0, -1.0), (-1.0, 3.0)]),
        (guarded, [(4.0,), (-1.0,), (11.0,)]),
        (raise_in_else, [(4.0,), (-1.0,)]),
        (augmented, [(X, 1), (X, -1)]),
        (in_place_is_seen, [(X,)]),
        (rebinding_is_not_seen, [(X,)]),
        (int_becomes_float, [(2.0,)]),
        (maybe_unbound, [(2.0,), (-2.0,)]),
        (maybe_unbound_array, [(np.array([1.0, 2.0]),), (np.array([-1.0, 2.0]),)]),
        (array_in_branch, [(X, True), (X, False)]),
        (local_to_branch, [(1.0,), (-1.0,)]),
        (tuple_in_branch, [(1.0,), (-1.0,)]),
        (folded, [(X,)]),
        (deleted, [(X,)]),
        (conditional, [(1.0, 2.0), (2.0, 1.0), (-1.0, -2.0)]),
        (walrus, [(1.0,), (3.0,)]),
        (global_names, [(2.0,)]),
        (returns_structures, [(1.0,), (-1.0,)]),
        (nothing, [(X,)]),
    ],
)
def test_statement(agrees, agrees_again, function, cases):
    captured = agrees(function, *cases[0])
    for case in cases[1:]:
        agrees_again(captured, function, *case)


def test_parameters_are_the_dynamic_leaves():
    captured = capture(folded, (Array(np.dtype(float), 1), None), {"kind": "sum"})
    assert [p.name for p in captured.program.params] == ["x"]
    assert capture(swaps, (INT, INT), {}).program.params[0].type == INT
