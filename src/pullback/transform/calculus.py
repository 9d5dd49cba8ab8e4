"""One assignment in reverse: from the row of the table to statements that add to cotangents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.base.errors import PullbackError, UnsupportedError
from pullback.ir import primitives
from pullback.ir.build import Builder, operand_type
from pullback.ir.nodes import Arg, Assign, Const, If, Operand, Raise, Slice, Statement, Var
from pullback.ir.types import Array, Scalar
from pullback.ir.walk import reads, walk
from pullback.rules.read import cotangent, vjp_direction
from pullback.rules.structured import Filled, dense
from pullback.rules.table import ALL, TABLE, Rule
from pullback.transform.activity import Activity, carries
from pullback.transform.alias import AliasClass
from pullback.transform.cotangents import Cotangents, zero
from pullback.transform.eager import as_given, at, check_direction, places_of, pull
from pullback.transform.order import Order
from pullback.transform.shadow import Shadows
from pullback.transform.symbol import Symbol


@dataclass(slots=True)
class Copies:
    """Statements that keep the entries of arrays which are overwritten after an assignment has read them."""

    before: list[Statement] = field(default_factory=list)
    after: list[Statement] = field(default_factory=list)


class Calculus:
    """Writes the reverse of assignments."""

    def __init__(
        self,
        builder: Builder,
        activity: Activity,
        classes: dict[str, AliasClass],
        order: Order,
        shadows: Shadows,
        bars: Cotangents,
    ) -> None:
        self._builder = builder
        self._activity = activity
        self._classes = classes
        self._order = order
        self._shadows = shadows
        self._bars = bars
        self._guards = True

    def assign(self, statement: Assign) -> Copies:
        """Add what the targets' cotangents contribute to those of the arguments."""
        special = _SPECIAL.get(statement.function)
        if special is not None:
            y_bar = self._y_bar(statement.targets[0])
            if y_bar is not None:
                special(self, statement, y_bar)
            return Copies()
        return self._by_rule(statement) if carries(statement) else Copies()

    def add(self, variable: Var, contribution: Operand) -> None:
        """``variable_bar += contribution``, summed over the axes that broadcasting had added."""
        if not self._activity.is_active(variable):
            return
        contribution = self._unbroadcast(contribution, variable)
        if isinstance(variable.type, Scalar):
            self._bars.add(variable, contribution)
            return
        assert isinstance(variable.type, Array)
        everything = (Slice(),) * variable.type.ndim
        kind = operand_type(contribution)
        if kind.dtype != variable.type.dtype:
            contribution = self._builder.call(primitives.cast, contribution, variable.type.dtype)
        self._builder.store(self._shadows[variable], everything, contribution, accumulate=True)

    def of_the_last(self, shadow: Var, index: tuple[Arg, ...], taken: Operand) -> Operand:
        """The cotangents of what is stored at indices that may repeat: of several, the last one stays."""
        builder = self._builder
        assert isinstance(taken, Var)
        assert isinstance(shadow.type, Array)
        assert isinstance(taken.type, Array)
        lengths = tuple(builder.dim(taken, axis) for axis in range(taken.type.ndim))
        count: Operand = Const(1)
        for length in lengths:
            count = builder.call(np.multiply, count, length, name="count")
        places = builder.call(np.reshape, builder.call(np.arange, count), lengths, name="places")
        shape = tuple(builder.dim(shadow, axis) for axis in range(shadow.type.ndim))
        order = builder.call(np.zeros, shape, dtype=places.type.dtype, name="order")
        builder.store(order, index, places)
        last = builder.call(np.equal, builder.call(primitives.pick, order, index), places, name="last")
        return builder.call(np.where, last, taken, taken.type.dtype.type(0))

    def element(self, shadow: Var, index: tuple[Arg, ...]) -> Operand:
        """``shadow[index]`` as it is now: a number, or fresh memory."""
        kinds = [operand_type(i) for i in index if isinstance(i, Var)]
        if any(isinstance(kind, Array) for kind in kinds):
            return self._builder.call(primitives.pick, shadow, index, name=shadow.name)
        slices = [i for i in index if isinstance(i, Slice) or (isinstance(i, Const) and i.value is None)]
        if not slices:
            return self._builder.call(primitives.item, shadow, index, name=shadow.name)
        part = self._builder.call(primitives.view, shadow, index, name=shadow.name)
        return self._builder.call(np.copy, part, name=shadow.name)

    # -- the rule --------------------------------------------------------------------------------------------

    def _y_bar(self, target: Var) -> Operand | None:
        if not self._activity.is_active(target):
            return None
        return self._shadows[target] if isinstance(target.type, Array) else self._bars.take(target)

    def _by_rule(self, statement: Assign) -> Copies:
        y_bars = [self._y_bar(target) for target in statement.targets]
        if all(y_bar is None for y_bar in y_bars):
            return Copies()
        check_direction(statement, self._activity.is_active, vjp_direction)
        rule = TABLE.get(statement.function)
        copies, stand_ins = Copies(), {}
        self._guards = self._activity.guards_in_reverse(statement)
        args = tuple(self._symbol(arg, statement, stand_ins) for arg in statement.args)
        kwargs = {key: self._symbol(arg, statement, stand_ins) for key, arg in statement.kwargs}
        try:
            with self._builder.block() as reverse:
                outputs = tuple(self._symbol(target, statement, stand_ins) for target in statement.targets)
                try:
                    found = self._by_symbols(rule, statement, y_bars, outputs, args, kwargs)
                except PullbackError:
                    raise
                except Exception as error:
                    raise UnsupportedError("a rule that is not plain NumPy") from error
                for variable, x_bar in found:
                    self._add_dense(variable, x_bar)
        except UnsupportedError:
            with self._builder.block() as reverse:
                for variable, x_bar in self._by_engine(statement, y_bars, args, kwargs):
                    self.add(variable, x_bar)
        except PullbackError as error:
            error.where = statement.location
            raise
        self._builder.extend(reverse.statements())
        used = {v.name for s in walk(reverse.statements()) for v in reads(s)}
        produced = {target.name for target in statement.targets}
        for name, (array, copy) in stand_ins.items():
            if copy.name in used:
                made = Assign((copy,), np.copy, (array,), location=statement.location)
                (copies.after if name in produced else copies.before).append(made)
        return copies

    def _by_symbols(
        self,
        rule: Rule | None,
        statement: Assign,
        y_bars: list[Operand | None],
        outputs: Any,
        args: Any,
        kwargs: Any,
    ) -> list[tuple[Var, Any]]:
        """What the arguments get, by running the rule on symbols."""
        if rule is None:
            raise UnsupportedError("no rule")
        complex_output = any(operand_type(target).dtype.kind == "c" for target in statement.targets)
        seeds = [
            zero(target.type).value if bar is None else Symbol(bar, self._builder, self._guards)
            for bar, target in zip(y_bars, statement.targets, strict=True)
        ]
        y_bar, y = (seeds[0], outputs[0]) if len(outputs) == 1 else (seeds, outputs)
        self._activity.require_positional(statement)
        found: list[tuple[Var, Any]] = []
        for position, arg in enumerate(statement.args):
            if isinstance(arg, tuple) and any(map(self._activity.is_active, arg)):
                parts = cotangent(rule, position, y_bar, y, args, kwargs, complex_output)
                for part, x_bar in zip(arg, parts, strict=True):
                    if self._activity.is_active(part):
                        assert isinstance(part, Var)
                        found.append((part, x_bar))
                continue
            if not self._activity.is_active(arg):
                continue
            assert isinstance(arg, Var)
            x_bar = cotangent(rule, position, y_bar, y, args, kwargs, complex_output)
            if rule.partials is None and vjp_direction(rule, position)[0] == ALL:
                x_bar = x_bar[position]
            found.append((arg, x_bar))
        return found

    def _by_engine(
        self, statement: Assign, y_bars: list[Operand | None], args: Any, kwargs: Any
    ) -> list[tuple[Var, Operand]]:
        """What the arguments get, by a call that runs the function on a tape."""
        places = places_of(statement, self._activity.is_active)
        keywords = {key: as_given(value) for key, value in kwargs.items()}
        found = self._builder.call(
            pull,
            statement.function,
            Const(places),
            tuple(y_bars),
            *map(as_given, args),
            **keywords,
            name="x_bar",
        )
        given = dict(statement.kwargs)
        targets = [at(place, statement.args, given) for place in places]
        return list(zip(targets, found if isinstance(found, tuple) else (found,), strict=True))

    def _add_dense(self, variable: Var, x_bar: Any) -> None:
        """Add what a rule gives, structured or not."""
        if isinstance(x_bar, Filled):
            x_bar = x_bar.value
        x_bar = dense(x_bar)
        nothing = x_bar is None or (not isinstance(x_bar, Symbol) and not np.any(x_bar))
        if isinstance(x_bar, np.ndarray) and x_bar.ndim and not nothing:
            raise UnsupportedError("a cotangent that is a constant array")
        if not nothing:
            self.add(variable, x_bar.operand if isinstance(x_bar, Symbol) else Const(x_bar))

    def _symbol(self, arg: Arg, statement: Assign, stand_ins: dict[str, tuple[Var, Var]]) -> Any:
        if isinstance(arg, tuple):
            return tuple(self._symbol(part, statement, stand_ins) for part in arg)
        if isinstance(arg, Const):
            return arg.value
        if not isinstance(arg, Var):
            return arg
        if isinstance(arg.type, Array) and self._order.overwritten(statement, self._classes[arg.name], arg):
            if arg.name not in stand_ins:
                stand_ins[arg.name] = (arg, self._builder.var(f"{arg.name}_kept", arg.type))
            return Symbol(stand_ins[arg.name][1], self._builder, self._guards)
        return Symbol(arg, self._builder, self._guards)

    def _unbroadcast(self, contribution: Operand, variable: Var) -> Operand:
        kind = operand_type(contribution)
        if isinstance(kind, Scalar):
            return contribution
        if isinstance(variable.type, Scalar):
            return self._builder.call(np.sum, contribution, name=f"{variable.name}_bar")
        assert isinstance(variable.type, Array)
        extra = kind.ndim - variable.type.ndim
        if extra > 0:
            contribution = self._builder.call(np.sum, contribution, axis=tuple(range(extra)))
        offset = max(0, -extra)
        short = tuple(
            axis - offset
            for axis in sorted(variable.type.ones)
            if axis >= offset and axis - offset not in operand_type(contribution).ones
        )
        if short:
            contribution = self._builder.call(np.sum, contribution, axis=short, keepdims=True)
        assert isinstance(contribution, Var)
        for axis in set(range(offset, variable.type.ndim)) - variable.type.ones:
            if axis - offset not in operand_type(contribution).ones:
                self._same_length(contribution, axis - offset, variable, axis)
        return contribution

    def _same_length(self, contribution: Var, own_axis: int, variable: Var, axis: int) -> None:
        a, b = self._builder.dim(contribution, own_axis), self._builder.dim(variable, axis)
        differs = self._builder.call(np.not_equal, a, b, name="differs")
        text = f"{variable.name} was broadcast along axis {axis}, whose length is 1 only at run time"
        self._builder.add(If(differs, (Raise(ValueError, text, location=self._builder.location),)))


def _bind(calculus: Calculus, statement: Assign, y_bar: Operand) -> None:
    source = statement.args[0]
    if isinstance(source, Var):
        calculus.add(source, y_bar)


def _item(calculus: Calculus, statement: Assign, y_bar: Operand) -> None:
    array, index = statement.args
    assert isinstance(array, Var)
    assert isinstance(index, tuple)
    if calculus._activity.is_active(array):
        calculus._builder.store(calculus._shadows[array], index, y_bar, accumulate=True)


def _select(calculus: Calculus, statement: Assign, y_bar: Operand) -> None:
    test, a, b = statement.args
    assert not isinstance(test, Slice)
    nothing = zero(operand_type(y_bar))
    for arg, choices in ((a, (y_bar, nothing)), (b, (nothing, y_bar))):
        if calculus._activity.is_active(arg):
            assert isinstance(arg, Var)
            share = calculus._builder.call(primitives.select, test, *choices, name=f"{arg.name}_bar")
            calculus.add(arg, share)


def _scale(calculus: Calculus, statement: Assign, y_bar: Operand) -> None:
    partial, seed = statement.args
    for arg, factor in ((partial, seed), (seed, partial)):
        if calculus._activity.is_active(arg):
            assert isinstance(arg, Var)
            assert isinstance(factor, Var | Const)
            if operand_type(factor).dtype.kind == "c":
                factor = calculus._builder.call(np.conj, factor, name="factor")
            calculus.add(arg, calculus._builder.call(primitives.scale, factor, y_bar, name=f"{arg.name}_bar"))


def _full(calculus: Calculus, statement: Assign, y_bar: Operand) -> None:
    value = statement.args[1]
    if calculus._activity.is_active(value):
        assert isinstance(value, Var)
        calculus.add(value, calculus._builder.call(np.sum, y_bar, name=f"{value.name}_bar"))


_SPECIAL: dict[Callable[..., Any], Callable[[Calculus, Assign, Operand], None]] = {
    primitives.bind: _bind,
    primitives.cast: _bind,
    primitives.weaken: _bind,
    primitives.item: _item,
    primitives.pick: _item,
    primitives.select: _select,
    primitives.scale: _scale,
    np.copy: _bind,
    np.full: _full,
}
