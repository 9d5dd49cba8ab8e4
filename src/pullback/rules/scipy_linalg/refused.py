"""Functions of scipy.linalg that have no derivative rule: why not, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import scipy.linalg

from pullback.base.errors import UnsupportedError
from pullback.rules.scipy_linalg.calling import composed

_BASIS = "any orthonormal basis of the space would do, and SciPy's choice is no property of the matrix"
_FORM = "the form is not unique: its vectors and their order are a choice that need not follow the matrix"
_BANDED = "there is a rule for the dense matrix and for the sparse one"
_STRUCTURE = "there is a rule for the matrix as a whole"
_UPDATE = "it changes factors at hand"
_FUNCTION = "it is computed from a Schur form, which is a choice"
_DENSE = "make the matrix of its diagonals, with np.diag(d, k), or a sparse one, and solve with that."

REASONS: dict[str, tuple[str, str]] = {
    "null_space": (_BASIS, "use the projector onto it, np.eye(n) - np.linalg.pinv(a) @ a."),
    "orth": (_BASIS, "use the projector onto it, a @ np.linalg.pinv(a)."),
    "subspace_angles": (
        "it is computed from two bases that are a choice",
        "the cosines are np.linalg.svdvals(q1.conj().T @ q2) of the factors of qr(a, mode='economic').",
    ),
    "hessenberg": (_FORM, "use functions of the matrix itself, such as eigvals or expm."),
    "rsf2csf": (_FORM, "use functions of the matrix itself, such as eigvals or expm."),
    "qz": (_FORM, "if b is regular, use eigvals(solve(b, a))."),
    "ordqz": (_FORM, "if b is regular, use eigvals(solve(b, a))."),
    "cossin": (_FORM, "use the singular values of the blocks."),
    "cdf2rdf": ("it arranges pairs of eigenvectors by their values", "use the complex ones of eig."),
    "rq": (
        "there is a rule for qr",
        "reverse the rows: q, r = qr(a[::-1].T, mode='economic') gives r.T[::-1, ::-1] and q.T[::-1].",
    ),
    "ldl": ("which pivots it takes depends on the values", "use cholesky or lu."),
    "matrix_balance": ("its scales are powers of 2, which jump", "use the matrix itself."),
    "funm": (_FUNCTION, "use expm, logm, sqrtm or a trigonometric one; for another function, eig."),
    "signm": (_FUNCTION, "of a regular matrix it is a @ np.linalg.inv(sqrtm(a @ a))."),
    "fractional_matrix_power": (
        _FUNCTION, "use expm(t * logm(a)), or np.linalg.matrix_power(a, n) for a whole number n.",
    ),
    "expm_frechet": ("it is a derivative itself", "use pb.jvp(expm, (a,), (e,))."),
    "expm_cond": ("it is a norm of a derivative, by an estimate", "use pb.jacobian(expm)(a) and its norm."),
    "solve_toeplitz": (_STRUCTURE, "use solve(toeplitz(c, r), b)."),
    "matmul_toeplitz": (_STRUCTURE, "use toeplitz(c, r) @ x."),
    "solve_circulant": (_STRUCTURE, "use solve(circulant(c), b)."),
    "solve_banded": (_BANDED, _DENSE),
    "solveh_banded": (_BANDED, _DENSE),
    "cholesky_banded": (_BANDED, "make the matrix of its diagonals, with np.diag(d, k), and use cholesky."),
    "cho_solve_banded": (_BANDED, "use cho_factor and cho_solve of the dense matrix."),
    "eig_banded": (_BANDED, "make the matrix of its diagonals, with np.diag(d, k), and use eigh."),
    "eigvals_banded": (_BANDED, "make the matrix of its diagonals, with np.diag(d, k), and use eigvalsh."),
    "solve_continuous_are": (
        "it is computed from a Schur form, which is a choice",
        "find it outside, and use pb.implicit.root with the equation, which differentiates the solution.",
    ),
    "solve_discrete_are": (
        "it is computed from a Schur form, which is a choice",
        "find it outside, and use pb.implicit.root with the equation, which differentiates the solution.",
    ),
    "qr_multiply": ("it gives a product without the factor", "use qr, and multiply."),
    "qr_delete": (_UPDATE, "factorise the changed matrix with qr."),
    "qr_insert": (_UPDATE, "factorise the changed matrix with qr."),
    "qr_update": (_UPDATE, "factorise the changed matrix with qr."),
    "clarkson_woodruff_transform": ("it is random", "draw the sketch outside, and multiply with it."),
    "diagsvd": ("it arranges numbers in a rectangle", "use np.diag(s), padded with np.pad."),
    "fiedler": ("it is simple enough to write", "use np.abs(a[:, None] - a)."),
    "fiedler_companion": ("there is a rule for companion", "use companion(a), which has the same roots."),
}  # fmt: skip


def _refused(name: str) -> Callable[..., Any]:
    """SciPy's function, which raises where a value is tracked, and in compiled source."""
    what = f"scipy.linalg.{name} has no derivative rule"
    why, remedy = REASONS[name]

    def parts(*args: Any, **kwargs: Any) -> Any:
        raise UnsupportedError(what, why=why, remedy=remedy)

    function = composed(getattr(scipy.linalg, name))(parts)
    function.__dict__["remedy"] = remedy
    return function


FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: _refused(name) for name in REASONS if hasattr(scipy.linalg, name)
}
