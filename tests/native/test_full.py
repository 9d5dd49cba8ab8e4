"""`np.full` of a number that is differentiated, on whole arrays and as loops."""

from __future__ import annotations

import numpy as np

import pullback as pb
from pullback.capture import capture
from pullback.ir.run import run
from pullback.ir.types import type_of
from pullback.transform.adjoint import adjoint
from pullback.transform.tangent import tangent

WEIGHTS = np.array([1.0, 2.0, 3.0])


def filled(c, w):
    return np.sum(np.full(3, c) ** 2 * w)


def test_whole_arrays() -> None:
    program = capture(filled, (type_of(2.0), type_of(WEIGHTS)), {}).program
    assert run(adjoint(program, (0,), (0,)), [2.0, WEIGHTS, 1.0])[-1] == 24.0
    assert run(tangent(program, (0,), (0,)), [2.0, WEIGHTS, 1.0])[-1] == 24.0


def test_loops() -> None:
    assert pb.grad(pb.compile(filled, jit=False))(2.0, WEIGHTS) == 24.0
