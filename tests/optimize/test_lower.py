"""Elementwise statements, views and stores become loops of the same meaning."""

from __future__ import annotations

import numpy as np
import pytest
from comparing import check

from pullback.ir.nodes import For
from pullback.ir.walk import walk

x = np.linspace(-1.0, 2.0, 7)
m = np.arange(12.0).reshape(3, 4)


def loops(program):
    return sum(isinstance(statement, For) for statement in walk(program.body))


def test_a_chain_is_one_loop():
    program = check(lambda r, a, b: np.sum(np.sin(a) * b + a**2), x, x[::-1].copy())
    assert loops(program) == 1


def test_broadcasting():
    check(lambda r, a, b: a + b, m, m[0])
    check(lambda r, a, b: np.exp(a)[:, None] * b, m[:, 0].copy(), m[0])
    check(lambda r, a, b: a[None, :] * np.exp(b) + 1, m[0], m)
    check(lambda r, a, b: a * b, m, np.ones((3, 1)))


def test_lengths_are_checked():
    check(lambda r, a, b: a + b, x, x, others=((x, x[:3]),))


def test_slices():
    check(lambda r, u: u[2:] - 2 * u[1:-1] + u[:-2], x, others=((x[:3],), (x[:2],), (x[:1],), (x[:0],)))
    check(lambda r, u: u[::-1] * u, x)
    check(lambda r, u: u[::2], x, others=((x[:1].copy(),), (x[:0],)))
    check(lambda r, u: u[5:1:-2] + 1, x, others=((x[:4],), (x[:2],), (x[:0],)))
    check(lambda r, u: u[-3:] + u[-4:-1], x)
    check(lambda r, u: u[:, 1] + u[:, -1], m)
    check(lambda r, u: u[:, 0:1] * u, m)
    check(lambda r, u: u.T @ u, m)


@pytest.mark.parametrize("start", [-9, -7, -3, -1, 0, 2, 6, 7, 9])
@pytest.mark.parametrize("stop", [-9, -7, -2, 0, 3, 7, 9])
@pytest.mark.parametrize("step", [1, 2, -1, -3])
def test_dynamic_slices(start, stop, step):
    check(lambda r, u, a, b: u[a:b:step] * 1.0, x, start, stop)
    check(lambda r, u: u[start:stop:step] * 1.0, x)


def test_stores():
    def heat(r, u):
        with r.range(3):
            u[1:-1] = u[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
        return np.sum(u)

    check(heat, x)


def test_stores_that_overlap():
    def shift(r, u):
        u[1:] = u[:-1]
        u[:-1] += u[1:]
        return u * 1

    check(shift, x)

    def through_views(r, u):
        v = u[1:]
        v[1:] = v[:-1] * 2
        w = u[::-1]
        u[:] = w
        v[0] = 3.0
        return v + u[:-1]

    check(through_views, x)


def test_boundaries_need_no_copy():
    def boundary(r, u):
        u[0, :] = u[1, :]
        u[:, -1] = 2 * u[:, -2]
        return np.sum(u)

    assert loops(check(boundary, m)) == 4


def test_a_value_is_what_it_was_when_it_was_computed():
    def changed(r, u):
        y = u * 2
        u[0] = 100.0
        return np.sum(y)

    check(changed, x)

    def cell(r, u):
        a = r.cell(2.0)
        y = u * a
        r.set(a, 3.0)
        return y + a

    check(cell, x)

    def in_a_loop(r, u):
        y = u * 2
        with r.range(3) as i:
            u[i] = y[i] + u[0]
        return u * 1

    check(in_a_loop, x)


def test_rebinding_in_a_loop():
    def rebinding(r, u):
        v = r.cell(u)
        with r.range(3):
            r.set(v, np.sin(v) + u)
        return v

    check(rebinding, x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128, np.int64])
def test_dtypes(dtype):
    a = np.arange(1, 7).astype(dtype)
    check(lambda r, a: (a * 2 + 1, a / 2, a * 1.5, np.sum(a), np.prod(a), np.where(a == 2, a, 1)), a)
    check(lambda r, a: (a > 2) & (a < 5), np.real(a).copy())
    check(lambda r, a: np.conj(a) * np.real(a) + np.imag(a), a)


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1), (0, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_sums(axis, keepdims):
    cube = np.arange(24.0).reshape(2, 3, 4)
    others = ((cube[:, :0],), (cube[:, :1],))
    check(lambda r, a: np.sum(a * 2, axis=axis, keepdims=keepdims), cube, others=others)
    check(lambda r, a: a * np.sum(a, axis=axis, keepdims=True), cube, others=others)
    check(lambda r, a: np.prod(a, axis=axis, keepdims=keepdims, where=a > 3, initial=2.0), cube)


def test_layouts():
    for a in (np.asfortranarray(m), m[:, ::2], m[::2, 1:]):
        check(lambda r, u: (u * 2, u.T + 1, np.sum(u, axis=0), u.T @ u), a)
