"""Linear systems by scipy.linalg: solve, solve_triangular, inv and det.

What a function reads of a matrix, a triangle or a diagonal, is what its derivative reaches. The rules obey
the complex convention themselves, since a Hermitian matrix made of one triangle is not a holomorphic function
of it. (Giles, *Collected matrix derivative results*, 2008, §2.2-2.3.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from pullback.base.errors import UnsupportedError
from pullback.rules import linalg
from pullback.rules.determinant import minors
from pullback.rules.domain import array, call
from pullback.rules.linalg import adjoint
from pullback.rules.scipy_linalg.calling import BATCHES, conj, followed, is_vector, widened
from pullback.rules.table import calls, jvp, linear, stand_in, vjp

# -- what a structured solver reads of a matrix ------------------------------------------------------------

_TRIANGLES = {
    "upper triangular": np.triu, "upper": np.triu, "lower triangular": np.tril, "lower": np.tril,
}  # fmt: skip
_MIRRORED = {"sym": "sym", "symmetric": "sym", "her": "her", "hermitian": "her", "pos": "her",
             "positive definite": "her"}  # fmt: skip


def as_read(a: Any, assume_a: Any, lower: bool) -> Any:
    """The matrix that SciPy takes `a` for; an R-linear function of it."""
    if assume_a in _TRIANGLES:
        return _TRIANGLES[assume_a](a)
    if assume_a in _MIRRORED:
        # In real arithmetic both are symmetric.
        turned = adjoint if _MIRRORED[assume_a] == "her" else linalg.transposed
        half = np.tril(a, -1) if lower else np.triu(a, 1)
        diagonal = _on_diagonal(a)
        return half + turned(half) + (np.real(diagonal) if turned is adjoint else diagonal)
    if assume_a == "diagonal":
        return _on_diagonal(a)
    if assume_a == "tridiagonal":
        return np.triu(np.tril(a, 1), -1)
    return a


def of_what_is_read(m_bar: Any, assume_a: Any, lower: bool) -> Any:
    """The adjoint of `as_read`."""
    if assume_a in _MIRRORED:
        turned = adjoint if _MIRRORED[assume_a] == "her" else linalg.transposed
        both = m_bar + turned(m_bar)
        half = np.tril(both, -1) if lower else np.triu(both, 1)
        diagonal = _on_diagonal(m_bar)
        return half + (np.real(diagonal) if turned is adjoint else diagonal)
    return as_read(m_bar, assume_a, lower)


def _on_diagonal(a: Any) -> Any:
    return np.triu(np.tril(a))


# -- solve ------------------------------------------------------------------------------------------------

solve = followed(scipy.linalg.solve)


def _structure(a: Any, assume_a: Any) -> Any:
    """The structure that SciPy makes use of: by a matrix of one number it just divides."""
    return None if np.size(a) == 1 else assume_a


def _system(a: Any, assume_a: Any, lower: bool, transposed: bool) -> Any:
    matrix = as_read(widened(a), _structure(a, assume_a), lower)
    return linalg.transposed(matrix) if transposed else matrix


@vjp(solve, 0, reads="y a lower assume_a transposed", holomorphic=False)
def solve_a_vjp(
    y_bar: Any, y: Any, a: Any, b: Any, lower: bool = False, overwrite_a: bool = False,
    overwrite_b: bool = False, check_finite: bool = True, assume_a: Any = None, transposed: bool = False,
) -> Any:  # fmt: skip
    system = _system(a, assume_a, lower, transposed)
    vector = is_vector(b)
    columns = y_bar[..., None] if vector else y_bar
    b_bar = np.linalg.solve(adjoint(system), columns)
    m_bar = -(b_bar @ adjoint(y[..., None] if vector else y))
    m_bar = linalg.transposed(m_bar) if transposed else m_bar
    return of_what_is_read(m_bar, _structure(a, assume_a), lower)


@vjp(solve, 1, reads="a lower assume_a transposed", holomorphic=False)
def solve_b_vjp(
    y_bar: Any, y: Any, a: Any, b: Any, lower: bool = False, overwrite_a: bool = False,
    overwrite_b: bool = False, check_finite: bool = True, assume_a: Any = None, transposed: bool = False,
) -> Any:  # fmt: skip
    system = _system(a, assume_a, lower, transposed)
    if is_vector(b):
        return np.linalg.solve(adjoint(system), y_bar[..., None])[..., 0]
    return np.linalg.solve(adjoint(system), y_bar)


@jvp(solve, 0)
def solve_a_jvp(
    a_dot: Any, y: Any, a: Any, b: Any, lower: bool = False, overwrite_a: bool = False,
    overwrite_b: bool = False, check_finite: bool = True, assume_a: Any = None, transposed: bool = False,
) -> Any:  # fmt: skip
    system = _system(a, assume_a, lower, transposed)
    moved = _system(a_dot, assume_a, lower, transposed)
    if is_vector(b):
        return -np.linalg.solve(system, moved @ y[..., None])[..., 0]
    return -np.linalg.solve(system, moved @ y)


linear(solve, 1)


@stand_in(solve)
def _solution(a: Any, b: Any, *_: Any, **__: Any) -> Any:
    return scipy.linalg.solve(a, b)


_MATRIX = array(3, 3, kind="invertible")
_DEFINITE = array(3, 3, kind="definite")
calls(
    solve,
    call(_MATRIX, array(3)),
    call(_MATRIX, array(3, 2)),
    call(_MATRIX, array(3, 2), assume_a="sym"),
    call(_MATRIX, array(3), True, assume_a="sym"),
    call(_DEFINITE, array(3, 2), assume_a="her"),
    call(_DEFINITE, array(3, 2), True, assume_a="pos"),
    call(_MATRIX, array(3, 2), assume_a="upper triangular"),
    call(_MATRIX, array(3, 2), assume_a="lower triangular"),
    call(_MATRIX, array(3), assume_a="diagonal"),
    *(
        [
            call(array(4, 3, 3, kind="invertible"), array(3)),
            call(array(4, 3, 3, kind="invertible"), array(4, 3, 2)),
            call(array(5, 1, 3, 3, kind="invertible"), array(4, 3, 2)),
            call(array(2, 3, 3, kind="definite"), array(3, 2), assume_a="pos"),
        ]
        if BATCHES
        else []
    ),
)

# -- solve_triangular -------------------------------------------------------------------------------------

solve_triangular = followed(scipy.linalg.solve_triangular)
_TRANS: dict[Any, int] = {"N": 0, "T": 1, "C": 2}


def _triangle(a: Any, lower: bool, unit_diagonal: bool) -> Any:
    """The entries of `a` that are read."""
    return np.tril(a, -1 if unit_diagonal else 0) if lower else np.triu(a, 1 if unit_diagonal else 0)


def _pulled(y_bar: Any, a: Any, trans: Any, lower: bool, unit_diagonal: bool) -> Any:
    """The cotangent of the right side: a solve with the adjoint of the matrix."""
    kind: Any = _TRANS.get(trans, trans)
    if kind == 1:
        return conj(solve_triangular(a, conj(y_bar), 0, lower, unit_diagonal))
    return solve_triangular(a, y_bar, 2 - kind, lower, unit_diagonal)


@vjp(solve_triangular, 0, reads="y a trans lower unit_diagonal", holomorphic=False)
def triangular_a_vjp(
    y_bar: Any, y: Any, a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False,
    overwrite_b: bool = False, check_finite: bool = True,
) -> Any:  # fmt: skip
    kind: Any = _TRANS.get(trans, trans)
    b_bar = triangular_b_vjp(y_bar, None, a, b, trans, lower, unit_diagonal)
    if is_vector(b):
        b_bar, y = b_bar[..., None], y[..., None]
    matrix_bar = b_bar @ adjoint(y) if kind == 0 else y @ adjoint(b_bar)
    return _triangle(-(conj(matrix_bar) if kind == 1 else matrix_bar), lower, unit_diagonal)


@vjp(solve_triangular, 1, reads="a trans lower unit_diagonal", holomorphic=False)
def triangular_b_vjp(
    y_bar: Any, y: Any, a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False,
    overwrite_b: bool = False, check_finite: bool = True,
) -> Any:  # fmt: skip
    if is_vector(b) and np.ndim(a) > 2:
        return _pulled(y_bar[..., None], a, trans, lower, unit_diagonal)[..., 0]
    return _pulled(y_bar, a, trans, lower, unit_diagonal)


@jvp(solve_triangular, 0)
def triangular_a_jvp(
    a_dot: Any, y: Any, a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False,
    overwrite_b: bool = False, check_finite: bool = True,
) -> Any:  # fmt: skip
    kind: Any = _TRANS.get(trans, trans)
    moved = _triangle(a_dot, lower, unit_diagonal)
    moved = moved if kind == 0 else linalg.transposed(moved) if kind == 1 else adjoint(moved)
    if is_vector(b):
        return -solve_triangular(a, moved @ y[..., None], trans, lower, unit_diagonal)[..., 0]
    return -solve_triangular(a, moved @ y, trans, lower, unit_diagonal)


linear(solve_triangular, 1)
calls(
    solve_triangular,
    call(_MATRIX, array(3)),
    call(_MATRIX, array(3, 2), lower=True),
    call(_MATRIX, array(3, 2), 1),
    call(_MATRIX, array(3, 2), "C"),
    call(_MATRIX, array(3), 2, True),
    call(_MATRIX, array(3), "T", unit_diagonal=True),
    call(array(0, 0), array(0)),
    *(
        [
            call(array(4, 3, 3, kind="invertible"), array(4, 3, 2), lower=True),
            call(array(4, 3, 3, kind="invertible"), array(3), trans=1),
            call(_MATRIX, array(2, 3, 2), trans=2),
        ]
        if BATCHES
        else []
    ),
)

# -- inv, det ---------------------------------------------------------------------------------------------

inv = followed(scipy.linalg.inv)


def _structure_of_inverse(assume_a: Any) -> Any:
    if assume_a == "diagonal":
        raise UnsupportedError(
            'scipy.linalg.inv with assume_a="diagonal" has no derivative rule',
            why="SciPy returns the entries beside the diagonal as they were",
            remedy="np.diag(1 / np.diagonal(a)), or leave assume_a away.",
        )
    return assume_a


@vjp(inv, 0, reads="y assume_a lower", holomorphic=False)
def inv_vjp(
    y_bar: Any, y: Any, a: Any, overwrite_a: bool = False, check_finite: bool = True, *,
    assume_a: Any = None, lower: bool = False,
) -> Any:  # fmt: skip
    y_adjoint = adjoint(y)
    return of_what_is_read(-(y_adjoint @ y_bar @ y_adjoint), _structure_of_inverse(assume_a), lower)


@jvp(inv, 0)
def inv_jvp(
    a_dot: Any, y: Any, a: Any, overwrite_a: bool = False, check_finite: bool = True, *,
    assume_a: Any = None, lower: bool = False,
) -> Any:  # fmt: skip
    return -(y @ as_read(a_dot, _structure_of_inverse(assume_a), lower) @ y)


@stand_in(inv)
def _inverse(a: Any, *_: Any, **__: Any) -> Any:
    return scipy.linalg.inv(a)


calls(inv, call(_MATRIX), call(array(0, 0)))
if BATCHES:
    calls(
        inv,
        call(array(2, 1, 3, 3, kind="invertible")),
        call(array(0, 2, 2, kind="invertible")),
        call(_MATRIX, assume_a="sym"),
        call(_DEFINITE, assume_a="pos"),
        call(_DEFINITE, assume_a="her", lower=True),
        call(_MATRIX, assume_a="upper triangular"),
        call(_MATRIX, assume_a="lower triangular"),
    )

det = followed(scipy.linalg.det)


def _over_matrices(x: Any) -> Any:
    return np.expand_dims(x, (-2, -1))


@vjp(det, 0, reads="a")
def det_vjp(y_bar: Any, y: Any, a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    return _over_matrices(y_bar) * minors(a)


@jvp(det, 0, reads="a")
def det_jvp(a_dot: Any, y: Any, a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    return np.sum(minors(a) * a_dot, axis=(-2, -1))


calls(
    det,
    call(array(3, 3)),
    call(array(2, 1, 4, 4)),
    call(array(1, 1)),
    call(array(0, 2, 2)),
    call(array(0, 0)),
)
