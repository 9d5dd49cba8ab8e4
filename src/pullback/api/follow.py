"""Wrapping the inputs of a function for a transform, and unwrapping what it returns."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.api.compile import is_compiled
from pullback.api.sharing import Shared, check_apart, tied
from pullback.base.errors import DependenceWarning, PullbackError
from pullback.base.location import user_stacklevel
from pullback.base.memory import aligned_copy
from pullback.base.mutable import Mutable
from pullback.base.pytrees import flatten, paths, tree_map, unflatten
from pullback.base.spec import Spec, spec_of
from pullback.base.tracked import Tracked, bare
from pullback.dual import push as _push  # gives Dual NumPy's protocols
from pullback.dual.dual import Dual, Sweep
from pullback.tape import fast as _fast  # gives Variable NumPy's protocols
from pullback.tape.node import Leaf, Recording
from pullback.tape.variable import Variable, checked, variable

assert _push
assert _fast

_NOTHING = contextlib.nullcontext()


def leaf_value(value: Any, what: str) -> Any:
    """A differentiable leaf as it is now: a copied array, a number, or an outer transform's value."""
    if isinstance(value, Mutable):
        value = value.frozen()
    if not isinstance(value, Tracked):
        return checked(value, what)
    below: Any = value
    while isinstance(below, Variable | Dual):
        (below._tape if isinstance(below, Variable) else below.sweep).nested = True
        below = below.peel()
    return value


def checked_leaves(tree: Any, what: str) -> tuple[list[Any], Any]:
    """The leaves of an argument, checked and copied, and its structure."""
    leaves, structure = flatten(tree)
    if structure is None:
        return [leaf_value(tree, what)], None
    return [
        leaf_value(leaf, f"{what}{path}") for leaf, path in zip(leaves, paths(tree), strict=True)
    ], structure


def function_name(function: Callable[..., Any]) -> str:
    """How error messages call a function."""
    return getattr(function, "__name__", type(function).__name__)


def outcome(
    function: Callable[..., Any],
    args: Any,
    kwargs: dict[str, Any] | None = None,
    shared: Sequence[Shared] = (),
) -> Any:
    """What `function` returns; it may not write into `shared` arguments.

    Where NumPy made an error of ours a bare one of its own, raise ours again. It does so for ``a[0] = x``:
    ours is the cause of "setting an array element with a sequence". A compiled function leaves plain arrays
    as they are, as its gradient does.
    """
    called: Any = function
    if is_compiled(function):
        called = called.followed
    try:
        with tied(shared, args, kwargs or {}) if shared else _NOTHING:
            output = called(*args, **(kwargs or {}))
    except (TypeError, ValueError) as error:
        if isinstance(error.__cause__, PullbackError):
            raise error.__cause__.with_traceback(error.__traceback__) from None
        raise
    if shared:
        check_apart(shared, function_name(function), args, kwargs or {})
    return output


class Followed:
    """Arguments under reverse mode: their variables, and the tape they are on."""

    def __init__(
        self, transform: str, function: Callable[..., Any], names: tuple[Any, ...], values: tuple[Any, ...]
    ) -> None:
        self.tape = tape = Recording(transform)
        self.name = function_name(function)
        self.structures: list[Any] = []
        self.leaves: list[list[Leaf]] = []
        self.arguments: list[Any] = []
        for i, value in enumerate(values):
            kind = type(value)
            if kind is float or (kind is np.ndarray and value.dtype.kind in "fc"):
                # The usual argument, with nothing around it.
                node = Leaf(spec_of(value))
                nodes, structure = [node], None
                argument: Any = variable(value if kind is float else aligned_copy(value), node, tape)
            else:
                leaves, structure = checked_leaves(value, f"argument {names[i]!r} of {self.name}")
                nodes = [Leaf(spec_of(bare(leaf))) for leaf in leaves]
                wrapped = [variable(leaf, node, tape) for leaf, node in zip(leaves, nodes, strict=True)]
                argument = unflatten(structure, wrapped)
            self.structures.append(structure)
            self.leaves.append(nodes)
            self.arguments.append(argument)

    def own(self, value: Any) -> Variable | None:
        """`value` as a variable of this tape; None if it does not depend on the arguments."""
        if isinstance(value, Mutable):
            value = value.frozen()
        return value if isinstance(value, Variable) and value._tape is self.tape else None

    def value_of(self, value: Any) -> Any:
        """`value` one level down, as the user gets it: nothing else refers to an array in it."""
        own = self.own(value)
        if own is None:
            refuse_finished(value)
        inner = own._value if own is not None else value.frozen() if isinstance(value, Mutable) else value
        return inner.copy() if isinstance(inner, np.ndarray) and isinstance(value, Tracked) else inner

    def gathered(self, bars: dict[Any, Any], finish: Callable[[Any, Spec], Any]) -> list[Any]:
        """The cotangents of the arguments in their structures; zeros where none arrived."""
        if not bars and any(self.leaves) and not self.tape.nested:
            # Of a derivative there is no warning: that of a linear function is constant, as it should be.
            warn_independent(self.name)
        found = []
        for i, nodes in enumerate(self.leaves):
            leaves = [finish(bars[n], n.spec) if n in bars else zeros(n.spec) for n in nodes]
            structure = self.structures[i]
            found.append(leaves[0] if structure is None else unflatten(structure, leaves))
        return found


def warn_independent(name: str) -> None:
    """Warn, at the user's line, that a derivative is zero because nothing depends on the arguments."""
    warnings.warn(
        f"the output of {name} does not depend on what it is differentiated by; the derivative is zero",
        DependenceWarning,
        stacklevel=user_stacklevel(),
    )


def zeros(spec: Spec) -> Any:
    """Zeros of `spec`: an array, or a number."""
    return np.zeros(spec.shape, spec.dtype)[()]


def pushed(value: Any, sweep: Sweep) -> tuple[Any, Any]:
    """The primal and the tangent that a forward sweep left in a returned value; the tangent may be None."""
    if isinstance(value, Mutable):
        value = value.frozen()
    if isinstance(value, Dual) and value.sweep is sweep:
        return value.primal, value.tangent
    refuse_finished(value)
    return value, None


def refuse_finished(value: Any) -> None:
    """Raise if a returned value belongs to a transform that has ended, which kept it somewhere."""
    while isinstance(value, Tracked):
        if isinstance(value, Dual):
            value.sweep.check()
        elif isinstance(value, Variable):
            value._tape.check()
        value = value.peel()


def plain_aux(aux: Any, followed: Followed) -> Any:
    """Auxiliary output without the variables of a finished transform."""
    return tree_map(followed.value_of, aux)
