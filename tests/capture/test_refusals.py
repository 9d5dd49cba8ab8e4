"""Each place in `capture` that refuses something, with the caret where it stands, the reason, and when."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import linecache
import math
import operator
from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.linalg

from pullback.base.errors import UnsupportedError
from pullback.capture import StaticNeededError, capture
from pullback.ir.types import type_of

Pair = namedtuple("Pair", "p q")


@dataclass(frozen=True)
class Frozen:
    s: float


class Holder:
    value = 0.0


HOLDER = Holder()


def callee(p: Any, q: Any) -> Any:
    return p + q


NAMES = {
    "np": np, "math": math, "itertools": itertools, "operator": operator, "dataclasses": dataclasses,
    "functools": functools, "scipy": scipy, "Pair": Pair, "Frozen": Frozen,
    "Holder": Holder, "HOLDER": HOLDER, "ITEMS": [1.0], "callee": callee,
}  # fmt: skip
ARGUMENTS: dict[str, Any] = {
    "f": 1.5, "n": 2, "b": True, "z": 1j, "x": np.ones(4), "a": np.ones((4, 4)), "o": np.array(1.0),
    "i": np.arange(4), "w": np.ones(3) * 1j, "one": np.ones(1),
}  # fmt: skip

REFUSED = [
    ("return lambda: f", "return lambda: f", "a function is returned"),
    ('return "%s" % f', '"%s" % f', "a float known at run time is put into text"),
    ("return np.longdouble(f)", "np.longdouble(f)", "the dtype float128"),
    ("return x.astype(np.float16)", "x.astype(np.float16)", "the dtype float16"),
    ("return np.sqrt(x > 0)", "np.sqrt(x > 0)", "numpy.sqrt gives values of float16"),
    ("return np.roots(x)", "np.roots(x)", "np.roots of real values"),
    ("return type('A', (), {})", "type('A', (), {})", "a class is made"),
    ("return np.ndindex(2, 2)", "np.ndindex(2, 2)", "numpy.ndindex runs Python on each element"),
    ("return np.sin(len)", "np.sin(len)", "numpy.sin does not take these arguments"),
    ("return np.array([x, 1.0])", "np.array([x, 1.0])", "an array of arrays and numbers"),
    ('return np.array([1.0, "a"])', 'np.array([1.0, "a"])', "'a' in an array"),
    ('return x.astype("nonsense")', 'x.astype("nonsense")', "'nonsense' as a dtype"),
    ("return x.astype(str)", "x.astype(str)", "the dtype <U0"),
    ("return np.zeros((2.5, 3))", "np.zeros((2.5, 3))", "2.5 as a length"),
    ("return np.swapaxes(a, 5, 0)", "np.swapaxes(a, 5, 0)", "axis 5 of an array of 2 axes"),
    ("return callee(**x)", "callee(**x)", "`**` of an array of float64 with 1 axes"),
    ("return list(map(math.sin, x))", "map(math.sin, x)", "map over something of unknown length"),
    (
        "return functools.reduce(callee, x)",
        "functools.reduce(callee, x)",
        "functools.reduce over something of unknown length",
    ),
    ("return Pair(1, 2, 3, 4)", "Pair(1, 2, 3, 4)", "Pair does not take these arguments"),
    ("return Holder()", "Holder()", "an instance of Holder is made"),
    ("return scipy.linalg.helmert(a)", "scipy.linalg.helmert(a)", "scipy.linalg.helmert has no rule"),
    ("return np.asarray(x, dtype=n)", "np.asarray(x, dtype=n)", "a dtype known at run time"),
    ("return w.astype(float)", "w.astype(float)", "a complex array becomes real"),
    ("np.fill_diagonal(x, 1.0)", "np.fill_diagonal(x, 1.0)", "np.fill_diagonal of an array of float64"),
    ("np.fill_diagonal(a, f, wrap=b)", "np.fill_diagonal(a, f, wrap=b)", "np.fill_diagonal with wrap"),
    ("np.put(x, i, f, mode='clip')", "np.put(x, i, f, mode='clip')", "np.put with mode='clip'"),
    ("np.put(f, i, f)", "np.put(f, i, f)", "np.put into a float known at run time"),
    ("np.copyto(x, w)", "np.copyto(x, w)", "the values do not fit the array"),
    ('np.copyto(i, x, casting="unsafe")', 'np.copyto(i, x, casting="unsafe")', "np.copyto with casting="),
    ("a.T.flat[0] = f", "a.T.flat[0]", "a store into the .flat of an array that is not in C order"),
    ('return np.zeros(3, order="F")', 'np.zeros(3, order="F")', "an array in order 'F'"),
    ("return np.arange(x)", "np.arange(x)", "an array of float64 with 1 axes where a number is needed"),
    ("return np.mgrid[1, 2]", "np.mgrid[1, 2]", "1 in a grid"),
    ('return np.r_["r", x]', 'np.r_["r", x]', "a string in np.r_ or np.c_"),
    (
        "return np.c_[np.zeros((2, 2, 2)), x]",
        "np.c_[np.zeros((2, 2, 2)), x]",
        "np.c_ of other than vectors and matrices",
    ),
    ("return f[0]", "f[0]", "a float known at run time is indexed"),
    ('return "abc"[5]', '"abc"[5]', "this index always fails"),
    ("return list(itertools.accumulate(x))", "itertools.accumulate(x)", "itertools.accumulate over an array"),
    ("return operator.add(f)", "operator.add(f)", "operator.add with these arguments"),
    ("return dataclasses.replace(f, s=1)", "dataclasses.replace(f, s=1)", "dataclasses.replace of a float"),
    (
        "return dataclasses.replace(Frozen(f), t=1)",
        "dataclasses.replace(Frozen(f), t=1)",
        "a Frozen has no field t",
    ),
    ("ITEMS.append(f)", "ITEMS.append(f)", "a list of 1 is changed by append"),
    ("return x + np.random.normal(size=4)", "np.random.normal(size=4)", "numpy.random.normal has no rule"),
    ("return len[f]", "len[f]", "a builtin_function_or_method is indexed by a float known at "),
    ("return range(5)[1:3]", "range(5)[1:3]", "a range is sliced"),
    ("return a[..., ...]", "a[..., ...]", "an index with two `...`"),
    ("return a[x]", "a[x]", "an array of float64 with 1 axes as an index"),
    ("return {**x}", "{**x}", "`**` of an array of float64 with 1 axes"),
    ("return math.hypot(f, y=f)", "math.hypot(f, y=f)", "math.hypot with keywords"),
    ("return range(3).foo", "range(3).foo", "attribute foo of a range"),
    ("return math.nothing", "math.nothing", "no attribute nothing"),
    ("return Frozen(1.0).nothing", "Frozen(1.0).nothing", "a Frozen has no attribute nothing"),
    ("return (x, f).index(f)", "(x, f).index(f)", "method index of a tuple of 2"),
    ("return f.bit_length()", "f.bit_length()", "method bit_length of a float known at run time"),
    ("return x.view(int)", "x.view(int)", "method view of an array of float64 with 1 axes"),
    ('return x.astype(float, order="F")', 'x.astype(float, order="F")', "astype with order= or casting="),
    ("return a.item(0, 1, 2)", "a.item(0, 1, 2)", "item with 3 indices of an array of float64 with 2 axes"),
    ("items = [f]; items.pop(5)", "items.pop(5)", "pop of a list of 1"),
    ("items = [f]; items.sort()", "items.sort()", "method sort of a list of 1"),
    ("d = {1: f}; d.popitem()", "d.popitem()", "method popitem of a dict"),
    ("return float(z)", "float(z)", "float() of a complex number"),
    ("return int(z)", "int(z)", "int() of a complex number"),
    (
        'return np.zeros_like(x, device="cpu")',
        'np.zeros_like(x, device="cpu")',
        "numpy.zeros_like with these arguments",
    ),
    ("return np.modf(x, out=(x, x))", "np.modf(x, out=(x, x))", "`out` of several arrays"),
    ("return np.add(x, 1, out=3)", "np.add(x, 1, out=3)", "3 as `out`"),
    ("return np.add(x, 1, where=x > 0)", "np.add(x, 1, where=x > 0)", "`where` without `out`"),
    ("return np.add(x, 1, out=x, where=x > 0)", "np.add(x, 1, out=x, where=x > 0)", "`where` with `out`"),
    ("return np.add(x, 1.5, out=i)", "np.add(x, 1.5, out=i)", "the result does not fit `out`"),
    ("return np.float64(z)", "np.float64(z)", "a complex number becomes real"),
    ("return np.finfo(x, x)", "np.finfo(x, x)", "numpy.finfo does not take these arguments"),
    ("return np.real_if_close(w)", "np.real_if_close(w)", "np.real_if_close of complex values"),
    ("return np.sum(len)", "np.sum(len)", "numpy.sum does not take these arguments"),
    ("np.add.at(x, 0)", "np.add.at(x, 0)", "add.at with these arguments"),
    ("np.multiply.at(x, 0, 1.0)", "np.multiply.at(x, 0, 1.0)", "numpy.multiply.at"),
    ("return 1 / 0", "1 / 0", "this always fails"),
    ('return -"a"', '-"a"', "no such operation on 'a'"),
    ('return f < "a"', 'f < "a"', "a float known at run time is compared with 'a'"),
    ("return (f, 1) < (f, 2)", "(f, 1) < (f, 2)", "tuples are ordered by values known at run time"),
    ("return f in x", "f in x", "`in` an array of float64 with 1 axes"),
    ("return (x or f) + 1", "x or f", "the truth value of an array"),
    ("return float(x)", "float(x)", "float() of an array"),
    ("return float((f, f))", "float((f, f))", "float() of a tuple of 2"),
    ('return float("nonsense")', 'float("nonsense")', "this call always fails"),
    ("return [v for v in range(f)]", "range(f)", "range of a float known at run time"),
    ("return [v for v in range(1, 2, 3, 4)]", "range(1, 2, 3, 4)", "range of 4 arguments"),
    ("return [v for v in range(1, 2, 0)]", "range(1, 2, 0)", "a range with step 0"),
    ("return len(o)", "len(o)", "len of a 0-d array"),
    ("return len(f)", "len(f)", "len of a float known at run time"),
    ("return list(x)", "list(x)", "a tuple or list of an array of float64 with 1 axes"),
    ("return sum(a)", "sum(a)", "sum of an array of float64 with 2 axes"),
    ("return max(f, f, key=abs)", "max(f, f, key=abs)", "min or max with key="),
    ("return max(a)", "max(a)", "min or max of an array of float64 with 2 axes"),
    ("return max(())", "max(())", "min or max of nothing"),
    ("return all(a)", "all(a)", "all or any of an array of float64 with 2 axes"),
    ("return str(f)", "str(f)", "text is made of a value known at run time"),
    ("for v in o: pass", "for v in o: pass", "a 0-d array is iterated over"),
    ("for v in f: pass", "for v in f: pass", "a float known at run time is iterated over"),
    (
        "for v in zip((1, 2), (1,), strict=True): pass",
        "zip((1, 2), (1,), strict=True)",
        "zip of sequences of unlike length",
    ),
    ("p, *q = x", "p, *q", "an array is unpacked into a starred name"),
    ("p, q = o", "p, q", "a 0-d array is unpacked"),
    ("p, q = one", "p, q", "an array of length 1 is unpacked into 2 names"),
    ("p, q = zip(x, x)", "p, q", "something of a length known only at run time is unpacked"),
    ("global G; G = f", "G", "G is global here"),
    ("f(x).y, z = 1, 2", "f(x)", "a float known at run time is called"),
    ("p, q = (1, 2, 3)", "p, q", "3 values are unpacked into 2 names"),
    ("HOLDER.value += f", "HOLDER.value += f", "an attribute is updated in place"),
    ("items = [f]; items += [f]", "items += [f]", "`+=` on a list"),
    ("items = [f]; del items[0]", "del items[0]", "`del` of an item"),
    ("raise", "raise", "`raise` without an exception"),
    ("raise f", "raise f", "a float known at run time is raised"),
    ('x[0] = "a"', "x[0]", "'a' is stored into an array"),
    ("t = (1, 2); t[0] = f", "t[0]", "an item of a tuple of 2 is assigned"),
    (
        "return np.transpose(a, (0, 0))",
        "np.transpose(a, (0, 0))",
        "axes (0, 0) of an array of float64 with 2 axes",
    ),
    ('return np.ravel(a.T[::2], order="K")', 'np.ravel(a.T[::2], order="K")', "ravel in order 'K'"),
]
"""A statement, what the caret stands under, and how the error begins."""

STATIC = [
    ("return np.swapaxes(a, n, 0)", "np.swapaxes(a, n, 0)", "an axis"),
    ("return np.linspace(0, 1, 5, endpoint=b)", "np.linspace(0, 1, 5, endpoint=b)", "endpoint"),
    (
        "return itertools.islice((f, f), n)",
        "itertools.islice((f, f), n)",
        "a number given to itertools.islice",
    ),
    ("return (x, 1)[n:]", "(x, 1)[n:]", "a bound of a slice of a tuple or list"),
    ("return {1: x}[n]", "{1: x}[n]", "the key of a dict"),
    ("return {f: x}", "{f: x}", "the key of a dict"),
    ("return {k: 1 for k in (f, 1)}", "{k: 1 for k in (f, 1)}", "the key of a dict"),
    ("return [v for v in (1, 2) if f > 0]", "[v for v in (1, 2) if f > 0]", "the `if` of a comprehension"),
    ("items = [f]; items.pop(n)", "items.pop(n)", "a place in a list"),
    ("return (f,) * n", "(f,) * n", "a list or tuple repeated"),
    ("return 1 if range(n) else 2", "range(n)", "the truth value of a range"),
    (
        "for v in zip(range(n), (x, f)): pass",
        "for v in zip(range(n), (x, f)): pass",
        "the items of a tuple or list of unlike things",
    ),
    ("items = [f, f]; items[n] = 1.0", "items[n]", "the place in a list or dict that is assigned"),
]
"""What needs a value that is known before the program runs."""


def function_of(statement: str) -> Any:
    """``def g(f, n, ...): statement``."""
    text = f"def g({', '.join(ARGUMENTS)}):\n    {statement}\n"
    file = f"<refused {statement}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    namespace = dict(NAMES)
    exec(compile(text, file, "exec"), namespace)
    return namespace["g"]


def check(statement: str, caret: str, what: str, kind: type[UnsupportedError]) -> None:
    types = [type_of(value) for value in ARGUMENTS.values()]
    with pytest.raises(UnsupportedError) as info:
        capture(function_of(statement), types, {})
    error = info.value
    assert type(error) is kind
    lines = str(error).splitlines()
    assert lines[0].startswith(what)
    assert error.where is not None
    assert error.where.text[error.where.column - 1 :].startswith(caret)
    under = next(line for line in lines if line.strip() and set(line.strip()) == {"^"})
    assert len(under.strip()) == len(caret)
    assert f":{error.where.line}:{error.where.column}" in lines[1]
    assert error.why, error.what
    assert error.remedy


@pytest.mark.parametrize(("statement", "caret", "what"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(statement: str, caret: str, what: str) -> None:
    check(statement, caret, what, UnsupportedError)


@pytest.mark.parametrize(("statement", "caret", "what"), STATIC, ids=[row[0] for row in STATIC])
def test_static_needed(statement: str, caret: str, what: str) -> None:
    check(statement, caret, what, StaticNeededError)
