"""Calls of NumPy functions.

What returns its argument's own memory in NumPy is rewritten into the few views a program has
(`capture.views`), creation functions get a normal form (`capture.creation`); everything else that has a row
in the table of rules becomes a statement as it is, with lists made into arrays and static arguments kept.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.capture.arrays import alias, as_array, converted, dtype_of
from pullback.capture.axisless import noted
from pullback.capture.context import Context
from pullback.capture.contractions import contract
from pullback.capture.creation import CREATION
from pullback.capture.integers import called
from pullback.capture.overwriting import keep_arguments
from pullback.capture.placing import REWRITES
from pullback.capture.scatter import at
from pullback.capture.stores import store
from pullback.capture.values import (
    Flat,
    ListValue,
    RangeValue,
    Var,
    as_operand,
    children,
    describe,
    is_array,
    is_numeric,
    is_scalar,
    is_static,
    kind_of,
    lacking,
    to_python,
)  # fmt: skip
from pullback.ir.build import dummy_arg, types_of_call
from pullback.ir.nodes import Const, Slice
from pullback.ir.primitives import cast, item, truncate
from pullback.ir.types import Stack, type_of
from pullback.ir.views import viewed
from pullback.rules.lookup import row_of
from pullback.rules.table import TABLE, name_of

Kwargs = dict[str, Any]

_JOINS = frozenset([
    np.concatenate, np.stack, np.hstack, np.vstack, np.dstack, np.column_stack, np.select, np.choose,
    np.linalg.multi_dot, np.lexsort, np.ravel_multi_index,
])  # fmt: skip
"""Functions of a sequence of arrays, which stays a tuple."""

_TYPES = frozenset([
    np.ndim, np.iscomplexobj, np.isrealobj, np.result_type, np.can_cast, np.min_scalar_type, np.common_type,
    np.promote_types, np.issubdtype, np.isscalar, np.finfo, np.iinfo, np.dtype,
])  # fmt: skip
"""What NumPy answers from types alone: evaluated on stand-ins during capture."""

_EXTRA = frozenset([np.isin, np.allclose, np.cumulative_sum, np.all, np.any, np.signbit, np.trapezoid])

_COMPOSED = frozenset([
    np.cov, np.corrcoef, np.polyadd, np.polysub, np.polymul, np.polyder, np.polyint,
])  # fmt: skip
"""Functions without a row, which engines compose of others; the type of the result depends on types alone."""

_NAMED_RESULTS: dict[Any, Any] = {
    function: type(function(np.eye(1))) for function in (np.linalg.slogdet, np.linalg.qr, np.linalg.eig)
}
"""Functions whose results have names."""

_REAL_OR_COMPLEX: dict[Any, str] = {
    np.real_if_close: "use np.real",
    np.linalg.eig: "write np.linalg.eig(a + 0j), which gives complex results always",
    np.roots: "write np.roots(p + 0j), which gives complex results always",
    np.linalg.eigvals: "write np.linalg.eigvals(a + 0j) or scipy.linalg.eigvals(a), which are complex always",
}
"""Functions whose result is real or complex by what its values are, and what to do instead."""

_REFUSED: dict[Any, str] = {
    np.nditer: "write a loop for each axis",
    np.ndindex: "write a loop for each axis: for i in range(m): for j in range(n)",
    np.ndenumerate: "write a loop for each axis: for i in range(m): for j in range(n)",
    np.vectorize: "write the loop, or call the function on arrays",
    np.apply_along_axis: "write the loop over the rows",
    np.fromiter: "fill an np.empty array in a loop",
    np.frompyfunc: "write the loop",
    np.piecewise: "use np.where or np.select",
}


def is_numpy(function: Any) -> bool:
    """Whether a function is NumPy's, SciPy's ufunc or has a row in the table."""
    if isinstance(function, np.ufunc) or isinstance(getattr(function, "__self__", None), np.ufunc):
        return True
    try:
        if function in REWRITES or function in CREATION or row_of(function) is not None:
            return True
    except TypeError:
        return False
    if isinstance(function, type) and issubclass(function, tuple):
        return False  # the type of a result with names
    module = getattr(function, "__module__", None) or ""
    return module.partition(".")[0] == "numpy"


def call_numpy(context: Context, function: Any, args: list[Any], kwargs: Kwargs) -> Any:
    """A call of a NumPy function."""
    if isinstance(function, type) and issubclass(function, np.generic):
        return _scalar_type(context, function, args)
    if function in _TYPES:
        return _from_types(context, function, args, kwargs)
    kwargs = dict(kwargs)
    out = _taken_out(context, function, args, kwargs)
    if function in REWRITES:
        result = _handled(context, REWRITES[function], function, args, kwargs)
    elif function in CREATION:
        result = _handled(context, CREATION[function], function, args, kwargs)
    elif function is np.einsum and _is_by_pairs(args, kwargs):
        result = contract(context, args, kwargs)
    else:
        result = _plain(context, function, args, kwargs)
    if out is None:
        return noted(context, function, args, result)
    return store_out(context, out, result)


def _is_by_pairs(args: list[Any], kwargs: Kwargs) -> bool:
    """Whether an `np.einsum` is one of many tensors that is best taken two at a time."""
    if len(args) <= 3 or "optimize" in kwargs:
        return len(args) > 3 and kwargs["optimize"] is not False
    # With two labels or less one loop nest has as few steps, and no array in between.
    text = to_python(args[0]) if is_static(args[0]) else None
    return isinstance(text, str) and len(set(text) - set(" ,.->")) > 2


def _handled(
    context: Context, handler: Callable[..., Any], function: Any, args: list[Any], kwargs: Kwargs
) -> Any:
    try:
        inspect.signature(handler).bind(context, *args, **kwargs)
    except TypeError as error:
        context.fail(f"{name_of(function)} with these arguments", f"not in the language: {error}")
    return handler(context, *args, **kwargs)


def _taken_out(context: Context, function: Any, args: list[Any], kwargs: Kwargs) -> Any:
    """The array given as ``out``, taken from the arguments."""
    out = kwargs.pop("out", None)
    if isinstance(function, np.ufunc) and len(args) > function.nin:
        out = args[function.nin]
        del args[function.nin :]
    if isinstance(out, tuple):
        if len(out) != 1:
            context.fail("`out` of several arrays", "only one can be given", "store the results")
        out = out[0]
    if out is not None and not is_array(out):
        context.fail(f"{describe(out)} as `out`", "it is no array")
    if out is None and "where" in kwargs and isinstance(function, np.ufunc):
        context.fail(
            "`where` without `out`", "the other elements would be uninitialised", "use np.where(mask, ..., 0)"
        )
    if out is not None and "where" in kwargs and isinstance(function, np.ufunc):
        context.fail("`where` with `out`", "it is not in the language", "store under a mask: out[mask] = ...")
    return out


def store_out(context: Context, out: Var, result: Any) -> Any:
    """Write a result into the array that was given for it."""
    if not np.can_cast(kind_of(result).dtype, kind_of(out).dtype, "same_kind"):
        context.fail(
            "the result does not fit `out`",
            f"NumPy does not cast {kind_of(result).dtype} to {kind_of(out).dtype}",
            "make `out` of the wider dtype",
        )
    store(context, out, (Slice(),) * out.type.ndim, result)  # type: ignore[union-attr]
    return out


def _scalar_type(context: Context, function: type[np.generic], args: list[Any]) -> Any:
    """``np.float64(x)``."""
    dtype = dtype_of(context, function)
    assert dtype is not None
    if not args:
        return dtype.type()
    value = args[0]
    if is_numeric(value) and kind_of(value).dtype.kind == "c" and dtype.kind != "c":
        context.fail("a complex number becomes real", "NumPy would drop the imaginary part", "use .real")
    if is_scalar(value) and kind_of(value).dtype.kind == "f" and dtype.kind in "iu" and not is_static(value):
        value = context.call(truncate, value)
    return converted(context, as_array(context, value), dtype)


def _from_types(context: Context, function: Any, args: list[Any], kwargs: Kwargs) -> Any:
    stand_ins = [dummy_arg(a) if isinstance(a, Var) else to_python(a) for a in args]
    try:
        return function(*stand_ins, **{k: to_python(v) for k, v in kwargs.items()})
    except Exception as error:
        context.fail(f"{name_of(function)} does not take these arguments", f"NumPy says: {error}")


def _plain(context: Context, function: Any, args: list[Any], kwargs: Kwargs) -> Any:
    """A call that becomes a statement as it is."""
    if function in _REFUSED:
        context.fail(f"{name_of(function)} runs Python on each element", "it has no rule", _REFUSED[function])
    if getattr(function, "__name__", "") == "at" and isinstance(
        getattr(function, "__self__", None), np.ufunc
    ):
        return at(context, function.__self__, args)
    if function in _REAL_OR_COMPLEX and is_numeric(args[0]):
        kind = "complex" if function is np.real_if_close else "real"
        if (kind_of(args[0]).dtype.kind == "c") == (kind == "complex"):
            what = f"np{name_of(function).removeprefix('numpy')} of {kind} values"
            which = "if the imaginary parts are 0" if kind == "complex" else "if all of it is"
            why = f"its dtype depends on them: the result is real {which}, and compiled code has one type"
            context.fail(what, why, _REAL_OR_COMPLEX[function])
    if function not in TABLE and row_of(function) is None and function not in _EXTRA:
        function = _outer_or_unknown(context, function)
    if function is np.broadcast_arrays and len(args) == 1:
        return (alias(context, as_array(context, args[0])),)
    _axes_to_keywords(function, args, kwargs)
    keep_arguments(function, args, kwargs)
    operands = [_argument(context, function, k, a) for k, a in enumerate(args)]
    keywords = {
        key: _keyword(context, function, key, value)
        for key, value in kwargs.items()
        if value is not None or not _none_is_default(function, key)
    }
    if is_static(tuple(args)) and is_static(tuple(kwargs.values())):
        folded = _folded(function, args, kwargs)
        if folded is not None:
            return folded
    if function in _OF_ONE and len(args) == 1 and is_scalar(args[0]) and not keywords:
        kind = types_of_call(function, tuple(operands), {})[0]
        assert not isinstance(kind, Stack)
        return context.call(cast, operands[0], kind.dtype)
    result = called(context, function, *operands, **keywords)
    if function in _NAMED_RESULTS and isinstance(result, tuple) and Const("raw") not in operands:
        result = _NAMED_RESULTS[function](*result)
    _note_views(context, function, operands, keywords, result)
    return result


def _note_views(context: Context, function: Any, operands: list[Any], keywords: Kwargs, result: Any) -> None:
    """Note that the program copies where NumPy gives, or may give, a view."""
    bases = viewed(function, operands, keywords)
    for part in result if isinstance(result, tuple) else (result,):
        for base in bases:
            context.copied(part, base, name_of(function))


_OF_ONE = frozenset([np.sum, np.prod, np.mean, np.max, np.min])
"""Reductions that leave a number as it is, but for its type."""


def _folded(function: Any, args: list[Any], kwargs: Kwargs) -> Any:
    """The number that a function of constants gives; None where it gives an array."""
    try:
        with np.errstate(all="ignore"):
            value = function(*(to_python(a) for a in args), **{k: to_python(v) for k, v in kwargs.items()})
        type_of(value)
    except Exception:
        return None
    return None if isinstance(value, np.ndarray) else value


def _outer_or_unknown(context: Context, function: Any) -> Any:
    if function in _COMPOSED:
        return function
    known = getattr(function, "__name__", "") in ("outer", "reduce", "accumulate")
    ufunc = getattr(function, "__self__", None)
    if known and isinstance(ufunc, np.ufunc) and ufunc in TABLE:
        return function
    why, remedy = (
        "pullback does not know its derivative", "write it with functions that have one, or call it outside",
    )  # fmt: skip
    if name_of(function).startswith("numpy.random."):
        why, remedy = "a program is a function of its arguments", "draw the numbers outside, and pass them"
    raise context.refusal(f"{name_of(function)} has no rule", why, remedy)


def _axes_to_keywords(function: Any, args: list[Any], kwargs: Kwargs) -> None:
    """Positional static arguments of a reduction become keywords, as in ``np.sum(a, axis=0)``."""
    if isinstance(function, np.ufunc) or len(args) < 2:
        return
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return
    if len(names) < 2 or names[1] != "axis" or len(args) > len(names):
        return
    for name, value in zip(names[1 : len(args)], args[1:], strict=False):
        kwargs[name] = value
    del args[1:]


def _none_is_default(function: Any, key: str) -> bool:
    """Whether None for a keyword is the same as not giving it."""
    if key == "axis" and isinstance(getattr(function, "__self__", None), np.ufunc):
        return False  # of a ufunc's method it is 0
    try:
        parameter = inspect.signature(function).parameters.get(key)
    except (TypeError, ValueError):
        return key in ("axis", "dtype", "out", "where", "initial")
    return parameter is None or parameter.default is None or key in ("dtype", "out", "where", "initial")


def _argument(context: Context, function: Any, position: int, value: Any) -> Any:
    """A positional argument as one of a statement."""
    if is_array(value) and value.type.ndim == 0:
        return context.call(item, value, ())
    if is_numeric(value):
        return as_operand(value)
    if isinstance(value, RangeValue | Flat):
        return as_array(context, value)
    if isinstance(value, tuple | ListValue):
        if position == 0 and function in _JOINS:
            return _sequence(context, function, value)
        if is_static(value) and function in _OF_LISTS:
            return Const(to_python(value))
        if isinstance(function, np.ufunc) or position < _ARRAYS.get(function, 1):
            return as_array(context, value)
        return _static_tuple(context, value)
    if is_static(value):
        return Const(to_python(value))
    what = f"{describe(value)} is passed to {name_of(function)}"
    raise context.refusal(what, *lacking(value, "it is neither number nor array"))


_OF_LISTS = frozenset([np.matmul, np.vecdot, np.einsum])
"""Functions that do not take a tuple for a list."""

_ARRAYS: dict[Any, float] = dict.fromkeys([
    np.dot, np.inner, np.outer, np.vdot, np.kron, np.convolve, np.correlate, np.cross, np.linalg.solve,
    np.append, np.searchsorted, np.take, np.tensordot, np.trapezoid,
], 2) | dict.fromkeys([np.where, np.interp, np.clip], 3) | {np.einsum: math.inf}  # fmt: skip
"""How many arrays a function takes that is no ufunc, where that is not one."""


def _sequence(context: Context, function: Any, value: Any) -> tuple[Any, ...]:
    return tuple(as_operand(as_array(context, part)) for part in children(value) or ())


def _static_tuple(context: Context, value: Any) -> Any:
    """A tuple argument: operands where a length is known only at run time."""
    if is_static(value):
        python = to_python(value)
        return Const(tuple(python) if isinstance(python, list) else python)
    return tuple(
        as_operand(part) if is_numeric(part) else _static_tuple(context, part)
        for part in children(value) or ()
    )


_TRANSFORMS = frozenset(
    getattr(np.fft, name) for name in dir(np.fft) if name.endswith(("fft", "fft2", "fftn"))
)
_STATIC = frozenset("axis axes keepdims axis1 axis2 n k offset mode order ddof".split())


def _keyword(context: Context, function: Any, key: str, value: Any) -> Any:
    if key == "dtype":
        return Const(dtype_of(context, to_python(value)))
    if isinstance(value, ListValue) and is_static(value) and function in _OF_LISTS:
        return Const(to_python(value))
    lengths = function in _TRANSFORMS and key in ("n", "s")
    if key in _STATIC and not is_static(value) and not lengths:
        context.static_needed(f"the argument {key}", value)
    if is_numeric(value):
        return as_operand(value)
    if isinstance(value, tuple | ListValue):
        whole = is_static(value) or lengths
        return _static_tuple(context, value) if whole else as_array(context, value)
    return Const(to_python(value))
