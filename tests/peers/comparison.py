"""Each row of the table of rules next to a peer: the same call, the same cotangent, the same gradient.

A row says what it is called with (`testing.rows.calls_of`), so a new row is compared by being a row. A peer
resolves the row's name to its own function; what it then refuses to be called with is no comparison, and a
value or a gradient that differs is a `Difference`, which the peer's list of exceptions has to explain.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

import pullback as pb
import pullback.rules.scipy_fft
import pullback.rules.scipy_linalg
import pullback.rules.special  # fills the table
from pullback.rules.domain import Call, draw
from pullback.rules.table import Rule, rows
from pullback.testing.rows import active_positions, calls_of, is_inexact, like

TOLERANCE = 1e-9

Pull = Callable[[list[Any]], list[Any]]

NEVER = "never called"
"""In place of a call: the peer refuses every one."""


class Peer(Protocol):
    """Another library's functions and gradients."""

    refusals: tuple[type[Exception], ...]
    """What it raises where it cannot be called as NumPy can."""

    most_calls: int
    """How many calls of a row it is asked for, spread over the row's, in each kind of numbers."""

    def function(self, name: str) -> Callable[..., Any] | None:
        """Its function for NumPy's or SciPy's of that name."""

    def follow(
        self, function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any], active: list[int]
    ) -> tuple[list[Any], Pull]:
        """The inexact leaves of the value, and their pullback.

        It takes their cotangents to those of the inexact leaves of the active arguments, in our convention.
        """


@dataclass(frozen=True)
class Known:
    """Why a peer differs from a row: in the calls whose text contains `call`, of dtypes of `kind`."""

    reason: str
    kind: str = ""
    call: str = ""

    def explains(self, difference: Difference) -> bool:
        return self.kind in difference.kind and self.call in difference.call


@dataclass(frozen=True)
class Difference:
    """A call in which a peer and a row differ."""

    kind: str
    call: str
    text: str


def comparable(peer: Peer) -> list[Rule]:
    """The rows with a derivative whose function `peer` has."""
    return [rule for rule in rows() if differentiable(rule) and peer.function(rule.name) is not None]


def differentiable(rule: Rule) -> bool:
    """Whether `rule` gives a derivative at all."""
    return bool(rule.partials is not None or rule.vjps)


def compared(peer: Peer, rule: Rule) -> tuple[int, list[Difference]]:
    """How many calls of `rule` were compared with `peer`, and in which the two differ."""
    count, differences = 0, []
    function = peer.function(rule.name)
    assert function is not None
    for kind, number, call in _cases(rule, peer.most_calls):
        rng = np.random.default_rng([7, number])
        dtype = np.complex128 if kind == "complex" else np.float64
        args = [draw(value, rng, dtype) for value in call.args]
        kwargs = {key: draw(value, rng, dtype) for key, value in call.kwargs.items()}
        active = active_positions(rule, tuple(args))
        with np.errstate(all="ignore"):
            y = [leaf for leaf in leaves(rule.function(*args, **kwargs)) if is_inexact(leaf)]
            cotangents = leaves_of_cotangent(rule, rule.function(*args, **kwargs), rng)
            ours = our_pullback(rule.function, args, kwargs, active, cotangents)
            try:
                values, pull = peer.follow(function, args, kwargs, active)
                text = apart("value", y, values) or apart("gradient", ours, pull(cotangents))
            except peer.refusals:
                continue
        count += 1
        if text:
            differences.append(Difference(kind, str(call), text))
    return count, differences


def leaves_of_cotangent(rule: Rule, y: Any, rng: np.random.Generator) -> list[Any]:
    """Random cotangents of the inexact leaves of a result, for a function that sees nothing arbitrary."""
    if rule.gauge is None:
        return [like(leaf, rng) for leaf in leaves(y) if is_inexact(leaf)]
    return leaves(list(rule.gauge(like(y, rng), y)))


def _cases(rule: Rule, most: int) -> Iterator[tuple[str, int, Call]]:
    cases = list(enumerate(calls_of(rule)))
    step = math.ceil(len(cases) / most)
    for kind in ("real", "complex") if rule.complex else ("real",):
        for number, call in cases[:: max(1, step)]:
            yield kind, number, call


def our_pullback(
    function: Callable[..., Any],
    args: list[Any],
    kwargs: dict[str, Any],
    active: list[int],
    cotangents: list[Any],
) -> list[Any]:
    """Our cotangents of the inexact leaves of the active arguments."""

    def of_active(*values: Any) -> list[Any]:
        result = function(*replaced(args, active, values), **kwargs)
        return [leaf for leaf in leaves(result) if np.result_type(leaf).kind in "fc"]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pb.DependenceWarning)  # nextafter and the like
        pulled = pb.vjp(of_active, *[args[i] for i in active])[1](cotangents)
    return [leaf for leaf in leaves(list(pulled)) if is_inexact(leaf)]


def replaced(args: list[Any], active: list[int], values: Any) -> list[Any]:
    """`args` with `values` at the positions `active`."""
    full = list(args)
    for position, value in zip(active, values, strict=True):
        full[position] = value
    return full


def leaves(value: Any) -> list[Any]:
    """Every leaf of nested lists and tuples, in order."""
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def apart(what: str, ours: list[Any], theirs: list[Any]) -> str:
    if len(ours) != len(theirs):
        return f"{what}: {len(ours)} arrays are not {len(theirs)}"
    for a, b in zip(ours, theirs, strict=True):
        if np.shape(a) != np.shape(b):
            return f"{what}: shape {np.shape(a)} is not {np.shape(b)}"
        scale = max(1.0, float(np.max(np.abs(a), initial=0.0)))
        if not np.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE * scale, equal_nan=what == "value"):
            return f"{what}: {a} is not {b}"
    return ""


def confirm(peer: Peer, rule: Rule, known: list[Known]) -> None:
    """Compare `rule` with `peer`, and find every difference explained and every explanation needed."""
    count, differences = compared(peer, rule)
    for difference in differences:
        assert any(k.explains(difference) for k in known), difference
    for k in known:
        needed = (k.call == NEVER and not count) or any(k.explains(difference) for difference in differences)
        assert needed, f"no longer needed: {k}"
    assert count or known, "the peer refuses every call"
