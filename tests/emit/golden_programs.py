"""Fifteen small functions whose derivative shows one kind of statement each, and how to get its source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.capture import capture
from pullback.emit.source import source
from pullback.ir.nodes import Program
from pullback.ir.types import is_inexact, type_of
from pullback.optimize.pipeline import finish, optimize
from pullback.transform.adjoint import adjoint
from pullback.transform.purify import purified
from pullback.transform.tangent import tangent

x, m = np.linspace(0.1, 1, 5), np.ones((3, 4))
z, index = x + 1j, np.array([0, 2, 2])
room = np.empty(5)


def branch(s: Any) -> Any:
    if s > 0:
        return np.sqrt(s)
    return s * s


def while_loop(s: Any) -> Any:
    while s < 10:
        s = s * s + 1
    return s


def in_place_store(x: Any) -> Any:
    for i in range(1, len(x)):
        x[i] = x[i] * x[i - 1]
    return x[-1]


def stencil(x: Any, steps: Any) -> Any:
    for _ in range(steps):
        x[1:-1] += 0.1 * (x[2:] - 2 * x[1:-1] + x[:-2])
    return np.sum(x**2)


def view(m: Any) -> Any:
    row = m[1]
    row *= 2
    return np.sum(m * m)


def early_return(x: Any, limit: Any) -> Any:
    total = 0.0
    for value in x:
        total += value**2
        if total > limit:
            return np.log(total)
    return total


def break_out(x: Any) -> Any:
    y = 1.0
    for i in range(len(x)):
        if x[i] < 0:
            break
        y = y * np.sin(x[i])
    return y


def reduction(m: Any) -> Any:
    return np.sum(np.exp(m - np.max(m, axis=1, keepdims=True)))


def matmul(m: Any, x: Any) -> Any:
    return np.sum(np.tanh(m @ x[:4]))


def complex_numbers(z: Any) -> Any:
    return np.sum(np.abs(z * z + 1))


def scatter(x: Any, index: Any) -> Any:
    bins = np.zeros(4)
    np.add.at(bins, index, x[:3] ** 2)
    return np.sum(bins * bins)


def writes_its_argument(y: Any, x: Any) -> None:
    y[:] = np.sin(x)
    y[0] *= x[-1]


def closure(x: Any) -> Any:
    def push(factor: Any) -> Any:
        room[:] = factor * x
        return room[0] * room[1]

    return push(2.0) + push(x[2])


def cube(s: Any) -> Any:
    return s * s * s


def oscillator(q: Any, p: Any, steps: Any) -> Any:
    for _ in range(steps):
        p = p - 0.1 * np.sin(q)
        q = q + 0.1 * p
    return q


def captured(function: Callable[..., Any], *args: Any) -> Program:
    return optimize(capture(function, tuple(type_of(value) for value in args), {}).program)


def moving(program: Program) -> list[int]:
    return [k for k, param in enumerate(program.params) if is_inexact(param.type)]


def gradient(function: Callable[..., Any], *args: Any) -> Program:
    program = purified(captured(function, *args))
    return optimize(adjoint(program, moving(program), [0]))


def directional(function: Callable[..., Any], *args: Any) -> Program:
    program = purified(captured(function, *args))
    return optimize(tangent(program, moving(program), [0]))


def second(function: Callable[..., Any], *args: Any) -> Program:
    """The tangent of the gradient, along a direction."""
    program = purified(captured(function, *args))
    return optimize(tangent(adjoint(program, [0], [0]), [0], [1]))


def of_what_it_writes(function: Callable[..., Any], *args: Any) -> Program:
    program = purified(captured(function, *args), returned=True)
    return optimize(adjoint(program, [1], [0]))


PROGRAMS: dict[str, Callable[[], Program]] = {
    "adjoint_branch": lambda: gradient(branch, 0.5),
    "adjoint_while": lambda: gradient(while_loop, 0.5),
    "adjoint_store": lambda: gradient(in_place_store, x),
    "adjoint_stencil": lambda: gradient(stencil, x, 10),
    "adjoint_view": lambda: gradient(view, m),
    "adjoint_early_return": lambda: gradient(early_return, x, 1.5),
    "adjoint_break": lambda: gradient(break_out, x),
    "adjoint_reduction": lambda: gradient(reduction, m),
    "adjoint_matmul": lambda: gradient(matmul, m, x),
    "adjoint_complex": lambda: gradient(complex_numbers, z),
    "adjoint_scatter": lambda: gradient(scatter, x, index),
    "adjoint_purified": lambda: of_what_it_writes(writes_its_argument, x, x),
    "adjoint_closure": lambda: gradient(closure, x),
    "second_order": lambda: second(cube, 0.5),
    "tangent": lambda: directional(oscillator, 0.5, 0.1, 10),
}


def text_of(name: str) -> str:
    """The source that is compiled for one of the programs."""
    return source(finish(PROGRAMS[name]()), checked=True)
