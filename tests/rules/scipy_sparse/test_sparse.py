"""Sparse matrices: products through the operators, tracked entries, and solvers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg
from hypothesis import given
from hypothesis import strategies as st

import pullback as pb
from pullback.base.errors import NotDifferentiableError, UnsupportedError
from pullback.scipy import sparse
from pullback.testing import gradcheck

RNG = np.random.default_rng(5)


def entries(kind: type, *shape: int) -> Any:
    x = RNG.uniform(-1, 1, shape)
    return x + 1j * RNG.uniform(-1, 1, shape) if kind is complex else x


def places(m: int, n: int) -> Any:
    return scipy.sparse.random_array((m, n), density=0.4, rng=np.random.default_rng(1), format="csr")


FORMATS = ["csr", "csc", "coo", "dia", "bsr", "lil", "dok"]
KINDS = pytest.mark.parametrize("kind", [float, complex])


@KINDS
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("of", [scipy.sparse.csr_array, scipy.sparse.csr_matrix])
def test_a_constant_sparse_matrix_multiplies_tracked_values(of: Any, format: str, kind: type) -> None:
    a = places(5, 4) * (1 + 2j if kind is complex else 1)
    matrix = of(a).asformat(format)
    dense = a.toarray()
    for shape in [(4,), (4, 3), (4, 1)]:
        x = entries(kind, *shape)
        np.testing.assert_allclose(pb.vjp(lambda x: matrix @ x, x)[0], dense @ x)
        assert gradcheck(lambda x: matrix @ x, x)
    for shape in [(5,), (3, 5), (1, 5)]:
        x = entries(kind, *shape)
        np.testing.assert_allclose(pb.vjp(lambda x: x @ matrix, x)[0], x @ dense)
        assert gradcheck(lambda x: x @ matrix, x)


def test_an_empty_matrix_and_single_precision() -> None:
    empty = scipy.sparse.csr_array((0, 3))
    assert pb.grad(lambda x: np.sum(empty @ x))(np.ones(3)).tolist() == [0.0] * 3
    x = np.ones(4, np.float32)
    matrix = places(5, 4).astype(np.float32)
    assert pb.grad(lambda x: np.sum(matrix @ x))(x).dtype == np.float32


def test_what_is_no_product_is_refused() -> None:
    x = np.ones(4)
    for function in (
        lambda x: places(4, 4) * x,
        lambda x: x * places(4, 4),
        lambda x: places(4, 4) + x,
        lambda x: scipy.sparse.csr_matrix(places(4, 4)) * x,
    ):
        with pytest.raises((UnsupportedError, NotImplementedError)):
            pb.grad(lambda x, f=function: np.sum(f(x)))(x)


@pytest.mark.parametrize("format", ["csr", "coo", "dia"])
def test_stacks_of_matrices_are_refused(format: str) -> None:
    a = places(3, 3).asformat(format)
    for function in (lambda x: a @ x, lambda x: x @ a):
        with pytest.raises(UnsupportedError, match="a stack of matrices"):
            pb.vjp(function, np.ones((2, 3, 3)))


def test_a_matrix_that_is_written_into_later() -> None:
    matrix = places(4, 4)
    wanted = matrix.sum(axis=0)
    pull = pb.vjp(lambda x: matrix @ x, np.ones(4))[1]
    matrix.data[:] = 0
    np.testing.assert_allclose(pull(np.ones(4))[0], wanted)


# -- tracked entries ---------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("make", ["csr_array", "csc_array", "coo_array"])
def test_tracked_entries(make: str, kind: type) -> None:
    a = places(5, 4).asformat(make[:3])
    index = (a.row, a.col) if make == "coo_array" else (a.indices, a.indptr)
    data, x, y = entries(kind, a.nnz), entries(kind, 4), entries(kind, 3, 5)

    def matrix(data: Any) -> Any:
        content = (data, index) if make == "coo_array" else (data, *index)
        return getattr(sparse, make)(content, shape=(5, 4))

    assert gradcheck(lambda d, x: matrix(d) @ x, data, x)
    assert gradcheck(lambda d, y: y @ matrix(d), data, y)
    assert gradcheck(lambda d, x: x @ matrix(d).T, data, x)
    assert gradcheck(lambda d, y: matrix(2 * d).T.dot(y.T) @ y, data, y)
    assert gradcheck(lambda d: matrix(d).toarray() ** 2, data)
    assert gradcheck(lambda d: (3 * -matrix(d)) @ np.ones((4, 2)), data)
    assert scipy.sparse.issparse(matrix(data))
    tracked: list[Any] = []
    pb.vjp(lambda d: tracked.append(matrix(d)) or d, data)
    assert (tracked[0].shape, tracked[0].nnz, tracked[0].ndim) == ((5, 4), a.nnz, 2)
    assert repr(tracked[0]) == f"Sparse((5, 4), {make[:3]}, nnz={a.nnz})"


def test_entries_at_one_place_add_up() -> None:
    def loss(data: Any) -> Any:
        a = sparse.coo_array((data, ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
        return np.sum((a @ np.array([1.0, 2.0])) ** 3) + np.sum(a.toarray() ** 2)

    assert gradcheck(loss, np.array([0.3, 0.5, -0.2]))
    by_rows = pb.grad(lambda d: np.sum(sparse.csr_array((d, ([0, 1], [1, 0]))) @ np.arange(2.0)))
    np.testing.assert_array_equal(by_rows(np.ones(2)), [1.0, 0.0])


def test_what_sparse_arrays_refuse() -> None:
    identity = scipy.sparse.eye_array(2, format="csr")
    for function in (
        lambda d: sparse.csr_array(np.outer(d, d)) @ np.ones(2),
        lambda d: (sparse.coo_array((d, ([0, 1], [1, 0]))) @ identity).toarray(),
        lambda d: (identity @ sparse.coo_array((d, ([0, 1], [1, 0])))).toarray(),
        lambda d: np.asarray(sparse.coo_array((d, ([0, 1], [1, 0])))),
        lambda d: (sparse.coo_array((d, ([0, 1], [1, 0]))) * np.ones(2)) @ np.ones(2),
    ):
        with pytest.raises(UnsupportedError):
            pb.grad(lambda d, f=function: np.sum(f(d)))(np.ones(2))
    with pytest.raises(ValueError, match="index"):
        pb.grad(lambda d: np.sum(sparse.coo_array((d, ([0, 5], [1, 0])), shape=(2, 2)) @ np.ones(2)))(
            np.ones(2)
        )
    assert sparse.eye_array is scipy.sparse.eye_array
    assert "csr_array" in dir(sparse)
    assert "spsolve" in dir(sparse.linalg)


# -- solvers -----------------------------------------------------------------------------------------------


def definite(kind: type, n: int = 6) -> Any:
    a = scipy.sparse.random_array((n, n), density=0.3, rng=np.random.default_rng(2), format="csc")
    a = a * (1 + 0.5j) if kind is complex else a
    return scipy.sparse.csc_array(a @ a.conj().T + 2 * scipy.sparse.eye_array(n))


@KINDS
@pytest.mark.parametrize("columns", [None, 1, 2])
def test_spsolve(kind: type, columns: int | None) -> None:
    a = definite(kind)
    b = entries(kind, 6) if columns is None else entries(kind, 6, columns)
    structure = (a.indices, a.indptr)

    def solved(data: Any, b: Any) -> Any:
        return sparse.linalg.spsolve(sparse.csc_array((data, *structure), shape=(6, 6)), b)

    np.testing.assert_array_equal(pb.vjp(solved, a.data, b)[0], scipy.sparse.linalg.spsolve(a, b))
    assert gradcheck(solved, a.data, b)
    assert gradcheck(lambda b: sparse.linalg.spsolve(a.tocsr(), b, permc_spec="NATURAL"), b)
    assert gradcheck(lambda d: sparse.linalg.spsolve(sparse.csr_array((d, *structure), (6, 6)).T, b), a.data)


@KINDS
@pytest.mark.parametrize("method", ["cg", "gmres"])
@pytest.mark.parametrize("form", ["none", "sparse", "operator"])
def test_iterations_with_every_kind_of_matrix(method: str, kind: type, form: str) -> None:
    a = definite(kind)
    if method == "gmres":
        a = scipy.sparse.csc_array(a + 0.3 * scipy.sparse.random_array((6, 6), density=0.2, rng=3))
    b, dense = entries(kind, 6), a.toarray()
    before = scipy.sparse.diags_array(1 / a.diagonal().real)
    forms = {"none": None, "sparse": before, "operator": scipy.sparse.linalg.aslinearoperator(before)}

    def solve(a: Any, b: Any) -> Any:
        return getattr(sparse.linalg, method)(a, b, rtol=1e-13, M=forms[form])[0]

    wanted = pb.vjp(np.linalg.solve, dense, b)[1](b)
    y, pull = pb.vjp(solve, dense, b)
    np.testing.assert_allclose(y, np.linalg.solve(dense, b), rtol=1e-9)
    for ours, theirs in zip(pull(b), wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)
    for constant in (a, dense, scipy.sparse.linalg.aslinearoperator(a)):
        found = pb.vjp(lambda b, c=constant: solve(c, b), b)[1](b)[0]
        np.testing.assert_allclose(found, wanted[1], atol=1e-9)
    index = (a.indices, a.indptr)
    if method == "gmres":  # cg solves what is not Hermitian, as a single moved entry makes it, only nearly
        assert gradcheck(lambda d, b: solve(sparse.csc_array((d, *index), (6, 6)), b), a.data, b)
    assert getattr(sparse.linalg, method)(a, b)[1] == 0


@KINDS
@pytest.mark.parametrize("method", ["bicg", "bicgstab", "cgs", "gcrotmk", "lgmres"])
def test_other_iterations(method: str, kind: type) -> None:
    a = scipy.sparse.csc_array(definite(kind) + 0.3 * scipy.sparse.random_array((6, 6), density=0.2, rng=3))
    b, dense = entries(kind, 6), a.toarray()
    before = scipy.sparse.diags_array(1 / a.diagonal().real)
    solve, theirs = getattr(sparse.linalg, method), getattr(scipy.sparse.linalg, method)
    y, pull = pb.vjp(lambda a, b: solve(a, b, rtol=1e-13, M=before)[0], dense, b)
    np.testing.assert_array_equal(y, theirs(dense, b, rtol=1e-13, M=before)[0])
    for ours, wanted in zip(pull(b), pb.vjp(np.linalg.solve, dense, b)[1](b), strict=True):
        np.testing.assert_allclose(ours, wanted, atol=1e-9)
    index, start = (a.indices, a.indptr), np.ones(6)

    def solved(data: Any, b: Any) -> Any:
        return solve(sparse.csc_array((data, *index), (6, 6)), b, start, rtol=1e-13)[0]

    assert gradcheck(solved, a.data, b)
    hard = scipy.sparse.csc_array(np.diag(10.0 ** np.arange(6)))
    with pytest.raises(NotDifferentiableError, match=f"{method} did not converge"):
        pb.grad(lambda b: np.sum(np.real(solve(hard, b, maxiter=1, rtol=1e-15)[0])))(np.arange(1.0, 7.0))
    np.testing.assert_array_equal(solve(a, b)[0], theirs(a, b)[0])


def test_minres_with_a_shift() -> None:
    a, b = definite(float), entries(float, 6)
    wanted = pb.vjp(lambda a, b: np.linalg.solve(a - 0.5 * np.eye(6), b), a.toarray(), b)
    y, pull = pb.vjp(lambda a, b: sparse.linalg.minres(a, b, rtol=1e-14, shift=0.5)[0], a.toarray(), b)
    np.testing.assert_allclose(y, wanted[0], rtol=1e-9)
    for ours, theirs in zip(pull(b), wanted[1](b), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)
    make: Any = scipy.sparse.linalg.LinearOperator
    operator = make((6, 6), matvec=lambda x: a @ x, dtype=float)
    assert gradcheck(lambda b: sparse.linalg.minres(operator, b, rtol=1e-14)[0], b)


def test_an_operator_of_cg_need_not_know_its_adjoint() -> None:
    a, b = definite(float), entries(float, 6)
    make: Any = scipy.sparse.linalg.LinearOperator
    operator = make((6, 6), matvec=lambda x: a @ x, dtype=float)
    assert gradcheck(lambda b: sparse.linalg.cg(operator, b, rtol=1e-13)[0], b)
    start = np.ones(6)
    gradient = pb.grad(lambda x0: np.sum(sparse.linalg.cg(a, b * np.sum(x0), x0=x0, rtol=1e-13)[0]))(start)
    np.testing.assert_allclose(gradient, np.full(6, np.sum(np.linalg.solve(a.toarray(), b))), rtol=1e-9)


def test_failures_are_errors() -> None:
    singular = scipy.sparse.csc_array(np.ones((3, 3)))
    hard = scipy.sparse.csc_array(np.diag(10.0 ** np.arange(6)))
    for method in ("cg", "gmres"):
        solve = getattr(sparse.linalg, method)
        with pytest.raises(NotDifferentiableError, match=f"{method} did not converge"):
            pb.grad(lambda b, s=solve: np.sum(s(hard, b, maxiter=1, rtol=1e-12)[0]))(np.ones(6))
        assert solve(hard, np.ones(6), maxiter=1, rtol=1e-12)[1] != 0
    with pytest.raises(NotDifferentiableError, match="singular"), pytest.warns(match="singular"):
        pb.grad(lambda b: np.sum(sparse.linalg.spsolve(singular, b)))(np.ones(3))
    with pytest.raises(UnsupportedError, match="sparse b"):
        pb.grad(lambda d: sparse.linalg.spsolve(sparse.coo_array((d, ([0, 1], [0, 1]))), singular))(
            np.ones(2)
        )
    with pytest.raises(UnsupportedError, match="spsolve of a dense matrix"):
        pb.grad(lambda a: np.sum(sparse.linalg.spsolve(a, np.ones(2))))(np.eye(2))
    with pytest.raises(UnsupportedError, match="tracked preconditioner"):
        pb.grad(lambda a: np.sum(sparse.linalg.cg(a, np.ones(2), M=a)[0]))(np.eye(2))


def test_entries_out_of_order_and_several_in_one_place() -> None:
    """SciPy's spsolve sorts the arrays that it is given, and adds up what lies in one place."""
    rows, columns = np.array([0, 0, 0, 1, 1, 2]), np.array([2, 0, 0, 2, 1, 2])
    starts, data, b = np.array([0, 3, 5, 6]), np.array([0.5, 3.0, 1.0, -2.0, 2.0, 4.0]), entries(float, 3)

    def solved(data: Any, b: Any, layout: str) -> Any:
        made = getattr(sparse, f"{layout}_array")((data * 1.0, columns.copy(), starts.copy()), shape=(3, 3))
        product = made @ b
        return sparse.linalg.spsolve(made if layout == "csr" else made.T, b) ** 2 + product + made @ b

    dense = np.zeros((3, 3))
    np.add.at(dense, (rows, columns), data)
    for layout, matrix in (("csr", dense), ("csc", dense.T)):
        tracked = pb.vjp(lambda data, layout=layout: solved(data, b, layout), data)[0]
        np.testing.assert_allclose(tracked, np.linalg.solve(dense, b) ** 2 + 2 * matrix @ b)
        assert gradcheck(lambda data, b, layout=layout: solved(data, b, layout), data, b)


@KINDS
def test_the_conjugate_and_a_quotient(kind: type) -> None:
    data, x, indices, starts = entries(kind, 3), entries(kind, 2), np.array([0, 1, 1]), np.array([0, 2, 3])

    def of(data: Any, x: Any) -> Any:
        a = sparse.csr_array((data, indices, starts), shape=(2, 2))
        return a.T.conj() @ x + a.conjugate() / (2 + 1j) @ x

    dense = np.array([[data[0], data[1]], [0, data[2]]])
    np.testing.assert_allclose(pb.vjp(of, data, x)[0], dense.conj().T @ x + dense.conj() / (2 + 1j) @ x)
    assert gradcheck(of, data, x)


def test_what_a_sparse_lacks_is_an_error_of_ours() -> None:
    def of(use: Any) -> Any:
        return lambda data: use(sparse.coo_array((data, ([0, 1], [1, 0])), shape=(2, 2)))

    for use in (
        lambda a: a + a,
        lambda a: np.ones((2, 2)) - a,
        lambda a: a.sum(),
        lambda a: a.diagonal(),
        lambda a: a[0, 1],
    ):
        with pytest.raises(UnsupportedError, match="Sparse"):
            pb.grad(of(use))(np.ones(2))
    with pytest.raises(AttributeError, match="no attribute 'entries'"):
        pb.grad(of(lambda a: a.entries))(np.ones(2))


@given(
    made=st.sampled_from(["csr_array", "csc_matrix", "coo_array"]),
    formats=st.lists(st.sampled_from(["csr", "csc", "coo"]), max_size=3),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    count=st.integers(0, 8),
    kind=st.sampled_from([float, complex]),
    seed=st.integers(0, 99),
)
def test_formats_have_the_entries_in_the_order_of_scipy(
    made: str, formats: list[str], shape: tuple[int, int], count: int, kind: type, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    places = tuple(rng.integers(0, n, count) for n in shape)
    found: list[Any] = []

    def of(module: Any, data: Any) -> Any:
        a = getattr(module, made)((data, places), shape=shape)
        for chosen in formats:
            a = a.asformat(chosen)
        return a

    def data_of(data: Any) -> Any:
        found.append(of(sparse, data))
        return found[-1].data

    data = rng.standard_normal(count).astype(kind)
    wanted = of(scipy.sparse, data)
    value = pb.vjp(data_of, data)[0]
    assert found[0].format == wanted.format
    np.testing.assert_allclose(value, wanted.data)
    np.testing.assert_allclose(pb.vjp(lambda d: of(sparse, d).toarray(), data)[0], wanted.toarray())
    assert not count or gradcheck(data_of, data)


def test_older_names_and_conversions_of_tracked_matrices() -> None:
    x, b = np.arange(1.0, 4.0), np.ones(3)

    def solved(x: Any) -> Any:
        a = sparse.diags([x, x[1:] / 4], [0, 1]).tocsc()
        b_of = sparse.csr_matrix(sparse.csc_matrix(a)).tocoo()
        return sparse.linalg.spsolve(a, b_of @ b + x)

    def dense(x: Any) -> Any:
        a = np.diag(x) + np.diag(x[1:] / 4, 1)
        return np.linalg.solve(a, a @ b + x)

    np.testing.assert_allclose(pb.jacobian(solved)(x), pb.jacobian(dense)(x), atol=1e-12)
    with pytest.raises(UnsupportedError, match="in the format 'dia'"):
        pb.grad(lambda x: np.sum(sparse.diags(x).asformat("dia") @ b))(x)
    assert isinstance(sparse.diags(x), scipy.sparse.spmatrix)
    for name in ("csr_matrix", "csc_matrix", "coo_matrix"):
        assert isinstance(getattr(sparse, name)(np.eye(2)), scipy.sparse.spmatrix)


# -- sparse arrays of one axis, diagonals, factors ----------------------------------------------------------


@KINDS
@pytest.mark.parametrize("format", ["coo", "csr", "dok"])
def test_a_sparse_array_of_one_axis_multiplies_tracked_values(format: str, kind: type) -> None:
    dense = np.array([0.0, 1.5, 0.0, -2.0]) * (1 + 2j if kind is complex else 1)
    line = scipy.sparse.coo_array(dense).asformat(format)
    for x in (entries(kind, 4), entries(kind, 4, 3)):
        np.testing.assert_allclose(pb.vjp(lambda x: line @ x, x)[0], dense @ x)
        assert gradcheck(lambda x: line @ x, x)
    for x in (entries(kind, 4), entries(kind, 3, 4)):
        np.testing.assert_allclose(pb.vjp(lambda x: x @ line, x)[0], x @ dense)
        assert gradcheck(lambda x: x @ line, x)
    row = scipy.sparse.coo_array(dense[None])
    x = entries(kind, 4)
    assert np.shape(pb.vjp(lambda x: row @ x, x)[0]) == np.shape(row @ x)
    assert gradcheck(lambda x: row @ x, x)
    assert np.shape(pb.vjp(lambda x: x @ row.T, x)[0]) == np.shape(x @ row.T)
    assert gradcheck(lambda x: x @ row.T, x)
    with pytest.raises(UnsupportedError, match="a sparse array with 3 axes"):
        pb.vjp(lambda x: scipy.sparse.coo_array(np.ones((2, 2, 2))) @ x, np.ones(2))


@KINDS
def test_tracked_diagonals(kind: type) -> None:
    x, y = entries(kind, 4), entries(kind, 3)

    def of(x: Any, y: Any) -> Any:
        whole = sparse.diags_array([x, y, y[0]], offsets=[0, -1, 2], shape=(4, 4))
        return whole @ x + sparse.diags_array(x) @ x + (sparse.diags_array(y, offsets=1) @ x)

    def dense(x: Any, y: Any) -> Any:
        matrix = np.diag(x) + np.diag(y, -1) + np.diag(np.stack([y[0], y[0]]), 2)
        return (matrix + np.diag(x) + np.diag(y, 1)) @ x

    np.testing.assert_allclose(pb.vjp(of, x, y)[0], dense(x, y))
    np.testing.assert_allclose(of(x, y), dense(x, y))
    assert gradcheck(of, x, y)


@KINDS
def test_one_factorisation_for_many_systems(kind: type) -> None:
    a = definite(kind) + 0.3 * scipy.sparse.random_array((6, 6), density=0.2, rng=3)
    a = scipy.sparse.csc_array(a)
    b, structure = entries(kind, 6, 2), (a.indices, a.indptr)

    def steps(data: Any, b: Any) -> Any:
        factors = sparse.linalg.splu(sparse.csc_array((data, *structure), shape=(6, 6)))
        x = factors.solve(factors.solve(b) ** 2)
        return x + factors.solve(b, "T") * factors.solve(b[:, 0], "H")[:, None]

    plain = scipy.sparse.linalg.splu(a)
    np.testing.assert_allclose(pb.vjp(sparse.linalg.splu(a).solve, b)[0], plain.solve(b), rtol=1e-12)
    assert gradcheck(steps, a.data, b)
    assert gradcheck(lambda b: sparse.linalg.factorized(a)(b[:, 0]), b)
    np.testing.assert_array_equal(sparse.linalg.splu(a).perm_r, plain.perm_r)
    with pytest.raises(AttributeError, match="tracked entries"):
        pb.vjp(lambda d: sparse.linalg.splu(sparse.csc_array((d, *structure), shape=(6, 6))).L, a.data)
    with pytest.raises(UnsupportedError, match="splu of a dense matrix"):
        sparse.linalg.splu(a.toarray())


# -- what has no rule --------------------------------------------------------------------------------------


def test_an_operator_without_an_adjoint_names_the_ways_out() -> None:
    a, b = definite(float), entries(float, 6)
    make: Any = scipy.sparse.linalg.LinearOperator
    operator = make((6, 6), matvec=lambda x: a @ x, dtype=float)
    for matrix, before in ((operator, None), (a, operator)):
        with pytest.raises(UnsupportedError, match=r"reverse mode through .*gmres with this") as error:
            pb.grad(lambda b, m=matrix, p=before: np.sum(sparse.linalg.gmres(m, b, M=p)[0]))(b)
        assert "rmatvec is not defined" in (error.value.why or "")
        assert "rmatvec=" in (error.value.remedy or "")
        assert "pb.jvp" in (error.value.remedy or "")
    tangent = pb.jvp(lambda b: sparse.linalg.gmres(operator, b, rtol=1e-12)[0], (b,), (b,))[1]
    np.testing.assert_allclose(tangent, np.linalg.solve(a.toarray(), b), rtol=1e-8)


METHODS: list[tuple[str, Any, str]] = [
    ("eigsh", {"k": 2}, "pullback.scipy.linalg.eigh"),
    ("eigs", {"k": 2}, "eig or svd"),
    ("svds", {"k": 2}, "svd"),
    ("qmr", {"b": np.ones(6)}, "solve by one"),
    ("tfqmr", {"b": np.ones(6)}, "solve by one"),
    ("lsqr", {"b": np.ones(6)}, "solve by one"),
    ("inv", {}, "A.toarray()"),
    ("norm", {}, "A.data"),
]


@pytest.mark.parametrize(("name", "options", "remedy"), METHODS, ids=[case[0] for case in METHODS])
def test_methods_without_a_rule(name: str, options: Any, remedy: str) -> None:
    a = definite(float)
    ours, theirs = getattr(sparse.linalg, name), getattr(scipy.sparse.linalg, name)

    def of_entries(data: Any) -> Any:
        return sparse.csc_array((data, a.indices, a.indptr), shape=(6, 6))

    def dense(data: Any) -> Any:
        return np.outer(data[:6], data[:6])

    for make in (of_entries, dense):
        with pytest.raises(
            UnsupportedError, match=rf"sparse\.linalg\.{name} has no derivative rule"
        ) as error:
            pb.vjp(lambda data, make=make: ours(make(data), **options), a.data)
        assert error.value.why
        assert remedy in (error.value.remedy or "")
        if "k" in options:
            with pytest.raises(UnsupportedError, match=rf"scipy\.sparse\.linalg\.{name} would") as error:
                pb.vjp(lambda data, make=make: theirs(make(data), **options), a.data)
            assert remedy in (error.value.remedy or "")


def test_methods_without_a_rule_are_scipys_for_plain_matrices() -> None:
    a = definite(float)
    np.testing.assert_allclose(sparse.linalg.norm(a), scipy.sparse.linalg.norm(a))
    np.testing.assert_allclose(
        sparse.linalg.eigsh(a, k=2, v0=np.ones(6))[0], np.linalg.eigvalsh(a.toarray())[-2:], rtol=1e-9
    )
    assert sparse.linalg.LinearOperator is scipy.sparse.linalg.LinearOperator
    x = np.ones(6)
    wanted = pb.grad(lambda x: np.sum(pb.scipy.linalg.expm(a.toarray()) @ x))(x)
    np.testing.assert_allclose(pb.grad(lambda x: np.sum(sparse.linalg.expm_multiply(a, x)))(x), wanted)


def test_scipys_own_splu_names_ours() -> None:
    with pytest.raises(UnsupportedError, match="splu would turn a Variable") as error:
        pb.grad(lambda a: np.sum(scipy.sparse.linalg.splu(a).solve(np.ones(2))))(np.eye(2))
    assert error.value.remedy == "call pullback.scipy.sparse.linalg.splu."


CONSTRUCTIONS: list[tuple[str, Any]] = [
    ("hstack", lambda f, a: f([a, np.eye(2)])),
    ("vstack", lambda f, a: f([a, a])),
    ("bmat", lambda f, a: f([[a, None], [None, a]])),
    ("block_array", lambda f, a: f([[a], [a]])),
    ("block_diag", lambda f, a: f([a, 1.0])),
    ("kron", lambda f, a: f(a, np.eye(2))),
    ("kronsum", lambda f, a: f(np.eye(2), a)),
    ("tril", lambda f, a: f(a)),
    ("triu", lambda f, a: f(a, k=1)),
    ("find", lambda f, a: f(a)[2]),
    ("spdiags", lambda f, a: f(a.data, 0, 2, 2)),
]


@pytest.mark.parametrize(("name", "call"), CONSTRUCTIONS, ids=[case[0] for case in CONSTRUCTIONS])
def test_constructions_without_a_rule(name: str, call: Any) -> None:
    def of_entries(data: Any) -> Any:
        return call(getattr(sparse, name), sparse.coo_array((data, ([0, 1], [0, 1])), shape=(2, 2)))

    with pytest.raises(UnsupportedError, match=f"scipy.sparse.{name} has no derivative rule") as error:
        pb.vjp(of_entries, np.ones(2))
    assert error.value.where is not None
    assert error.value.remedy
    both = of_entries(np.ones(2)), call(getattr(scipy.sparse, name), scipy.sparse.coo_array(np.eye(2)))
    np.testing.assert_array_equal(*(x.toarray() if scipy.sparse.issparse(x) else x for x in both))
