"""A drop-in for `scipy.sparse.linalg`: solutions with derivatives in matrix and right side.

The derivative is that of the exact solution, as exactly as the method solves: iterations stop at a
relative residual of 1e-5 unless told otherwise, and so do their gradients. A name without a rule falls
through to SciPy.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import scipy.sparse
from scipy.sparse import linalg as _linalg

from pullback.base.dispatch import tracked_in
from pullback.base.errors import UnsupportedError
from pullback.base.tracked import Tracked, bare
from pullback.rules.scipy_sparse.solvers import (
    HERMITIAN,
    Direct,
    Factored,
    Iterative,
    solution,
    without_derivative,
)
from pullback.rules.scipy_sparse.structure import Dense, Operator, Structure, of_sparse
from pullback.scipy.sparse.array import Sparse

__all__ = [
    "bicg", "bicgstab", "cg", "cgs", "factorized", "gcrotmk", "gmres", "lgmres", "minres", "splu", "spsolve",
]  # fmt: skip

_SUBSPACE = (
    "it stops where an iteration has come to, from a random start",
    "if it fits as a dense one, use pullback.scipy.linalg.eigh(A.toarray()), eig or svd.",
)
_OTHER_METHOD = (
    "there are rules for spsolve, splu, cg, gmres, bicgstab, minres and more",
    "solve by one of those.",
)
_DENSE = ("there are rules for products and systems", "use pullback.scipy.linalg with A.toarray().")
_REASONS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("eigs", "eigsh", "lobpcg", "svds"), _SUBSPACE),
    **dict.fromkeys(("qmr", "tfqmr", "lsqr", "lsmr", "spilu"), _OTHER_METHOD),
    "spsolve_triangular": (_OTHER_METHOD[0], "use spsolve, which finds the triangle."),
    "norm": (_DENSE[0], "use np.linalg.norm(A.data), or that of A.toarray()."),
    **dict.fromkeys(("inv", "expm", "matrix_power", "onenormest"), _DENSE),
}


def _refused(name: str) -> Any:
    """SciPy's function, which raises where a value is tracked."""
    function, (why, remedy) = getattr(_linalg, name), _REASONS[name]

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Sparse) or tracked_in((x,)) for x in (*args, *kwargs.values())):
            raise UnsupportedError(
                f"scipy.sparse.linalg.{name} has no derivative rule", why=why, remedy=remedy
            )
        return function(*args, **kwargs)

    call.__dict__["remedy"] = remedy
    return call


_REFUSED = {name: _refused(name) for name in _REASONS if hasattr(_linalg, name)}


def _is_tracked(a: Any, *others: Any) -> bool:
    return bool(tracked_in((a.data if isinstance(a, Sparse) else a, *others))) or isinstance(a, Sparse)


def _parts(a: Any, hermitian: bool = False) -> tuple[Any, Structure]:
    """The entries and the structure of a matrix in any of its forms."""
    if isinstance(a, Sparse):
        return a.data, a.structure
    if scipy.sparse.issparse(a):
        return of_sparse(a)
    if isinstance(a, _linalg.LinearOperator):
        return None, Operator(a, hermitian)
    return (a if isinstance(a, Tracked) else np.array(a)), Dense(np.shape(a))


def spsolve(A: Any, b: Any, permc_spec: Any = None, use_umfpack: bool = True) -> Any:
    """As `scipy.sparse.linalg.spsolve`; `A` sparse with constant or tracked entries, `b` dense.

    Raises:
        UnsupportedError: for a sparse `b` or a dense `A` with tracked values.
        NotDifferentiableError: if the matrix is singular.
    """
    if not _is_tracked(A, b):
        return _linalg.spsolve(A, b, permc_spec, use_umfpack)
    if scipy.sparse.issparse(b) or isinstance(b, Sparse):
        raise UnsupportedError("spsolve of a tracked system with a sparse b", remedy="use b.toarray().")
    if not (isinstance(A, Sparse) or scipy.sparse.issparse(A)):
        raise UnsupportedError("spsolve of a dense matrix with tracked values", remedy="use np.linalg.solve.")
    data, structure = _parts(A)
    found = solution(data, b, structure, Direct(permc_spec=permc_spec, use_umfpack=use_umfpack))
    return np.ravel(found) if np.ndim(b) == 2 and np.shape(b)[1] == 1 else found


class Factors:
    """What `splu` gives: SciPy's `SuperLU`, whose `solve` engines follow.

    Attributes:
        factors: the `SuperLU`.
    """

    def __init__(self, data: Any, structure: Structure, factors: Any) -> None:
        self._data, self._structure, self.factors = data, structure, factors

    def solve(self, rhs: Any, trans: str = "N") -> Any:
        """As `scipy.sparse.linalg.SuperLU.solve`; differentiable in `rhs` and in the matrix."""
        if not tracked_in((self._data, rhs)):
            return self.factors.solve(rhs, trans)
        solver = Factored(self.factors, bare(self._data).dtype)
        if trans == "N":
            return solution(self._data, rhs, self._structure, solver)
        if trans == "T":
            return solution(self._data, rhs, self._structure.T, solver.T)
        return np.conj(solution(self._data, np.conj(rhs), self._structure.T, solver.T))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or (tracked_in((self._data,)) and name in ("L", "U")):
            raise AttributeError(f"the factors of a matrix with tracked entries have no attribute {name!r}")
        return getattr(self.factors, name)


def splu(A: Any, **options: Any) -> Factors:
    """As `scipy.sparse.linalg.splu`, of a matrix with constant or tracked entries."""
    if not (isinstance(A, Sparse) or scipy.sparse.issparse(A)):
        raise UnsupportedError("splu of a dense matrix", remedy="use pullback.scipy.linalg.lu_factor.")
    data, structure = _parts(A)
    plain: Any = structure.matrix(bare(data)).tocsc()
    return Factors(data, structure, _linalg.splu(plain, **options))


def factorized(A: Any) -> Any:
    """As `scipy.sparse.linalg.factorized`: what solves with this matrix."""
    return splu(A).solve


def _iterated(name: str, a: Any, b: Any, preconditioner: Any, options: dict[str, Any]) -> Any:
    if not _is_tracked(a, b, options.get("x0")):
        return getattr(_linalg, name)(a, b, M=preconditioner, **options)
    without_derivative(name, preconditioner.data if isinstance(preconditioner, Sparse) else preconditioner)
    if isinstance(preconditioner, Sparse):
        preconditioner = preconditioner.structure.matrix(preconditioner.data)
    data, structure = _parts(a, hermitian=name in HERMITIAN)
    if options.get("x0") is not None:
        options["x0"] = bare(options["x0"])
    return np.ravel(solution(data, b, structure, Iterative(name, options, preconditioner))), 0


def cg(
    A: Any, b: Any, x0: Any = None, *, rtol: float = 1e-05, atol: float = 0.0, maxiter: Any = None,
    M: Any = None, callback: Any = None,
) -> Any:  # fmt: skip
    """As `scipy.sparse.linalg.cg`: `A` sparse, dense or a `LinearOperator`, whose entries are constant.

    Returns:
        the solution, and 0.

    Raises:
        NotDifferentiableError: if it does not converge, forward or in the reverse sweep.
    """
    options = {"x0": x0, "rtol": rtol, "atol": atol, "maxiter": maxiter, "callback": callback}
    return _iterated("cg", A, b, M, options)


def gmres(
    A: Any, b: Any, x0: Any = None, *, rtol: float = 1e-05, atol: float = 0.0, restart: Any = None,
    maxiter: Any = None, M: Any = None, callback: Any = None, callback_type: Any = None,
) -> Any:  # fmt: skip
    """As `scipy.sparse.linalg.gmres`: `A` sparse, dense or a `LinearOperator`, whose entries are constant.

    Returns:
        the solution, and 0.

    Raises:
        NotDifferentiableError: if it does not converge, forward or in the reverse sweep.
    """
    options = {
        "x0": x0, "rtol": rtol, "atol": atol, "restart": restart, "maxiter": maxiter, "callback": callback,
        "callback_type": callback_type,
    }  # fmt: skip
    return _iterated("gmres", A, b, M, options)


def _iteration(name: str) -> Any:
    """One of SciPy's methods that are called alike, with its own options."""

    @functools.wraps(getattr(_linalg, name))
    def call(A: Any, b: Any, x0: Any = None, *, M: Any = None, **options: Any) -> Any:
        return _iterated(name, A, b, M, {"x0": x0, **options})

    return call


bicg, bicgstab, cgs, gcrotmk, lgmres, minres = map(
    _iteration, ("bicg", "bicgstab", "cgs", "gcrotmk", "lgmres", "minres")
)


def __getattr__(name: str) -> Any:
    return _REFUSED[name] if name in _REFUSED else getattr(_linalg, name)


def __dir__() -> list[str]:
    return sorted({*__all__, *dir(_linalg)})
