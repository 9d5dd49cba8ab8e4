"""Whole programs give the same numbers under the interpreter, CPython and Numba."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from three_engines import agree, beside, outcome, record

from pullback.emit import load
from pullback.emit.source import source
from pullback.ir import primitives
from pullback.ir.build import Builder
from pullback.ir.nodes import Assign, Const, For, If, Pop, Program, Push, Raise, Return, While
from pullback.ir.types import FLOAT, INT, Scalar, Stack, type_of
from pullback.transform.adjoint import adjoint
from pullback.transform.tangent import tangent

x = np.linspace(-1.0, 2.0, 7)
m = np.arange(12.0).reshape(3, 4)
PROGRAMS = beside("transform", "programs").PROGRAMS
each = pytest.mark.parametrize(("program", "arguments"), PROGRAMS, ids=[p.name for p, _ in PROGRAMS])


def inexact(arguments: list[Any]) -> list[int]:
    return [k for k, a in enumerate(arguments) if np.asarray(a).dtype.kind == "f"]


@each
def test_programs_and_their_derivatives(program: Program, arguments: list[Any]) -> None:
    wrt = inexact(arguments)
    dots = [np.ones(np.shape(arguments[k]))[()] for k in wrt]
    agree(program, *arguments, jit=False)
    agree(tangent(program, wrt, [0]), *arguments, *dots, jit=False, ulps=100)
    reverse = adjoint(program, wrt, [0])
    # Numba takes half a minute for whole arrays, which become loops before they come here.
    agree(reverse, *arguments, 1.0, ulps=100, jit="whole" not in program.name)
    second = adjoint(reverse, wrt, list(range(1, 1 + len(wrt))))
    agree(second, *arguments, 1.0, *dots, jit=False, ulps=1000)


def test_slices_views_and_stores() -> None:
    def step(r: Any, u: Any, v: Any, alpha: Any) -> Any:
        with r.range(3) as k:
            u[1:-1] = u[1:-1] + alpha * (u[2:] - 2 * u[1:-1] + u[:-2])
            inner = u[1:]
            inner[k] = inner[k] * 2.0
            v[1, 1:3] = u[k]
            v.add_at((slice(None), 0), u[0])
        return u[::-1], v.T, v[:, None, 1:], r.call(np.sum, u)

    program = record(step, x, m, 0.1)
    agree(program, x, m, 0.1)


def test_overlapping_stores() -> None:
    def shift(r: Any, u: Any, v: Any) -> Any:
        u[1:] = u[:-1]
        v[:-1] = v[1:]
        return u, v

    agree(record(shift, x, x), x, x)


def test_single_precision_stays_single() -> None:
    def mixed(r: Any, u: Any, alpha: Any) -> Any:
        total = r.cell(np.float32(0))
        with r.range(u.shape[0]) as i:
            u[i] = u[i] * alpha + 0.1
            r.set(total, total + u[i] ** 2 / 3)
            u.add_at(i, alpha)
        return total, u * 0.1, u**2, np.exp(u) - alpha

    single = np.linspace(0, 1, 5, dtype=np.float32)
    agree(record(mixed, single, 0.3), single, 0.3)


def test_complex_numbers() -> None:
    def f(r: Any, z: Any) -> Any:
        z[0] = z[1] * z[2].real if False else z[1] * 2j
        return (
            np.conj(z) * z,
            np.real(z),
            r.call(np.imag, z),
            np.abs(z[1]),
            r.call(primitives.cast, z, np.dtype(float)),
        )

    z = np.array([1 + 2j, 0.5 - 1j, 3.0])
    agree(record(f, z), z)


def test_products_of_all_ranks() -> None:
    def f(r: Any, a: Any, b: Any, v: Any, s: Any) -> Any:
        return a @ b, a @ v, v @ b, v @ v, s @ b, a @ s, a.T @ a, np.dot(a, b), s @ s

    a, s = np.arange(9.0).reshape(3, 3) / 7, np.arange(18.0).reshape(2, 3, 3) / 10
    agree(record(f, a, a.T, a[0].copy(), s), a, a.T, a[0].copy(), s)


def test_what_numba_lacks_runs_in_python() -> None:
    def f(r: Any, a: Any, i: Any) -> Any:
        w, v = r.call(np.linalg.eigh, a)
        a[i, i] = 1.5
        a.add_at((i, slice(None)), 0.5)
        b = np.mean(a, axis=0, keepdims=True)
        return w, v * v, b, np.einsum("ij,jk->ik", a, a), np.sort(a), a[i, i], a[np.array([0, 2])]

    a, i = np.eye(3) + 0.1 * np.arange(9.0).reshape(3, 3), np.array([0, 1, 1])
    a = a + a.T
    agree(record(f, a, i), a, i, ulps=500)


def stacks() -> Program:
    b = Builder()
    numbers, arrays = b.var("numbers", Stack(Scalar(np.dtype(float)))), b.var("arrays", Stack(type_of(x)))
    u, n = b.var("u", type_of(x)), b.var("n", INT)
    b.add(Assign((numbers,), primitives.stack, ()))
    b.add(Assign((arrays,), primitives.stack, ()))
    i, j, total = b.var("i", INT), b.var("j", INT), b.var("total", Scalar(np.dtype(float)))
    b.assign(total, 0.0)
    with b.block() as body:
        t = b.call(np.multiply, b.call(primitives.item, u, (Const(0),)), i)
        b.add(Push(numbers, t))
        b.add(Push(arrays, b.call(np.multiply, u, i)))
    b.add(For(i, Const(0), n, Const(1), body.statements()))
    with b.block() as body:
        number, array = b.var("number", Scalar(np.dtype(float))), b.var("array", type_of(x))
        b.add(Pop(number, numbers))
        b.add(Pop(array, arrays))
        b.assign(total, b.call(np.add, total, b.call(np.multiply, number, b.call(np.sum, array))))
    b.add(For(j, Const(0), n, Const(1), body.statements()))
    b.add(Return((total,)))
    return Program("stacks", (u, n), b.statements())


def test_stacks_grow() -> None:
    agree(stacks(), x, 200, ulps=100)


def test_branches_and_while() -> None:
    b = Builder()
    a, n = b.var("a", FLOAT), b.var("n", INT)
    s = b.var("s", FLOAT)
    b.assign(s, a)
    with b.block() as before:
        half = b.call(np.divide, s, 2.0)
        test = b.call(np.greater, half, 1.0)
    with b.block() as body:
        with b.block() as then:
            b.assign(s, b.call(np.subtract, s, 1.0))
        with b.block() as orelse, b.block() as inner:
            b.assign(s, b.call(np.multiply, s, 0.5))
        with b.block() as last:
            b.add(Raise(ValueError, 'neither "one" nor the other'))
        small = b.call(np.less, s, 100.0)
        with b.block() as orelse:
            b.add(If(small, inner.statements(), last.statements()))
        b.add(If(b.call(np.less, n, 3), then.statements(), orelse.statements()))
    b.add(While(before.statements(), test, body.statements()))
    b.add(Return((s,)))
    program = Program("search", (a, n), b.statements())
    agree(program, 17.0, 2)
    agree(program, 17.0, 5)
    agree(program, -1.0, 5)
    for jit in (False, True):
        with pytest.raises(ValueError, match='neither "one"'):
            load(program, jit=jit)(1000.0, 5)
    assert "elif" in source(program)


def test_numbers_come_back_with_their_type() -> None:
    program = record(lambda r, u: (r.call(np.sum, u), u.shape[0], u[0] > 0), x.astype(np.float32))
    for jit in (False, True):
        results, _ = outcome(lambda given, jit=jit: load(program, jit=jit)(*given), [x.astype(np.float32)])
        assert [type(r) for r in results] == [np.float32, int, np.bool_]
