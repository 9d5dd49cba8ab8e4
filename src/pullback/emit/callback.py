"""Calls of Python functions from compiled code, with the types of the results declared.

Numba's ``objmode`` does this by compiling two more functions, which takes seconds. Here the caller itself
boxes the arguments, calls, and unboxes the results: instructions of the C API, as in Numba's own wrappers.
The function is found by its module's name and its own, so the code can be cached. The caller holds the GIL,
as it never lets go of it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from numba.core import cgutils, sigutils, types
from numba.extending import lower_builtin, type_callable


def call_from_compiled(module: str, name: str, function: Callable[..., Any]) -> None:
    """Make compiled code call `function`, which is found as `name` in `module` and has ``results``."""
    kinds: list[Any] = [sigutils.normalize_signature(f"{kind}()")[1] for kind in function.__dict__["results"]]
    result: Any = types.none if not kinds else kinds[0] if len(kinds) == 1 else types.Tuple(kinds)

    @type_callable(function)
    def _type(context: Any) -> Callable[..., types.Type]:
        def typer(*arguments: types.Type) -> types.Type:
            return result

        typer.__dict__["__signature__"] = inspect.signature(function)
        return typer

    @lower_builtin(function, types.VarArg(types.Any))
    def _call(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        caller = _Caller(context, builder)
        values = caller.call(module, name, list(zip(arguments, signature.args, strict=True)), kinds)
        if not kinds:
            return context.get_dummy_value()
        return values[0] if len(kinds) == 1 else context.make_tuple(builder, result, values)


class _Caller:
    def __init__(self, context: Any, builder: Any) -> None:
        self.context, self.builder = context, builder
        self.python = context.get_python_api(builder)

    def call(
        self, module: str, name: str, arguments: list[tuple[Any, types.Type]], kinds: list[types.Type]
    ) -> list[Any]:
        """The native values that the function returns."""
        python, builder = self.python, self.builder
        environment = self.context.get_env_manager(builder)
        text = self.context.insert_const_string(builder.module, module)
        imported = python.import_module(text)
        self._propagate(cgutils.is_null(builder, imported))
        function = python.object_getattr_string(imported, name)
        python.decref(imported)
        self._propagate(cgutils.is_null(builder, function))
        boxed = []
        for value, kind in arguments:
            self.context.nrt.incref(builder, kind, value)
            boxed.append(python.from_native_value(kind, value, environment))
        returned = python.call_function_objargs(function, boxed)
        python.decref(function)
        for value in boxed:
            python.decref(value)
        self._propagate(cgutils.is_null(builder, returned))
        values = []
        for position, kind in enumerate(kinds):
            part = returned if len(kinds) == 1 else python.tuple_getitem(returned, position)
            native = python.to_native_value(kind, part)
            if native.is_error is not None:
                self._propagate(native.is_error)
            values.append(native.value)
        python.decref(returned)
        return values

    def _propagate(self, failed: Any) -> None:
        """Leave the compiled function with the exception that Python has set."""
        with cgutils.if_unlikely(self.builder, failed):
            self.context.call_conv.return_exc(self.builder)
