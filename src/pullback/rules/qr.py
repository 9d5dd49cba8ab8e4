"""QR factorisations (`numpy.linalg.qr`), real and complex, of tall, square and wide matrices, in stacks.

With ``Z = Qᴴ A_dot R⁻¹`` (of the leading square of R), its lower triangle makes the antihermitian Ω with
``Q_dot = Q Ω + (1 - Q Qᴴ) A_dot R⁻¹`` and ``R_dot = Qᴴ A_dot - Ω R``; LAPACK keeps the diagonal of R real,
so Ω has an imaginary diagonal. Walter & Lehmann, *Algorithmic differentiation of linear algebra functions
with application in optimum experimental design*, 2010, arXiv:1001.1654; Roberts & Roberts, *QR and LQ
decomposition matrix backpropagation algorithms for square, wide, and deep matrices*, 2020,
arXiv:2009.10071.

Not differentiable where one of the leading columns depends on those before it. The last of a real square
is free to: its column of Q is the one direction left, whatever remains in R.

``mode="complete"`` of a tall matrix adds ``Q₂`` to ``Q₁``. It is no arbitrary basis but what the
reflections, which also make ``Q₁``, leave of the unit vectors: ``Q₂ = E₂ + (E₁ - Q₁) (1 - Q₁₁)⁻ᴴ Q₂₁ᴴ``,
where ``Q₁₁`` and ``Q₂₁`` are the rows of ``Q₁`` (Ballard et al., *Reconstructing Householder vectors from
tall-skinny QR*, 2014, §3). It jumps where a reflection is left out because its column is in place already.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.errors import NotDifferentiableError
from pullback.base.tracked import Tracked, bare
from pullback.rules.domain import array, call
from pullback.rules.linalg import adjoint
from pullback.rules.table import calls, jvp, vjp
from pullback.rules.triangular import half


def _mode(mode: str) -> str:
    """The mode by its name of today."""
    mode = "reduced" if mode in ("f", "full") else mode
    if mode not in ("reduced", "complete", "r"):
        raise NotDifferentiableError(
            f"numpy.linalg.qr has no derivative in mode {mode!r}",
            why="it returns the reflections inside LAPACK instead of the factors",
            remedy="use mode='reduced', 'complete' or 'r'.",
        )
    return mode


def _pivots(r: Any, rows: int) -> int:
    """How many leading columns of the matrix have to be independent.

    Raises:
        NotDifferentiableError: if they are not.
    """
    values = bare(r)
    size = min(rows, values.shape[-1])
    count = size
    if values.dtype.kind != "c" and rows <= values.shape[-1]:
        count = max(size - 1, 0)
    diagonal = np.abs(np.diagonal(values, axis1=-2, axis2=-1))[..., :count]
    columns = np.linalg.norm(np.triu(values), axis=-2)[..., :count]
    bad = ~(diagonal > 10 * max(rows, size) * np.finfo(values.dtype).eps * columns)
    for *place, k in np.argwhere(bad).tolist():
        raise NotDifferentiableError(
            f"numpy.linalg.qr has no derivative here: R[{k}, {k}] is {values[(*place, k, k)]:.3g}",
            why=f"the column {k} depends on those before it, so its direction in Q is arbitrary",
            remedy="leave that column out, or add a small multiple of the identity.",
        )
    return count


def _rows(x: Any, start: Any, stop: Any) -> Any:
    return x[..., start:stop, :]


def _divided(x: Any, r: Any, count: int) -> Any:
    """``x R⁻¹`` for the first `count` columns."""
    square = r[..., :count, :count]
    return np.swapaxes(
        np.linalg.solve(np.swapaxes(square, -1, -2), np.swapaxes(x[..., :count], -1, -2)), -1, -2
    )


def _filled(x: Any, columns: int) -> Any:
    """`x` with columns of zeros added."""
    missing = columns - np.shape(x)[-1]
    return np.concatenate([x, np.zeros((*np.shape(x)[:-1], missing), x.dtype)], -1) if missing else x


# -- the thin factors -------------------------------------------------------------------------------------


def _thin_vjp(q_bar: Any, r_bar: Any, q: Any, r: Any) -> Any:
    rows, columns = np.shape(q)[-2], np.shape(r)[-1]
    count = _pivots(r, rows)
    r_bar = np.triu(r_bar)
    inner = r_bar @ adjoint(r) - adjoint(q) @ q_bar
    seed = q @ half(adjoint(inner) - inner)
    if rows > columns:
        seed = seed + q_bar - q @ (adjoint(q) @ q_bar)
    solved = np.linalg.solve(r[..., :count, :count], adjoint(seed[..., :count]))
    return q @ r_bar + _filled(adjoint(solved), columns)


def _thin_jvp(a_dot: Any, q: Any, r: Any) -> tuple[Any, Any]:
    rows, columns = np.shape(a_dot)[-2:]
    count = _pivots(r, rows)
    scaled = _divided(a_dot, r, count)
    z = half(_filled(adjoint(q) @ scaled, np.shape(q)[-1]))
    turning = z - adjoint(z)
    q_dot = q @ turning
    if rows > columns:
        q_dot = q_dot + scaled - q @ (adjoint(q) @ scaled)
    return q_dot, np.triu(adjoint(q) @ a_dot - turning @ r)


# -- the rest of a complete basis -------------------------------------------------------------------------


def _complement(q: Any, columns: int) -> tuple[Any, Any]:
    """``(1 - Q₁₁)ᴴ``, and C with ``Q₂ = E₂ + (E₁ - Q₁) C``."""
    f = np.eye(columns, dtype=q.dtype) - adjoint(_rows(q, None, columns))
    least = np.min(np.linalg.svd(bare(f), compute_uv=False), initial=1)
    if not least > np.finfo(bare(q).dtype).eps ** 0.5:
        raise NotDifferentiableError(
            "the basis that numpy.linalg.qr completes Q with has no derivative here",
            why="a column is zero below the diagonal already, where LAPACK leaves its reflection out",
            remedy="use mode='reduced', and np.eye(m) - q @ q.T for the projector on the rest.",
        )
    return f, np.linalg.solve(f, adjoint(_rows(q, columns, None)))


def _units_less(q: Any) -> Any:
    return np.eye(*np.shape(q)[-2:], dtype=q.dtype) - q


def _complement_vjp(rest_bar: Any, q: Any) -> Any:
    """The cotangent of ``Q₁`` from that of ``Q₂``."""
    columns = np.shape(q)[-1]
    f, c = _complement(q, columns)
    z = np.linalg.solve(adjoint(f), adjoint(_units_less(q)) @ rest_bar)
    return np.concatenate([c @ adjoint(z), adjoint(z)], -2) - rest_bar @ adjoint(c)


def _complement_jvp(q_dot: Any, q: Any) -> Any:
    columns = np.shape(q)[-1]
    f, c = _complement(q, columns)
    top, bottom = adjoint(_rows(q_dot, None, columns)), adjoint(_rows(q_dot, columns, None))
    return _units_less(q) @ np.linalg.solve(f, bottom + top @ c) - q_dot @ c


# -- NumPy's function -------------------------------------------------------------------------------------


@vjp(np.linalg.qr, 0, reads="y a mode", holomorphic=False)
def qr_vjp(y_bar: Any, y: Any, a: Any, mode: str = "reduced") -> Any:
    mode = _mode(mode)
    if mode == "r":
        q, r = np.linalg.qr(a)
        return _thin_vjp(np.zeros(np.shape(q), q.dtype), y_bar, q, r)
    (q, r), (q_bar, r_bar) = y, y_bar
    rows, columns = np.shape(a)[-2:]
    if mode == "reduced" or rows <= columns:
        return _thin_vjp(q_bar, r_bar, q, r)
    q, thin_bar, rest_bar = q[..., :columns], q_bar[..., :columns], q_bar[..., columns:]
    if isinstance(rest_bar, Tracked) or np.any(rest_bar):
        thin_bar = thin_bar + _complement_vjp(rest_bar, q)
    return _thin_vjp(thin_bar, _rows(r_bar, None, columns), q, _rows(r, None, columns))


@jvp(np.linalg.qr, 0, reads="y a mode")
def qr_jvp(a_dot: Any, y: Any, a: Any, mode: str = "reduced") -> Any:
    mode = _mode(mode)
    if mode == "r":
        return _thin_jvp(a_dot, *np.linalg.qr(a))[1]
    q, r = y
    rows, columns = np.shape(a)[-2:]
    if mode == "reduced" or rows <= columns:
        return _thin_jvp(a_dot, q, r)
    q = q[..., :columns]
    q_dot, r_dot = _thin_jvp(a_dot, q, _rows(r, None, columns))
    zeros = np.zeros((*np.shape(a)[:-2], rows - columns, columns), r_dot.dtype)
    return np.concatenate([q_dot, _complement_jvp(q_dot, q)], -1), np.concatenate([r_dot, zeros], -2)


_SHAPES = ((4, 2), (3, 3), (2, 4), (2, 1, 3, 2), (2, 2, 3))
calls(
    np.linalg.qr,
    *(
        call(array(*shape, kind="invertible"), mode)
        for mode in ("reduced", "r", "complete")
        for shape in _SHAPES
    ),
    call(array(1, 1, low=0.2)),
    call(array(1, 3, low=0.2)),
    call(array(3, 1, low=0.2), mode="complete"),
    call(array(0, 3, 2), mode="complete"),
    call(array(3, 0), mode="complete"),
    call(array(0, 3)),
)
