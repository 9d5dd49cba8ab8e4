"""Contracting along a plan, and the adjoint, which takes the same steps back.

``C = A @ B`` has the adjoints ``A_bar = C_bar @ Bᵀ`` and ``B_bar = Aᵀ @ C_bar``: two products a step for the
gradients by all tensors at once, of the matrices that the forward sweep has laid out already (Griewank &
Walther, *Evaluating Derivatives*, 2008, §3.2; for networks Liao, Liu, Wang & Xiang, PRX 9, 031041, 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.base.dispatch import tracked_in
from pullback.base.tracked import Tracked
from pullback.rules.einsum import einsum_vjp
from pullback.rules.networks.plan import Pair, Plan
from pullback.rules.networks.slices import Sliced
from pullback.rules.structured import dense
from pullback.rules.table import ALL, Direction, Rule

Matrices = list[Any]
"""The two matrices of each step; None for one that shares the memory of a tensor, or of no pair."""


def contracted(plan: Plan | Sliced, tensors: Sequence[Any]) -> Any:
    """The contraction of arrays, or of what engines follow: one operation for a tape."""
    moving = tuple(i for i, tensor in enumerate(tensors) if isinstance(tensor, Tracked))
    if not moving:
        return _forward(plan, tensors)[()]
    return operation(Call(plan, moving), *tensors)


class Call:
    """One contraction that a tape records.

    Attributes:
        plan: what is contracted in which order.
        wanted: the tensors whose cotangents are wanted.
        matrices: what the forward sweep has laid out, if that was of plain arrays.
    """

    __slots__ = ("matrices", "plan", "wanted")

    def __init__(self, plan: Plan | Sliced, wanted: tuple[int, ...]) -> None:
        self.plan = plan
        self.wanted = wanted
        self.matrices: Matrices | None = None


def operation(call: Call, *tensors: Any) -> Any:
    """The contraction of `call`, as a tape records it.

    Forward mode takes the steps one by one: it moves all tangents at once.
    """
    found = tracked_in(tensors)
    if found:
        owner: Any = max(found, key=lambda value: value.level)
        if owner.carries_tangent:
            return _forward(call.plan, tensors)
        return owner.__array_function__(operation, (type(owner),), (call, *tensors), {})
    if isinstance(call.plan, Sliced):
        return _forward(call.plan, tensors)[()]
    matrices: Matrices = []
    y = forward(call.plan, tensors, matrices)
    call.matrices = _own(call.plan, tensors, matrices)
    return y[()]


def _own(plan: Plan, tensors: Sequence[Any], matrices: Matrices) -> Matrices:
    """`matrices` without views of the tensors, which may have been overwritten when they are read again."""
    places = [place for step in plan.steps for place in step.places]
    return [
        None if place < len(tensors) and np.may_share_memory(matrix, tensors[place]) else matrix
        for place, matrix in zip(places, matrices, strict=True)
    ]


def _vjp(y_bar: Any, _y: Any, call: Call, *tensors: Any) -> tuple[Any, ...]:
    if isinstance(call.plan, Sliced):
        return (None, *call.plan.reverse(forward, reverse, y_bar, tensors, call.wanted))
    matrices = call.matrices
    if matrices is None or tracked_in(tensors):
        forward(call.plan, tensors, matrices := [])
    return (None, *reverse(call.plan, y_bar, tensors, matrices, call.wanted))


_rule = Rule(operation)
_rule.vjps[ALL] = Direction(_vjp, 1, "call tensors")
operation.__dict__["rule"] = _rule


def _forward(plan: Plan | Sliced, tensors: Sequence[Any]) -> Any:
    return plan.forward(forward, tensors) if isinstance(plan, Sliced) else forward(plan, tensors, None)


def _leaf(plan: Plan, tensors: Sequence[Any], place: int) -> Any:
    text = plan.leaves[place]
    return _array(tensors[place] if text is None else np.einsum(text, tensors[place]))


def forward(plan: Plan, tensors: Sequence[Any], matrices: Matrices | None) -> Any:
    """The contraction of arrays or of what any engine follows; the operands of its steps go to `matrices`."""
    values: list[Any] = [_leaf(plan, tensors, place) for place in range(len(tensors))]
    for step in plan.steps:
        if isinstance(step, Pair):
            i, j = step.places
            a, b = step.left.matrix(values[i]), step.right.matrix(values[j])
            values[i] = values[j] = None
            if matrices is not None:
                matrices += (a, b)
            values.append(np.matmul(a, b).reshape(step.shape))
        else:
            parts = [values[place] for place in step.places]
            if matrices is not None:
                matrices += parts
            values.append(_array(np.einsum(step.text, *parts)))
    y = values[plan.last]
    if not plan.steps:
        y = np.copy(y)
    return y if plan.final is None else y.transpose(plan.final)


def reverse(
    plan: Plan, y_bar: Any, tensors: Sequence[Any], matrices: Matrices, wanted: tuple[int, ...]
) -> list[Any]:
    """The cotangents of the tensors `wanted`, None for the others, from that of the result."""
    count, reached, matmul = len(tensors), plan.reached(wanted), np.matmul
    bars: list[Any] = [None] * (count + len(plan.steps))
    if plan.final is not None:
        y_bar = np.transpose(y_bar, tuple(plan.final.index(axis) for axis in range(len(plan.final))))
    bars[plan.last] = _array(y_bar)
    end = len(matrices)
    for k in range(len(plan.steps) - 1, -1, -1):
        step = plan.steps[k]
        start = end - len(step.places)
        product_bar, bars[count + k] = bars[count + k], None
        if product_bar is not None:
            parts = [
                _operand(plan, tensors, step, i) if matrices[start + i] is None else matrices[start + i]
                for i in range(end - start)
            ]
            if isinstance(step, Pair):
                (i, j), (a, b) = step.places, parts
                c_bar = product_bar.reshape(step.product)
                if i in reached:
                    layout = step.left
                    bars[i] = layout.tensor(matmul(b, c_bar.mT) if layout.flipped else matmul(c_bar, b.mT))
                if j in reached:
                    layout = step.right
                    bars[j] = layout.tensor(matmul(c_bar.mT, a) if layout.flipped else matmul(a.mT, c_bar))
            else:
                for i, place in enumerate(step.places):
                    if place in reached:
                        x_bar = einsum_vjp(i + 1, product_bar, None, step.text, *parts, optimize=True)
                        bars[place] = dense(x_bar)
        end = start
    for place in wanted:
        text = plan.leaves[place]
        if text is not None:
            bars[place] = einsum_vjp(1, bars[place], None, text, tensors[place])
    return bars[:count]


def _operand(plan: Plan, tensors: Sequence[Any], step: Any, i: int) -> Any:
    """An operand of a step that is a leaf, laid out anew."""
    value = _leaf(plan, tensors, step.places[i])
    if isinstance(step, Pair):
        return (step.left, step.right)[i].matrix(value)
    return value


def _array(x: Any) -> Any:
    """`x` with the methods of an array, where it is a number."""
    return x if hasattr(x, "shape") else np.asarray(x)
