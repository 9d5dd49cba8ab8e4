"""Numba's part: signatures from a program's types, eager compilation, compiled code kept on disk.

Numba has a cache of its own, which trusts what it finds. This one stores the same payload (what Numba
pickles of a compile result) under a name that says all it depends on, with a checksum, and compiles anew
when anything is odd.
"""

from __future__ import annotations

import functools
import marshal
import pickle
import platform
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core import types
from numba.core.compiler import CompileResult
from numba.core.errors import NumbaWarning
from numba.core.registry import cpu_target

from pullback.base.errors import UnsupportedError
from pullback.base.location import Location
from pullback.emit import (
    allocation,
    arithmetic,
    binary,
    cache,
    callback,
    determinants,
    exponential,
    frontend,
    inner_loops,
    lapack,
    matmul,
    native,
    overloads,
    rows,
    shared,
    sizes,
    systems,
    triangles,
    vector_math,
)
from pullback.emit.callback import call_from_compiled
from pullback.emit.direct import pipeline
from pullback.emit.load import module_of
from pullback.emit.ready import Source
from pullback.ir.types import Array, Scalar, Type

# NaN and infinity keep their meaning; sums may be reassociated, which is worth a factor of ten on long ones.
OPTIONS: dict[str, Any] = {
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "nsz"},
    "boundscheck": False,
    "no_cfunc_wrapper": True,
    "pipeline_class": pipeline.Compiler,
}


def compiled(source: Source, params: tuple[Type, ...]) -> Callable[..., Any]:
    """The function of `source`, compiled for the types of its parameters."""
    signature = tuple(numba_type(param) for param in params)
    key = cache.key(source.text, repr(signature), surroundings())
    name = f"{source.name[:40]}_{key}.bin"
    code, machine_code = _kept(name)
    module = module_of(source, key, code)
    known = module.__dict__.get("compiled")
    if known is not None:
        return known
    dispatcher: Any = numba.njit(**OPTIONS)(getattr(module, source.name))
    result = None if machine_code is None else _loaded(machine_code, name, signature)
    if result is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NumbaWarning)
            _compile(dispatcher, source, module, signature)
        _keep(name, dispatcher.overloads[signature], module)
    else:
        dispatcher.add_overload(result)
    dispatcher.disable_compile()
    module.__dict__["compiled"] = dispatcher
    return dispatcher


def numba_type(kind: Type) -> types.Type:
    """Numba's type of a variable; Python's numbers are 64-bit ones."""
    if isinstance(kind, Scalar):
        return numba.from_dtype(kind.dtype)
    assert isinstance(kind, Array)
    return types.Array(numba.from_dtype(kind.dtype), kind.ndim, kind.layout)


def _compile(dispatcher: Any, source: Source, module: ModuleType, signature: tuple[types.Type, ...]) -> None:
    frontend.import_array_functions()
    for name in source.outlined:
        call_from_compiled(module.__name__, name, module.__dict__[name])
    try:
        dispatcher.compile(signature)
    except Exception as error:
        # Not all that Numba raises is a NumbaError.
        raise _unsupported(error, source, module) from None


def _kept(name: str) -> tuple[CodeType | None, bytes | None]:
    """Bytecode of a module and machine code of its function, if an earlier process has left them."""
    content = cache.kept(name)
    if content is None:
        return None, None
    code, machine_code = pickle.loads(content)
    return marshal.loads(code), machine_code


def _keep(name: str, result: CompileResult, module: ModuleType) -> None:
    if result.library.has_dynamic_globals or any(not lifted.can_cache for lifted in result.lifted):
        return
    cache.keep(name, pickle.dumps((marshal.dumps(module.__dict__["__code__"]), binary.packed(result))))


def _loaded(machine_code: bytes, name: str, signature: tuple[types.Type, ...]) -> CompileResult | None:
    try:
        return binary.unpacked(machine_code, signature, _target_context())
    except Exception:
        # Whatever is wrong with it, compiling anew is right.
        cache.discard(name)
        return None


@functools.cache
def surroundings() -> str:
    """What compiled code depends on beside its source: versions, options, the processor, our overloads."""
    modules = (
        native, overloads, allocation, arithmetic, binary, callback, determinants, exponential, frontend,
        inner_loops, lapack, matmul, rows, shared, sizes, systems, triangles, vector_math,
    )  # fmt: skip
    direct = sorted(Path(str(pipeline.__file__)).parent.glob("*.py"))
    own = [path.read_text() for path in (*(Path(str(module.__file__)) for module in modules), *direct)]
    machine = _target_context().codegen().magic_tuple()
    options = sorted((name, sorted(v) if isinstance(v, set) else v) for name, v in OPTIONS.items())
    parts = (numba.__version__, llvmlite.__version__, np.__version__, sys.version, platform.machine())
    return repr((parts, machine, options, own))


def _target_context() -> Any:
    return cpu_target.target_context


_FRAMES = ("Failed in", "- Resolution failure")
"""How lines of Numba's complaint begin that say where it was found, and not what."""


def _unsupported(error: Exception, source: Source, module: ModuleType) -> UnsupportedError:
    """Numba's complaint as an error about the user's code."""
    where = _place(error, source, module)
    reason = re.sub(r"\x1b\[\d+m", "", str(error)).strip().splitlines()
    said = (line.strip() for line in reason)
    why = next((line for line in said if line and not line.startswith(_FRAMES)), "")
    return UnsupportedError(
        f"the compiler does not take {source.name}",
        why=why,
        remedy="engine='tape' or 'dual', which run the function as it is",
        where=where,
    )


def _place(error: Exception, source: Source, module: ModuleType) -> Location | None:
    file = re.escape(Path(str(module.__file__)).name)
    lines = [int(found) for found in re.findall(rf"{file}\W+(?:line |\()?(\d+)", str(error))]
    loc = getattr(error, "loc", None)
    if loc is not None and loc.filename == module.__file__:
        lines.append(loc.line)
    given = [source.locations[n - 1] for n in lines if 0 < n <= len(source.locations)]
    places = [place for place in (*reversed(given), *source.locations) if place is not None]
    return places[0] if places else None
