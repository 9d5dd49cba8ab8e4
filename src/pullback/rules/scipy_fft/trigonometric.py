"""Cosine and sine transforms, types 1 to 4: dct, idct, dst, idst and those of several axes.

Orthogonalised, a transform of type 1 or 4 is symmetric and those of types 2 and 3 are each other's transpose,
whatever the norm. A plain one is the orthogonalised one but for a factor √2 at the edges: of type 2 where the
frequency is 0 (in sine transforms, the highest), of type 3 where the argument has that index, of a cosine
transform of type 1 at both ends of both (Strang, *The discrete cosine transform*, SIAM Review 41, 1999).
An inverse transform is the transform of type 1, 3, 2 or 4 under the other norm.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.fft

from pullback.base.spec import dtype_of
from pullback.rules.domain import array, call
from pullback.rules.fft import SWAPPED, fitted, lengths_of
from pullback.rules.scipy_linalg.calling import followed
from pullback.rules.table import calls, linear, vjp

_TURNED = {1: 1, 2: 3, 3: 2, 4: 4}

FUNCTIONS: dict[str, Callable[..., Any]] = {
    f"{inverse}{kind}{axes}": followed(getattr(scipy.fft, f"{inverse}{kind}{axes}"))
    for inverse in ("", "i")
    for kind in ("dct", "dst")
    for axes in ("", "n")
}
"""SciPy's transforms under their names, for engines to follow."""


def _edges(x: Any, kind: str, type: int, axis: int) -> Any:
    """√2 at the edges of a transform of this type, and 1 elsewhere, to multiply `x` along an axis."""
    n = np.shape(x)[axis]
    factors = np.ones(n, dtype_of(x).char.lower())
    if kind == "dst":
        factors[n - 1 :] = np.sqrt(2)
    else:
        factors[:1] = np.sqrt(2)
        if type == 1:
            factors[n - 1 :] = np.sqrt(2)
    return np.reshape(factors, [n if place == axis % np.ndim(x) else 1 for place in range(np.ndim(x))])


_PROBE: Any = scipy.fft.dct(np.array([1j, 0j]), orthogonalize=True)
_COMPLEX_TOO = bool(abs(_PROBE[0]) < 1.9)
"""Whether SciPy heeds `orthogonalize` of complex arguments; 1.17 does not."""


def _transposed(
    y_bar: Any, y: Any, name: tuple[str, bool], type: int, axis: int, norm: Any, orthogonalize: Any
) -> Any:
    """The adjoint of a transform along one axis, which leaves its length as it is.

    Args:
        y_bar, y: the cotangent, and what the result was or what it is like.
        name: "dct" or "dst", and whether it is the inverse one.
    """
    if dtype_of(y_bar).kind == "c":
        options = (y, name, type, axis, norm, orthogonalize)
        return _transposed(np.real(y_bar), *options) + 1j * _transposed(np.imag(y_bar), *options)
    if orthogonalize is None or (dtype_of(y).kind == "c" and not _COMPLEX_TOO):
        orthogonalize = norm == "ortho"
    kind, inverse = name
    form = _TURNED[type] if inverse else type
    norm = SWAPPED[norm] if inverse else norm
    apart = not orthogonalize and (form in (2, 3) or (form == 1 and kind == "dct"))
    if apart and form in (1, 2):
        y_bar = y_bar * _edges(y_bar, kind, form, axis)
    x_bar = FUNCTIONS[kind](y_bar, _TURNED[form], None, axis, norm, orthogonalize=True)
    return x_bar / _edges(x_bar, kind, form, axis) if apart and form in (1, 3) else x_bar


def _add(name: str, kind: str, inverse: bool) -> None:
    @vjp(FUNCTIONS[name], 0, reads="", holomorphic=False)
    def dct_vjp(
        y_bar: Any, y: Any, x: Any, type: int = 2, n: Any = None, axis: int = -1, norm: Any = None,
        overwrite_x: bool = False, workers: Any = None, orthogonalize: Any = None,
    ) -> Any:  # fmt: skip
        x_bar = _transposed(y_bar, y, (kind, inverse), type, axis, norm, orthogonalize)
        return fitted(x_bar, np.shape(x), [axis])

    @vjp(FUNCTIONS[f"{name}n"], 0, reads="", holomorphic=False)
    def dctn_vjp(
        y_bar: Any, y: Any, x: Any, type: int = 2, s: Any = None, axes: Any = None, norm: Any = None,
        overwrite_x: bool = False, workers: Any = None, orthogonalize: Any = None,
    ) -> Any:  # fmt: skip
        _, along = lengths_of(np.shape(x), s, (axes,) if isinstance(axes, int) else axes)
        for axis in along:
            y_bar = _transposed(y_bar, y, (kind, inverse), type, axis, norm, orthogonalize)
        return fitted(y_bar, np.shape(x), along)

    linear(FUNCTIONS[name], 0)
    linear(FUNCTIONS[f"{name}n"], 0)
    calls(
        FUNCTIONS[name],
        *(call(array(5), form) for form in _TURNED),
        *(call(array(2, 4), form, norm="ortho") for form in _TURNED),
        *(call(array(4, 3), form, 5, 0, "forward") for form in _TURNED),
        *(call(array(4), form, norm="ortho", orthogonalize=False) for form in _TURNED),
        *(call(array(6), form, 4, orthogonalize=True) for form in _TURNED),
        call(array(2, 1), 2),
        call(array(0, 3)),
    )
    calls(
        FUNCTIONS[f"{name}n"],
        *(call(array(3, 4), form) for form in _TURNED),
        *(call(array(2, 3, 4), form, (4, 3), (0, 2), "ortho") for form in _TURNED),
        call(array(3, 4), 2, None, (1,), "forward"),
        call(array(3, 4), 3, axes=0, orthogonalize=True),
    )


for _kind in ("dct", "dst"):
    _add(_kind, _kind, False)
    _add(f"i{_kind}", _kind, True)
