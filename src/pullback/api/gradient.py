"""`grad`, `value_and_grad` and `elementwise_grad`: reverse mode for functions of one output."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.api.again import begin, compared, moved, repeated, settles
from pullback.api.automatic import automatic
from pullback.api.compile import Engine, check_arguments, is_compiled, on_engine
from pullback.api.follow import Followed, function_name, outcome, plain_aux
from pullback.api.products import Convention, check_convention, conjugated, refuse_integers, vjp, with_aux
from pullback.api.sharing import sharing
from pullback.base.argnums import Argnums, Chosen, choose
from pullback.base.errors import ConventionError, ShapeError, UnsupportedError
from pullback.base.numbers import REALS
from pullback.base.pytrees import flatten
from pullback.base.spec import dtype_of
from pullback.base.tracked import bare
from pullback.rules.spectra.inquiry import NOTED, UndeterminedError
from pullback.tape.backward import finished, one
from pullback.tape.sweep import sweep_from


def value_and_grad(
    function: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    convention: Convention = "pullback",
    engine: Engine | None = None,
) -> Callable[..., Any]:
    """A function that returns the value of `function` and its gradient (see `grad`).

    Returns:
        A function of the same arguments that returns ``(value, gradient)``, or ``((value, aux), gradient)``.

    Example:
        >>> import numpy as np, pullback as pb
        >>> pb.value_and_grad(lambda x: x**2)(3.0)
        (9.0, 6.0)
    """
    check_convention(convention)
    options = {"argnums": argnums, "has_aux": has_aux, "holomorphic": holomorphic, "convention": convention}
    function = on_engine(function, engine)
    if engine == "dual":
        return _forward(function, argnums, has_aux, holomorphic)
    by_itself = automatic(function) if engine is None else None
    answers: list[Any] = []
    if is_compiled(function) and not holomorphic and convention == "pullback":
        from pullback.api.native import asked_for

        answers = function.quick.setdefault(asked_for(argnums, has_aux), answers)  # type: ignore[attr-defined]

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            for answer in answers:
                known = answer(args)
                if known is not None:
                    return known
        followed = function if by_itself is None else by_itself.choose(args, kwargs)
        if is_compiled(followed) and not holomorphic:
            try:
                found = _compiled(followed, argnums, has_aux, args, kwargs)
            except UnsupportedError:
                if by_itself is None:
                    raise
                found, followed = None, by_itself.leave(args, kwargs)
            if found is not None:
                return found[0], conjugated(found[1], convention)
        chosen = choose(function, argnums, args, kwargs)
        check_arguments(followed, args, kwargs)
        value, aux, gradient = evaluated(followed, chosen, has_aux, holomorphic, convention)
        return ((value, aux), gradient) if has_aux else (value, gradient)

    wrapped.__transform__ = (value_and_grad, function, options)  # type: ignore[attr-defined]
    return wrapped


def _forward(
    function: Callable[..., Any], argnums: Argnums, has_aux: bool, holomorphic: bool
) -> Callable[..., Any]:
    """Value and gradient by forward mode, a sweep for every few inputs."""
    from pullback.api.jacobian import jacobian

    @functools.wraps(function)
    def twice(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        output = function(*args, **kwargs)
        return (output[0] if has_aux else output), output

    columns = jacobian(twice, argnums, mode="forward", has_aux=True, holomorphic=holomorphic)

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        gradient, value = columns(*args, **kwargs)
        if np.shape(value[0] if has_aux else value) != ():
            raise ShapeError(f"grad needs a scalar output of {function_name(function)}")
        return value, gradient

    return wrapped


@settles
def _compiled(
    function: Any, argnums: Argnums, has_aux: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, Any] | None:
    """Value and gradient by the compiled adjoint; None to leave it to the tape."""
    from pullback.api.native import value_and_gradient

    def run() -> Any:
        return value_and_gradient(function, argnums, has_aux, args, kwargs)

    def told(found: Any) -> Any:
        return (found[0][0] if has_aux else found[0]), found[1]

    def near(side: int) -> None:
        chosen = choose(function, argnums, args, kwargs)
        there = chosen.elsewhere(moved(chosen.values(), side))
        value_and_gradient(function, argnums, has_aux, there.args, there.kwargs)

    since = begin() if NOTED else 0
    try:
        found = run()
    except UndeterminedError as error:
        return repeated(run, told, error, near)
    return found if found is None or not NOTED else compared(run, told, found, near, since)


@settles
def evaluated(
    function: Callable[..., Any], chosen: Chosen, has_aux: bool, holomorphic: bool, convention: str
) -> tuple[Any, Any, Any]:
    """The value, auxiliary output and gradient of one call."""
    since = begin() if NOTED else 0
    try:
        found = _evaluated(function, chosen, has_aux, holomorphic, convention)
        if not NOTED:
            return found
    except UndeterminedError as error:
        found = error

    def run() -> tuple[Any, Any, Any]:
        return _evaluated(function, chosen, has_aux, holomorphic, convention)

    def near(side: int) -> None:
        _evaluated(function, chosen.elsewhere(moved(chosen.values(), side)), has_aux, holomorphic, convention)

    told = operator.itemgetter(0, 2)
    if isinstance(found, UndeterminedError):
        return repeated(run, told, found, near)
    return compared(run, told, found, near, since)


def _evaluated(
    function: Callable[..., Any], chosen: Chosen, has_aux: bool, holomorphic: bool, convention: str
) -> tuple[Any, Any, Any]:
    followed = Followed("pb.grad", function, chosen.keys, chosen.values())
    new_args, new_kwargs = chosen.replaced(followed.arguments)
    shared = sharing(chosen.args, chosen.kwargs)
    output, aux = with_aux(outcome(function, new_args, new_kwargs, shared), has_aux, "grad")
    own = followed.own(output)
    if own is not None and type(own._value) in REALS and not holomorphic:
        value = own._value
    else:
        check_scalar(output, followed, holomorphic)
        value = followed.value_of(output)
    if has_aux:
        aux = plain_aux(aux, followed)
    nodes = followed.tape.nodes
    followed.tape.finish()
    bars: dict[Any, Any] = {}
    if own is not None:
        node: Any = own._node
        del own, output
        seed = 1.0 if type(value) is np.float64 else one(dtype_of(bare(value)))
        bars = sweep_from(node, seed, False, nodes)
    gradients = followed.gathered(bars, finished)
    if holomorphic or convention == "jax":
        gradients = conjugated(gradients, "jax")
    return value, aux, gradients[0] if chosen.single else tuple(gradients)


def check_scalar(output: Any, followed: Followed, holomorphic: bool) -> None:
    """Raise unless `output` is one number of a kind that has a gradient."""
    name = followed.name
    if len(flatten(output)[0]) != 1 or flatten(output)[1] is not None:
        raise ShapeError(
            f"grad needs a scalar output, and {name} returns {type(output).__name__}",
            remedy="return one number, use has_aux=True for (loss, aux), or pb.vjp and pb.jacobian for more.",
        )
    refuse_integers(output, f"the output of {name}")
    if np.shape(bare(output)) != ():
        raise ShapeError(
            f"grad needs a scalar output, and {name} returns an array of shape {np.shape(bare(output))}",
            remedy="reduce it with np.sum or np.mean, or use pb.jacobian, pb.vjp or pb.elementwise_grad.",
        )
    is_complex = dtype_of(bare(output)).kind == "c"
    if is_complex and not holomorphic:
        raise ConventionError(
            f"the output of {name} is complex",
            why="a complex number has no steepest ascent",
            remedy="return np.real(y), np.abs(y)**2 or the like; or holomorphic=True for the complex "
            "derivative f'(z).",
        )
    if holomorphic:
        inputs = [node.spec.dtype.kind for nodes in followed.leaves for node in nodes]
        if not is_complex or any(kind != "c" for kind in inputs):
            raise ConventionError(
                f"holomorphic=True needs complex inputs and a complex output of {name}",
                remedy="leave holomorphic away for real functions, or convert the input to complex.",
            )


def grad(
    function: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    convention: Convention = "pullback",
    engine: Engine | None = None,
) -> Callable[..., Any]:
    """A function that returns the gradient of a scalar-valued `function`.

    Args:
        function: returns a real scalar (or ``(scalar, aux)``); its arguments may be pytrees.
        argnums: which argument to differentiate: a position, a name, or a tuple of them.
        has_aux: `function` returns ``(scalar, aux)``, and the gradient function ``(gradient, aux)``.
        holomorphic: the function is holomorphic and the derivative f'(z) is wanted; inputs and output are
            complex.
        convention: of a complex gradient: "pullback", ∂L/∂Re z + i ∂L/∂Im z (PyTorch's), or "jax", its
            conjugate.
        engine: "tape" (reverse mode, any Python), "dual" (forward mode, any Python) or "native" (the source,
            compiled; see `compile`). By default a compiled function stays compiled, a function whose source
            stores into arrays (``a[i] = x``) is compiled too where its language allows, any other is taped.

    Returns:
        A function of the same arguments. The gradient has the structure, shapes and dtypes of the chosen
        argument, or is a tuple of such if `argnums` is one. The arguments are never modified.

    Raises:
        ShapeError: if the output is not a scalar.
        NotDifferentiableError: for integer or boolean arguments or output.
        ConventionError: for a complex output without `holomorphic`.

    Warns:
        DependenceWarning: if the output does not depend on the arguments; the gradient is zero.

    Example:
        >>> import numpy as np, pullback as pb
        >>> pb.grad(lambda w, x: np.sum(w * x), argnums=(0, 1))(2.0, 3.0)
        (3.0, 2.0)

    Source: Griewank & Walther, *Evaluating Derivatives*, 2008, §3.2.
    """
    both = value_and_grad(function, argnums, has_aux, holomorphic, convention, engine)
    function = on_engine(function, engine)
    taped = engine != "dual" and not is_compiled(function)
    taped = taped and (engine == "tape" or automatic(function) is None)

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if taped:
            chosen = choose(function, argnums, args, kwargs)
            _, aux, gradient = evaluated(function, chosen, has_aux, holomorphic, convention)
            return (gradient, aux) if has_aux else gradient
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    if engine != "dual":
        wrapped.__transform__ = (grad, *both.__transform__[1:])  # type: ignore[attr-defined]
    return wrapped


def elementwise_grad(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The derivative of an elementwise function, in the shape of the input.

    It is the gradient of the sum of the outputs.

    Args:
        function: an elementwise function of real arrays.
        argnums: which argument to differentiate.

    Returns:
        A function of the same arguments.

    Example:
        >>> import numpy as np, pullback as pb
        >>> pb.elementwise_grad(np.square)(np.array([1.0, 2.0]))
        array([2., 4.])
    """

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        chosen = choose(function, argnums, args, kwargs)
        check_arguments(function, args, kwargs)

        def of_chosen(*values: Any) -> Any:
            new_args, new_kwargs = chosen.replaced(values)
            return outcome(function, new_args, new_kwargs, sharing(args, kwargs))

        of_chosen.__name__ = function_name(function)
        value, pull = vjp(of_chosen, *chosen.values())
        refuse_integers(value, f"the output of {function_name(function)}")
        if dtype_of(bare(value)).kind == "c":
            raise ConventionError(f"elementwise_grad of {function_name(function)}, whose output is complex")
        gradients = pull(np.ones_like(value)[()])
        return gradients[0] if chosen.single else gradients

    return wrapped
