"""What random programs have found: each is small enough to read, and goes through all comparisons."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pytest
from comparing_programs import Check

import pullback as pb

FOUND = {
    "a place that every trip overwrites": """
        for k in range(n):
            a[0, 3] = np.tanh(x[1])
        """,
    "what runs again in the reverse sweep checks lengths again": """
        v = np.empty(4)
        v[:] = x[::-1].real
        w = 0
        while w < 2 and abs(a[1, 0]) <= 50:
            w += 1
            for k in range(n):
                v += 0.1 * np.maximum(x.real, a[3].real)
                s = np.cos(c / (1.5 + a[k % 4, 2] ** 2))
            x[1:] = np.tanh(x[:-1])
        x[0] += np.sum(v)
        """,
    "additions to an array and to its transpose in one loop": """
        turned = a.T
        a += 0.2 * a.T
        x[1] = np.tanh(b[0, 2])
        c = c + 0.3 * np.sum(a) + 0.2 * np.sum(turned * turned)
        """,
    "a system of one column": """
        v = np.linalg.solve(a[::-1] + 32.0 * np.eye(4), a[2][:, None] * np.linspace(-0.5, 0.5, 1))
        if abs(c) < 0.01:
            v = 0.4 * np.mean(np.ones((4, 1, 2)) * v[1, -1], axis=-1)
        x[:] += v[:, 0]
        """,
    "a store at repeated indices keeps the last value": """
        x[idx] = b[0] * x
        a[idx, 1:] = np.sin(a[:, 1:])
        """,
    "a list of arrays in the adjoint of whole arrays": """
        a[:2] = np.concatenate((a[2:, :1], b[:, 1:] * x[1:]), axis=1)
        """,
    "an empty part of a list of arrays": """
        a[2:, 1:3] -= 0.5 * np.concatenate((a[:2, 6:], b[0:2, 1:3]), axis=1)
        """,
    "an array in Fortran order on a stack": """
        k = 0
        while k < 2 and a[0, 0] > -10:
            k += 1
            a -= 0.5 * np.tanh(a * np.transpose(a))
        """,
    "a tangent that equals another is no other name of it": """
        y = 1.0 + x
        z = 1.0 * x[::-1]
        x[0] = 5.0 * c
        z[1] = 0.3
        x[1:] += y[1:] * z[1:]
        """,
    "an axis of length 1 beside a slice with a step": """
        row = b[:1, ::-1].T.sum(axis=1, keepdims=True)
        a[:, idx] = 0.5 * np.conj(row[::-1])
        """,
    "an array that does not move takes the name of one that does": """
        other = np.ones_like(x) * 0.5
        for k in range(n):
            if k % 3 == 0:
                x, other = other, x
            x[k] += np.sin(other[k] * c)
        """,
    "a cotangent that does not move": """
        x[3] = np.tanh(a[-2, -2])
        b[...] = 0.25
        """,
    "the norm of a part": """
        c = c * np.linalg.norm(x[1:]) + np.linalg.norm(a[:2, :3])
        """,
    "adjoints of adjoints of a branch with a loop": """
        if abs(c) > 0.001:
            other = np.zeros_like(x)
            for k in range(n):
                x, other = other, x
                a[1, 0] = a[1, (k + 1) % 4] * a[3, 3] + 0.1 * a[0, 0] * other[k]
                if abs(a[1, 0]) < 1e-6:
                    break
        """,
    "a constant derivative of a part": """
        a[0] = np.sign(np.real(b[-2, ...])) * b[-1]
        """,
    "a number that broadcast_to makes an array of": """
        x[1:] += np.sin(np.broadcast_to(x[0], (3,))) * np.broadcast_to(c, 3)
        """,
    "a tangent that is one number for an axis of length 1": """
        row = 0.3 * (np.linspace(-0.5, 0.5, 1) * a[0, 0] @ np.outer(np.full(1, 0.3), 0.1 * np.arange(1) + c))
        c = c + row[0]
        """,
    "a tangent in another layout than its value": """
        c = c + 0.1 * np.linalg.det(a[1:, 2:-5:-1])
        """,
    "what NumPy gives as a view keeps its values": """
        for k in range(n):
            b[:, :2] = np.real(b[:, 2:]) * a[:2, :2] * 0.5
            b[:, 2:] *= 0.5 + 0.1 * x[k]
        """,
    "what a function of NumPy's gives as a view keeps its values": """
        for k in range(n):
            c = c + 0.1 * np.sum(np.sin(np.lib.stride_tricks.sliding_window_view(x, 4)))
            x *= 0.7
        """,
    "a tangent of fewer entries than its value": """
        more = np.ones((3, 4)) - np.sum(a, axis=0, keepdims=True)
        c = c + 0.1 * np.sum(more[1] * more[2])
        """,
    "each store of a loop that is written out has overwritten a number of its own": """
        s = c
        for k in range(n):
            s = s * np.cos(0.3 * x[k] * a[3, 2])
        for k in range(3):
            a[3, -2] += 0.2
        c = c + s
        """,
    "a store of what NumPy may see as a view of the same array": """
        a[1] += 0.5 * np.reshape(a[2:, -3:3], 4)
        x[idx] += 0.3 * np.broadcast_to(x, (4,))
        a[1:-1, 1:4] = 0.5 * np.diff(a[2:0:-1, :], axis=1)
        """,
    "an axis of length 1 beside an array of indices": """
        row = np.sum(b, axis=0, keepdims=True)
        c = c + np.sum(0.3 * (row[:, -1] @ (row[:, 0:3])[:, idx]))
        """,
    "a store into a slice whose step is known at run time": """
        for k in range(n):
            x[:: 1 + k % 2] -= np.tanh(a[k, -3])
            x[1 :: 1 + k % 3] *= a[k, 1 :: 1 + k % 3]
        """,
    "the real part of a Python number": """
        c = c * np.exp((0.3).real) + (2).imag + (1.5).imag
        """,
}


@pytest.mark.parametrize("body", FOUND.values(), ids=FOUND.keys())
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_found(body: str, dtype: str) -> None:
    rng = np.random.default_rng(3)

    def draw(*shape: int) -> np.ndarray:
        x = rng.normal(size=shape)
        return x + 1j * rng.normal(size=shape) if dtype == "complex128" else x

    arguments = [draw(4), draw(4, 4), draw(2, 4), draw()[()], np.array([0, 2, 2, 1]), 4]
    text = "import numpy as np\n\n\ndef found(x, a, b, c, idx, n):\n"
    text += textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
    text += "\n    total = np.sum(x * x) + np.sum(a * a * a) + np.sum(b * b) + c * c\n"
    text += "    return total.real * 1.0 + total.imag\n"
    done = Check(text, "found", dtype, arguments).run(second=True)
    assert "differences" in done
    assert "second order" in done


def halved_while(x: Any, go: Any) -> Any:
    while go:
        x = x * 0.5
        go = bool(x > 1.0)
    return x


def test_a_loop_whose_test_is_an_argument_ends() -> None:
    compiled = pb.compile(halved_while)
    for x, go in ((8.0, True), (8.0, False)):
        assert compiled(x, go) == halved_while(x, go)
        assert pb.grad(compiled)(x, go) == halved_while(x, go) / x


@pytest.mark.parametrize("number", [np.float64(0.7), np.float32(0.7)])
def test_the_cotangent_of_a_number_not_chosen_is_a_number_of_its_type(number: Any) -> None:
    gradient = pb.grad(pb.compile(lambda c: np.where(c > 2, c, 0.3) * 1.0, jit=False))(number)
    assert gradient == 0
    assert type(gradient) is type(number)


def spread_out(x: Any) -> Any:
    return np.sum(np.broadcast_to(x[0], (3,)) * 0.7) + np.sum(x)


def test_a_number_of_single_precision_stays_single_where_python_runs_a_function() -> None:
    x = np.ones(4, np.float32)
    compiled = pb.compile(spread_out)
    assert compiled(x).dtype == np.float32
    np.testing.assert_allclose(compiled(x), spread_out(x), rtol=1e-6)
    gradient = pb.grad(compiled)(x)
    assert gradient.dtype == np.float32
    np.testing.assert_allclose(gradient, [3.1, 1, 1, 1], rtol=1e-6)
