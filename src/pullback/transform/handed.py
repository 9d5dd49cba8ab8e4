"""Arrays that are computed to be stored in another, right away, and for nothing else.

    t = a @ b                      t_bar = y_bar[i]
    y[i, :, :] = t        →        a_bar += t_bar @ b.T; b_bar += a.T @ t_bar

Such an array has no cotangent but that of the place it is stored in. Where nothing else is ever stored there,
that is a view, and need not be made zero for what was there before.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from pullback.ir.build import operand_type
from pullback.ir.nodes import Arg, Assign, Const, For, Program, Slice, Statement, Store, Var
from pullback.ir.types import Array, Scalar
from pullback.ir.walk import reads, walk
from pullback.rules.conjugating import PRODUCTS
from pullback.transform.alias import AliasClass
from pullback.transform.order import Order


class Handed:
    """What is known of stores of arrays."""

    def __init__(self, program: Program, classes: dict[str, AliasClass], order: Order) -> None:
        self._uses = Counter(v.name for s in walk(program.body) for v in reads(s))
        self._classes = classes
        self._order = order

    def over(self, store: Store, before: Statement | None) -> bool:
        """Whether a store is all there is to the array that the statement before it computes."""
        value = store.value
        if not isinstance(before, Assign) or before.targets != (value,) or store.accumulate:
            return False
        if before.function not in PRODUCTS or self._uses[before.targets[0].name] != 1:
            return False
        kind, into = before.targets[0].type, store.array.type
        assert isinstance(kind, Array)
        assert isinstance(into, Array)
        *batch, rows, columns = store.index
        whole = rows == columns == Slice() and all(_is_number(entry) for entry in batch)
        # The cotangents of an axis that is stretched are added up.
        return whole and kind.ndim == 2 and not kind.ones and kind.dtype == into.dtype

    def once(self, store: Store) -> bool:
        """Whether each element that a store comes to was as `np.empty` had left it."""
        memory, array = self._classes[store.array.name], store.array
        origin = next((s for s in memory.origins if array in s.targets), None)
        if origin is None or origin.function is not np.empty or self._order.runs_again(store):
            return False
        made = {target.name for s in memory.origins for target in s.targets if s is not origin}
        made |= {param.name for param in memory.params}
        rest = [s for s in memory.stores if s is not store and s.array.name not in made]
        if not all(other.array == array and _differ(other.index, store.index) for other in rest):
            return False
        around = self._order.loops(store)[len(self._order.loops(origin)) :]
        return all(
            isinstance(loop, For) and _counts_up(loop) and loop.index in store.index for loop in around
        )


def _counts_up(loop: For) -> bool:
    """Whether no two values of the index are of one element, as -1 and the last are."""
    start, step = loop.start, loop.step
    return isinstance(start, Const) and start.value >= 0 and isinstance(step, Const) and step.value > 0


def _is_number(entry: Arg) -> bool:
    return isinstance(entry, Var | Const) and isinstance(operand_type(entry), Scalar)


def _differ(a: tuple[Arg, ...], b: tuple[Arg, ...]) -> bool:
    """Whether two indices have different numbers, counted from the start, somewhere."""
    return any(
        isinstance(i, Const) and isinstance(j, Const) and i.value != j.value and min(i.value, j.value) >= 0
        for i, j in zip(a, b, strict=True)
    )
