"""`gradcheck` and `check_rule`: derivatives against central differences.

A derivative is compared along random directions: ``(f(x + h v) - f(x - h v)) / 2h`` against the jvp, and
``Re<u, J v> = Re<Jᴴ u, v>`` for the vjp; the same for the vjp itself to second order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.api.products import jvp, vjp
from pullback.base.errors import UnsupportedError
from pullback.base.pytrees import flatten, unflatten
from pullback.base.spec import dtype_of
from pullback.rules.domain import Call, draw
from pullback.rules.lookup import rule_of
from pullback.testing import rows


def gradcheck(
    function: Callable[..., Any],
    *args: Any,
    order: int = 2,
    step: float = 1e-5,
    tolerance: float = 1e-5,
    seed: int = 0,
) -> bool:
    """Check reverse and forward mode of `function` at `args` against finite differences.

    Args:
        function: returns arrays, numbers or a pytree of them.
        args: double-precision real or complex arrays, numbers, or pytrees of them.
        order: 1, or 2 to check the derivative of the vjp as well.
        step: of the central difference.
        tolerance: largest error, relative to the largest entry (at least 1).
        seed: of the random directions.

    Returns:
        True.

    Raises:
        AssertionError: naming the mode, the order and both numbers.

    Example:
        >>> import numpy as np, pullback as pb
        >>> pb.testing.gradcheck(lambda x: np.sin(x) * x, np.array([0.3, 1.2]))
        True

    Source: Griewank & Walther, *Evaluating Derivatives*, 2008, §3.3; the name and manner of
    `torch.autograd.gradcheck`.
    """
    rng = np.random.default_rng(seed)
    _check(function, args, step, tolerance, rng, "first order")
    if order > 1:
        value = function(*args)
        y_bar = _direction(value, rng)

        def pulled(*primals: Any) -> Any:
            return vjp(function, *primals)[1](y_bar)

        _check(pulled, args, step, 10 * tolerance, rng, "second order")
    return True


def _check(
    function: Callable[..., Any],
    args: Any,
    step: float,
    tolerance: float,
    rng: np.random.Generator,
    order: str,
) -> None:
    x_dot = _direction(args, rng)
    up = flatten(function(*_moved(args, x_dot, step)))[0]
    down = flatten(function(*_moved(args, x_dot, -step)))[0]
    numeric = [(np.asarray(a) - np.asarray(b)) / (2 * step) for a, b in zip(up, down, strict=True)]
    value, y_dot = jvp(function, args, x_dot)
    for ours, theirs in zip(flatten(y_dot)[0], numeric, strict=True):
        _compare(f"forward mode, {order}", ours, theirs, tolerance)
    y_bar = _direction(value, rng)
    x_bar = vjp(function, *args)[1](y_bar)
    forward = _inner(flatten(y_bar)[0], numeric)
    reverse = _inner(flatten(x_bar)[0], flatten(x_dot)[0])
    size = 1.0 + sum(float(np.sum(np.abs(part))) for part in numeric)
    _compare(f"reverse mode, {order}", reverse, forward, tolerance * size)


def _direction(tree: Any, rng: np.random.Generator) -> Any:
    leaves, structure = flatten(tree)
    return unflatten(structure, [rows.like(np.asarray(leaf), rng) for leaf in leaves])


def _moved(args: Any, x_dot: Any, size: float) -> Any:
    leaves, structure = flatten(args)
    dots = flatten(x_dot)[0]
    return unflatten(structure, [leaf + size * dot for leaf, dot in zip(leaves, dots, strict=True)])


def _inner(left: list[Any], right: list[Any]) -> float:
    return float(sum(np.sum(np.real(np.conj(a) * b)) for a, b in zip(left, right, strict=True)))


def _compare(what: str, ours: Any, theirs: Any, tolerance: float) -> None:
    scale = max(1.0, float(np.max(np.abs(theirs), initial=0.0)))
    error = float(np.max(np.abs(np.asarray(ours) - np.asarray(theirs)), initial=0.0))
    assert error <= tolerance * scale, (
        f"{what}: {ours} differs from finite differences {theirs} by {error:.2e}"
    )


def check_rule(function: Callable[..., Any], *calls: Call, second_order: bool = True) -> int:
    """Check the rule of `function` as pullback's own rules are checked.

    Every call the rule is tested on (an elementwise rule's are drawn from its domain), every argument, in
    double and single precision, real and complex: jvp and vjp against finite differences and each other,
    shapes, dtypes, and that the vjp reads no value it does not declare; then the vjp's own derivative.

    Args:
        function: a function with a rule.
        calls: further calls, made with ``pullback.rules.domain.call`` and ``array``; an array rule without
            any of its own needs at least one.
        second_order: whether the derivative of the rule is checked, too.

    Returns:
        How many directions were checked.

    Raises:
        AssertionError: naming the function, the call, the argument and both numbers.
        UnsupportedError: if a call is none.

    Example:
        >>> import numpy as np, pullback as pb
        >>> pb.testing.check_rule(np.tanh) > 0
        True
    """
    rule = rule_of(function)
    if not all(isinstance(call, Call) for call in calls):
        raise UnsupportedError(
            f"check_rule of {rule.name} takes calls, not arguments",
            remedy="make them with pullback.rules.domain: call(array(3), array(2, 3)).",
        )
    rule.calls.extend(calls)
    try:
        examples = list(rows.calls_of(rule))
        assert examples, f"{rule.name} has no calls to be checked on: give some"
        dtypes = [np.float64, np.float32] + ([np.complex128, np.complex64] if rule.complex else [])
        count = sum(rows.check_row(rule, dtype) for dtype in dtypes)
        if second_order:
            for dtype in (dtype for dtype in dtypes if np.finfo(dtype).eps < 1e-10):
                for number, call in enumerate(examples):
                    _check_twice(rule.function, call, number, dtype)
        return count
    finally:
        del rule.calls[len(rule.calls) - len(calls) :]


def _check_twice(function: Callable[..., Any], call: Call, number: int, dtype: Any) -> None:
    rng = np.random.default_rng([1, number])
    args = draw(call.args, rng, dtype)
    kwargs = {key: draw(value, rng, dtype) for key, value in call.kwargs.items()}
    rule = rule_of(function)
    positions = [i for i in rows.active_positions(rule, args) if not _is_mixed(args[i])]
    if not positions:
        return

    def of_active(*values: Any) -> Any:
        full = list(args)
        for position, value in zip(positions, values, strict=True):
            full[position] = value
        result = function(*full, **kwargs)
        return list(result) if isinstance(result, tuple) else result

    with np.errstate(all="ignore"):
        gradcheck(of_active, *[args[i] for i in positions])


def _is_mixed(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(dtype_of(item).kind not in "fc" for item in value)
