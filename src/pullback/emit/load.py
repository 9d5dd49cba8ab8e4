"""`load`: a program as a callable, from source in a real file, compiled once per machine and kept."""

from __future__ import annotations

import functools
import linecache
import sys
from collections.abc import Callable
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from pullback.base.collector import collector_paused
from pullback.emit import cache
from pullback.emit.located import located
from pullback.emit.ready import Ready, Source
from pullback.ir.build import operand_type
from pullback.ir.nodes import Program
from pullback.ir.types import Scalar

Compiled = Callable[..., tuple[Any, ...]]


def load(program: Program, *, jit: bool = True) -> Compiled:
    """The program as a callable that takes its parameters and returns the tuple of its results.

    Args:
        program: what to run. With `jit`, its parameters' types are the only ones the callable takes:
            writeable arrays of just these dtypes, ranks and layouts (``"A"`` takes any).
        jit: compile with Numba, else run under CPython.

    Raises:
        UnsupportedError: if Numba does not compile it; the message has the place in the user's code.
    """
    if jit:
        return load_ready(ready(program), lambda: program)
    from pullback.emit.source import write

    source = write(program)
    return _quiet(getattr(module_of(source, cache.key(source.text, sys.version)), source.name), source)


def ready(program: Program) -> Ready:
    """The source that is compiled of a program."""
    from pullback.optimize.optimistic import optimistic

    plain = optimistic(program)
    return _ready(program, tells=False) if plain is None else _ready(plain, tells=True)


def _ready(program: Program, *, tells: bool) -> Ready:
    from pullback.emit.source import write

    params = tuple(param.type for param in program.params)
    results = tuple(operand_type(result) for result in program.results)
    return Ready(write(program, checked=True), params, results, tells)


def load_ready(made: Ready, program: Callable[[], Program]) -> Compiled:
    """The callable of what `ready` made of a program, which is asked for where it has to run itself."""
    return _doubted(_compiled(made), program) if made.tells else _compiled(made)


def _compiled(made: Ready) -> Compiled:
    # Numba costs some tenths of a second, and is not needed before.
    from pullback.emit.compile import compiled

    with collector_paused():
        return _typed(compiled(made.source, made.params), made)


def _doubted(plain: Compiled, program: Callable[[], Program]) -> Compiled:
    """`plain`, unless its last result says that the program itself, which is slower, has to run."""
    careful = functools.cache(lambda: _compiled(_ready(program(), tells=False)))

    def call(*arguments: Any) -> tuple[Any, ...]:
        *results, suspect = plain(*arguments)
        return tuple(results) if suspect == 0 else careful()(*arguments)

    call.entry, call.tells, call.located = plain.entry, True, plain.located  # type: ignore[attr-defined]
    return call


def module_of(source: Source, key: str, code: CodeType | None = None) -> ModuleType:
    """The source, run as a module of its own that is named by `key`; `code` is known bytecode of it."""
    stem = f"{source.name[:40]}_{key}"
    known = sys.modules.get(f"pullback_{stem}")
    if known is not None:
        return known
    path = cache.keep_text(f"{stem}.py", source.text)
    file = str(path) if path is not None else f"<pullback {stem}>"
    module = ModuleType(f"pullback_{stem}")
    module.__file__ = file
    # Tracebacks and debuggers find the text even if the file goes away.
    linecache.cache[file] = (len(source.text), None, source.text.splitlines(keepends=True), file)
    if code is None or code.co_filename != file:
        code = compile(source.text, file, "exec")
    module.__dict__["__code__"] = code
    exec(code, module.__dict__)
    # Compiled code that goes back to Python finds its globals by the module's name.
    sys.modules[module.__name__] = module
    return module


def _quiet(function: Compiled, source: Source) -> Compiled:
    """`function` without NumPy's warnings, as compiled code has none, and its errors with the user's line."""

    def call(*arguments: Any) -> tuple[Any, ...]:
        try:
            with np.errstate(all="ignore"):
                return function(*arguments)
        except Exception as error:
            raise located(error, source, function.__code__.co_filename) from None

    return call


def _typed(function: Any, made: Ready) -> Compiled:
    """`function` whose numbers are of the program's types, and its errors have the user's line.

    Compiled code returns Python's numbers.
    """
    kinds = made.results
    strong = [isinstance(kind, Scalar) and not kind.weak for kind in kinds]
    parameters = ", ".join(f"a{i}" for i in range(len(made.params)))
    results = ", ".join(f"t{i}(r[{i}])" if strong[i] else f"r[{i}]" for i in range(len(kinds)))
    namespace: dict[str, Any] = {
        f"t{i}": kind.dtype.type for i, kind in enumerate(kinds) if isinstance(kind, Scalar) and not kind.weak
    }
    namespace["function"] = function
    returned = f"({results},)" if any(strong) else "r"
    file = function.py_func.__code__.co_filename
    namespace["located"] = functools.partial(located, source=made.source, file=file)
    lines = [
        f"def call({parameters}):",
        f"try: r = function({parameters})",
        "except Exception as error: raise located(error) from None",
        f"return {returned}",
    ]
    exec("\n    ".join(lines), namespace)
    call = namespace["call"]
    (overload,) = function.overloads.values()
    call.entry, call.tells, call.located = overload.entry_point, False, namespace["located"]
    return call


def entry_of(function: Compiled) -> tuple[Compiled | None, bool]:
    """The compiled code of a callable that `load` gave, without a look at its arguments; None under CPython.

    Arguments of other types than the program's are undefined behaviour. Numbers come back as Python's.

    Returns:
        with it, whether the code has one more result, which is 0.0 if the others are right (`optimistic`).
    """
    return getattr(function, "entry", None), getattr(function, "tells", False)
