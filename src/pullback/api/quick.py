"""Calls like one before: arguments of the same types, so that nothing else needs to be looked at again.

Numba's dispatcher finds out the types of its arguments at each call. Here one function is written for each
combination of types: it compares with these types alone, calls the compiled code itself, past the dispatcher,
and picks what the user gets out of what comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.capture import Captured
from pullback.emit.load import entry_of
from pullback.ir.types import Array, Scalar, Type

ENTRIES = 8
"""As many combinations of types are remembered for one function or gradient."""

Answer = Callable[[tuple[Any, ...]], Any]


class Part(NamedTuple):
    """One result of the compiled code in an answer: its position and type.

    Attributes:
        number: whether it is made a Python number, as the argument is whose cotangent it is.
    """

    position: int
    kind: Type
    number: bool = False


def answer_for(
    captured: Captured,
    params: Sequence[Type | int],
    lengths: Mapping[tuple[int, int], int],
    written: Sequence[int],
    run: Callable[..., tuple[Any, ...]],
    rest: tuple[Any, ...],
    answered: Any,
) -> Answer | None:
    """What answers calls with such positional arguments, with None for other arguments.

    Args:
        captured: says whether what the function refers to is what it was.
        params: the types of the arguments; a number for one that has to have this value.
        lengths: what axes of the arguments have to be long, by argument and axis.
        written: the positions of arguments that have to be apart from the others in memory.
        run: the compiled code.
        rest: what comes after the arguments of the call.
        answered: a `Part`, or tuples of them.
    """
    entry, tells = entry_of(run)
    names: dict[str, Any] = {"ndarray": np.ndarray, "run": run if entry is None else entry}
    names["located"] = getattr(run, "located", _as_it_is)
    tests = [_test(f"a{k}", kind, names) for k, kind in enumerate(params)]
    if any(test is None for test in tests):
        return None
    tests += [f"a{k}.shape[{axis}] == {length}" for (k, axis), length in lengths.items()]
    names |= {f"r{k}": operand for k, operand in enumerate(rest)}
    arrays = [f"a{k}" for k, kind in enumerate(params) if isinstance(kind, Array)]
    arrays += [f"r{k}" for k, operand in enumerate(rest) if isinstance(operand, np.ndarray)]
    names["overlap"] = np.may_share_memory
    tests += [f"not overlap(a{k}, {other})" for k in written for other in arrays if other != f"a{k}"]
    for k, guard in enumerate(captured.guards):
        names |= {f"get{k}": guard.getter, f"was{k}": guard.value}
    guards = [f"get{k}() is not was{k}" for k in range(len(captured.guards))]
    operands = [f"a{k}" for k, kind in enumerate(params) if not isinstance(kind, int)]
    operands += [f"r{k}" for k in range(len(rest))]
    lines = [
        f"if len(args) != {len(params)}: return None",
        f"{', '.join(f'a{k}' for k in range(len(params)))}, = args",
        f"if not ({' and '.join(test for test in tests if test)}): return None",
        *(
            ["try:", f"    if {' or '.join(guards)}: return None", "except Exception: return None"]
            * bool(guards)
        ),
        f"try: found = run({', '.join(operands)})",
        "except Exception as error: raise located(error) from None",
        *(["if found[-1] != 0: return None"] * tells),
        f"return {_given(answered, names, raw=entry is not None)}",
    ]
    exec("\n    ".join(["def answer(args):", *lines]), names)
    return names["answer"]


def _as_it_is(error: Exception) -> Exception:
    """What has run in Python has its place already."""
    return error


def _test(name: str, kind: Type | int, names: dict[str, Any]) -> str | None:
    """An expression for whether an argument is of a type, in memory that compiled code takes as it is."""
    if isinstance(kind, int):
        return f"type({name}) is {type(kind).__name__} and {name} == {kind!r}"
    if isinstance(kind, Scalar):
        python = {"f": "float", "i": "int"}.get(kind.dtype.kind)
        return f"type({name}) is {python}" if kind.weak and python else None
    assert isinstance(kind, Array)
    names[f"{name}_dtype"] = kind.dtype
    if kind.ones:
        pattern = [axis in kind.ones for axis in range(kind.ndim)]
        shape = f"[n == 1 for n in {name}.shape] == {pattern}"
    else:
        shape = f"len(shape := {name}.shape) == {kind.ndim} and 1 not in shape"
    layout = {
        "C": f"{name}.flags.carray",
        "F": f"(flags := {name}.flags).behaved and flags.fnc",
        "A": f"(flags := {name}.flags).behaved and not flags.forc",
    }[kind.layout]
    return f"type({name}) is ndarray and {name}.dtype is {name}_dtype and {shape} and {layout}"


def _given(answered: Any, names: dict[str, Any], raw: bool) -> str:
    """An expression for what the user gets; `raw` compiled code returns Python's numbers."""
    if not isinstance(answered, Part):
        return f"({''.join(_given(part, names, raw) + ', ' for part in answered)})"
    position, kind, number = answered
    found = f"found[{position}]"
    if not raw:
        return f"{found}.item()" if number else found
    if number or not isinstance(kind, Scalar) or kind.weak:
        return found
    names[f"t{position}"] = kind.dtype.type
    return f"t{position}({found})"
