"""What shares memory with what: a write through one name is seen through the others just where NumPy's is.

A view that is taken for a copy, or a copy for a view, gives another value than NumPy does, without an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb

REAL = np.arange(16.0).reshape(4, 4) / 10 + 0.1
COMPLEX = REAL + 1j * REAL.T

DERIVED: dict[str, Callable[[Any], Any]] = {
    "x.real": lambda x: x.real,
    "np.real": np.real,
    "diagonal by einsum": lambda x: np.einsum("ii->i", x),
    "transpose by einsum": lambda x: np.einsum("ij->ji", x),
    "np.ravel": np.ravel,
    "ravel of a transpose": lambda x: np.ravel(x.T),
    "reshape": lambda x: x.reshape(2, 8),
    "reshape of a transpose": lambda x: x.T.reshape(2, 8),
    "flatten": lambda x: x.flatten(),
    "x.T": lambda x: x.T,
    "x.mT": lambda x: x.mT,
    "np.flip": np.flip,
    "np.rot90": np.rot90,
    "np.split": lambda x: np.split(x, 2)[1],
    "np.array_split": lambda x: np.array_split(x, 3)[1],
    "np.hsplit": lambda x: np.hsplit(x, 2)[0],
    "np.moveaxis": lambda x: np.moveaxis(x, 0, 1),
    "np.rollaxis": lambda x: np.rollaxis(x, 1),
    "np.swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "np.squeeze": lambda x: np.squeeze(x[None]),
    "np.expand_dims": lambda x: np.expand_dims(x, 0),
    "np.atleast_1d": np.atleast_1d,
    "np.atleast_3d": np.atleast_3d,
    "a row": lambda x: x[1],
    "the whole": lambda x: x[...],
    "integer indices": lambda x: x[[0, 1]],
    "np.take": lambda x: x.take([0, 1], axis=0),
    "x.conj": lambda x: x.conj(),
    "x.conjugate": lambda x: x.conjugate(),
    "np.conj": np.conj,
    "+x": lambda x: +x,
    "x.copy": lambda x: x.copy(),
    "astype": lambda x: x.astype(x.dtype),
    "astype without a copy": lambda x: x.astype(x.dtype, copy=False),
    "astype to another order": lambda x: x.astype(x.dtype, order="F", copy=False),
    "np.copy": np.copy,
    "np.concatenate": lambda x: np.concatenate([x]),
    "np.sort": lambda x: np.sort(x, axis=0),
    "np.clip": lambda x: np.clip(x, None, None),
    "np.resize": lambda x: np.resize(x, (4, 4)),
    "np.broadcast_arrays": lambda x: np.broadcast_arrays(x, 1.0)[0],
    "np.real_if_close": np.real_if_close,
}

MADE: dict[str, Callable[[Any], Any]] = {
    "copy of a transpose": lambda x: x.T.copy(),
    "np.copy of a transpose": lambda x: np.copy(x.T),
    "copy in Fortran's order": lambda x: x.copy(order="F"),
    "twice a transpose": lambda x: x.T * 2,
    "astype of a transpose": lambda x: x.T.astype(complex),
    "astype in C's order": lambda x: x.T.astype(complex, order="C"),
    "astype in Fortran's order": lambda x: x.astype(float if x.dtype.kind == "f" else complex, order="F"),
    "real part of a complex transpose": lambda x: (x.T * (1 + 1j)).real,
    "copy of a real part": lambda x: (x.T * (1 + 1j)).real.copy(),
    "columns by integers": lambda x: x[:, [0, 1, 0]],
    "rows by integers of a transpose": lambda x: x.T[[0, 1, 0]],
    "np.where": lambda x: np.where(x.T.real > 0.55, x.T, 1.0),
    "a product's transpose": lambda x: (x.T @ x).T,
    "np.sort of a transpose": lambda x: np.sort(x.T, axis=0),
    "np.cumsum of a transpose": lambda x: np.cumsum(x.T, axis=0),
    "np.stack of transposes": lambda x: np.stack([x.T, x.T], axis=-1),
    "np.pad of a transpose": lambda x: np.pad(x.T, 1),
}


def written_through(derive: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A write into what is derived is seen, or not, in what it is derived from."""

    def function(x: Any) -> Any:
        x = x * 1.0
        derived = derive(x)
        derived[...] = 7.0
        derived *= np.real(x[0, 0])
        return total(x) + 0.3 * total(derived)

    return function


def written_under(derive: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A write into the source is seen, or not, in what was derived from it before."""

    def function(x: Any) -> Any:
        x = x * 1.0
        derived = derive(x)
        x *= 2.0
        x[0, 0] = x[1, 1] * x[0, 1]
        return total(x) + 0.3 * total(derived)

    return function


def flattened(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Whether ``reshape`` makes a view depends on the order in which the entries lie."""

    def function(x: Any) -> Any:
        made = make(x)
        flat = made.reshape(-1)
        flat *= np.real(x[0, 0])
        return total(made)

    return function


def total(x: Any) -> Any:
    weights = np.cos(np.arange(float(x.size))).reshape(x.shape)
    return np.sum(np.real(x) * weights) + 2 * np.sum(np.imag(x) * weights)


PROGRAMS = {
    **{f"{name}, written through": written_through(derive) for name, derive in DERIVED.items()},
    **{f"{name}, written under": written_under(derive) for name, derive in DERIVED.items()},
    **{f"{name}, flattened": flattened(make) for name, make in MADE.items()},
}
WARNED = "np.broadcast_arrays, written through"
"""NumPy warns of such a write, and means to forbid it."""


@pytest.mark.parametrize("x", [REAL, COMPLEX], ids=["real", "complex"])
@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != WARNED])
def test_a_write_is_seen_where_numpy_sees_it(name: str, x: Any) -> None:
    function = PROGRAMS[name]
    expected = function(x.copy())
    value, gradient = pb.value_and_grad(function)(x)
    direction = np.sin(1.0 + np.arange(16.0)).reshape(4, 4) * (1.0 if x is REAL else 1.0 - 0.5j)
    forward, along = pb.jvp(function, (x,), (direction,))
    variable = pb.Variable(x)
    function(variable * 1.0).backward()
    assert value == pytest.approx(expected, rel=1e-14)
    assert forward == pytest.approx(expected, rel=1e-14)
    h = 1e-6
    numeric = (function(x + h * direction) - function(x - h * direction)) / (2 * h)
    assert along == pytest.approx(numeric, rel=1e-7, abs=1e-7)
    for reverse in (gradient, variable.grad):
        assert np.sum(np.real(np.conj(reverse) * direction)) == pytest.approx(along, rel=1e-12, abs=1e-12)


def test_astype_obeys_casting() -> None:
    with pytest.raises(TypeError, match="according to 'safe'"):
        pb.grad(lambda x: np.sum(x.astype(np.float32, casting="safe")))(REAL)


PARTS: dict[str, Callable[[Any], Any]] = {
    "real": lambda z: z.real,
    "imag": lambda z: z.imag,
    "row of imag": lambda z: z.imag[1],
    "imag of row": lambda z: z[1].imag,
    "imag of a transpose": lambda z: z.T.imag,
    "flattened imag of a transpose": lambda z: z.T.imag.reshape(-1),
    "flattened imag": lambda z: z.imag.reshape(-1),
    "flattened real": lambda z: z.real.reshape(-1),
    "flattened real of a transpose": lambda z: z.T.real.reshape(-1),
    "diagonal of imag by einsum": lambda z: np.einsum("ii->i", z.imag),
}


@pytest.mark.parametrize("fortran", [False, True], ids=["C", "Fortran"])
@pytest.mark.parametrize("index", [[0, 2, 0], [1, 1, 1], slice(1, None)], ids=["twice", "thrice", "slice"])
@pytest.mark.parametrize("name", PARTS)
def test_writes_into_parts_of_complex_entries(name: str, index: Any, fortran: bool) -> None:
    """Where an index names an entry more than once, the last value counts: in either part by itself."""

    def function(x: Any) -> Any:
        z = (x.T if fortran else x) * (1 + 0.5j)
        part = PARTS[name](z)
        shape = part[index].shape
        values = np.sin(x).reshape(-1)[: int(np.prod(shape))]
        part[index] = values.reshape(shape) if values.size == np.prod(shape) else 0.5 * values[0]
        return total(z) + total(z * z)

    v = np.sin(1.0 + np.arange(16.0)).reshape(4, 4)
    value, gradient = pb.value_and_grad(function)(REAL)
    assert value == pytest.approx(function(REAL), rel=1e-14)
    h = 1e-6
    numeric = (function(REAL + h * v) - function(REAL - h * v)) / (2 * h)
    assert np.sum(gradient * v) == pytest.approx(numeric, rel=1e-7, abs=1e-7)
    assert pb.jvp(function, (REAL,), (v,))[1] == pytest.approx(np.sum(gradient * v), rel=1e-12)
    along = pb.hvp(function, REAL, v)
    slopes = (pb.grad(function)(REAL + h * v) - pb.grad(function)(REAL - h * v)) / (2 * h)
    np.testing.assert_allclose(along, slopes, rtol=1e-6, atol=1e-6)


def test_parts_are_assigned() -> None:
    def function(x: Any) -> Any:
        z = x * (1 + 1j)
        z.real = np.sin(x)
        z.imag = z.real * 2 + z.imag
        z.imag *= x[0]
        z[0].real = x[1]
        y = x * 1.0
        y.real = x[0]
        return total(z) + total(y)

    assert pb.value_and_grad(function)(REAL)[0] == pytest.approx(function(REAL), rel=1e-14)
    assert pb.testing.gradcheck(function, REAL)

    def imaginary(x: Any) -> Any:
        x.imag = 1.0
        return np.sum(x)

    with pytest.raises(TypeError, match="imaginary part to set"):
        pb.grad(imaginary)(REAL)


def test_a_write_at_an_empty_list() -> None:
    def function(x: Any) -> Any:
        y = x * 1.0
        y[[]] = 1.0
        y[:, []] *= x[:, :0]
        return np.sum(y**2)

    np.testing.assert_allclose(pb.grad(function)(REAL), 2 * REAL)
    np.testing.assert_allclose(pb.jacobian(function, mode="forward")(REAL), 2 * REAL)
