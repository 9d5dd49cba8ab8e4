"""Adjoints and tangents of hand-made programs, run by the reference interpreter."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from pullback.ir.run import run
from pullback.ir.types import is_inexact
from pullback.ir.verify import verify
from pullback.transform.adjoint import adjoint
from pullback.transform.canonical import canonical
from pullback.transform.count import counted
from pullback.transform.purify import purified, written
from pullback.transform.tangent import tangent

_spec = importlib.util.spec_from_file_location("programs", Path(__file__).with_name("programs.py"))
assert _spec is not None
assert _spec.loader is not None
_programs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_programs)
PROGRAMS = _programs.PROGRAMS

each = pytest.mark.parametrize(("program", "arguments"), PROGRAMS, ids=[p.name for p, _ in PROGRAMS])


def own(arguments):
    return [np.copy(x) if isinstance(x, np.ndarray) else x for x in arguments]


def positions(program):
    return [k for k, param in enumerate(program.params) if is_inexact(param.type)]


def directions(program, arguments):
    rng = np.random.default_rng(0)
    return [rng.normal(size=np.shape(arguments[k]))[()] for k in positions(program)]


def moved(program, arguments, dots, step):
    new = own(arguments)
    for k, dot in zip(positions(program), dots, strict=True):
        new[k] = new[k] + step * dot
    return new


@each
def test_the_normal_forms_mean_the_same(program, arguments):
    verify(program)
    expected = run(program, own(arguments))
    for other in (counted(program), canonical(counted(program)), purified(program)):
        verify(other)
        np.testing.assert_array_equal(run(other, own(arguments)), expected)


@each
def test_purified_programs_leave_their_arguments_alone(program, arguments):
    given = own(arguments)
    results = run(purified(program, returned=True), given)
    for value, original in zip(given, arguments, strict=True):
        np.testing.assert_array_equal(value, original)
    effects = own(arguments)
    run(program, effects)
    for k, content in zip(written(program), results[1:], strict=True):
        np.testing.assert_array_equal(content, effects[k])


@each
def test_the_adjoint_is_the_gradient(program, arguments):
    wrt, dots, step = positions(program), directions(program, arguments), 1e-6
    reverse = adjoint(program, wrt, [0])
    verify(reverse)
    value, *bars = run(reverse, [*own(arguments), 1.0])
    assert value == run(program, own(arguments))[0]
    up, down = (run(program, moved(program, arguments, dots, h))[0] for h in (step, -step))
    slope = sum(np.sum(dot * bar) for dot, bar in zip(dots, bars, strict=True))
    if np.isfinite(up) and np.isfinite(down):
        np.testing.assert_allclose(slope, (up - down) / (2 * step), rtol=1e-6)
    assert all(np.all(np.isfinite(bar)) for bar in bars)


@each
def test_tangent_and_adjoint_agree(program, arguments):
    wrt, dots = positions(program), directions(program, arguments)
    forward = tangent(program, wrt, [0])
    verify(forward)
    _, y_dot = run(forward, [*own(arguments), *dots])
    _, *bars = run(adjoint(program, wrt, [0]), [*own(arguments), 1.0])
    slope = sum(np.sum(dot * bar) for dot, bar in zip(dots, bars, strict=True))
    np.testing.assert_allclose(y_dot, slope, rtol=1e-12)


@each
def test_second_order_in_every_mix_of_modes(program, arguments):
    wrt, dots = positions(program), directions(program, arguments)
    n = len(wrt)
    reverse, of = adjoint(program, wrt, [0]), list(range(1, 1 + n))
    mixes = [
        (tangent(reverse, wrt, of), [*own(arguments), 1.0, *dots]),
        (adjoint(reverse, wrt, of), [*own(arguments), 1.0, *dots]),
        (adjoint(tangent(program, wrt, [0]), wrt, [1]), [*own(arguments), *dots, 1.0]),
    ]
    products = []
    for mixed, values in mixes:
        verify(mixed)
        products.append(run(mixed, values)[-n:])
    step = 1e-5
    up, down = (run(reverse, [*moved(program, arguments, dots, h), 1.0])[1:] for h in (step, -step))
    for k in range(n):
        difference = (up[k] - down[k]) / (2 * step)
        finite = np.isfinite(difference)
        np.testing.assert_allclose(
            products[0][k][finite] if finite.ndim else products[0][k],
            difference[finite] if finite.ndim else difference,
            rtol=1e-4,
            atol=1e-7,
        )
        for other in products[1:]:
            np.testing.assert_allclose(other[k], products[0][k], rtol=1e-10, atol=1e-12)
