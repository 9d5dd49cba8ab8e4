"""Adding an operator: rules by a user, opaque functions, and recomputation (`checkpoint`)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from pullback.api.products import jvp, vjp
from pullback.base.argnums import positional_counts
from pullback.base.dispatch import dispatched, reaches_engines, tracked_in
from pullback.base.errors import MutationError, ShapeError, UnsupportedError
from pullback.base.mutable import Mutable
from pullback.base.pytrees import flatten, unflatten
from pullback.base.tracked import bare
from pullback.rules import table
from pullback.rules.direction import names_loaded
from pullback.rules.lookup import row_of
from pullback.rules.table import ALL, EACH
from pullback.tape import fast, plan, record
from pullback.tape.keep import snapshot
from pullback.tape.node import ROOT
from pullback.tape.variable import Variable, variable

F = TypeVar("F", bound=Callable[..., Any])


def _opened(function: Callable[..., Any], wrong: int | None = None) -> table.Rule:
    """The row that a user may write into: a new one, one that only refused, or the user's own.

    Args:
        wrong: how many derivatives are given, where the function takes another number of arguments.

    Raises:
        UnsupportedError: if no call of `function` reaches the engines, if it has a rule of ours, or if it is
            given the wrong number of derivatives.
    """
    name = table.name_of(function)
    rule = row_of(function)
    if rule is None and not reaches_engines(function):
        raise UnsupportedError(
            f"a rule for {name} would never be used",
            why="a call of it does not reach pullback: it is neither NumPy's nor SciPy's, nor a primitive",
            remedy="decorate it with @pb.primitive, or wrap it in a function that is, and give that a rule.",
        )
    ours = None if function in table.BY_USERS else rule
    if ours and (ours.constant or ours.partials is not None or ours.vjps or ours.jvps or ours.linear):
        raise UnsupportedError(
            f"{name} has a rule already, which cannot be replaced",
            why="the engines rely on it in more places than one",
            remedy="make a function of your own and give it the rule: @pb.primitive over a function that "
            f"calls {name}.",
        )
    if wrong is not None:
        raise UnsupportedError(f"{name} takes a derivative for each of its arguments, and is given {wrong}")
    if ours:
        ours.refusals.clear()
    table.BY_USERS.add(function)
    return table.rule_for(function)


def _forget() -> None:
    """Let the tape look rules up anew."""
    plan.forget()
    fast.forget()
    record.keeps_of.cache_clear()


def partials(
    function: Callable[..., Any], *derivatives: Any, domain: Any = (-1.0, 1.0), complex: bool = True
) -> None:
    """Give the partial derivatives of an elementwise function, one per argument; every engine uses them.

    They take the place of what was given for the function before. A rule of pullback's own stays as it is.

    Args:
        function: a NumPy ufunc, a SciPy ufunc, or a `primitive`.
        derivatives: ``lambda y, *xs`` in NumPy functions, or a number where the derivative is constant.
        domain: the open interval from which tests draw the arguments; one, or one per argument.
        complex: False for a function of real arguments only.

    Raises:
        UnsupportedError: if the function has a rule of pullback's own, its calls do not reach pullback, or it
            takes another number of arguments.

    Example:
        >>> import numpy as np, pullback as pb
        >>> @pb.primitive
        ... def softsign(x):
        ...     return x / (1 + abs(x))
        >>> pb.partials(softsign, lambda y, x: (1 - abs(y)) ** 2, complex=False)
        >>> pb.grad(softsign)(1.0)
        0.25
    """
    if not derivatives or not all(callable(d) or isinstance(d, int | float) for d in derivatives):
        raise UnsupportedError("pb.partials takes a function or a number for each argument")
    count = len(derivatives)
    least, most = positional_counts(function, count)
    rule = _opened(function, None if least <= count <= most else count)
    rule.vjps.clear()
    rule.jvps.clear()
    rest = [table.Refused("pb.partials was given none for it")] * (most - count)
    table.partials(function, *derivatives, *rest, domain=domain, complex=complex)
    rule.intervals = rule.intervals[:count]
    _forget()


def vjp_rule(
    function: Callable[..., Any], argument: int = ALL, *, holomorphic: bool | None = None
) -> Callable[[F], F]:
    """Decorate the reverse rule of a function: ``rule(y_bar, y, *args, **kwargs)``.

    Args:
        function: a NumPy or SciPy function, or a `primitive`.
        argument: the position whose cotangent the rule returns; by default it returns a tuple, one per
            argument.
        holomorphic: False if the rule obeys the complex convention itself; otherwise it multiplies by the
            plain transpose of the Jacobian, as for real numbers, and is conjugated for it.

    Raises:
        UnsupportedError: see `partials`.

    Example:
        >>> import numpy as np, pullback as pb
        >>> @pb.primitive
        ... def total(x):
        ...     return np.sum(x)
        >>> @pb.vjp_rule(total, 0)
        ... def total_vjp(y_bar, y, x):
        ...     return y_bar * np.ones(np.shape(x))
        >>> pb.grad(total)(np.zeros(2))
        array([1., 1.])
    """
    own = _opened(function)

    def add(rule: F) -> F:
        own.partials = None
        table.vjp(function, argument, reads=_reads(rule), holomorphic=holomorphic)(_guarded(rule, function))
        _forget()
        return rule

    return add


def jvp_rule(
    function: Callable[..., Any], argument: int, *, holomorphic: bool | None = None
) -> Callable[[F], F]:
    """Decorate the forward rule of a function: ``rule(x_dot, y, *args, **kwargs)``.

    Args:
        function: a NumPy or SciPy function, or a `primitive`.
        argument: the position whose contribution to the output's tangent the rule returns.
        holomorphic: see `vjp_rule`.

    A rule in one direction serves that mode alone; the other mode then raises an error that says which rule
    is missing.

    Example:
        >>> import numpy as np, pullback as pb
        >>> @pb.primitive
        ... def cube(x):
        ...     return x**3
        >>> @pb.jvp_rule(cube, 0)
        ... def cube_jvp(x_dot, y, x):
        ...     return 3 * x**2 * x_dot
        >>> y, y_dot = pb.jvp(cube, (2.0,), (1.0,))
        >>> print(y, y_dot)
        8.0 12.0
    """
    own = _opened(function)

    def add(rule: F) -> F:
        own.partials = None
        table.jvp(function, argument, reads=_reads(rule), holomorphic=holomorphic)(_guarded(rule, function))
        _forget()
        return rule

    return add


def _reads(rule: Callable[..., Any]) -> str:
    return " ".join(names_loaded(rule))


def _guarded(rule: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """A rule that is kept from changing what it is given, which others read, too."""

    @functools.wraps(rule)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            result = rule(*map(_lent, args), **kwargs)
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            raise MutationError(
                f"a rule of {table.name_of(function)} writes into what it is given",
                why="other rules read the same arrays",
                remedy="compute a new array: y_bar * a for y_bar *= a.",
            ) from error
        if result is None:
            raise ShapeError(
                f"a rule of {table.name_of(function)} returns None", remedy="return what it computes."
            )
        return result

    return guarded


def _lent(value: Any) -> Any:
    """A value that can be written into without changing it, or not at all; in lists, too."""
    if isinstance(value, Mutable):
        value = value.frozen()
    if type(value) is list or type(value) is tuple:
        return type(value)(map(_lent, value))
    return _read_only(value)


def primitive(function: F) -> F:
    """Make a function opaque: it is called with plain arrays, and differentiated by the rules given for it.

    Use it for code pullback cannot see through: compiled extensions, lookups, solvers. Give its derivative
    with `partials`, `vjp_rule` or `jvp_rule`; until then a tracked argument raises an error that says so.

    Raises:
        MutationError: when it is called, if it writes into an argument that is differentiated.

    Example: see `partials` and `vjp_rule`.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        found = tracked_in(args) or tracked_in(kwargs.values())
        if not found:
            return function(*args, **kwargs)
        given = [np.asarray(bare(value)) for value in found]
        before = [array.copy() for array in given]
        owner: Any = max(found, key=lambda tracked: tracked.level)
        result = owner.__array_function__(call, (type(owner),), args, kwargs)
        if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(given, before, strict=True)):
            raise MutationError(
                f"{table.name_of(call)} writes into its argument",
                why="it is opaque, so the derivative by what was there would be wrong",
                remedy="let it copy the argument first: x = x.copy().",
            )
        _link(call, result, args, kwargs)
        return result

    call.__dict__["dispatched"] = call
    return call  # type: ignore[return-value]


def _link(call: Callable[..., Any], result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Have results that are views of an argument be linked to it, for a write into one to reach the other."""
    several = isinstance(result, tuple | list)
    for i, part in enumerate(result if several else (result,)):
        for place, value in enumerate((*args, *kwargs.values())):
            if not (isinstance(part, Mutable) and isinstance(value, Mutable)):
                continue
            if place == 0 and args:
                part.link(value, (call, args[1:], kwargs, i if several else None))
            elif np.may_share_memory(bare(part), bare(value)):
                raise UnsupportedError(
                    f"{table.name_of(call)} returns a view of an argument that is not its first",
                    remedy="let it return a copy.",
                )


def checkpoint(function: F) -> F:
    """Let reverse mode keep only the arguments of `function` and compute the rest again when it needs it.

    Args:
        function: a function of arrays or pytrees; what it closes over must not be tracked, and must stay as
            it is until the derivative is taken, as the function then runs again. It may write into what it
            makes, but not into its arguments. In compiled source it may do both.

    Returns:
        A function with the same values and derivatives, that needs less memory and more time.

    Raises:
        UnsupportedError: if `function` closes over a tracked value, whose derivative would be lost.
        MutationError: if it writes into an argument, which would be another when it is run again.

    Example:
        >>> import numpy as np, pullback as pb
        >>> print(pb.grad(lambda x: np.sum(pb.checkpoint(np.sin)(x)))(0.0))
        1.0

    Source: Griewank & Walther, *Evaluating Derivatives*, 2008, ch. 12; `jax.checkpoint`.
    """

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        leaves, structure = flatten([args, kwargs])
        moving = [i for i, leaf in enumerate(leaves) if tracked_in((leaf,))]
        leaves = [_read_only(snapshot(leaf) if moving else leaf) for leaf in leaves]
        structures: list[Any] = []

        def flat(*values: Any) -> Any:
            full = list(leaves)
            for i, value in zip(moving, values, strict=True):
                full[i] = value
            inner_args, inner_kwargs = unflatten(structure, full)
            try:
                outputs, output_structure = flatten(function(*inner_args, **inner_kwargs))
            except ValueError as error:
                if "read-only" not in str(error):
                    raise
                raise _written() from error
            structures[:] = [output_structure]
            return tuple(outputs)

        if not moving:
            return function(*args, **kwargs)
        values = [leaves[i] for i in moving]
        outputs = _recomputed(flat, *values)
        for i, output in enumerate(outputs):
            for place, value in enumerate(values):
                if isinstance(output, Mutable) and isinstance(value, Mutable):
                    output.link(value, (functools.partial(_part, flat, values, place, i), (), {}, None))
        return unflatten(structures[0], list(outputs))

    # How the native engine, which reads the source, knows it.
    wrapped.__dict__["__checkpoint__"] = function
    return wrapped  # type: ignore[return-value]


checkpoint.__dict__["__checkpoint__"] = checkpoint


def _part(flat: Callable[..., tuple[Any, ...]], values: list[Any], place: int, output: int, own: Any) -> Any:
    """An output that is a view of the value at `place`, derived anew where that is `own`."""
    return flat(*(own if k == place else value for k, value in enumerate(values)))[output]


def _read_only(value: Any) -> Any:
    """A view of a plain array that cannot be written through; all else as it is."""
    if not isinstance(value, np.ndarray):
        return value
    view = value.view()
    view.flags.writeable = False
    return view


def _written() -> MutationError:
    return MutationError(
        "a function under pb.checkpoint writes into one of its arguments",
        why="it would find another argument when it is run again",
        remedy="copy the argument first: x = x.copy().",
    )


def _settled(output: Any) -> Any:
    """`output`, bare where it only grew in an array made with `pb.zeros` and nothing follows it."""
    return output.peel() if isinstance(output, Variable) and output.constant else output


@dispatched
def _recomputed(flat: Callable[..., tuple[Any, ...]], *values: Any) -> tuple[Any, ...]:
    """``flat(*values)`` as an operation whose rules run `flat` again.

    `flat` is an argument, so that nothing refers to it, and to what it closes over, once the tape is gone.
    """
    constants = [variable(value, None, ROOT) for value in values]
    outputs = tuple(_settled(output) for output in flat(*constants))
    if any(constant._cell is not None and constant._cell.version for constant in constants):
        raise _written()
    if tracked_in(outputs):
        raise UnsupportedError(
            "a function under pb.checkpoint closes over a tracked value",
            why="when it is run again the derivative by that value would be lost",
            remedy="pass the value as an argument.",
        )
    return outputs


def _recomputed_vjp(y_bar: Any, _y: Any, flat: Any, *values: Any) -> tuple[Any, ...]:
    return (None, *vjp(flat, *values)[1](tuple(y_bar)))


def _recomputed_jvp(position: int, x_dot: Any, _y: Any, flat: Any, *values: Any) -> Any:
    place = position - 1

    def moved(value: Any) -> Any:
        return flat(*values[:place], value, *values[place + 1 :])

    return jvp(moved, (values[place],), (x_dot,))[1]


_rule = table.Rule(_recomputed)
_rule.holomorphic = False
_rule.vjps[ALL] = table.Direction(_recomputed_vjp, 1, "flat values")
_rule.jvps[EACH] = table.Direction(_recomputed_jvp, 2, "flat values")
_recomputed.__dict__["rule"] = _rule
