"""Programs for tests, written as NumPy code: proxies record what is done with them into a `Builder`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder, as_arg
from pullback.ir.nodes import Const, For, If, Program, Return, Slice, Var, While
from pullback.ir.types import BOOL, INT, Array, Scalar, type_of


class Recorder:
    """Makes programs, and the loops and branches in them."""

    def __init__(self) -> None:
        self.builder = Builder()

    @contextmanager
    def range(self, *bounds: Any) -> Iterator[Proxy]:
        """``for i in range(...)``."""
        start, stop, step = {1: (0, *bounds, 1), 2: (*bounds, 1), 3: bounds}[len(bounds)]
        index = self.builder.var("i", INT)
        with self.builder.block() as body:
            yield Proxy(self, index)
        first, last, stride = (as_arg(raw(x)) for x in (start, stop, step))
        self.builder.add(For(index, first, last, stride, body.statements()))

    @contextmanager
    def when(self, test: Any) -> Iterator[None]:
        """``if test``."""
        with self.builder.block() as body:
            yield
        self.builder.add(If(as_arg(raw(test)), body.statements()))

    @contextmanager
    def repeat(self, test: Callable[[], Any]) -> Iterator[None]:
        """``while test()``."""
        with self.builder.block() as before:
            condition = raw(test())
        with self.builder.block() as body:
            yield
        self.builder.add(While(before.statements(), condition, body.statements()))

    def cell(self, value: Any, name: str = "cell") -> Proxy:
        """A variable to assign with `set`."""
        kind = value.kind if isinstance(value, Proxy) else type_of(value)
        cell = Proxy(self, self.builder.var(name, kind))
        self.set(cell, value)
        return cell

    def set(self, cell: Proxy, value: Any) -> None:
        self.builder.assign(cell.var, raw(value))

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        result = self.builder.call(
            function, *map(raw, args), **{k: raw(v) for k, v in kwargs.items() if v is not np._NoValue}
        )
        if isinstance(result, tuple):
            return tuple(Proxy(self, part) for part in result)
        return Proxy(self, result)


def raw(x: Any) -> Any:
    """The variable of a proxy."""
    if isinstance(x, Proxy):
        return x.var
    if isinstance(x, tuple | list):
        return tuple(raw(part) for part in x)
    if isinstance(x, slice):
        return Slice(*(None if part is None else as_arg(raw(part)) for part in (x.start, x.stop, x.step)))
    return x


def record(function: Callable[..., Any], *examples: Any) -> Program:
    """The program of ``function(recorder, *arguments)`` for arguments of the examples' types."""
    recorder = Recorder()
    params = tuple(recorder.builder.var(f"x{k}", type_of(x)) for k, x in enumerate(examples))
    results = function(recorder, *(Proxy(recorder, param) for param in params))
    results = results if isinstance(results, tuple) else (results,)
    body = (*recorder.builder.statements(), Return(tuple(as_arg(raw(x)) for x in results)))
    return Program(getattr(function, "__name__", "f"), params, body)


class Proxy(np.lib.mixins.NDArrayOperatorsMixin):
    """A variable of the program under construction."""

    def __init__(self, recorder: Recorder, var: Var) -> None:
        self.recorder = recorder
        self.var = var

    @property
    def kind(self) -> Any:
        return self.var.type

    @property
    def shape(self) -> tuple[Any, ...]:
        return tuple(self.recorder.call(primitives.dim, self, axis) for axis in range(self.kind.ndim))

    @property
    def T(self) -> Proxy:
        return self.recorder.call(np.transpose, self)

    def __array_ufunc__(self, function: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        called = function if method == "__call__" else getattr(function, method)
        out = kwargs.pop("out", None)
        result = self.recorder.call(called, *args, **kwargs)
        if out is None:
            return result
        out[0][(slice(None),) * out[0].kind.ndim] = result
        return out[0]

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return self.recorder.call(function, *args, **kwargs)

    def __getitem__(self, index: Any) -> Any:
        full = complete(index, self.kind)
        if all(is_integer(entry) for entry in full):
            return self.recorder.call(primitives.item, self, full)
        arrays = any(
            isinstance(e, np.ndarray) or (isinstance(e, Proxy) and isinstance(e.kind, Array)) for e in full
        )
        return self.recorder.call(primitives.pick if arrays else primitives.view, self, full)

    def __setitem__(self, index: Any, value: Any) -> None:
        if value is not self:
            self.recorder.builder.store(self.var, raw(complete(index, self.kind)), raw(value))

    def add_at(self, index: Any, value: Any) -> None:
        """``self[index] += value``, or ``np.add.at``."""
        full = raw(complete(index, self.kind))
        self.recorder.builder.store(self.var, full, raw(value), accumulate=True)


def is_integer(entry: Any) -> bool:
    return isinstance(entry.kind, Scalar) if isinstance(entry, Proxy) else isinstance(entry, int | np.integer)


def complete(index: Any, kind: Any) -> tuple[Any, ...]:
    """The index with ``...`` and missing trailing axes written out."""
    entries = index if isinstance(index, tuple) else (index,)
    ranks = [entry.kind.ndim if isinstance(entry, Proxy) and isinstance(entry.kind, Array)
             and entry.kind.dtype.kind == "b" else 0 if entry is None or entry is Ellipsis else 1
             for entry in entries]  # fmt: skip
    missing = (slice(None),) * (kind.ndim - sum(ranks))
    if Ellipsis in [e for e in entries if not isinstance(e, Proxy | np.ndarray)]:
        at = next(i for i, e in enumerate(entries) if e is Ellipsis)
        return (*entries[:at], *missing, *entries[at + 1 :])
    return (*entries, *missing)


__all__ = ["BOOL", "Const", "Proxy", "Recorder", "record"]
