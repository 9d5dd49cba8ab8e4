"""A compilation: the direct way first, Numba's own front end for what that refuses."""

import ast
import linecache
from typing import Any

from numba.core import funcdesc
from numba.core.bytecode import FunctionIdentity
from numba.core.compiler import compile_result
from numba.core.compiler_lock import global_compiler_lock
from numba.core.targetconfig import ConfigStack
from numba.core.typing.templates import signature

from pullback.emit import frontend
from pullback.emit.direct.code import Code, Outline
from pullback.emit.direct.infer import Types
from pullback.emit.direct.library import Library
from pullback.emit.direct.syntax import RefusedError


class Compiler(frontend.Frontend):
    """What a dispatcher asks to compile its function."""

    def compile_extra(self, func):
        """The compile result of a function of emitted source."""
        self.state.func_id = FunctionIdentity.from_function(func)
        try:
            with global_compiler_lock, ConfigStack().enter(self.state.flags.copy()):
                return directly(self.state)
        except RefusedError:
            self.state.library = None
            return super().compile_extra(func)


def directly(state):
    """What Numba's passes do, from the text to machine code.

    Raises:
        RefusedError: for what is not in the small language.
    """
    function, flags, target = state.func_id.func, state.flags, state.targetctx
    tree = tree_of(function)
    found = Types(state.typingctx, function, tree, state.args)
    library = Library(target.codegen(), state.func_id.func_qualname)
    library.enable_object_caching()
    outline = Outline(state.func_id)
    description = funcdesc.PythonFunctionDescriptor.from_specialized_function(
        outline,
        {f"arg.{name}": kind for name, kind in zip(outline.arg_names, state.args, strict=True)},
        found.result,
        {},
        mangler=target.mangler,
        inline=flags.forceinline,
        noalias=flags.noalias,
        abi_tags=[flags.get_mangle_string()],
    )
    with target.push_code_library(library):
        code = Code(target, library, description, outline, tree, found)
        code.lower()
        code.create_cpython_wrapper(flags.release_gil)
    entry = target.get_executable(library, description, code.env)
    target.insert_user_function(entry, description, [library])
    result = compile_result(
        typing_context=state.typingctx,
        target_context=target,
        entry_point=entry,
        typing_error=None,
        type_annotation="",
        library=library,
        call_helper=code.call_helper,
        signature=signature(found.result, *state.args),
        objectmode=False,
        lifted=(),
        fndesc=description,
        environment=code.env,
        metadata=state.metadata,
        reload_init=[],
    )
    # Functions that were compiled into this one call Python with environments of their own.
    codegen: Any = library.codegen
    for environment in result._find_referenced_environments():
        codegen.set_env(environment.env_name, environment)
    return result


def tree_of(function):
    """The syntax tree of a function of emitted source."""
    text = "".join(linecache.getlines(function.__code__.co_filename))
    return next(
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and node.name == function.__name__
    )
