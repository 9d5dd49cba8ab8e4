"""Sparse systems by scipy.sparse.linalg: the solution of ``A x = b`` moves by ``dx = A⁻¹ (db - dA x)``.

That is the implicit function theorem, whatever way the system was solved in: the reverse sweep solves with
the transpose by the same method, as exactly as that solves. A starting point has no derivative.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse.linalg

from pullback.base.composed import COMPOSED
from pullback.base.dispatch import dispatched, tracked_in
from pullback.base.errors import NotDifferentiableError, ShapeError, UnsupportedError
from pullback.base.tracked import bare
from pullback.rules.domain import array, call
from pullback.rules.scipy_sparse.products import product, sampled
from pullback.rules.scipy_sparse.structure import Dense, Places, Structure, transposed
from pullback.rules.table import calls, jvp, linear, vjp


class Direct:
    """`scipy.sparse.linalg.spsolve` with its options."""

    name = "spsolve"

    def __init__(self, **options: Any) -> None:
        self.options = options

    @property
    def T(self) -> Direct:
        return self

    def solve(self, matrix: Any, b: Any) -> Any:
        """The solution, of the shape that `b` has."""
        # SciPy sorts the entries and adds up those in one place, in the arrays that it is given.
        found: Any = scipy.sparse.linalg.spsolve(matrix.copy(), b, **self.options)
        if not np.all(np.isfinite(found)):
            raise NotDifferentiableError(
                "scipy.sparse.linalg.spsolve has no derivative here", why="the matrix is singular"
            )
        return found.reshape(b.shape)


HERMITIAN = ("cg", "minres")
"""The iterations for Hermitian matrices."""
_OF_ONE_SYSTEM = ("x0", "callback", "outer_v", "CU")
"""The options that concern one system, and not the one with the transpose."""


class Iterative:
    """`cg`, `gmres` or another iteration with its options, of a matrix or of its transpose."""

    def __init__(
        self, name: str, options: dict[str, Any], preconditioner: Any = None, turned: bool = False
    ) -> None:
        self.name, self.options, self.preconditioner, self.turned = name, options, preconditioner, turned

    @property
    def T(self) -> Iterative:
        options = {key: value for key, value in self.options.items() if key not in _OF_ONE_SYSTEM}
        before = self.preconditioner
        turned = None if before is None else transposed(before, self.name in HERMITIAN)
        return Iterative(self.name, options, turned, not self.turned)

    def solve(self, matrix: Any, b: Any) -> Any:
        """The solution, of the shape that `b` has."""
        method = getattr(scipy.sparse.linalg, self.name)
        try:
            found, info = method(matrix, b, M=self.preconditioner, **self.options)
        except NotImplementedError as error:
            if not self.turned:
                raise
            raise UnsupportedError(
                f"reverse mode through scipy.sparse.linalg.{self.name} with this LinearOperator",
                why=f"it solves with the transpose, and SciPy says of A or M: {error}",
                remedy="give the LinearOperator rmatvec=, or use forward mode: pb.jvp, or engine='dual'.",
            ) from None
        if info != 0:
            raise NotDifferentiableError(
                f"scipy.sparse.linalg.{self.name} did not converge (info={info})",
                why="what it stopped at is not a solution, and does not move as one",
                remedy="raise maxiter, give a preconditioner M, or take a tolerance that it reaches.",
            )
        return found.reshape(b.shape)


class Factored:
    """An LU factorisation of SuperLU's, of a matrix or of its transpose."""

    name = "splu"

    def __init__(self, factors: Any, dtype: Any, turned: bool = False) -> None:
        self.factors, self.dtype, self.turned = factors, np.dtype(dtype), turned

    @property
    def T(self) -> Factored:
        return Factored(self.factors, self.dtype, not self.turned)

    def solve(self, matrix: Any, b: Any) -> Any:
        """The solution, of the shape that `b` has."""
        trans = "T" if self.turned else "N"
        if b.dtype.kind == "c" and self.dtype.kind != "c":
            parts = (self.factors.solve(np.ascontiguousarray(part), trans) for part in (b.real, b.imag))
            return sum(unit * part for unit, part in zip((1, 1j), parts, strict=True))
        return self.factors.solve(b.astype(self.dtype), trans)


@dispatched
def solution(data: Any, b: Any, structure: Structure, solver: Any) -> Any:
    """The x of ``A x = b``, of the shape of `b`."""
    dtype = np.result_type(bare(b), *([] if data is None else [bare(data)]))
    return solver.solve(structure.matrix(data), np.asarray(b, dtype))


@vjp(solution, 0, reads="y data structure solver")
def solution_data_vjp(y_bar: Any, y: Any, data: Any, b: Any, structure: Any, solver: Any) -> Any:
    return -sampled(solution(data, y_bar, structure.T, solver.T), y, structure)


@vjp(solution, 1, reads="data structure solver")
def solution_b_vjp(y_bar: Any, y: Any, data: Any, b: Any, structure: Any, solver: Any) -> Any:
    return solution(data, y_bar, structure.T, solver.T)


@jvp(solution, 0)
def solution_data_jvp(data_dot: Any, y: Any, data: Any, b: Any, structure: Any, solver: Any) -> Any:
    return -solution(data, product(data_dot, y, structure), structure, solver)


linear(solution, 1)


@dispatched
def solved(
    data: Any, first: Any, second: Any, rows: int, columns: int, b: Any, x0: Any, format: str, method: str,
    rtol: float, atol: float, maxiter: Any, restart: Any, kind: str = "none", *before: Any,
) -> Any:  # fmt: skip
    """`solution` with all that a structure and a solver hold apart, as compiled source has it.

    Args:
        kind, before: the format of the preconditioner, and its parts as those of the matrix.
    """
    structure = _structure(format, first, second, rows, columns)
    if method == "spsolve":
        if np.shape(b)[1:] == (1,):
            raise ShapeError(
                "spsolve of a matrix with one column in compiled source",
                why="SciPy makes it a vector, and compiled code has one type for each result",
                remedy="b[:, 0], or an array that has one column when the function is compiled.",
            )
        return solution(data, b, structure, Direct())
    options = {"x0": bare(x0), "rtol": rtol, "atol": atol, "maxiter": maxiter}
    if method == "gmres":
        options["restart"] = restart
    return solution(data, b, structure, Iterative(method, options, _preconditioner(method, kind, *before)))


def _structure(format: str, first: Any, second: Any, rows: int, columns: int) -> Structure:
    shape = (int(rows), int(columns))
    return Dense(shape) if format == "dense" else Places(format, (bare(first), bare(second)), shape)


def _preconditioner(method: str, kind: str, *parts: Any) -> Any:
    if kind == "none":
        return None
    data, *others = parts
    return _structure(kind, *others).matrix(without_derivative(method, data))


def without_derivative(method: str, preconditioner: Any) -> Any:
    """A preconditioner, of numbers that carry no derivative.

    Raises:
        UnsupportedError: if they do.
    """
    if tracked_in((preconditioner,)):
        raise UnsupportedError(
            f"{method} with a tracked preconditioner",
            why="the solution does not depend on it",
            remedy="pass pb.stop_gradient of it.",
        )
    return preconditioner


COMPOSED[solved] = solved.__wrapped__  # type: ignore[attr-defined]

_TRIANGULAR = Places("csc", (np.array([0, 2, 1, 2, 2]), np.array([0, 2, 4, 5])), (3, 3))
_ENTRIES = array(5, low=1.0, high=2.0)
calls(
    solution,
    call(_ENTRIES, array(3), _TRIANGULAR, Direct()),
    call(_ENTRIES, array(3, 2), _TRIANGULAR, Direct()),
    call(_ENTRIES, array(3, 1), _TRIANGULAR, Direct()),
)
