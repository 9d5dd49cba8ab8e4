"""`compile`, `source` and `purify`: the native engine's front door; the engine is imported when used."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pullback.api.schedule import bytes_of
from pullback.base.errors import UnsupportedError

if TYPE_CHECKING:
    from pullback.api.compiled import Compiled

Stage = Literal["captured", "adjoint", "lowered", "final"]
Engine = Literal["tape", "dual", "native"]


def compile(  # noqa: A001
    function: Callable[..., Any] | None = None, *, jit: bool = True, memory: int | str | None = None
) -> Any:
    """Compile a function written in NumPy and plain Python, from its source.

    Args:
        function: a function with loops, branches, stores into arrays and calls to other functions; or what a
            transform made of one, such as ``pb.grad(f)``.
        jit: False runs the generated source under CPython, to step through it with a debugger.
        memory: what a derivative by reverse mode may allocate at a time, in bytes or as "200MB". Long loops
            then run again from states that are kept by a binomial schedule.

    Returns:
        A function of the same arguments. It is compiled for each combination of dtypes, ranks and axes of
        length 1 when first called with it (and a second time for other lengths than the first where an axis
        of up to 4 entries follows a longer one), and kept on disk. `grad`, `vjp`, `jvp`, `jacobian`,
        `hessian` and `hvp` of it are compiled too.

    Raises:
        UnsupportedError: at the first call, for what is not in the language, with file, line and column; and
            when a derivative does not fit into `memory`, with the size that would do.

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
        return functools.partial(compile, jit=jit, memory=memory)
    again = made_by(function)
    if again is not None:
        transform, inner, options = again
        return transform(compile(inner, jit=jit, memory=memory), **options)
    from pullback.api.compiled import Compiled

    bound = None if memory is None else bytes_of(memory)
    if not isinstance(function, Compiled):
        return Compiled(function, jit=jit, memory=bound)
    if bound is None or bound == function.memory:
        return function
    return Compiled(function.function, jit=jit, effects=function.effects, memory=bound)


def made_by(function: Any) -> tuple[Callable[..., Any], Callable[..., Any], dict[str, Any]] | None:
    """The transform that made `function`, what of, and the options; None for what only wraps such a function.

    `functools.wraps` hands ``__transform__`` on to a wrapper, which does something else.
    """
    again = getattr(function, "__transform__", None)
    return again if again is not None and function.__wrapped__ is again[1] else None


def is_compiled(function: Any) -> bool:
    """Whether `pb.compile` made this function."""
    return getattr(function, "is_native", False)


def check_arguments(function: Callable[..., Any], args: Any, kwargs: dict[str, Any] | None = None) -> None:
    """Raise if a compiled function, or a transform of one, writes into an argument that others share.

    A transform gives the function copies, in which that would not show.

    Raises:
        MutationError: that names both.
    """
    of: Any = function
    while (made := made_by(of)) is not None:
        of = made[1]
    if is_compiled(of):
        of.check(args, kwargs or {})


def on_engine(function: Callable[..., Any], engine: Engine | None) -> Callable[..., Any]:
    """The function as `engine` takes it: compiled, plain, or (None) as it is."""
    if engine not in (None, "tape", "dual", "native"):
        raise UnsupportedError(f"engine={engine!r} is none", remedy="'tape', 'dual' or 'native'.")
    if engine == "native":
        return compile(function)
    if engine is not None and is_compiled(function):
        return function.function  # type: ignore[attr-defined]
    return function


def source(function: Callable[..., Any], *args: Any, stage: Stage = "final", **kwargs: Any) -> str:
    """The Python that pullback makes of a function for these arguments, as text.

    Args:
        function: a plain or compiled function, or ``pb.grad`` or ``pb.value_and_grad`` of one.
        args, kwargs: arguments as in a call; only their types matter.
        stage: "captured" (the program as it was read), "adjoint" (its derivative on whole arrays, for
            reading), "lowered" (the program as loops) or "final" (what is compiled).

    Returns:
        A module with one function on the flat arguments, which returns a tuple. It runs under CPython as it
        stands.

    Example:
        >>> import numpy as np, pullback as pb
        >>> def square(x):
        ...     return x * x
        >>> print(pb.source(square, 3.0, stage="captured"))  # doctest: +ELLIPSIS
        import numpy as np
        ...
            return (...,)
        <BLANKLINE>
    """
    from pullback.api.show import text_of

    return text_of(function, args, kwargs, stage)


def purify(function: Callable[..., Any], outputs: int | tuple[int, ...] = 0) -> Compiled:
    """A function that returns what `function` writes into its arguments, and leaves them alone.

    Args:
        function: writes into some of its arguments; what it returns is dropped.
        outputs: the positions of the arguments it writes into.

    Returns:
        A compiled function of the same positional arguments. It returns the contents of the argument
        `outputs`, or a tuple of them if `outputs` is one.

    Example:
        >>> import numpy as np, pullback as pb
        >>> def double(z, y):
        ...     z[:] = 2 * y
        >>> pb.purify(double, outputs=0)(np.empty(2), np.ones(2))
        array([2., 2.])
    """
    if isinstance(outputs, int):

        def purified(*args: Any) -> Any:
            new = (*args[:outputs], np.copy(args[outputs]), *args[outputs + 1 :])
            function(*new)
            return new[outputs]

    else:

        def purified(*args: Any) -> Any:
            new = tuple([np.copy(args[k]) if k in outputs else args[k] for k in range(len(args))])
            function(*new)
            return tuple([new[k] for k in outputs])

    from pullback.api.compiled import Compiled

    purified.__name__ = getattr(function, "__name__", "purified")
    return Compiled(purified, effects=False)
