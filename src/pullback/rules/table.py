"""The one table of rules: what the derivative of each function is. Every engine reads it; no engine owns it.

A *scalar* rule gives one partial derivative per argument of an elementwise function, as ``lambda y, *xs``.
From it the readers derive the tangent ``y_dot = Σ ∂_i · x_dot_i`` and the adjoint
``x_bar_i += conj(∂_i) · y_bar``, and they sum over broadcast axes. A number in place of a function is a
constant partial.

An *array* rule gives, per argument, a ``vjp(y_bar, y, *args, **kwargs)`` that returns that argument's
cotangent and a ``jvp(x_dot, y, *args, **kwargs)`` that returns its contribution to the output's tangent. A
function `linear` in an argument is its own jvp there.

**Conjugation happens once, in the reader** (`rules.read`), never inside the rule of a holomorphic function:
such a rule multiplies by the plain transpose of the Jacobian, as on real numbers. A function that is not
holomorphic says so (``holomorphic=False``) and its rules obey the complex convention themselves:
``x_bar = ∂L/∂Re x + i ∂L/∂Im x``.

Rules are plain NumPy: no branch on a value, no ``math.*``, no in-place update, so that each can itself be
differentiated and spliced into source. (Griewank & Walther, *Evaluating Derivatives*, 2008, ch. 3; Hirsh,
*ChainRules*.)
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from pullback.rules.direction import Direction
from pullback.rules.domain import Call

Interval = tuple[float, float]

EACH = -1
"""In place of an argument's position: the function takes the position as its first parameter,
for any argument.
"""

ALL = -2
"""In place of an argument's position: the vjp returns a tuple with one cotangent per positional argument."""


class Refused:
    """An explicit "not differentiable" in place of a partial; `reason` is told to the user."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


class Rule:
    """What pullback knows about the derivative of one function.

    Attributes:
        function: the function, as NumPy names it (a ufunc's method too: ``np.add.reduce``).
        partials: one `Direction`, number or `Refused` per argument of an elementwise function, else None.
        vjps, jvps: `Direction` by argument position, or under `EACH` or `ALL`.
        linear: positions in which the function is linear.
        refusals: argument position to the reason why there is no derivative in it.
        constant: the derivative is zero wherever it exists; the result is not tracked.
        holomorphic: whether the reader conjugates (see the module's docstring).
        complex: whether complex arguments are tested and allowed.
        view: the result may share memory with the first argument.
        whole: positions of arguments that are whole numbers, indices or counts.
        intervals: for a scalar rule, the open interval each argument is drawn from.
        calls: for an array rule, the calls it is tested on.
        gauge: makes of any cotangents those of a function that does not see what is arbitrary in the results.
        compute: for the eager engines, a function with the same results that keeps what the derivative needs.
        stand_in: a function with results of the same types, for arguments that the function itself would not
            take: values that are not definite, say.
    """

    __slots__ = (
        "calls", "complex", "compute", "constant", "function", "gauge", "holomorphic", "intervals", "jvps",
        "linear", "partials", "refusals", "stand_in", "view", "vjps", "whole",
    )  # fmt: skip

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.partials: tuple[Direction | int | float | Refused, ...] | None = None
        self.vjps: dict[int, Direction] = {}
        self.jvps: dict[int, Direction] = {}
        self.linear: frozenset[int] = frozenset()
        self.refusals: dict[int, str] = {}
        self.constant = False
        self.holomorphic = True
        self.complex = True
        self.view = False
        self.whole: frozenset[int] = frozenset()
        self.intervals: tuple[Interval, ...] = ()
        self.calls: list[Call] = []
        self.gauge: Callable[[Any, Any], Any] | None = None
        self.compute: Callable[..., Any] = function
        self.stand_in: Callable[..., Any] | None = None

    @property
    def name(self) -> str:
        return name_of(self.function)

    def __repr__(self) -> str:
        return f"Rule({self.name})"


TABLE: dict[Callable[..., Any], Rule] = {}

BY_USERS: set[Callable[..., Any]] = set()
"""Functions whose rule, or part of it, is a user's."""

PARTS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""Functions that are composed of others with rows, and what composes them in the compiled language."""

NAMES: dict[Callable[..., Any], str] = {}
"""Public names of functions that do not know their own: the private ufunc that `scipy.special.zeta` calls."""


def rule_for(function: Callable[..., Any]) -> Rule:
    """The row of `function`, made empty if there is none."""
    rule = TABLE.get(function)
    if rule is None:
        rule = TABLE[function] = Rule(function)
    return rule


def several(
    function: Callable[..., Any], vjp: Callable[..., Any], jvp: Callable[..., Any], reads: str = "values"
) -> None:
    """Give a function of several results its row, of which each direction reads all arguments.

    Args:
        reads: what `vjp` reads.
        vjp: from ``(y_bar, y, *args)`` to the cotangents of all arguments.
        jvp: from ``(position, x_dot, y, *args)`` to the tangents of the results.
    """
    rule = TABLE[function] = Rule(function)
    rule.holomorphic = False
    rule.vjps[ALL] = Direction(vjp, 1, reads)
    rule.jvps[EACH] = Direction(jvp, 2, "y values")


def partials(
    function: Callable[..., Any],
    *derivatives: Callable[..., Any] | int | float | Refused,
    domain: Interval | tuple[Interval, ...] = (-1.0, 1.0),
    complex: bool = True,
) -> None:
    """Give the partial derivatives of an elementwise function, one per argument.

    Args:
        function: an elementwise function of as many arguments as there are derivatives.
        derivatives: ``lambda y, *xs`` over NumPy names, a constant number, or `Refused`.
        domain: the open interval the arguments are drawn from in tests; one, or one per argument.
        complex: False for a function of real arguments only.
    """
    rule = rule_for(function)
    rule.partials = tuple(Direction(d, leading=0) if callable(d) else d for d in derivatives)
    rule.refusals = {i: d.reason for i, d in enumerate(derivatives) if isinstance(d, Refused)}
    rule.intervals = domain if isinstance(domain[0], tuple) else (domain,) * len(derivatives)  # type: ignore[assignment]
    rule.complex = complex


def vjp(
    function: Callable[..., Any],
    argument: int = ALL,
    *,
    reads: str | None = None,
    structured: bool = False,
    holomorphic: bool | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a function that returns the cotangent of one argument, or (`ALL`) a tuple of all.

    Args:
        function: the function whose rule this is.
        argument: the argument's position, `EACH` or `ALL`.
        reads: names of the parameters whose values are read, separated by spaces; the others may arrive as a
            `Spec`, which has a shape and a dtype only. By default the names the function loads.
        structured: the rule takes a structured cotangent (`rules.structured`) as it is.
        holomorphic: False where the rule obeys the complex convention itself.
    """
    return _direction(function, "vjps", argument, reads, structured, holomorphic)


def jvp(
    function: Callable[..., Any],
    argument: int,
    *,
    reads: str | None = None,
    holomorphic: bool | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a function that returns one argument's contribution to the output's tangent (see `vjp`)."""
    return _direction(function, "jvps", argument, reads, False, holomorphic)


def _direction(
    function: Callable[..., Any],
    kind: str,
    argument: int,
    reads: str | None,
    structured: bool,
    holomorphic: bool | None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(derivative: Callable[..., Any]) -> Callable[..., Any]:
        rule = rule_for(function)
        leading = 2 if argument == EACH else 1
        getattr(rule, kind)[argument] = Direction(derivative, leading, reads, structured)
        if holomorphic is not None:
            rule.holomorphic = holomorphic
        return derivative

    return add


def linear(function: Callable[..., Any], *arguments: int) -> None:
    """State that `function` is linear in each of `arguments` by itself, so that it is its own jvp there."""
    rule = rule_for(function)
    rule.linear = rule.linear | frozenset(arguments)


def view(*functions: Callable[..., Any]) -> None:
    """State that the result of each function may share memory with its first argument."""
    for function in functions:
        rule_for(function).view = True


def computes(function: Callable[..., Any], compute: Callable[..., Any]) -> None:
    """Let the eager engines call `compute`, which gives the same results as `function` of any arguments."""
    rule_for(function).compute = compute


def constant(*functions: Callable[..., Any]) -> None:
    """State that each function's derivative is zero wherever it exists (comparisons, ``argmax``)."""
    for function in functions:
        rule_for(function).constant = True


def refuse(function: Callable[..., Any], reason: str, *arguments: int) -> None:
    """State that there is no derivative in `arguments` (in none at all without them), and why."""
    rule = rule_for(function)
    rule.refusals.update(dict.fromkeys(arguments or (EACH,), reason))


def calls(function: Callable[..., Any], *examples: Call, complex: bool = True) -> None:
    """Give the calls that the row of `function` is tested on."""
    rule = rule_for(function)
    rule.calls.extend(examples)
    rule.complex = complex


def gauge(function: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate ``project(y_bar, y)``, which takes out of cotangents what depends on an arbitrary choice.

    The phase of an eigenvector is one. The rule raises for such cotangents, so it is tested on others.
    """

    def add(project: Callable[..., Any]) -> Callable[..., Any]:
        rule_for(function).gauge = project
        return project

    return add


def whole(function: Callable[..., Any], *arguments: int) -> None:
    """State that `arguments` are indices or counts: whole numbers, by which there is no derivative."""
    rule_for(function).whole |= frozenset(arguments)


def alias(new: Callable[..., Any], function: Callable[..., Any]) -> None:
    """Let `new`, which takes the same arguments, have the row of `function`."""
    TABLE[new] = rule_for(function)


def stand_in(function: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a function that gives results of the types that `function` does, whatever the values are."""

    def add(other: Callable[..., Any]) -> Callable[..., Any]:
        rule_for(function).stand_in = other
        return other

    return add


def name_of(function: Callable[..., Any]) -> str:
    """The name a user knows `function` by, such as ``numpy.linalg.solve`` or ``numpy.add.reduce``."""
    owner = getattr(function, "__self__", None)
    own_name = getattr(function, "__name__", repr(function))
    if owner is not None and type(owner).__name__ == "ufunc":
        return f"{name_of(owner)}.{own_name}"
    if type(function).__name__ == "ufunc":
        if function in NAMES:
            return NAMES[function]
        special = sys.modules.get("scipy.special")
        from_scipy = special is not None and getattr(special, own_name, None) is function
        return f"{'scipy.special' if from_scipy else 'numpy'}.{own_name}"
    parts = (getattr(function, "__module__", None) or "").split(".")
    module = ".".join(part for part in parts if not part.startswith("_"))
    return f"{module}.{own_name}" if module else own_name


def rows() -> Iterable[Rule]:
    """Every row of the table."""
    return dict.fromkeys(TABLE.values())
