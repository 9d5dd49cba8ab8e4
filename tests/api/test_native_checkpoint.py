"""`pb.checkpoint` in compiled source: the same derivatives, less that is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.ir.nodes import Checkpoint, Program, Push
from pullback.ir.run import run
from pullback.ir.verify import verify
from pullback.ir.walk import walk
from pullback.optimize.pipeline import optimize
from pullback.transform.adjoint import adjoint


def new_array(u, alpha):
    a = np.tanh(u[2:] - 2 * u[1:-1] + u[:-2])
    b = np.tanh(a * a + alpha)
    v = u.copy()
    v[1:-1] = u[1:-1] + alpha * np.tanh(a * b)
    return v


def in_place(u, alpha):
    u[1:-1] += alpha * (u[2:] - 2 * u[1:-1] + u[:-2]) ** 2


def numbers(x, y, z, rate):
    for _ in range(3):
        x, y, z = x + 0.01 * (y - x), y + 0.01 * (x * (rate - z) - y), z + 0.01 * (x * y - 2 * z)
    return x, y, z


again = pb.checkpoint(in_place)


def stepping_new(u, steps, alpha):
    for _ in range(steps):
        u = pb.checkpoint(new_array)(u, alpha)
    return np.sum(u**2)


def stepping_in_place(u, steps, alpha):
    for _ in range(steps):
        again(u, alpha)
    return np.sum(u**2)


def stepping_while(x, y, z, rate):
    while x < 3:
        x, y, z = pb.checkpoint(numbers)(x, y, z, rate)
    return x * x + y * z


def in_a_branch(u, steps, alpha):
    total = 0.0
    for k in range(steps):
        if k % 2 == 0:
            u = pb.checkpoint(new_array)(u, alpha)
        else:
            again(u, alpha)
        total = total + u[k % 4] * alpha
    return total + np.sum(u)


def local_function(u, steps, alpha):
    w = u[1:5]

    def step(v):
        return v + alpha * np.sin(v * w[0])

    for _ in range(steps):
        w = pb.checkpoint(step)(w)
    return np.sum(w)


def complex_numbers(z, steps, w):
    for _ in range(steps):
        z = pb.checkpoint(lambda z, w: z + w * z * np.exp(z))(z, w)
    return np.sum(np.abs(z) ** 2)


U = np.linspace(0.0, 1.0, 8) ** 2
CASES = [
    (stepping_new, (U, 6, 0.1), (0, 2)),
    (stepping_new, (U.astype(np.float32), 6, np.float32(0.1)), (0, 2)),
    (stepping_in_place, (U, 6, 0.1), (0, 2)),
    (stepping_while, (1.0, 2.0, 3.0, 28.0), (0, 1, 2, 3)),
    (in_a_branch, (U, 5, 0.1), (0, 2)),
    (local_function, (U, 5, 0.1), (0, 2)),
    (complex_numbers, (0.1 + 0.5j * U, 4, 0.02 + 0.01j), (0, 2)),
]
by_case = pytest.mark.parametrize(
    ("function", "arguments", "argnums"), CASES, ids=[f"{c[0].__name__}-{k}" for k, c in enumerate(CASES)]
)


def program_of(function: Any, arguments: Any) -> Program:
    return pb.compile(function, jit=False).specialise(arguments, {})[1].pure.program


def without(program: Program) -> Program:
    """The same program with all kept as usual."""
    from pullback.optimize.pipeline import _opened

    return Program(program.name, program.params, _opened(program.body))


@by_case
def test_the_gradient_is_the_same_to_rounding(function: Any, arguments: Any, argnums: Any) -> None:
    program = program_of(function, arguments)
    assert any(isinstance(s, Checkpoint) for s in walk(program.body))
    found = []
    for form in (program, without(program)):
        derived = adjoint(form, argnums, (0,))
        verify(derived)
        derived = optimize(derived)
        verify(derived)
        one = program.results[0].type.dtype.type(1)  # type: ignore[union-attr]
        found.append(run(derived, [*(np.copy(x) if np.ndim(x) else x for x in arguments), one]))
    # What a block adds to a number's cotangent it adds one by one; a loop may add up its own share first.
    tolerance = 1e-6 if np.asarray(found[0][0]).dtype == np.float32 else 1e-14
    assert all(np.allclose(a, b, rtol=tolerance, atol=0) for a, b in zip(*found, strict=True))


@pytest.mark.parametrize("case", [0, 2], ids=["new_array", "in_place"])
def test_compiled_code_gives_the_derivative(case: int) -> None:
    function, arguments, argnums = CASES[case]
    native = pb.grad(pb.compile(function), argnums=argnums)(*arguments)
    plain = pb.grad(pb.compile(function, jit=False), argnums=argnums)(*arguments)
    assert all(np.allclose(a, b, rtol=1e-12) for a, b in zip(native, plain, strict=True))


def test_only_what_the_block_starts_from_is_kept() -> None:
    """A copy of the array that a trip writes into, and the numbers that the other starts from."""
    program = program_of(stepping_in_place, (U, 6, 0.1))
    derived = adjoint(program, (0, 2), (0,))
    pushed = [s.value for s in walk(derived.body) if isinstance(s, Push)]
    assert [getattr(value, "name", "") for value in pushed] == ["u_before"]
    program = program_of(stepping_while, (1.0, 2.0, 3.0, 28.0))
    derived = adjoint(program, (0, 1, 2, 3), (0,))
    with_checkpoint = sum(isinstance(s, Push) for s in walk(derived.body))
    as_usual = sum(isinstance(s, Push) for s in walk(adjoint(without(program), (0, 1, 2, 3), (0,)).body))
    assert with_checkpoint < as_usual


@by_case
def test_second_order_and_forward_mode(function: Any, arguments: Any, argnums: Any) -> None:
    if np.iscomplexobj(arguments[0]) or getattr(arguments[0], "dtype", None) == np.float32:
        arguments = (U, 4, 0.1)

    value = pb.compile(function, jit=False)
    x = arguments[0]
    hessian = pb.hessian(value)(*arguments)
    difference = pb.jacobian(lambda x: pb.grad(value)(x, *arguments[1:]), mode="reverse")(x)
    assert np.allclose(hessian, difference, rtol=1e-8, atol=1e-10)


def test_the_value_and_the_effects_are_those_of_the_function() -> None:
    u, v = U.copy(), U.copy()
    compiled = pb.compile(stepping_in_place, jit=False)
    assert np.isclose(compiled(u, 3, 0.1), stepping_plain(v, 3, 0.1), rtol=1e-14)
    assert np.allclose(u, v, rtol=1e-14)


def stepping_plain(u, steps, alpha):
    for _ in range(steps):
        in_place(u, alpha)
    return np.sum(u**2)


def test_two_names_for_what_it_writes_into_are_an_error() -> None:
    def shift(u, v):
        u[1:] = u[1:] + 0.1 * v[:-1] * v[1:]

    def tangled(u, steps, alpha):
        old = u if alpha > 0 else 2 * u
        for _ in range(steps):
            pb.checkpoint(shift)(u, old)
        return np.sum(u * old)

    with pytest.raises(pb.UnsupportedError, match="second name"):
        pb.grad(pb.compile(tangled, jit=False))(U, 3, 0.1)


def test_the_source_has_the_block() -> None:
    assert "if True:" in pb.source(stepping_new, U, 3, 0.1, stage="lowered")
    assert "if True:" not in pb.source(stepping_new, U, 3, 0.1)
