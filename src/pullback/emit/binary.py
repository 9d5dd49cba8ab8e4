"""Compiled code on disk: what is kept of a compilation, and how a later process gets to call it.

Numba keeps LLVM's bitcode beside the machine code, so that other functions can be linked with it, and reads
that for a third of the time that loading takes. Nothing is linked with these functions. The counting of
references stands in their code, so that Numba's runtime, which is compiled anew in every process, is not
needed for them either, but for what it has in C.
"""

from __future__ import annotations

import importlib
import pickle
from typing import Any

import llvmlite.binding as llvm
from numba.core import types
from numba.core.compiler import CompileResult, compile_result
from numba.core.compiler_lock import global_compiler_lock
from numba.core.runtime.nrt import rtsys
from numba.core.typing.templates import signature

from pullback.emit.shared import add, needed

_CONFIG: Any = importlib.import_module("numba.core.config")
_RUNTIME: Any = importlib.import_module("numba.core.runtime._nrt_python")


def packed(result: CompileResult) -> bytes:
    """What has to be kept of a compilation."""
    library, description = result.library, result.fndesc
    # They may not be fit for pickle.
    description.typemap = description.calltypes = None
    environments = result._find_referenced_environments()
    codes = library._get_compiled_object(), needed(library._final_module)
    parts = (library.name, *codes, description, result.environment, environments)
    return pickle.dumps(parts, protocol=pickle.HIGHEST_PROTOCOL)


def unpacked(content: bytes, params: tuple[types.Type, ...], target: Any) -> CompileResult:
    """The compilation that `content` was made of, as far as callers need it.

    Its module has to be in `sys.modules`, where the functions are found that run in Python.
    """
    _with_runtime(target)
    name, machine_code, functions, description, environment, others = pickle.loads(content)
    add(functions)
    codegen = target.codegen()
    with global_compiler_lock:
        library = codegen.create_library(name)
        library.enable_object_caching()
        library._set_compiled_object(machine_code)
        library._finalize_final_module()
        codegen._engine._defined_symbols.add(description.llvm_cpython_wrapper_name)
        entry = target.get_executable(library, description, environment)
        for each in others:
            codegen.set_env(each.env_name, each)
    return compile_result(
        target_context=target,
        entry_point=entry,
        signature=signature(types.none, *params),
        library=library,
        fndesc=description,
        environment=environment,
        objectmode=False,
        lifted=(),
        referenced_envs=others,
    )


def _with_runtime(target: Any) -> None:
    """Let LLVM find Numba's runtime where the code calls it."""
    if _CONFIG.NRT_STATS:
        rtsys.initialize(target)
        return
    for name, address in _RUNTIME.c_helpers.items():
        llvm.add_symbol(name if name.startswith("_") else f"NRT_{name}", address)
