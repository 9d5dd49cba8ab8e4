"""scipy.sparse in compiled source: products as loops, matrices made of arrays, systems; what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

import pullback as pb
from pullback.base.errors import NotDifferentiableError, ShapeError, UnsupportedError
from pullback.scipy import sparse

RNG = np.random.default_rng(3)
FORMATS = ["csr", "csc", "coo"]
KINDS = pytest.mark.parametrize("kind", [float, complex])


def entries(kind: type, *shape: int) -> Any:
    x = RNG.uniform(-1, 1, shape)
    return x + 1j * RNG.uniform(-1, 1, shape) if kind is complex else x


def places(m: int, n: int) -> Any:
    return scipy.sparse.random_array((m, n), density=0.5, rng=np.random.default_rng(1), format="csr")


def agree(function: Callable[..., Any], *args: Any, ours: Any = None, jit: bool = False) -> Any:
    """Compare value, gradient and tangent of compiled source with SciPy, the tape and duals."""
    compiled, eager = pb.compile(function, jit=jit), ours or function
    wanted = function(*args)
    for got in (compiled(*args), compiled(*args)):
        assert (np.shape(got), np.asarray(got).dtype) == (np.shape(wanted), np.asarray(wanted).dtype)
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12)
    at = [k for k, x in enumerate(args) if isinstance(x, np.ndarray) and x.dtype.kind in "fc"]

    def moved(g: Any) -> Any:
        return lambda *x: g(*(x[at.index(k)] if k in at else arg for k, arg in enumerate(args)))

    points = tuple(args[k] for k in at)
    bar = np.cos(np.arange(np.size(wanted))).reshape(np.shape(wanted)).astype(np.asarray(wanted).dtype)
    pulls = [pb.vjp(moved(g), *points)[1](bar) for g in (compiled, eager)]
    for got, want in zip(*pulls, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-10)
    dots = tuple(np.ones_like(x) for x in points)
    tangents = [pb.jvp(moved(g), points, dots)[1] for g in (compiled, eager)]
    np.testing.assert_allclose(*tangents, rtol=1e-8, atol=1e-10)
    assert len(compiled._specialised) == 1
    return compiled


@KINDS
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("of", ["array", "matrix"])
def test_products_with_a_matrix_that_the_function_closes_over(of: str, format: str, kind: type) -> None:
    a = getattr(scipy.sparse, f"{format}_{of}")(places(5, 4) * (1 if kind is float else 1 - 2j))

    def left(x: Any) -> Any:
        return a @ x

    def right(x: Any) -> Any:
        return x @ a

    def turned(x: Any) -> Any:
        return (2 * -a.T / 3) @ x + a.conj().transpose() @ x[: a.shape[0]]

    def dense(x: Any) -> Any:
        return a.toarray() @ x

    agree(left, entries(kind, 4))
    agree(left, entries(kind, 4, 3))
    agree(right, entries(kind, 5))
    agree(right, entries(kind, 2, 5))
    agree(turned, entries(kind, 5))
    agree(dense, entries(kind, 4))


def power(a: Any, x: Any) -> Any:
    for _ in range(3):
        y = a @ x
        x = a.T @ y / np.sqrt(np.sum(y**2))
    return x * a.nnz


@pytest.mark.parametrize(("format", "jit"), [*((f, False) for f in FORMATS), ("csr", True)])
def test_a_matrix_as_an_argument_is_one_of_its_type(format: str, jit: bool) -> None:
    a, x = places(5, 4).asformat(format), entries(float, 4)
    compiled = agree(power, a, x, jit=jit)
    other = scipy.sparse.random_array((7, 3), density=0.4, rng=np.random.default_rng(0), format=format)
    np.testing.assert_allclose(compiled(other, x[:3]), power(other, x[:3]))
    assert len(compiled._specialised) == 1


def test_the_gradient_of_a_compiled_loss_of_a_matrix() -> None:
    def loss(a: Any, x: Any) -> Any:
        return np.sum(power(a, x) ** 2)

    a, x = places(5, 4), entries(float, 4)
    wanted = pb.grad(lambda x: loss(a, x), engine="tape")(x)
    np.testing.assert_allclose(pb.grad(pb.compile(loss, jit=False), argnums=1)(a, x), wanted, rtol=1e-9)
    for _ in range(3):
        np.testing.assert_allclose(pb.grad(loss, argnums=1)(a, x), wanted, rtol=1e-9)


def test_a_matrix_whose_entries_are_written_into() -> None:
    a = places(4, 4)
    compiled = pb.compile(lambda x: a @ x, jit=False)
    x = np.ones(4)
    np.testing.assert_allclose(compiled(x), a @ x)
    a.data *= 3
    np.testing.assert_allclose(compiled(x), a @ x)


def test_another_matrix_under_the_same_name() -> None:
    box = [places(4, 4)]

    def product(x: Any) -> Any:
        return matrix @ x

    names: dict[str, Any] = {"matrix": box[0]}
    function = FunctionType(product.__code__, names, "product")
    compiled = pb.compile(function, jit=False)
    x = np.ones(4)
    np.testing.assert_allclose(compiled(x), box[0] @ x)
    names["matrix"] = box[0].T.tocsr() * 2
    np.testing.assert_allclose(compiled(x), names["matrix"] @ x)


matrix: Any = None

# -- tracked entries, systems ------------------------------------------------------------------------------

A = scipy.sparse.csr_array(places(6, 6) + 4 * scipy.sparse.eye_array(6))
SYMMETRIC = scipy.sparse.csr_array(A + A.T)
INDICES, STARTS, ROWS, COLUMNS = A.indices, A.indptr, A.tocoo().row, A.tocoo().col


def of_rows(data: Any, b: Any) -> Any:
    a = scipy.sparse.csr_array((data, INDICES, STARTS), shape=(6, 6))
    return a @ b + a.T @ b + scipy.sparse.csc_array((data, INDICES, STARTS), shape=(6, 6)) @ b


def of_places(data: Any, b: Any) -> Any:
    a = scipy.sparse.coo_array((data, (ROWS, COLUMNS)), shape=(b.shape[0], 6))
    return b @ a + scipy.sparse.csr_array((data, (ROWS, COLUMNS)), shape=(6, 6)).toarray() @ b


def solved(data: Any, b: Any) -> Any:
    return scipy.sparse.linalg.spsolve(scipy.sparse.csr_array((data, INDICES, STARTS), shape=(6, 6)).T, b)


def solved_with_a_constant_matrix(data: Any, b: Any) -> Any:
    return scipy.sparse.linalg.spsolve(A, b) * np.sum(data)


def by_conjugate_gradients(data: Any, b: Any) -> Any:
    x, info = scipy.sparse.linalg.cg(SYMMETRIC, b, rtol=1e-12)
    return x * np.sum(data) + info


def by_gmres(data: Any, b: Any) -> Any:
    a = scipy.sparse.csr_array((data, INDICES, STARTS), shape=(6, 6))
    return scipy.sparse.linalg.gmres(a, b, b, rtol=1e-12, restart=6, maxiter=50)[0]


def by_gmres_of_a_dense_matrix(data: Any, b: Any) -> Any:
    return scipy.sparse.linalg.gmres(np.outer(data[:6], b) + np.diag(b), b, rtol=1e-12)[0]


DIAGONAL = scipy.sparse.coo_array(scipy.sparse.diags_array(1 / SYMMETRIC.diagonal()))


def solved_for_columns(data: Any, b: Any) -> Any:
    a = scipy.sparse.csr_array((data, INDICES, STARTS), shape=(6, 6))
    both = scipy.sparse.linalg.spsolve(a, np.outer(b, b[:3]))
    return both @ b[:3] + scipy.sparse.linalg.spsolve(a, b[:, None])


def with_a_preconditioner(data: Any, b: Any) -> Any:
    first = scipy.sparse.linalg.cg(SYMMETRIC, b, rtol=1e-12, M=DIAGONAL)[0]
    a = scipy.sparse.csr_array((data, INDICES, STARTS), shape=(6, 6))
    return first + scipy.sparse.linalg.gmres(a, b, M=np.eye(6) / 4, rtol=1e-12)[0]


CASES = [
    of_rows, of_places, solved, solved_with_a_constant_matrix, by_conjugate_gradients, by_gmres,
    by_gmres_of_a_dense_matrix, solved_for_columns, with_a_preconditioner,
]  # fmt: skip


def with_ours(function: Any) -> Any:
    return FunctionType(function.__code__, {**function.__globals__, "scipy": pb.scipy}, function.__name__)


@pytest.mark.parametrize("function", CASES)
@pytest.mark.parametrize("names", ["scipy's", "ours"])
def test_entries_and_systems(function: Callable[..., Any], names: str) -> None:
    assert sparse.csr_array is pb.scipy.sparse.csr_array
    ours = with_ours(function)
    agree(function if names == "scipy's" else ours, A.data, np.arange(1.0, 7.0), ours=ours)


@pytest.mark.parametrize("function", [of_rows, solved])
def test_compiled_by_numba(function: Callable[..., Any]) -> None:
    agree(function, A.data, np.arange(1.0, 7.0), ours=with_ours(function), jit=True)


def test_second_derivatives_of_a_system() -> None:
    def loss(b: Any) -> Any:
        x = scipy.sparse.linalg.spsolve(A, b**2)
        return np.sum(x**2 + A @ x)

    b = np.arange(1.0, 7.0)
    found = pb.hessian(pb.compile(loss, jit=False))(b)
    np.testing.assert_allclose(found, pb.hessian(with_ours_of(loss))(b), rtol=1e-8, atol=1e-9)


def with_ours_of(function: Any) -> Any:
    code, closure = function.__code__, function.__closure__
    return FunctionType(code, {**function.__globals__, "scipy": pb.scipy}, function.__name__, None, closure)


def test_failures_at_run_time() -> None:
    with pytest.raises(ValueError, match="dimension mismatch"):
        pb.compile(lambda x: A @ x, jit=False)(np.ones(5))
    hard = scipy.sparse.csr_array(np.diag(10.0 ** np.arange(6)))
    compiled = pb.compile(lambda b: scipy.sparse.linalg.cg(hard, b, maxiter=1)[0], jit=False)
    with pytest.raises(NotDifferentiableError, match="cg did not converge"):
        compiled(np.ones(6))


def test_a_preconditioner_carries_no_derivative() -> None:
    def solved(x: Any) -> Any:
        return np.sum(scipy.sparse.linalg.cg(SYMMETRIC, np.ones(6), M=np.diag(x), rtol=1e-12)[0])

    compiled, x = pb.compile(solved, jit=False), 1 / SYMMETRIC.diagonal()
    np.testing.assert_allclose(compiled(x), solved(x))
    with pytest.raises(UnsupportedError, match="tracked preconditioner"):
        pb.grad(compiled)(x)


def test_columns_of_which_there_is_one_at_run_time_alone() -> None:
    compiled = pb.compile(lambda b: scipy.sparse.linalg.spsolve(A, b), jit=False)
    b = np.arange(12.0).reshape(6, 2)
    wanted: Any = scipy.sparse.linalg.spsolve(A, b)
    np.testing.assert_allclose(compiled(b), wanted)
    both = wanted
    wanted = scipy.sparse.linalg.spsolve(A, b[:, :1])
    assert compiled(b[:, :1]).shape == wanted.shape == (6,)
    columns = pb.compile(lambda b, n: scipy.sparse.linalg.spsolve(A, b[:, :n]), jit=False)
    np.testing.assert_allclose(columns(b, 2), both)
    with pytest.raises(ShapeError, match="one column"):
        columns(b, 1)


# -- what is refused ---------------------------------------------------------------------------------------

LIL, LINE, OPERATOR = scipy.sparse.lil_array(A), A[0], scipy.sparse.linalg.aslinearoperator(A)
ANY: Any = A
REFUSED: list[tuple[Callable[..., Any], str, str, str]] = [
    (lambda b: LIL @ b, "LIL is a sparse matrix of format 'lil'", "csr, csc and coo", "A.tocsr()"),
    (lambda b: LINE @ b, "LINE is a sparse array of one axis", "csr, csc and coo", "A.reshape(1, -1)"),
    (lambda b: A + b, "no such operation between", "the products A @ x", "A.data"),
    (lambda b: A * b, "times an array", "is written @", "A.data * ..."),
    (lambda b: A @ A @ b, "two sparse matrices", "the places of theirs", "A @ (B @ x)"),
    (lambda b: A @ b[0], "and a number", "SciPy has none", "A * x"),
    (lambda b: A @ np.ones((6, 6, 6)), "stack of matrices", "", "one after the other"),
    (lambda b: A.sum(axis=0) @ b, "has no attribute sum", "the products A @ x", "A.data"),
    (lambda b: A[0] @ b, "is indexed by 0", "the products A @ x", "A.data"),
    (lambda b: np.dot(ANY, b), "is passed to numpy.dot", "the products A @ x", "A.data"),
    (lambda b: A, "a sparse matrix is returned", "taken apart", "A.data"),
    (lambda b: isinstance(A, scipy.sparse.csr_array) * b, "isinstance of", "taken apart", "outside"),
    (lambda b: hasattr(A, "tocsr") * b, "hasattr of a SparseMatrix", "taken apart", "outside"),
    (lambda b: OPERATOR @ b, "LinearOperator", "no translation", "outside"),
    (lambda b: scipy.sparse.linalg.eigsh(A, k=2)[0], "eigsh of scipy.sparse", "spsolve", "outside"),
    (lambda b: scipy.sparse.diags_array(b) @ b, "diags_array of scipy.sparse", "spsolve", "outside"),
    (lambda b: scipy.sparse.csr_array(np.outer(b, b)) @ b, "a csr matrix of", "at run time", "shape="),
    (lambda b: scipy.sparse.csr_array((b, INDICES, STARTS)) @ b, "a csr matrix", "its shape", "shape="),
    (lambda b: scipy.sparse.linalg.cg(A, b, callback=print)[0], "cg with these", "'callback'", "outside"),
    (lambda b: scipy.sparse.linalg.cg(A, b, M=OPERATOR)[0], "M of scipy", "no sparse matrix", "outside"),
    (lambda b: scipy.sparse.linalg.cg(OPERATOR, b)[0], "LinearOperator", "no sparse matrix", "outside"),
    (lambda b: scipy.sparse.linalg.cg(A, np.outer(b, b))[0], "2 axes", "of one type", "b[:, j]"),
    (lambda b: scipy.sparse.linalg.spsolve(np.outer(b, b), b), "2 axes", "no sparse", "np.linalg.solve"),
]


@pytest.mark.parametrize(("function", "what", "why", "remedy"), REFUSED, ids=[case[1] for case in REFUSED])
def test_refusals_name_reason_and_remedy(function: Any, what: str, why: str, remedy: str) -> None:
    with pytest.raises(UnsupportedError) as error:
        pb.compile(function, jit=False)(np.ones(6))
    assert what in error.value.what
    assert why in (error.value.why or "")
    assert remedy in (error.value.remedy or "")
    assert error.value.where is not None
    assert error.value.where.file == __file__


# -- operators of a user's own dataclass -------------------------------------------------------------------


@dataclass(frozen=True)
class Interval:
    low: Any
    high: Any

    def __add__(self, other: Any) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    def __rmul__(self, number: Any) -> Interval:
        return Interval(number * self.low, number * self.high)

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)


def widened(x: Any) -> Any:
    sum_ = 2.0 * Interval(x, x + 1) + -Interval(x * x, x * x + 2)
    return sum_.low * sum_.high


def test_a_dataclass_has_the_operators_that_it_defines() -> None:
    compiled = pb.compile(widened, jit=False)
    np.testing.assert_allclose(compiled(0.7), widened(0.7))
    np.testing.assert_allclose(pb.grad(compiled)(0.7), pb.grad(widened, engine="tape")(0.7))
    made: Any = Interval
    for function in (lambda x: made(x, x) - made(x, x), lambda x: np.ones(2) * made(x, x)):
        with pytest.raises(UnsupportedError, match="no such operation") as error:
            pb.compile(function, jit=False)(0.7)
        assert "give the dataclass one" in (error.value.remedy or "")
