"""`vjp` and `jvp`: products with the Jacobian, without forming it.

Conventions as in JAX (Bradbury et al. 2018, *JAX*, ``jax.vjp``, ``jax.jvp``); complex numbers as in
``docs/conventions.md``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from pullback.api.again import begin, compared, forget, moved, repeated, settles
from pullback.api.compile import check_arguments, is_compiled
from pullback.api.follow import Followed, checked_leaves, function_name, outcome, plain_aux, pushed, zeros
from pullback.api.sharing import sharing
from pullback.base.errors import ConventionError, MutationError, NotDifferentiableError, ShapeError
from pullback.base.mutable import Mutable
from pullback.base.pytrees import flatten, tree_map, unflatten
from pullback.base.spec import Spec, dtype_of, spec_of
from pullback.base.tracked import bare
from pullback.dual.dual import Dual, Sweep
from pullback.rules.product import scale
from pullback.rules.read import fit
from pullback.rules.spectra.inquiry import NOTED, SplitError, UndeterminedError
from pullback.tape.backward import check_seed, finished
from pullback.tape.sweep import sweep

Convention = Literal["pullback", "jax"]


def check_convention(convention: str) -> None:
    """Raise `ConventionError` for a name that is none."""
    if convention not in ("pullback", "jax"):
        raise ConventionError(
            f"convention={convention!r} is none",
            remedy="'pullback' (∂L/∂Re z + i ∂L/∂Im z) or 'jax' (its conjugate).",
        )


def conjugated(tree: Any, convention: str) -> Any:
    """The complex leaves of `tree` conjugated, if the convention is JAX's."""
    if convention != "jax":
        return tree
    return tree_map(lambda leaf: np.conj(leaf) if dtype_of(bare(leaf)).kind == "c" else leaf, tree)


def vjp(
    function: Callable[..., Any], *primals: Any, has_aux: bool = False, convention: Convention = "pullback"
) -> Any:
    """Evaluate `function` and return its value with the function that pulls cotangents back.

    Args:
        function: of as many arguments as there are primals.
        primals: arrays or numbers of a floating or complex dtype, or pytrees of them.
        has_aux: `function` returns ``(output, aux)``; `aux` is handed on without a derivative.
        convention: "pullback" (``x_bar = Jᴴ y_bar``) or "jax" (``x_bar = Jᵀ y_bar``).

    Returns:
        ``(value, pull)`` or ``(value, pull, aux)``. ``pull(y_bar)``, with `y_bar` in the structure, shapes
        and dtypes of the value, returns a tuple with the cotangent of each primal, and may be called several
        times.

    Raises:
        NotDifferentiableError: if a primal is integer or boolean.
        ShapeError: from ``pull``, if `y_bar` has another structure, shape or dtype.

    Example:
        >>> import numpy as np, pullback as pb
        >>> y, pull = pb.vjp(np.sin, 0.0)
        >>> (x_bar,) = pull(2.0)
        >>> print(y, x_bar)
        0.0 2.0

    Source: Griewank & Walther, *Evaluating Derivatives*, 2008, §3.2.
    """
    check_convention(convention)
    if primals and is_compiled(function):
        found = _of_one_number(function, primals, has_aux, convention)
        if found is None:
            found = _of_arrays(function, primals, has_aux, convention)
        if found is not None:
            return found
    check_arguments(function, primals)
    recorded = _Recorded(function, primals, has_aux)

    def pull(y_bar: Any) -> tuple[Any, ...]:
        """The cotangents of the primals for the cotangent `y_bar` of the value."""
        owner = f"the vjp of {recorded.followed.name}"
        bars = matching(conjugated(y_bar, convention), recorded.structure, recorded.specs, "cotangent", owner)

        def again(values: tuple[Any, ...]) -> _Recorded:
            return _Recorded(function, values, has_aux)

        return tuple(conjugated(bar, convention) for bar in _pulled(recorded, again, primals, bars))

    value = unflatten(recorded.structure, recorded.values)
    recorded.values = []  # the caller's alone
    return (value, pull, recorded.aux) if has_aux else (value, pull)


@settles
def _pulled(
    recorded: _Recorded, again: Callable[[Any], _Recorded], primals: tuple[Any, ...], bars: list[Any]
) -> list[Any]:
    """The cotangents of the primals for those of the leaves; `again` records once more."""

    def run() -> tuple[list[Any], list[Any]]:
        other = again(primals)
        return other.values, other.pulled(bars)

    def told(found: Any) -> Any:
        return found

    def near(side: int) -> None:
        again(moved(primals, side)).pulled(bars)

    since = begin() if NOTED else 0
    try:
        found = recorded.pulled(bars)
    except UndeterminedError as error:
        weight = max(float(np.max(np.abs(bare(bar)), initial=0)) for bar in bars)
        return repeated(run, told, error, near, weight)[1]
    if not NOTED:
        return found
    forget(since)
    return compared(run, told, run(), near, since)[1]


class _Recorded:
    """One evaluation of a function, to be walked backward.

    Attributes:
        values, structure, specs: of the output, its leaves.
        aux: the auxiliary output.
    """

    def __init__(self, function: Callable[..., Any], primals: tuple[Any, ...], has_aux: bool) -> None:
        self.followed = followed = Followed("pb.vjp", function, tuple(range(len(primals))), primals)
        output, aux = with_aux(outcome(function, followed.arguments, shared=sharing(primals)), has_aux, "vjp")
        leaves, self.structure = flatten(output)
        self._owns = [followed.own(leaf) for leaf in leaves]
        self.specs = [spec_of(bare(leaf)) for leaf in leaves]
        self.values = [followed.value_of(leaf) for leaf in leaves]
        self.aux = plain_aux(aux, followed)
        self._nodes = followed.tape.nodes
        followed.tape.finish()

    def pulled(self, bars: list[Any]) -> list[Any]:
        """The cotangents of the primals for those of the leaves."""
        seeds: dict[Any, Any] = {}
        for own, bar in zip(self._owns, bars, strict=True):
            if own is not None:
                seeds[own._node] = seeds[own._node] + bar if own._node in seeds else bar
        found = sweep(list(self._nodes), seeds, True)
        return self.followed.gathered(found, finished)


def _of_one_number(
    function: Callable[..., Any], primals: tuple[Any, ...], has_aux: bool, convention: Convention
) -> Any:
    """`vjp` of a compiled function of one real number: the gradient, of which pulling back takes multiples.

    Its value and its gradient come from one run; None where there is no such number, or it is followed.
    """
    from pullback.api.native import quick_or_planned

    since = begin() if NOTED else 0
    try:
        found = quick_or_planned(function, tuple(range(len(primals))), has_aux, primals)  # type: ignore[arg-type]
    except (MutationError, UndeterminedError):
        # It writes into one of two arguments that share memory, which are copies on the tape; or one run
        # does not tell its derivative.
        return None
    if NOTED:
        forget(since)
        return None
    if found is None:
        return None
    output, gradients = found
    value, aux = with_aux(output, has_aux, "vjp")
    leaves, _ = flatten(gradients)
    if not all(np.all(np.isfinite(leaf)) for leaf in leaves):
        # A multiple of what has overflowed may be finite, and 0 times infinity is 0 on the way only.
        return None
    spec, name = spec_of(value), function_name(function)

    def pull(y_bar: Any) -> tuple[Any, ...]:
        """The cotangents of the primals for the cotangent `y_bar` of the value."""
        (bar,) = matching(y_bar, None, [spec], "cotangent", f"the vjp of {name}")

        def multiple(gradient: Any) -> Any:
            return fit(scale(gradient, bar), spec_of(gradient))

        return conjugated(tuple(tree_map(multiple, gradient) for gradient in gradients), convention)

    return (value, pull, aux) if has_aux else (value, pull)


def _of_arrays(
    function: Callable[..., Any], primals: tuple[Any, ...], has_aux: bool, convention: Convention
) -> Any:
    """`vjp` of a compiled function in two programs, of which pulling back runs the second; None as above."""
    from pullback.api.halved import pulled_back

    found = pulled_back(function, primals, has_aux)  # type: ignore[arg-type]
    if found is None:
        return None
    output, pulled = found
    value, aux = with_aux(output, has_aux, "vjp")
    leaves, structure = flatten(value)
    specs, name = [spec_of(leaf) for leaf in leaves], function_name(function)

    def pull(y_bar: Any) -> tuple[Any, ...]:
        """The cotangents of the primals for the cotangent `y_bar` of the value."""
        bars = matching(conjugated(y_bar, convention), structure, specs, "cotangent", f"the vjp of {name}")
        return tuple(conjugated(bar, convention) for bar in pulled(bars))

    return (value, pull, aux) if has_aux else (value, pull)


def with_aux(output: Any, has_aux: bool, caller: str) -> tuple[Any, Any]:
    """The output of a function and its auxiliary output, None where there is none."""
    if not has_aux:
        return output, None
    if not (isinstance(output, tuple) and len(output) == 2):
        raise ShapeError(f"{caller} with has_aux=True needs a function that returns (output, aux)")
    return output


def matching(tree: Any, structure: Any, specs: list[Spec], kind: str, caller: str) -> list[Any]:
    """The leaves of a cotangent or tangent, checked against what they belong to and cast to its dtype."""
    leaves, own_structure = flatten(tree)
    if own_structure != structure:
        raise ShapeError(
            f"the {kind} given to {caller} has another structure than the value it belongs to",
            why=f"it is {own_structure or 'one array'}, and the value is {structure or 'one array'}",
            remedy=f"give a {kind} with the same lists, tuples and keys.",
        )
    fitted: list[Any] = []
    for leaf, spec in zip(leaves, specs, strict=True):
        leaf = leaf.frozen() if isinstance(leaf, Mutable) else leaf
        check_seed(spec, leaf, kind, caller)
        if not hasattr(leaf, "level"):
            leaf = np.array(leaf)[()]
        fitted.append(fit(leaf, spec))
    return fitted


def jvp(function: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """Evaluate `function` and push a tangent forward.

    Args:
        function: of as many arguments as there are primals.
        primals: tuple of the arguments: arrays, numbers or pytrees of a floating or complex dtype.
        tangents: tuple of the same structure, shapes and dtypes.
        has_aux: `function` returns ``(output, aux)``.

    Returns:
        ``(value, tangent)`` or ``(value, tangent, aux)``; the tangent has the structure, shapes and dtypes of
        the value. Where it splits equal eigenvalues, it is found by reverse mode, a sweep for each number.

    Raises:
        NotDifferentiableError: if a primal is integer or boolean.
        ShapeError: if a tangent does not match its primal.

    Example:
        >>> import numpy as np, pullback as pb
        >>> y, y_dot = pb.jvp(np.multiply, (2.0, 3.0), (1.0, 0.0))
        >>> print(y, y_dot)
        6.0 3.0

    Source: Griewank & Walther, *Evaluating Derivatives*, 2008, §3.1.
    """
    try:
        return forward(function, primals, tangents, has_aux)
    except SplitError:
        return _by_rows(function, primals, tangents, has_aux)


@settles
def forward(function: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """`jvp` by forward mode alone.

    Raises:
        SplitError: if a tangent splits equal values, where reverse mode may know the derivative.
    """
    since = begin() if NOTED else 0
    found = _forward(function, primals, tangents, has_aux)
    if not NOTED:
        return found

    def run() -> Any:
        return _forward(function, primals, tangents, has_aux)

    def near(side: int) -> None:
        _forward(function, moved(tuple(primals), side, tuple(tangents)), tangents, has_aux)

    return compared(run, operator.itemgetter(0, 1), found, near, since)


def _forward(function: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool) -> Any:
    if not isinstance(primals, tuple | list) or not isinstance(tangents, tuple | list):
        raise ShapeError(
            "jvp takes a tuple of primals and a tuple of tangents",
            remedy="pb.jvp(f, (x,), (v,)) for one argument.",
        )
    if len(primals) != len(tangents):
        raise ShapeError(f"jvp is given {len(primals)} primals and {len(tangents)} tangents")
    check_arguments(function, primals)
    forward = Sweep()
    arguments: list[Any] = []
    name = function_name(function)
    for position, (primal, tangent) in enumerate(zip(primals, tangents, strict=True)):
        leaves, structure = checked_leaves(primal, f"argument {position} of {name}")
        dots = matching(
            tangent, structure, [spec_of(bare(x)) for x in leaves], "tangent", f"the jvp of {name}"
        )
        arguments.append(
            unflatten(structure, [Dual(x, d, forward) for x, d in zip(leaves, dots, strict=True)])
        )
    output, aux = with_aux(outcome(function, arguments, shared=sharing(primals)), has_aux, "jvp")
    forward.finished = True
    leaves, structure = flatten(output)
    pairs = [pushed(leaf, forward) for leaf in leaves]
    value = unflatten(structure, [primal for primal, _ in pairs])
    tangent = unflatten(structure, [zeros(_inexact(p)) if t is None else t for p, t in pairs])
    if not has_aux:
        return value, tangent
    return value, tangent, tree_map(lambda leaf: pushed(leaf, forward)[0], aux)


def _by_rows(function: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool) -> Any:
    """`jvp` by reverse mode, a sweep for each number in the value."""
    value, pull, *aux = vjp(function, *primals, has_aux=has_aux)
    leaves, structure = flatten(value)
    specs = [spec_of(bare(leaf)) for leaf in leaves]
    dots = flatten(list(tangents))[0]

    def along(k: int, entry: int, number: complex) -> Any:
        seeds = [np.zeros(spec.shape, spec.dtype) for spec in specs]
        seeds[k].reshape(-1)[entry] = number
        bars = flatten(list(pull(unflatten(structure, [seed[()] for seed in seeds]))))[0]
        return sum(np.real(np.sum(np.conj(bar) * dot)) for bar, dot in zip(bars, dots, strict=True))

    found: list[Any] = []
    for k, (leaf, spec) in enumerate(zip(leaves, specs, strict=True)):
        if spec.dtype.kind not in "fc" or not spec.size:
            found.append(zeros(_inexact(leaf)))
            continue
        entries = [along(k, entry, 1) for entry in range(spec.size)]
        if spec.dtype.kind == "c":
            entries = [one + 1j * along(k, entry, 1j) for entry, one in enumerate(entries)]
        found.append(fit(np.reshape(np.stack(entries), spec.shape)[()], spec))
    return (value, unflatten(structure, found), *aux)


def _inexact(value: Any) -> Spec:
    spec = spec_of(bare(value))
    return spec if spec.dtype.kind in "fc" else Spec(spec.shape, np.dtype(float))


def refuse_integers(value: Any, what: str) -> None:
    """Raise if an output to differentiate is integer or boolean."""
    if dtype_of(bare(value)).kind not in "fc":
        raise NotDifferentiableError(
            f"{what} has dtype {dtype_of(bare(value))}",
            why="only floating and complex numbers have a derivative",
        )
