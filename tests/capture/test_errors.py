"""What is not in the language is refused at the place it stands, with the reason and a remedy."""
# pyright: basic, reportPossiblyUnboundVariable=false, reportAttributeAccessIssue=false, reportIndexIssue=false
# pyright: reportOperatorIssue=false, reportCallIssue=false, reportArgumentType=false, reportUndefinedVariable=false
# pyright: reportUnhashable=false, reportAssignmentType=false, reportUnboundVariable=false, reportGeneralTypeIssues=false

import contextlib
import functools
import warnings

import numpy as np
import pytest

from pullback.base.errors import UnsupportedError
from pullback.capture import StaticNeededError, capture
from pullback.ir.types import FLOAT, INT, Array

X = Array(np.dtype(float), 1)
A = Array(np.dtype(float), 2)
Z = Array(np.dtype(complex), 1)
INDEX = Array(np.dtype(np.int64), 1)
F = FLOAT
N = INT
MANAGER = contextlib.nullcontext()
TEXTS = np.array(["a"])


def refused(types, caret, what, error=UnsupportedError):
    """Mark a function: captured for these types it is refused at `caret`, for a reason that says `what`."""

    def mark(function):
        CASES.append(pytest.param(function, types, caret, what, error, id=function.__name__))
        return function

    return mark


CASES = []


@refused((X,), "try:", "`try`")
def with_try(x):
    try:
        return x
    except ValueError:
        return x


@refused((X,), 'open("f")', "`with io.open`")
def with_open(x):
    with open("f"):
        return x


@refused((X,), "MANAGER", "`with` of what is no call")
def with_manager(x):
    with MANAGER:
        return x


@refused((X,), 'np.errstate(all="raise")', "np.errstate with 'raise'")
def with_errors_raised(x):
    with np.errstate(all="raise"):
        return x


@refused((X,), 'warnings.simplefilter("error")', "warnings become errors")
def with_warnings_raised(x):
    warnings.simplefilter("error")
    return x


@refused((F,), "last", "last, which may be None, is matched")
def matches_what_may_be_none(x):
    last = None
    if x > 0:
        last = x
    match last:
        case None:
            return 0.0
        case v:
            return v


@refused((F,), "(a, 1) | (2, a)", "a capture in one of several patterns")
def captures_one_of_several(x):
    match (x, x):
        case (a, 1) | (2, a):
            return a
    return x


@refused((F,), "complex(a, b, c)", "too many patterns for complex")
def too_many_patterns(x):
    match 1j:
        case complex(a, b, c):
            return a + b + c
    return x


@refused((F,), "np(a)", "a module in a pattern")
def pattern_of_no_class(x):
    match x:
        case np(a):
            return a
    return x


@refused((F, N), "[a, b]", "what is matched with a sequence", StaticNeededError)
def matches_a_range(x, n):
    match range(n):
        case [a, b]:
            return a * b * x
    return x


@refused((X,), "0.5", "truth value of an array")
def matches_an_array(x):
    match x:
        case 0.5:
            return x
    return x * 2


@refused((X,), "{x[0]}", "a set")
def with_set(x):
    return {x[0]}


def counter():
    count = 0.0

    def add(v):
        nonlocal count
        count += v
        return count

    return add


refused((F,), "nonlocal count", "count is nonlocal here")(counter())


@refused((X,), "add(x[0])", "add assigns the nonlocal count, whose function has returned")
def nonlocal_of_a_function_that_has_returned(x):
    add = counter()
    return add(x[0])


@refused((X,), "def generator(x):", "generator")
def generator(x):
    yield x


@refused((X,), "class C:", "a class")
def with_class(x):
    class C:
        pass

    return x


@refused((X,), "recursive(x)", "calls itself")
def recursive(x):
    return recursive(x)


@refused((F,), "inner(v - 1)", "calls itself")
def recursive_closure(x):
    def inner(v):
        return inner(v - 1)

    return inner(x)


@refused((F,), "unbound", "has no value here")
def reads_unbound(x):
    y = unbound
    unbound = x
    return y


@refused((F,), "undefined_name", "not defined")
def reads_undefined(x):
    return x + undefined_name


@refused((F, X), "y", "no single type")
def unlike_branches(x, a):
    if x > 0:
        y = a
    else:
        y = x
    return y


@refused((F, X), "y", "no single type")
def unlike_turns(x, a):
    y = x
    while x > 0:
        y = y * a
        x = x - 1
    return y


@refused((F,), "def unlike_results(x):", "a value on one way and None")
def unlike_results(x):
    if x > 0:
        return x


@refused((F, X), "def unlike_returns(x, a):", "unlike types")
def unlike_returns(x, a):
    if x > 0:
        return x
    return a


@refused((X,), "x", "truth value of an array")
def truth_of_array(x):
    if x:
        return x
    return -x


@refused((X, N), "pair[n]", "index into a tuple", StaticNeededError)
def dynamic_tuple_index(x, n):
    pair = (x, x * 2, "s")
    return pair[n]


@refused((A, N), "np.sum(a, axis=n)", "axis", StaticNeededError)
def dynamic_axis(a, n):
    return np.sum(a, axis=n)


@refused((X, N), "items.append(x[i])", "is changed by append", StaticNeededError)
def grows_a_list(x, n):
    items = []
    for i in range(n):
        items.append(x[i])
    return items


@refused((N,), "range(n)", "a comprehension over")
def dynamic_comprehension(n):
    return np.array([i * 2.0 for i in range(n)])


@refused((X,), "x[1.5]", "as an index")
def float_index(x):
    return x[1.5]


@refused((X,), "x[0, 1]", "2 indices")
def too_many_indices(x):
    return x[0, 1]


@refused((A,), "a[True, 0]", "a bool beside other indices")
def bool_index(a):
    return a[True, 0]


@refused((A, X), "a @ a[:, 0] @ a[0] @ a", "matmul does not take")
def wrong_ranks(a, x):
    return a @ a[:, 0] @ a[0] @ a


@refused((X,), "np.concatenate([x, x[:, None]])", "concatenate does not take")
def wrong_join(x):
    return np.concatenate([x, x[:, None]])


@refused((X, Z), "x[0]", "complex value is stored into a real array")
def complex_into_real(x, z):
    x[0] = z[0]
    return x


@refused((INDEX,), "i += 0.5", "does not fit")
def float_into_int(i):
    i += 0.5
    return i


@refused((X, A), "x[:]", "more axes")
def too_large_value(x, a):
    x[:] = a
    return x


@refused((X,), "np.vectorize", "no translation|runs Python|is made")
def vectorized(x):
    return np.vectorize(abs)(x)


@refused((X,), "np.apply_along_axis(np.sum, 0, x)", "runs Python")
def along_axis(x):
    return np.apply_along_axis(np.sum, 0, x)


@refused((X,), "np.random.rand(3)", "rand")
def random_numbers(x):
    return x + np.random.rand(3)


@refused((X,), "np.busday_count(x, x)", "busday_count has no rule")
def without_rule(x):
    return np.busday_count(x, x)


@refused((F,), "print(x)", "is printed")
def prints(x):
    print(x)
    return x


@refused((F,), 'f"{x}"', "put into text")
def formats(x):
    return {f"{x}": x}


@refused((X,), "TEXTS", "an array of <U1")
def text_array(x):
    return x * len(TEXTS)


class Holder:
    value = 0.0


HOLDER = Holder()


@refused((F,), "HOLDER.value", "is assigned")
def assigns_attribute(x):
    HOLDER.value = x
    return x


@refused((Z,), "z.real", "a store into `.real`")
def stores_real(z):
    z.real = 1.0
    return z


@refused((F,), "x.no_such", "attribute no_such")
def no_attribute(x):
    return x.no_such


@refused((F,), 'x + "s"', "no such operation")
def adds_text(x):
    return x + "s"


@refused((F,), "x()", "is called")
def calls_number(x):
    return x()


@refused((F,), "callee(x)", "does not take these arguments")
def wrong_arguments(x):
    return callee(x)


def callee(x, y):
    return x + y


@refused((F,), "{'a': x}['b']", "no key")
def missing_key(x):
    return {'a': x}['b']  # fmt: skip


@refused((F,), "(x, x)[2]", "always fails")
def past_the_end(x):
    return (x, x)[2]


@refused((X,), "a, b", "unpacked")
def wrong_count(x):
    a, b = (x, x, x)
    return a


@refused((X,), "sorted(x)", "sorted")
def sorts(x):
    return sorted(x)


@refused((F,), "open", "no translation")
def opens(x):
    return open(x)


MANY = list(range(2000))


@refused((F,), "MANY", "a loop over 2000 items")
def loops_over_many(x):
    for value in MANY:
        x = x + value
    return x


@refused((F,), "y := x", "in a comprehension")
def walrus_in_comprehension(x):
    return [(y := x) for _ in range(2)]


def decorated(x):
    @functools.lru_cache
    def inner(v):
        return v

    return inner(x)


refused((F,), "def inner(v):", "is decorated")(decorated)


@refused((X, X), "x is y", "`is` between arrays")
def identity_of_arrays(x, y):
    if x is y:
        return x
    return y


@pytest.mark.parametrize(("function", "types", "caret", "what", "error"), CASES)
def test_refused(is_refused, function, types, caret, what, error):
    is_refused(function, types, caret, what, error)


def test_a_function_without_source():
    with pytest.raises(UnsupportedError, match="cannot be read"):
        capture(eval("lambda x: x"), (F,), {})


def test_what_is_no_function():
    with pytest.raises(UnsupportedError, match="no Python function"):
        capture(len, (X,), {})


def test_the_operand_that_must_be_static_is_named():
    with pytest.raises(StaticNeededError) as info:
        capture(dynamic_axis, (A, N), {})
    assert info.value.position == 1
