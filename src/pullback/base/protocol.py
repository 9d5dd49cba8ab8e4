"""NumPy's protocols: functions (NEP 18) and the methods and keywords of ufuncs (NEP 13).

``np.add.reduce`` and ``accumulate`` have rows of their own; ``outer`` is the ufunc of reshaped arguments;
``at`` is a sequence of writes, each without a repeated index; ``out=`` is a write into its target.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.cast import astype
from pullback.base.errors import MutationError, UnsupportedError
from pullback.base.mutable import Mutable, write_result

ALONG_A_PATH: dict[Callable[..., Any], Callable[..., Any]] = {}
"""What takes a function's ``optimize=`` on tracked values; it may return `NotImplemented`."""


def call_function(
    dispatch: Callable[..., Any], function: Callable[..., Any], args: Any, kwargs: dict[str, Any]
) -> Any:
    """A NumPy function, which `dispatch` applies once ``out=`` is taken care of."""
    out = kwargs.get("out")
    if out is not None:
        rest = {key: value for key, value in kwargs.items() if key != "out"}
        return write_out(
            out[0] if isinstance(out, tuple) else out, function(*args, **rest), function.__name__
        )
    if kwargs.get("optimize") and function in ALONG_A_PATH:
        result = ALONG_A_PATH[function](args, kwargs)
        if result is not NotImplemented:
            return result
    if "like" in kwargs:
        kwargs = {key: value for key, value in kwargs.items() if key != "like"}
    return dispatch(function, args, kwargs)


def write_out(target: Any, result: Any, name: str) -> Any:
    """Write `result` into `target`, which a call gave as ``out=``."""
    if not isinstance(target, Mutable):
        raise MutationError(
            f"{name} with out= writes a tracked result into a plain array",
            why="a plain array cannot hold a derivative",
            remedy="make it with pb.zeros or pb.zeros_like, or leave out= away (a = a + x, not a += x).",
        )
    write_result(target, result, name)
    return target


def call_method(
    dispatch: Callable[..., Any],
    function: np.ufunc,
    method: str,
    inputs: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """A ufunc called with keywords, or one of its methods."""
    out = kwargs.get("out")
    if method == "at":
        return scatter_at(function, *inputs)
    rest = {
        key: value
        for key, value in kwargs.items()
        if key not in ("out", "where", "dtype") and value is not None
    }
    if (
        rest.pop("casting", "same_kind") != "same_kind"
        or rest.pop("order", "K") != "K"
        or not rest.pop("subok", True)
    ):
        raise UnsupportedError(f"numpy.{function.__name__} with casting=, order= or subok= on tracked values")
    if method != "__call__":
        return _reduction(dispatch, function, method, inputs, kwargs)
    if rest and (function.signature is None or not rest.keys() <= {"axes", "axis", "keepdims"}):
        raise UnsupportedError(f"numpy.{function.__name__} with {', '.join(rest)}= on tracked values")
    dtype = kwargs.get("dtype")
    if dtype is not None:
        inputs = tuple(astype(x, dtype) if not isinstance(x, int | bool) else x for x in inputs)
    where = kwargs.get("where", True)
    if where is not True and out is None:
        raise UnsupportedError(
            f"numpy.{function.__name__} with where= and no out=",
            why="where the condition is false NumPy leaves whatever the memory held",
            remedy="give out=, or use np.where(condition, f(x), otherwise).",
        )
    result = dispatch(function, inputs, rest) if rest else function(*inputs)
    if out is None or result is NotImplemented:
        return result
    if isinstance(result, tuple):
        return tuple(
            r if t is None else write_out(t, r, function.__name__) for t, r in zip(out, result, strict=True)
        )
    if where is not True:
        result = np.where(where, result, out[0])
    return write_out(out[0], result, function.__name__)


def _reduction(
    dispatch: Callable[..., Any],
    function: np.ufunc,
    method: str,
    inputs: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    rest = {key: value for key, value in kwargs.items() if key != "out" and value is not np._NoValue}
    if method == "outer":
        a, b = inputs
        result = function(np.reshape(a, (*np.shape(a), *(1,) * np.ndim(b))), b, **rest)
    else:
        result = dispatch(getattr(function, method), inputs, rest)
    out = kwargs.get("out")
    return result if out is None or result is NotImplemented else write_out(out[0], result, function.__name__)


def scatter_at(function: np.ufunc, target: Any, index: Any, *values: Any) -> None:
    """``function.at(target, index, values)``: repeated indices one after the other, as NumPy applies them."""
    if not isinstance(target, Mutable):
        raise MutationError(
            f"numpy.{function.__name__}.at writes tracked values into a plain array",
            why="a plain array cannot hold a derivative",
            remedy="make the target with pb.zeros or pb.zeros_like.",
        )
    places = np.arange(target.size).reshape(target.shape)[index]
    flat = np.ravel(places)
    value = np.ravel(np.broadcast_to(values[0], np.shape(places))) if values else None
    flat_target = target.reshape(-1)
    for chosen in rounds(flat):
        operands = (
            (flat_target[flat[chosen]],) if value is None else (flat_target[flat[chosen]], value[chosen])
        )
        flat_target[flat[chosen]] = function(*operands)
    if not flat_target._cell or flat_target._cell.root is None:
        target[...] = flat_target.reshape(target.shape)


def rounds(places: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """Positions in `places`, split so that no place is named twice in a part, repeats in their order."""
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    first = np.r_[True, ordered[1:] != ordered[:-1]] if ordered.size else np.zeros(0, bool)
    starts = np.maximum.accumulate(np.where(first, np.arange(ordered.size), 0)) if ordered.size else ordered
    repeat = np.arange(ordered.size) - starts
    return [order[repeat == k] for k in range(int(repeat.max(initial=-1)) + 1)]
