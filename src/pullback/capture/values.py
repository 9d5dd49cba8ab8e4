"""What a name or an expression stands for while a function is captured: the abstract values.

A *static* value is the Python object itself (a number, None, a string, a dtype, a module, a function). A
*dynamic* one is a `Var` of the program. Tuples, namedtuples, lists, dicts and dataclass instances are
structures of abstract values; they exist during capture only. (Jones, Gomard & Sestoft, *Partial Evaluation
and Automatic Program Generation*, 1993, ch. 4: static, dynamic and partially static values.)
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pullback.base.location import Location
from pullback.ir.nodes import Const, Operand, Var
from pullback.ir.types import Array, Scalar, type_of


@dataclasses.dataclass(eq=False, slots=True)
class ListValue:
    """A list; `home` is the block it was made in, the only one that may change it (None: no one may)."""

    items: list[Any]
    home: object = None


@dataclasses.dataclass(eq=False, slots=True)
class DictValue:
    """A dict with static keys."""

    items: dict[Any, Any]
    home: object = None


@dataclasses.dataclass(eq=False, slots=True)
class Record:
    """An instance of a frozen dataclass whose fields are abstract values."""

    kind: type
    fields: dict[str, Any]


@dataclasses.dataclass(eq=False, slots=True)
class RangeValue:
    """``range(start, stop, step)``; each a static int or a Var."""

    start: Any
    stop: Any
    step: Any


@dataclasses.dataclass(eq=False, slots=True)
class Sequence:
    """Something to iterate over whose length or items are known only at run time."""

    length: Any
    at: Callable[[Any], Any]


@dataclasses.dataclass(eq=False, slots=True)
class Flat:
    """``array.flat``: the elements in C order, to be read, replaced and iterated over."""

    array: Any


@dataclasses.dataclass(eq=False, slots=True)
class Closure:
    """A function or lambda defined in a function that is being captured, with its frame."""

    node: ast.FunctionDef | ast.Lambda
    frame: Any
    defaults: tuple[Any, ...]
    keyword_defaults: dict[str, Any]

    @property
    def name(self) -> str:
        return "lambda" if isinstance(self.node, ast.Lambda) else self.node.name


@dataclasses.dataclass(eq=False, slots=True)
class Method:
    """A method of a structure or array, not called yet."""

    receiver: Any
    name: str


@dataclasses.dataclass(eq=False, slots=True)
class Partial:
    """``functools.partial`` with abstract arguments."""

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclasses.dataclass(eq=False, slots=True)
class Poison:
    """A value that two ways to one place make different things of: an error where it is read.

    Attributes:
        mixed: whether one of them is a number and the other an array.
        dead: whether no run reads the value, as syntax says; where ways meet, the other one stands.
    """

    why: str
    where: Location | None = None
    mixed: bool = False
    dead: bool = False


@dataclasses.dataclass(eq=False, slots=True)
class Maybe:
    """What a name has if `flag` (a Var) is true; else it is unbound, or None where `none` says so."""

    value: Any
    flag: Var
    none: bool = False


@dataclasses.dataclass(eq=False, slots=True)
class Lent:
    """What a name has while another frame has its value, under the name `name` there."""

    frame: Any
    name: str


def is_lent(name: str) -> bool:
    """Whether a name in a frame stands for one of another function."""
    return " " in name


class Bottom:
    """What a name has that a later turn of a loop may bind, while none is known to: no run reads it yet."""


BOTTOM = Bottom()


class Dropped:
    """What a name has on a way on which, as the syntax says, it is not read again before it is assigned."""


DROPPED = Dropped()


class UnreachedError(Exception):
    """A way was captured that no run known so far takes; capture goes on beside it."""


def is_number(value: Any) -> bool:
    """Whether a static value is a number that a program can hold."""
    return isinstance(value, bool | int | float | complex) or (
        isinstance(value, np.generic) and value.dtype.kind in "biufc"
    )


def is_scalar(value: Any) -> bool:
    """Whether a value is one number, static or not."""
    return is_number(value) or (isinstance(value, Var) and isinstance(value.type, Scalar))


def is_array(value: Any) -> bool:
    """Whether a value is an array of the program."""
    return isinstance(value, Var) and isinstance(value.type, Array)


def is_numeric(value: Any) -> bool:
    """Whether a value is a number or an array."""
    return isinstance(value, Var) or is_number(value)


def is_mixed(a: Any, b: Any) -> bool:
    """Whether one is a number and the other an array."""
    return (is_scalar(a) and is_array(b)) or (is_array(a) and is_scalar(b))


def kind_of(value: Any) -> Scalar | Array:
    """The type of a number or an array."""
    if isinstance(value, Var):
        assert isinstance(value.type, Scalar | Array)
        return value.type
    return type_of(value.value if isinstance(value, Const) else value)


def as_operand(value: Any) -> Operand:
    """A numeric value as an operand of a statement."""
    return value if isinstance(value, Var) else Const(value)


def is_namedtuple(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(type(value), "_fields")


def children(value: Any) -> list[Any] | None:
    """The parts of a structure, or None for what is none."""
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, ListValue):
        return value.items
    if isinstance(value, DictValue):
        return list(value.items.values())
    if isinstance(value, Record):
        return list(value.fields.values())
    if isinstance(value, RangeValue):
        return [value.start, value.stop, value.step]
    if isinstance(value, Flat):
        return [value.array]
    return None


def labels(value: Any) -> list[str]:
    """A word for each part of a structure, for the names of variables."""
    if is_namedtuple(value):
        return list(type(value)._fields)
    if isinstance(value, DictValue):
        return [str(key) for key in value.items]
    if isinstance(value, Record):
        return list(value.fields)
    if isinstance(value, RangeValue):
        return ["start", "stop", "step"]
    return [str(k) for k in range(len(children(value) or ()))]


def with_children(value: Any, parts: list[Any], home: object = None) -> Any:
    """A structure like `value` with other parts."""
    if isinstance(value, tuple):
        return type(value)(*parts) if is_namedtuple(value) else tuple(parts)
    if isinstance(value, ListValue):
        return ListValue(parts, home)
    if isinstance(value, DictValue):
        return DictValue(dict(zip(value.items, parts, strict=True)), home)
    if isinstance(value, Record):
        return Record(value.kind, dict(zip(value.fields, parts, strict=True)))
    if isinstance(value, Flat):
        return Flat(*parts)
    assert isinstance(value, RangeValue)
    return RangeValue(*parts)


def shape_of_structure(value: Any) -> Any:
    """What two structures must share to be merged part by part."""
    if isinstance(value, DictValue):
        return (DictValue, tuple(value.items))
    if isinstance(value, Record):
        return (value.kind, tuple(value.fields))
    return (type(value), len(children(value) or ()))


def variables_in(value: Any) -> Iterator[Var]:
    """The variables in a value, however nested."""
    if isinstance(value, Var):
        yield value
    elif isinstance(value, Maybe):
        yield from variables_in(value.value)
        yield value.flag
    elif isinstance(value, Partial):
        yield from variables_in((*value.args, *value.kwargs.values()))
    elif isinstance(value, Method):
        yield from variables_in(value.receiver)
    else:
        for part in children(value) or ():
            yield from variables_in(part)


def is_static(value: Any) -> bool:
    """Whether nothing in a value depends on the run."""
    return not isinstance(value, Poison | Sequence) and next(variables_in(value), None) is None


def same(a: Any, b: Any) -> bool:
    """Whether two values are the same thing, so that no merge is needed."""
    if a is b:
        return True
    if isinstance(a, Var) or isinstance(b, Var):
        return isinstance(a, Var) and isinstance(b, Var) and a.name == b.name
    if type(a) is not type(b):
        return False
    if is_number(a) or isinstance(a, str | bytes | np.dtype):
        return repr(a) == repr(b)
    if isinstance(a, ListValue | DictValue):
        return False
    if isinstance(a, tuple | Record | RangeValue):
        return shape_of_structure(a) == shape_of_structure(b) and all(
            same(x, y) for x, y in zip(children(a) or (), children(b) or (), strict=True)
        )
    if isinstance(a, Maybe):
        return a.none == b.none and same(a.value, b.value) and same(a.flag, b.flag)
    if isinstance(a, Closure):
        return a.node is b.node and a.frame is b.frame and same(a.defaults, b.defaults)
    if isinstance(a, Method):
        return a.name == b.name and same(a.receiver, b.receiver)
    return False


def to_python(value: Any) -> Any:
    """A static value as the Python object a user would have."""
    if isinstance(value, ListValue):
        return [to_python(x) for x in value.items]
    if isinstance(value, DictValue):
        return {key: to_python(x) for key, x in value.items.items()}
    if isinstance(value, RangeValue):
        return range(value.start, value.stop, value.step)
    if isinstance(value, Record):
        return value.kind(**{key: to_python(x) for key, x in value.fields.items()})
    if isinstance(value, tuple):
        return with_children(value, [to_python(x) for x in value])
    return value


def lacking(value: Any, why: str, remedy: str = "") -> tuple[str, str]:
    """Why a value has no such operation, and what to do: in the words of its class, or in these."""
    return getattr(value.kind, "without", (why, remedy)) if isinstance(value, Record) else (why, remedy)


def describe(value: Any) -> str:
    """A few words for a value, for error messages."""
    if isinstance(value, Var):
        kind = value.type
        if isinstance(kind, Array):
            return f"an array of {kind.dtype.name} with {kind.ndim} axes"
        assert isinstance(kind, Scalar)
        names = {"b": "bool", "i": "int", "f": "float", "c": "complex"}
        return f"a {names.get(kind.dtype.kind, '') if kind.weak else kind.dtype.name} known at run time"
    if is_number(value) or value is None or isinstance(value, str):
        return repr(value)
    if isinstance(value, ListValue):
        return f"a list of {len(value.items)}"
    if isinstance(value, DictValue):
        return "a dict"
    if isinstance(value, Record):
        return f"a {value.kind.__name__}"
    if isinstance(value, RangeValue):
        return "a range"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    if isinstance(value, Sequence):
        return "something of a length known only at run time"
    if isinstance(value, Flat):
        return "the .flat of an array"
    if isinstance(value, Closure | Partial | Method):
        return "a function"
    return f"a {type(value).__name__}"
