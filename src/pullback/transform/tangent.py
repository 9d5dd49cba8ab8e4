"""Forward mode: a program that carries a tangent along with each active value.

`tangent(program, wrt, of)` takes the original's parameters and one tangent for each parameter in `wrt`, and
returns the original's results and one tangent for each result in `of`. After each statement stands the same
statement on tangents:

    y = f(x)          x_dot moves y by Σ ∂f/∂x x_dot       the row of the table
    t = a[i]          t_dot = a_dot[i]
    a[i] = t          a_dot[i] = t_dot

(Griewank & Walther, *Evaluating Derivatives*, 2008, §3.1.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pullback.base.errors import PullbackError, UnsupportedError
from pullback.ir import primitives
from pullback.ir.build import Builder, names_of, operand_type
from pullback.ir.memory import is_alias
from pullback.ir.nodes import (
    Arg,
    Assign,
    Block,
    Const,
    Operand,
    Pop,
    Program,
    Push,
    Return,
    Statement,
    Store,
    Var,
)  # fmt: skip
from pullback.ir.primitives import ALIASING
from pullback.ir.types import Array, Scalar, Stack, Type, number
from pullback.ir.verify import fits
from pullback.ir.walk import reads, walk, with_blocks
from pullback.rules.read import jvp_key
from pullback.rules.read import tangent as tangent_of_rule
from pullback.rules.table import TABLE
from pullback.transform.activity import Activity, carries, results_at
from pullback.transform.alias import alias_classes
from pullback.transform.canonical import canonical, cells_of
from pullback.transform.cotangents import zero
from pullback.transform.eager import as_given, at, check_direction, places_of, push
from pullback.transform.shadow import Shadows
from pullback.transform.symbol import Symbol


def tangent(program: Program, wrt: Sequence[int], of: Sequence[int]) -> Program:
    """The forward-mode derivative of a program (see the module's docstring).

    Args:
        wrt: positions of the parameters that move, floating-point ones.
        of: positions of the results whose tangents are returned, floating-point ones.
    """
    return _Tangent(canonical(program), wrt, of).program()


class _Tangent:
    def __init__(self, program: Program, wrt: Sequence[int], of: Sequence[int]) -> None:
        self.original = program
        self.wrt, self.of = wrt, of
        self.builder = Builder(names_of(program))
        cells = cells_of(program)
        classes = alias_classes(program, cells)
        self.activity = Activity(
            program,
            classes,
            wrt=[program.params[k].name for k in wrt],
            of=results_at(program, of),
        )
        self.shadows = Shadows(self.builder, classes, cells, self.activity, suffix="dot")
        self.dots: dict[str, Var] = {}
        self.guards = True

    def program(self) -> Program:
        program, builder = self.original, self.builder
        seeds = tuple(
            builder.var(f"{p.name}_dot", Scalar(p.type.dtype) if isinstance(p.type, Scalar) else p.type)
            for p in (program.params[k] for k in self.wrt)
        )
        with builder.block() as start:
            for param in program.params:
                if self.activity.is_active(param):
                    self._start(param, dict(zip(self.wrt, seeds, strict=True)))
        body = self._block(program.body[:-1])
        with builder.block() as end:
            dots = tuple(self._tangent_of(program.results[k]) for k in self.of)
        last = Return((*program.results, *dots))
        params = (*program.params, *seeds)
        return Program(
            f"{program.name}_tangent", params, (*start.statements(), *body, *end.statements(), last)
        )

    def _start(self, param: Var, seeds: dict[int, Var]) -> None:
        position = next((k for k, p in enumerate(self.original.params) if p == param))
        seed = seeds.get(position)
        if isinstance(param.type, Scalar):
            value: Operand = zero(param.type) if seed is None else seed
            self.builder.add(Assign((self._dot(param),), primitives.bind, (value,)))
            return
        self.builder.extend(tuple(self.shadows.zeros(param)))
        if seed is not None:
            whole = (slice(None),) * param.type.ndim  # type: ignore[union-attr]
            self.builder.store(self.shadows[param], whole, seed)

    def _dot(self, variable: Var) -> Var:
        if isinstance(variable.type, Array | Stack):
            return self.shadows[variable]
        dot = self.dots.get(variable.name)
        if dot is None:
            dot = self.builder.var(f"{variable.name}_dot", Scalar(variable.type.dtype))
            self.dots[variable.name] = dot
        return dot

    # -- statements ------------------------------------------------------------------------------------------

    def _block(self, block: Block) -> Block:
        made: list[Statement] = []
        for statement in block:
            self.builder.location = statement.location
            text = statement.location.text.strip() if statement.location else ""
            self.builder.comment = f"tangent of: {text}" if text else ""
            made.append(with_blocks(statement, self._block))
            with self.builder.block() as moved:
                self._statement(statement)
            made += moved.statements()
        return tuple(made)

    def _statement(self, statement: Statement) -> None:
        match statement:
            case Assign() if any(self.activity.is_active(target) for target in statement.targets):
                self._assign(statement)
            case Store() if self.activity.is_active(statement.array):
                value = statement.value
                moved = self._tangent_of(value)
                self.builder.add(replace(statement, array=self.shadows[statement.array], value=moved))
            case Push() if self.activity.is_active(statement.stack):
                self.builder.add(Push(self._dot(statement.stack), self._tangent_of(statement.value)))
            case Pop() if self.activity.is_active(statement.target):
                self.builder.add(Pop(self._dot(statement.target), self._dot(statement.stack)))

    def _tangent_of(self, value: Operand) -> Operand:
        if self.activity.is_active(value):
            assert isinstance(value, Var)
            return self._dot(value)
        return self._no_tangent(value)

    def _no_tangent(self, value: Operand) -> Operand:
        kind = operand_type(value)
        if isinstance(kind, Array):
            return self.builder.call(np.zeros_like, value, name="zero")
        return zero(kind)

    def _assign(self, statement: Assign) -> None:
        target = statement.targets[0]
        if statement.function is primitives.stack or is_alias(statement) or not carries(statement):
            self.builder.extend(tuple(self.shadows.definition(statement)))
            return
        special = _SPECIAL.get(statement.function)
        if special is not None:
            self._give(target, special(self, statement))
            return
        self._by_rule(statement)

    def _give(self, target: Var, value: Operand, *, smaller: bool = False) -> None:
        """Let the tangent of `target` be `value`, repeated where it is, or may be, `smaller`."""
        dot = self._dot(target)
        kind = operand_type(value)
        if kind.dtype != dot.type.dtype:  # type: ignore[union-attr]
            value = self.builder.call(primitives.cast, value, dot.type.dtype)  # type: ignore[union-attr]
        if isinstance(dot.type, Array) and (smaller or not _is_as_large(operand_type(value), dot.type)):
            # One number for all entries, or for all along an axis, or another layout.
            self.builder.extend(tuple(self.shadows.zeros(target)))
            self.builder.store(dot, (slice(None),) * dot.type.ndim, value)
            return
        self.builder.add(Assign((dot,), primitives.bind, (value,)))

    def _by_rule(self, statement: Assign) -> None:
        check_direction(statement, self.activity.is_active, jvp_key)
        self.guards = self.activity.guards(statement)
        args = tuple(self._symbol(arg) for arg in statement.args)
        kwargs = {key: self._symbol(arg) for key, arg in statement.kwargs}
        begin = len(self.builder.innermost)
        try:
            with self.builder.block() as moved:
                try:
                    total = self._by_symbols(statement, args, kwargs)
                except PullbackError:
                    raise
                except Exception as error:
                    raise UnsupportedError("a rule that is not plain NumPy") from error
            self.builder.extend(moved.statements())
        except UnsupportedError:
            total = self._by_engine(statement, args, kwargs)
        except PullbackError as error:
            error.where = statement.location
            raise
        if total is None:
            # Active only since it may share memory with what is: it does not move here.
            for target in statement.targets:
                if self.activity.is_active(target):
                    self._give(target, self._no_tangent(target))
            return
        parts = total if len(statement.targets) > 1 else (total,)
        for target, part in zip(statement.targets, parts, strict=True):
            if self.activity.is_active(target):
                operand = part.operand if isinstance(part, Symbol) else Const(number(part))
                made = self.builder.innermost[begin:]
                if self._may_be_smaller(statement, made):
                    self._give(target, operand, smaller=True)
                else:
                    self._give(target, self._own(operand, target, made))

    def _may_be_smaller(self, statement: Assign, made: Sequence[Statement]) -> bool:
        """Whether an elementwise tangent, as ``x_dot`` of ``x + a``, has not met an array that `x` has."""
        rule = TABLE.get(statement.function)
        if rule is None or rule.partials is None:
            return False
        met = {v.name for s in walk(tuple(made)) for v in reads(s)}
        arrays = [arg for arg in statement.args if isinstance(arg, Var) and isinstance(arg.type, Array)]
        missed = any(not self.activity.is_active(arg) and arg.name not in met for arg in arrays)
        return len(arrays) > 1 and missed and not any(target.name in met for target in statement.targets)

    def _by_symbols(self, statement: Assign, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The tangents of the results, by running the rule on symbols; None where nothing moves."""
        rule = TABLE.get(statement.function)
        if rule is None:
            raise UnsupportedError("no rule")
        outputs = tuple(self._symbol(target) for target in statement.targets)
        y = outputs[0] if len(outputs) == 1 else outputs
        total: Any = None
        self.activity.require_positional(statement)
        for position, arg in enumerate(statement.args):
            if isinstance(arg, tuple) and any(map(self.activity.is_active, arg)):
                x_dot: Any = tuple(self._moved(part) for part in arg)
            elif self.activity.is_active(arg):
                assert isinstance(arg, Var)
                x_dot = Symbol(self._dot(arg), self.builder, self.guards)
            else:
                continue
            moved = tangent_of_rule(rule, position, x_dot, y, args, kwargs)
            total = moved if total is None else _plus(total, moved)
        parts = total if isinstance(total, tuple | list) else (total,)
        if any(isinstance(part, np.ndarray) and part.ndim for part in parts):
            raise UnsupportedError("a tangent that is a constant array")
        return total

    def _by_engine(self, statement: Assign, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The tangents of the results, by a call that runs the function on duals."""
        places = places_of(statement, self.activity.is_active)
        if not places:
            return None
        given = dict(statement.kwargs)
        dots = tuple(self._tangent_of(at(place, statement.args, given)) for place in places)
        keywords = {key: as_given(value) for key, value in kwargs.items()}
        found = self.builder.call(
            push, statement.function, Const(places), dots, *map(as_given, args), **keywords, name="y_dot"
        )
        many = isinstance(found, tuple)
        return tuple(Symbol(x, self.builder) for x in found) if many else Symbol(found, self.builder)

    def _moved(self, part: Arg) -> Symbol:
        """The tangent of one of several arrays in a list."""
        assert isinstance(part, Var | Const)
        return Symbol(self._tangent_of(part), self.builder, self.guards)

    def _own(self, value: Operand, target: Var, made: Sequence[Statement]) -> Operand:
        """`value`, copied unless it is fresh memory: the tangent of ``x + 1`` only equals that of `x`."""
        kind = operand_type(value)
        if not isinstance(kind, Array):
            return value
        fresh = {
            v.name for s in made if isinstance(s, Assign) and s.function not in ALIASING for v in s.targets
        }
        if isinstance(value, Var) and value.name in fresh and fits(kind, self._dot(target).type):
            return value
        return self.builder.call(np.copy, value, name=f"{target.name}_dot")

    def _symbol(self, arg: Arg) -> Any:
        if isinstance(arg, tuple):
            return tuple(self._symbol(part) for part in arg)
        if isinstance(arg, Const):
            return arg.value
        return Symbol(arg, self.builder, self.guards) if isinstance(arg, Var) else arg


def _is_as_large(kind: Type, target: Array) -> bool:
    """Whether a value fits a variable, and has no axis of length 1 where that has a longer one."""
    return fits(kind, target) and isinstance(kind, Array) and kind.ones == target.ones


def _plus(a: Any, b: Any) -> Any:
    if isinstance(a, tuple | list):
        return tuple(_plus(x, y) for x, y in zip(a, b, strict=True))
    return a + b


def _same(maker: _Tangent, statement: Assign) -> Operand:
    first, *rest = statement.args
    assert not isinstance(first, tuple)
    return maker.builder.call(statement.function, maker._tangent_of(first), *rest)  # type: ignore[arg-type]


def _full(maker: _Tangent, statement: Assign) -> Operand:
    shape, value = statement.args
    return maker.builder.call(np.full, shape, maker._tangent_of(value))  # type: ignore[arg-type]


def _bind(maker: _Tangent, statement: Assign) -> Operand:
    return maker._tangent_of(statement.args[0])  # type: ignore[arg-type]


def _select(maker: _Tangent, statement: Assign) -> Operand:
    test, a, b = statement.args
    moved = (maker._tangent_of(a), maker._tangent_of(b))  # type: ignore[arg-type]
    return maker.builder.call(primitives.select, test, *moved)


def _scale(maker: _Tangent, statement: Assign) -> Operand:
    partial, seed = statement.args
    parts = [
        maker.builder.call(primitives.scale, maker._tangent_of(x), factor)  # type: ignore[arg-type]
        for x, factor in ((partial, seed), (seed, partial))
        if maker.activity.is_active(x)
    ]
    return parts[0] if len(parts) == 1 else maker.builder.call(np.add, *parts)


_SPECIAL: dict[Callable[..., Any], Callable[[_Tangent, Assign], Operand]] = {
    primitives.bind: _bind,
    primitives.weaken: _bind,
    primitives.cast: _same,
    primitives.item: _same,
    primitives.pick: _same,
    np.copy: _same,
    np.full: _full,
    primitives.select: _select,
    primitives.scale: _scale,
}
