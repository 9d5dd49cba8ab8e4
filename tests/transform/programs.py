"""Programs made by hand, one for each thing a transform has to get right, with arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.ir import primitives as p
from pullback.ir.build import Builder
from pullback.ir.nodes import Const, For, If, Program, Return, Slice, While
from pullback.ir.types import FLOAT, INT, Scalar, type_of

VECTOR = type_of(np.ones(3))
MATRIX = type_of(np.ones((3, 3)))
DOUBLE = Scalar(np.dtype(float))

PROGRAMS: list[tuple[Program, list[Any]]] = []


def example(*arguments: Any) -> Callable[[Callable[[Builder], Program]], None]:
    def add(make: Callable[[Builder], Program]) -> None:
        PROGRAMS.append((make(Builder()), list(arguments)))

    return add


@example(np.array([0.3, 0.5, 0.9, 0.1]))
def overwritten_elements_and_a_branch(b: Builder) -> Program:
    x = b.var("x", VECTOR)
    n = b.dim(x, 0)
    s = b.var("s", DOUBLE)
    b.assign(s, 0.0)
    i = b.var("i", INT)
    with b.block() as body:
        t = b.call(p.item, x, (i,))
        v = b.call(np.add, b.call(np.multiply, b.call(np.sin, t), s), t)
        b.assign(s, v)
        b.store(x, (i,), v)
        test = b.call(np.greater, b.call(np.multiply, v, v), 0.5)
        with b.block() as then:
            b.assign(s, b.call(np.multiply, s, b.call(np.exp, v)))
        b.add(If(test, then.statements()))
    b.add(For(i, Const(0), n, Const(1), body.statements()))
    b.add(Return((s,)))
    return Program("overwritten_elements_and_a_branch", (x,), b.statements())


@example(0.7, np.array([0.3, 0.5, 0.9]))
def loop_backwards_in_a_while(b: Builder) -> Program:
    x, a = b.var("x", FLOAT), b.var("a", VECTOR)
    s = b.var("s", DOUBLE)
    b.assign(s, x)
    with b.block() as before:
        test = b.call(np.less, s, 10.0)
    i = b.var("i", INT)
    with b.block() as body:
        with b.block() as inner:
            w = b.call(np.multiply, b.call(p.item, a, (i,)), s)
            b.assign(s, b.call(np.add, b.call(np.exp, b.call(np.multiply, w, 0.1)), s))
        b.add(For(i, Const(2), Const(-1), Const(-1), inner.statements()))
    b.add(While(before.statements(), test, body.statements()))
    b.add(Return((s,)))
    return Program("loop_backwards_in_a_while", (x, a), b.statements())


@example(np.array([0.3, 0.5, 0.9]))
def two_buffers_swapped_and_views(b: Builder) -> Program:
    x = b.var("x", VECTOR)
    n = b.dim(x, 0)
    u, w = b.var("u", VECTOR), b.var("w", VECTOR)
    b.assign(u, x)
    b.assign(w, b.call(np.zeros_like, x, name="y"))
    k, i = b.var("k", INT), b.var("i", INT)
    with b.block() as body:
        with b.block() as inner:
            t = b.call(p.item, u, (i,))
            b.store(w, (i,), b.call(np.multiply, b.call(np.sin, t), t))
        b.add(For(i, Const(0), n, Const(1), inner.statements()))
        other = b.call(p.bind, u, name="other")
        b.assign(u, w)
        b.assign(w, other)
        z = b.call(np.multiply, u, 2.0)
        tail = b.call(p.view, z, (Slice(Const(1), None, None),))
        b.store(tail, (Const(0),), 1.5)
        b.store(tail, (Const(1),), 1.5, accumulate=True)
        b.store(u, (Slice(),), z)
    b.add(For(k, Const(0), Const(3), Const(1), body.statements()))
    b.add(Return((b.call(np.sum, u),)))
    return Program("two_buffers_swapped_and_views", (x,), b.statements())


@example(np.array([[0.5, 0.1, 0.2], [0.3, 0.9, 0.4], [0.2, 0.7, 0.8]]), np.eye(3) + 0.1)
def whole_array_functions_of_overwritten_arrays(b: Builder) -> Program:
    x, y = b.var("x", MATRIX), b.var("y", MATRIX)
    z = b.call(np.matmul, x, y)
    b.store(x, (Const(0), Slice()), 3.0)
    w = b.call(np.exp, b.call(np.multiply, b.call(np.matmul, z, x), 0.1))
    b.add(Return((b.call(np.sum, b.call(np.linalg.solve, y, w)),)))
    return Program("whole_array_functions_of_overwritten_arrays", (x, y), b.statements())


@example(np.array([0.0, 0.5, -0.9]))
def zero_cotangent_meets_an_infinite_partial(b: Builder) -> Program:
    x = b.var("x", VECTOR)
    s = b.var("s", DOUBLE)
    b.assign(s, 0.0)
    i = b.var("i", INT)
    with b.block() as body:
        t = b.call(p.item, x, (i,))
        root = b.call(np.sqrt, t)
        chosen = b.call(p.select, b.call(np.greater, t, 0.25), b.call(np.multiply, root, root), t)
        b.assign(s, b.call(np.add, s, chosen))
    b.add(For(i, Const(0), b.dim(x, 0), Const(1), body.statements()))
    b.add(Return((s,)))
    return Program("zero_cotangent_meets_an_infinite_partial", (x,), b.statements())


@example(np.array([0.3, 0.5, 0.9, 0.2, 0.6]))
def strided_loop_with_triangular_inner_loop(b: Builder) -> Program:
    x = b.var("x", VECTOR)
    n = b.dim(x, 0)
    s = b.var("s", DOUBLE)
    b.assign(s, 1.0)
    i, j = b.var("i", INT), b.var("j", INT)
    with b.block() as body:
        with b.block() as inner:
            product = b.call(np.multiply, b.call(p.item, x, (i,)), b.call(p.item, x, (j,)))
            b.assign(s, b.call(np.add, s, b.call(np.sin, b.call(np.multiply, product, s))))
            b.store(x, (j,), b.call(np.tanh, s), accumulate=True)
        b.add(For(j, Const(0), i, Const(1), inner.statements()))
    b.add(For(i, Const(1), n, Const(2), body.statements()))
    b.add(Return((b.call(np.add, s, b.call(p.item, x, (Const(-1),))),)))
    return Program("strided_loop_with_triangular_inner_loop", (x,), b.statements())
