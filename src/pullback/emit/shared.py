"""Functions that compiled code has in common: their machine code is made once, and kept on disk.

What allocates, counts references and multiplies matrices is the same in every program, and would take a fifth
of LLVM's time in each. What is kept of a program has the functions with it, too, so that it needs no others.
"""

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.core.runtime.nrt import rtsys

from pullback.emit import cache

_machine_code: dict[str, bytes] = {}
"""An object file for each function that is there to be called, by its name."""


def shared(module, name, kind, write, attributes=()):
    """A function of this name and LLVM type, as `module` calls it.

    Args:
        module: the module that is being written.
        write: writes its instructions, given a builder and the arguments; what it writes follows from `name`.
        attributes: of the function.
    """
    known = module.globals.get(name)
    if known is None:
        if name not in _machine_code:
            add({name: _machine_code_of(name, kind, write, attributes)})
        known = ir.Function(module, kind, name)
    return known


def needed(module) -> dict[str, bytes]:
    """The machine code of those that a module, optimized, calls."""
    return {name: code for name, code in _machine_code.items() if _calls(module, name)}


def add(machine_code: dict[str, bytes]) -> None:
    """Let code call the functions that `needed` gave, here or in another process."""
    with global_compiler_lock:
        engine = _codegen()._engine._ee
        for name, code in machine_code.items():
            if name not in _machine_code:
                engine.add_object_file(llvm.ObjectFileRef.from_data(code))
                engine.finalize_object()
                llvm.add_symbol(name, engine.get_function_address(name))
                _machine_code[name] = code


def _codegen() -> Any:
    target: Any = cpu_target.target_context
    return target.codegen()


def _calls(module, name):
    try:
        return module.get_function(name).is_declaration
    except NameError:
        return False


def _machine_code_of(name, kind, write, attributes) -> bytes:
    from pullback.emit.compile import surroundings

    file = f"{name}_{cache.key(name, surroundings())}.bin"
    code = cache.kept(file)
    if code is None:
        code = _made(name, kind, write, attributes)
        cache.keep(file, code)
    return code


def _made(name, kind, write, attributes) -> bytes:
    codegen = _codegen()
    source = ir.Module(name)
    source.triple, source.data_layout = codegen._tm.triple, codegen._data_layout
    function = ir.Function(source, kind, name)
    for attribute in attributes:
        function.attributes.add(attribute)
    write(ir.IRBuilder(function.append_basic_block("entry")), *function.args)
    module = llvm.parse_assembly(str(source))
    module.verify()
    module.link_in(rtsys.library._get_module_for_linking(), preserve=True)
    passes = llvm.create_pass_builder(codegen._tm, llvm.create_pipeline_tuning_options(speed_level=1))
    passes.getModulePassManager().run(module, passes)
    return codegen._tm.emit_object(module)
