"""Einstein sums and tensordot.

The adjoint of ``einsum("ij,jk->ik", a, b)`` in `a` is ``einsum("ik,jk->ij", y_bar, b)``: `y_bar` takes the
operand's place and their subscripts change roles (Laue, Mitterreiter & Giesen, *A simple and efficient tensor
calculus*, 2020, §3). What is summed in the operand alone is broadcast, and an operand's repeated subscript is
a diagonal.
"""

from __future__ import annotations

import math
import string
from typing import Any, NamedTuple

import numpy as np

from pullback.base.errors import UnsupportedError
from pullback.rules.domain import array, call
from pullback.rules.structured import Diagonal, is_large
from pullback.rules.table import EACH, alias, calls, linear, view, vjp

_LETTERS = string.ascii_uppercase + string.ascii_lowercase

_MANY = 1 << 15
"""From so many multiplications on NumPy's loops take longer than choosing a path, and a BLAS along it."""

Label = str | int
"""A subscript's letter; the axes of an ellipsis are numbered -1, -2, … from the right."""


class Subscripts(NamedTuple):
    """What an einsum says: the labels of each operand's axes, and of the output's."""

    operands: list[Any]
    inputs: list[list[Label]]
    output: list[Label]


def subscripts_of(args: tuple[Any, ...]) -> Subscripts:
    """Read the arguments of `numpy.einsum`, in either of its two forms."""
    if isinstance(args[0], str):
        left, arrow, right = args[0].replace(" ", "").partition("->")
        operands = list(args[1:])
        inputs, output = [_split(term) for term in left.split(",")], _split(right) if arrow else None
    else:
        operands = list(args[0 : len(args) // 2 * 2 : 2])
        inputs = [_named(term) for term in args[1::2]]
        output = _named(args[-1]) if len(args) % 2 else None
    spread = [_expanded(term, np.ndim(operand)) for term, operand in zip(inputs, operands, strict=True)]
    wide = max((-label for term in spread for label in term if isinstance(label, int)), default=0)
    ellipsis: list[Label] = list(range(-wide, 0))
    if output is None:
        seen = [label for term in spread for label in term if isinstance(label, str)]
        return Subscripts(
            operands, spread, ellipsis + sorted(label for label in seen if seen.count(label) == 1)
        )
    place = output.index(...) if ... in output else None
    if place is not None:
        output = [*output[:place], *ellipsis, *output[place + 1 :]]
    return Subscripts(operands, spread, output)


def _split(term: str) -> list[Any]:
    before, dots, after = term.partition("...")
    return [*before, ..., *after] if dots else [*before]


def _named(term: Any) -> list[Any]:
    return [label if label is Ellipsis else _LETTERS[label] for label in term]


def _expanded(term: list[Any], ndim: int) -> list[Label]:
    """The labels of an operand of `ndim` axes, with those that its ellipsis stands for."""
    if ... not in term:
        return term
    place = term.index(...)
    return [*term[:place], *range(len(term) - 1 - ndim, 0), *term[place + 1 :]]


def _written(terms: list[list[Label]], output: list[Label]) -> str:
    """The labels as a string for `numpy.einsum`, with letters for an ellipsis' axes."""
    letters = dict.fromkeys(label for term in (*terms, output) for label in term)
    if len(letters) > len(_LETTERS):
        raise UnsupportedError("numpy.einsum has no derivative rule for more than 52 different axes")
    names = dict(zip(letters, _LETTERS, strict=False))
    words = ["".join(names[label] for label in term) for term in (*terms, output)]
    return f"{','.join(words[:-1])}->{words[-1]}"


@vjp(np.einsum, EACH)
def einsum_vjp(
    position: int,
    y_bar: Any,
    y: Any,
    *args: Any,
    out: Any = None,
    optimize: Any = False,
    dtype: Any = None,
    order: Any = None,
    casting: Any = None,
) -> Any:
    operands, inputs, output = subscripts_of(args)
    place = position - 1 if isinstance(args[0], str) else position // 2
    shape, own = np.shape(operands[place]), inputs[place]
    terms = [*inputs[:place], output, *inputs[place + 1 :]]
    factors = [*operands[:place], y_bar, *operands[place + 1 :]]
    lengths: dict[Label, int] = {}
    for term, factor in zip(terms, factors, strict=True):
        for label, length in zip(term, np.shape(factor), strict=True):
            lengths[label] = max(length, lengths.get(label, 1)) if length else 0
    sizes = dict(zip(own, shape, strict=True))
    # An axis of length 1 that the other factors broadcast is summed, one they lack is broadcast back.
    target = [label for label, n in sizes.items() if label in lengths and (n != 1 or lengths[label] == 1)]
    if optimize is False and math.prod(lengths.values()) > _MANY:
        optimize = True
    x_bar = np.einsum(_written(terms, target), *factors, optimize=optimize)
    known = dict(zip(target, np.shape(x_bar), strict=True))
    if len(known) != len(sizes):
        x_bar = np.reshape(x_bar, tuple(known.get(label, 1) for label in sizes))
    if np.shape(x_bar) != tuple(sizes.values()):
        x_bar = np.broadcast_to(x_bar, tuple(sizes.values()))
    return x_bar if len(own) == len(sizes) else _on_diagonals(x_bar, own, sizes)


def _on_diagonals(x_bar: Any, own: list[Label], sizes: dict[Label, int]) -> Any:
    """Spread the distinct axes of `x_bar` over the diagonals that the repeated labels of `own` name."""
    if len(own) == len(sizes) + 1 and own[-1] == own[-2] and is_large(sizes[own[-1]], sizes[own[-1]]):
        return Diagonal(x_bar)
    terms: list[list[Label]] = [list(sizes)]
    eyes: list[Any] = []
    placed: list[Label] = []
    for axis, label in enumerate(own):
        if label in placed:
            terms.append([label, 100 + axis])
            eyes.append(np.eye(sizes[label], dtype=x_bar.dtype))
            placed.append(100 + axis)
        else:
            placed.append(label)
    return np.einsum(_written(terms, placed), x_bar, *eyes)


linear(np.einsum, EACH)
view(np.einsum)
calls(
    np.einsum,
    call("ij,jk->ik", array(2, 3), array(3, 4)),
    call("ij,jk", array(2, 3), array(3, 4), optimize=True),
    call("ba", array(2, 3)),
    call("ij->", array(2, 3)),
    call("ij->j", array(2, 3)),
    call("ii", array(3, 3)),
    call("ii->i", array(3, 3)),
    call("iji->j", array(3, 2, 3)),
    call("iii->i", array(2, 2, 2)),
    call("ijij->ij", array(2, 3, 2, 3)),
    call("ii,ij->j", array(3, 3), array(3, 2)),
    call("ij,kj,i->k", array(2, 3), array(4, 3), array(2), optimize=["einsum_path", (0, 2), (0, 1)]),
    call("i,j,k->kij", array(2), array(3), array(4)),
    call("ij,ij->i", array(3, 1), array(3, 4)),
    call("ij,ij->ij", array(3, 1), array(1, 4)),
    call("ij,jk->k", array(3, 1), array(4, 2)),
    call("ij,k->k", array(2, 3), array(4)),
    call("...ij,...jk->...ik", array(5, 2, 3), array(3, 4)),
    call("...ij,...jk", array(5, 1, 2, 3), array(6, 3, 4)),
    call("i...,...j->j...i", array(2, 5, 1), array(6, 3)),
    call("...ii->...i", array(2, 3, 3)),
    call("...,...", array(2, 3), array(3)),
    call(",i->i", array(), array(3)),
    call("i , i ->", array(3), array(3)),
    call(array(2, 3), [0, 1], array(3, 4), [1, 2], [0, 2]),
    call(array(2, 3), [1, 30], array(3, 4), [30, 2]),
    call(array(2, 3), [..., 0], array(3), [0], [...]),
    call("bij,bjk->bik", array(0, 2, 3), array(0, 3, 4)),
    call("ij,jk->ik", array(2, 0), array(0, 3)),
)


# -- tensordot ------------------------------------------------------------------------------------------


def _contracted(a_ndim: int, b_ndim: int, axes: Any) -> tuple[list[int], list[int]]:
    """The axes of each operand that tensordot sums over, in pairs."""
    if np.ndim(axes) == 0 and not isinstance(axes, list | tuple):
        return list(range(a_ndim - int(axes), a_ndim)), list(range(int(axes)))
    a_axes, b_axes = ([part] if np.ndim(part) == 0 else list(part) for part in axes)
    return [axis % a_ndim for axis in a_axes], [axis % b_ndim for axis in b_axes]


def _free(ndim: int, summed: list[int]) -> list[int]:
    return [axis for axis in range(ndim) if axis not in summed]


def _ordered(x_bar: Any, axes: list[int]) -> Any:
    """`x_bar`, whose axes are those named by `axes`, with its axes in order."""
    if axes == sorted(axes):
        return x_bar
    return np.transpose(x_bar, tuple(axes.index(axis) for axis in range(len(axes))))


@vjp(np.tensordot, 0, reads="b axes")
def tensordot_a_vjp(y_bar: Any, y: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    a_axes, b_axes = _contracted(np.ndim(a), np.ndim(b), axes)
    a_free, b_free = _free(np.ndim(a), a_axes), _free(np.ndim(b), b_axes)
    a_bar = np.tensordot(y_bar, b, axes=(tuple(range(len(a_free), len(a_free) + len(b_free))), tuple(b_free)))
    paired = [a_axes[b_axes.index(axis)] for axis in sorted(b_axes)]
    return _ordered(a_bar, a_free + paired)


@vjp(np.tensordot, 1, reads="a axes")
def tensordot_b_vjp(y_bar: Any, y: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    a_axes, b_axes = _contracted(np.ndim(a), np.ndim(b), axes)
    a_free, b_free = _free(np.ndim(a), a_axes), _free(np.ndim(b), b_axes)
    b_bar = np.tensordot(a, y_bar, axes=(tuple(a_free), tuple(range(len(a_free)))))
    paired = [b_axes[a_axes.index(axis)] for axis in sorted(a_axes)]
    return _ordered(b_bar, paired + b_free)


linear(np.tensordot, 0, 1)
calls(
    np.tensordot,
    call(array(2, 3, 4), array(3, 4, 5)),
    call(array(2, 3), array(3, 4), axes=1),
    call(array(2, 3), array(3), axes=0),
    call(array(2, 3, 4), array(4, 5, 3), axes=([1, 2], [2, 0])),
    call(array(2, 3, 4), array(4, 5, 3), axes=((-1, 1), (0, -1))),
    call(array(3, 2, 4), array(5, 4), axes=(2, 1)),
    call(array(3, 2, 4), array(2, 4, 3), axes=([2, 0, 1], [1, 2, 0])),
    call(array(2, 3), array(2, 3)),
)
alias(np.linalg.tensordot, np.tensordot)
