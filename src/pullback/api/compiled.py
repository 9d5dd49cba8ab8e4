"""`pb.compile`: a plain Python function as a native one, specialised to the types it is called with."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from pullback.api.operation import Operation, coerced
from pullback.base.dispatch import tracked_in
from pullback.base.errors import MutationError, UnsupportedError
from pullback.base.mutable import Mutable
from pullback.base.pytrees import flatten, unflatten
from pullback.base.tracked import bare
from pullback.capture import Captured, capture
from pullback.emit import load
from pullback.ir.nodes import Program
from pullback.ir.types import Array, Scalar, type_of
from pullback.optimize import optimized
from pullback.transform.purify import purified, written


@dataclass(frozen=True, slots=True)
class Static:
    """An argument that is no number or array: a part of the specialisation itself."""

    value: Any


Kind = Scalar | Array | Static


class Specialised:
    """A function for one combination of argument types.

    Attributes:
        captured: the program as the source says it, and how to rebuild the result.
        lowered: the program as loops.
        written: positions of the parameters that it writes into.
        operation: it without effects, with the written contents as further results.
    """

    def __init__(self, captured: Captured, jit: bool) -> None:
        self.captured = captured
        self.jit = jit
        self.lowered: Program = optimized(captured.program)
        self.written = written(self.lowered)

    @functools.cached_property
    def run(self) -> Callable[..., tuple[Any, ...]]:
        """The function as it is, effects included."""
        return load(self.lowered, jit=self.jit)

    @functools.cached_property
    def operation(self) -> Operation:
        return Operation(purified(self.lowered, returned=True), jit=self.jit)

    @property
    def params(self) -> tuple[Any, ...]:
        return tuple(param.type for param in self.lowered.params)


class Compiled:
    """A function compiled from its source (see `compile`)."""

    def __init__(self, function: Callable[..., Any], *, jit: bool = True) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.jit = jit
        self._specialised: dict[Any, Specialised] = {}

    def __repr__(self) -> str:
        return f"<compiled {getattr(self.function, '__qualname__', self.function)}>"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leaves, specialised = self.specialise(args, kwargs)
        captured = specialised.captured
        values = [*leaves, *captured.captives]
        if tracked_in(values):
            results = self._follow(specialised, values)
        else:
            check_apart(specialised, values, self.__name__)
            fitted = [coerced(v, kind) for v, kind in zip(values, specialised.params, strict=True)]
            results = specialised.run(*fitted)
            for k in specialised.written:
                if fitted[k] is not values[k]:
                    values[k][...] = fitted[k]
        return captured.rebuild(results)

    def _follow(self, specialised: Specialised, values: list[Any]) -> list[Any]:
        """Run as one operation that an engine records; effects are written back as the engine's writes."""
        plain = [v.frozen() if isinstance(v, Mutable) else v for v in values]
        results = list(specialised.operation(*plain))
        for k in reversed(specialised.written):
            content = results.pop()
            target = values[k]
            if tracked_in((content,)) and not isinstance(target, Mutable):
                raise MutationError(
                    f"{self.__name__} writes a tracked result into a plain array",
                    why="a plain array cannot hold a derivative",
                    remedy="make the array with pb.zeros or pb.empty, or use pb.purify.",
                )
            target[...] = content
        return results

    def specialise(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], Specialised]:
        """The numbers and arrays among the arguments, and the function for their types."""
        leaves, structure = flatten((args, kwargs))
        kinds = tuple(kind_of(leaf) for leaf in leaves)
        key = (structure, kinds)
        specialised = self._specialised.get(key)
        if specialised is None or not specialised.captured.holds():
            trees = [kind.value if isinstance(kind, Static) else kind for kind in kinds]
            new_args, new_kwargs = unflatten(structure, trees)
            specialised = Specialised(capture(self.function, new_args, new_kwargs), self.jit)
            self._specialised[key] = specialised
        dynamic = [leaf for leaf, kind in zip(leaves, kinds, strict=True) if not isinstance(kind, Static)]
        return dynamic, specialised


def kind_of(leaf: Any) -> Kind:
    """The type of an argument; whatever is neither number nor array is static."""
    value = bare(leaf.frozen() if isinstance(leaf, Mutable) else leaf)
    try:
        return type_of(value)
    except TypeError:
        pass
    if isinstance(value, np.ndarray):
        raise UnsupportedError(
            f"an array of dtype {value.dtype} in compiled code",
            remedy="convert it to a numeric dtype.",
        )
    try:
        hash(value)
    except TypeError:
        raise UnsupportedError(
            f"an argument of type {type(value).__name__} in compiled code",
            why="it is neither a number, nor an array, nor a tree of them, nor hashable",
        ) from None
    return Static(value)


def check_apart(specialised: Specialised, values: list[Any], name: str) -> None:
    """Raise if an array that is written into shares memory with another argument."""
    for k in specialised.written:
        for j, other in enumerate(values):
            if j != k and isinstance(other, np.ndarray) and np.may_share_memory(values[k], other):
                first, second = (specialised.lowered.params[i].name for i in (k, j))
                raise MutationError(
                    f"{name} writes into {first!r}, which shares memory with {second!r}",
                    why="compiled code is made for arguments that are apart",
                    remedy="pass a copy of one of them.",
                )


@overload
def compile(function: Callable[..., Any], *, jit: bool = True) -> Compiled: ...
@overload
def compile(function: None = None, *, jit: bool = True) -> Callable[[Callable[..., Any]], Compiled]: ...
def compile(function: Callable[..., Any] | None = None, *, jit: bool = True) -> Any:  # noqa: A001
    """Compile a function written in NumPy and plain Python, from its source.

    Args:
        function: loops, branches, stores into arrays, calls to other functions (see ``docs/native.md``).
        jit: False runs the generated source under CPython, to step through it with a debugger.

    Returns:
        A function of the same arguments. It is compiled for each combination of dtypes, ranks and axes of
        length 1 when first called with it, and kept on disk. `grad`, `vjp`, `jvp`, `jacobian`, `hessian` and
        `hvp` of it are compiled too.

    Raises:
        UnsupportedError: at the first call, for what is not in the language, with file, line and column.

    Example:
        >>> import numpy as np, pullback as pb
        >>> @pb.compile
        ... def triangle(n):
        ...     total = 0
        ...     for i in range(n):
        ...         total += i
        ...     return total
        >>> triangle(5)
        10
    """
    if function is None:
        return functools.partial(compile, jit=jit)
    return Compiled(function, jit=jit)
