"""Programs that are made when something asks for them, and what is kept on disk so that nothing has to.

A program follows from the captured one, step by step. So do the types of its parameters and the source that
is compiled of it, which later processes take from a file named by the captured program and the steps.
"""

from __future__ import annotations

import functools
import os
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from pullback.base.collector import collector_paused
from pullback.base.errors import UnsupportedError
from pullback.emit import cache
from pullback.emit.load import load, load_ready, ready
from pullback.emit.names import spelled
from pullback.emit.ready import Ready
from pullback.ir.build import operand_type
from pullback.ir.nodes import Program, Var
from pullback.ir.types import Type
from pullback.ir.walk import reads_any
from pullback.rules.table import BY_USERS

T = TypeVar("T")

Step = Literal["optimize", "purified", "adjoint", "tangent", "several"]


@dataclass(frozen=True, slots=True)
class Interface:
    """What a caller has to know of a program.

    Attributes:
        name: of the function.
        params: the parameters.
        results: the types of the results.
        computed: for each result, whether it is a variable and no constant.
        written: the positions of the parameters whose memory the program may write into.
    """

    name: str
    params: tuple[Var, ...]
    results: tuple[Type, ...]
    computed: tuple[bool, ...]
    written: tuple[int, ...]


class Recipe:
    """A program, made when it is asked for.

    Attributes:
        key: names the program, in this process and others; None for one that depends on a user's functions
            and is therefore not kept.
    """

    def __init__(self, make: Callable[[], Program], key: str | None) -> None:
        self._make = make
        self.key = key

    @staticmethod
    def of(captured: Program) -> Recipe:
        """The captured program itself."""
        return Recipe(lambda: captured, _key_of(captured))

    def then(self, step: Step, *asked: Any, **options: Any) -> Recipe:
        """What the step called `step` makes of this program."""
        key = None if self.key is None else cache.key(self.key, step, repr(asked), repr(options))
        return Recipe(lambda: _made(step, self.program, *asked, **options), key)

    def halved(self, wrt: Sequence[int], of: Sequence[int]) -> tuple[Recipe, Recipe]:
        """The adjoint in two programs: what comes before there are cotangents, and the rest."""
        made = functools.cache(lambda: _halved(self.program, wrt, of))
        keys = [
            None if self.key is None else cache.key(self.key, "halved", repr((wrt, of)), repr(k))
            for k in range(2)
        ]
        return Recipe(lambda: made()[0], keys[0]), Recipe(lambda: made()[1], keys[1])

    @functools.cached_property
    def program(self) -> Program:
        """The program."""
        with collector_paused():
            return self._make()

    @functools.cached_property
    def interface(self) -> Interface:
        """Its parameters and results."""
        return self._kept("interface", Interface, lambda: interface_of(self.program))

    def load(self, *, jit: bool) -> Callable[..., tuple[Any, ...]]:
        """The callable on arguments of just the program's types."""
        if not jit:
            return load(_finished(self.program), jit=False)
        finished = functools.cache(lambda: _finished(self.program))
        return load_ready(self._kept("ready", Ready, lambda: ready(finished())), finished)

    def _kept(self, what: str, kind: type[T], make: Callable[[], T]) -> T:
        """What `make` gives, or gave in an earlier process."""
        if self.key is None:
            with collector_paused():
                return make()
        name = f"{self.key}.{what}"
        content = cache.kept(name)
        if content is not None:
            try:
                known = pickle.loads(content)
            except Exception:
                # Whatever is wrong with it, making it anew is right.
                cache.discard(name)
            else:
                if isinstance(known, kind):
                    return known
        with collector_paused():
            made = make()
        cache.keep(name, pickle.dumps(made, protocol=pickle.HIGHEST_PROTOCOL))
        return made


def _made(step: Step, program: Program, *asked: Any, **options: Any) -> Program:
    # The passes are imported when a program has to be made.
    from pullback.optimize.pipeline import optimize
    from pullback.transform.adjoint import adjoint
    from pullback.transform.purify import purified
    from pullback.transform.tangent import tangent

    match step:
        case "optimize":
            return optimize(program)
        case "purified":
            return purified(program, **options)
        case "adjoint":
            wrt, of, steep = asked
            return optimize(adjoint(program, wrt, of, steep=steep))
        case "tangent":
            return optimize(tangent(program, *asked))
        case "several":
            return _several(program, *asked)


def _several(program: Program, wrt: Sequence[int], of: Sequence[int], copies: int) -> Program:
    from pullback.optimize.pipeline import optimize
    from pullback.transform.adjoint import adjoint
    from pullback.transform.several import several

    found = several(optimize(adjoint(program, wrt, of)), len(of), len(program.results), copies)
    if found is None:
        raise UnsupportedError(f"several cotangents at once of {program.name}")
    return optimize(found)


def _halved(program: Program, wrt: Sequence[int], of: Sequence[int]) -> tuple[Program, Program]:
    from pullback.optimize.dce import remove_dead
    from pullback.optimize.pipeline import optimize
    from pullback.transform.adjoint import adjoint
    from pullback.transform.halves import halves, without_results

    derived, count = adjoint(program, wrt, of, steep=of), len(program.params)
    bars = remove_dead(without_results(derived, len(program.results)))
    made = halves(derived, bars, count)
    if made is not None:
        ahead = optimize(remove_dead(made.ahead))
        seeds = {param.name for param in ahead.params[count:]}
        if not reads_any(ahead.body, seeds):
            return replace(ahead, params=ahead.params[:count]), optimize(made.back)
    # The value is computed for itself, and again on the way to the cotangents as far as they need it.
    return program, optimize(bars)


def _finished(program: Program) -> Program:
    from pullback.optimize.pipeline import finish

    return finish(program)


def interface_of(program: Program) -> Interface:
    """What a caller has to know of `program`."""
    from pullback.transform.purify import written

    return Interface(
        program.name,
        program.params,
        tuple(operand_type(result) for result in program.results),
        tuple(isinstance(result, Var) for result in program.results),
        written(program),
    )


# -- what names a program ------------------------------------------------------------------------------------

_KNOWN = frozenset({"", "scipy", "pullback", "math", "cmath", "operator", "_operator"})
"""Modules whose functions are what their names say, in every process; "" for what emitted source imports."""


class _ForeignError(Exception):
    """Something that no text stands for: a function that is not `_KNOWN`, or has a rule of the user's."""


def _key_of(program: Program) -> str | None:
    parts: list[str] = [_passes()]
    try:
        _write(program, parts.append)
    except _ForeignError:
        return None
    return cache.key("\0".join(parts))


def _write(part: Any, put: Callable[[str], None]) -> None:
    """Put text that stands for `part` of a program, and for nothing else."""
    kind = type(part)
    if kind is tuple:
        put(f"({len(part)}")
        for entry in part:
            _write(entry, put)
    elif is_dataclass(kind):
        put(kind.__name__)
        for name in _fields(kind):
            _write(getattr(part, name), put)
    elif kind in _LITERALS or isinstance(part, np.generic):
        put(f"{kind.__name__} {part!r}")
    elif kind is np.ndarray:
        put(f"{part.dtype.str} {part.shape} {part.tobytes().hex()}")
    elif kind is frozenset:
        _write(tuple(sorted(part)), put)
    elif isinstance(part, np.dtype):
        put(part.str)
    elif callable(part) and part not in BY_USERS:
        put(_named(part))
    else:
        raise _ForeignError


_LITERALS = frozenset([str, int, float, complex, bool, type(None), bytes, type(...)])


@functools.cache
def _fields(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@functools.cache
def _named(function: Callable[..., Any]) -> str:
    """What emitted source calls a function."""
    try:
        name, module = spelled(function)
    except (UnsupportedError, AttributeError):
        raise _ForeignError from None
    if module.partition(".")[0] not in _KNOWN or "<" in name or name.startswith("."):
        raise _ForeignError
    return name


@functools.cache
def _passes() -> str:
    """The version of everything that makes programs of programs: this package, NumPy and SciPy."""
    scipy = find_spec("scipy")
    stamps = (
        [] if scipy is None or scipy.origin is None else [("scipy", os.stat(scipy.origin).st_mtime_ns, 0)]
    )
    for folder, _, names in sorted(os.walk(Path(__file__).parents[1])):
        for name in sorted(names):
            if name.endswith(".py"):
                status = os.stat(os.path.join(folder, name))
                stamps.append((name, status.st_mtime_ns, status.st_size))
    return repr((np.__version__, stamps))
