"""`Sparse`: a sparse matrix with tracked entries at constant places."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from pullback.base.cast import astype
from pullback.base.dispatch import tracked_in
from pullback.base.errors import UnsupportedError
from pullback.base.lost import lost_array
from pullback.base.tracked import Tracked
from pullback.rules.scipy_sparse.products import dense_of, product, times
from pullback.rules.scipy_sparse.structure import MAKERS, Places


class Sparse:
    """A sparse matrix whose entries may be tracked.

    Attributes:
        data: the entries.
        structure: their places.
    """

    ndim = 2

    def __init__(self, data: Any, structure: Places) -> None:
        self.data, self.structure = data, structure

    @property
    def shape(self) -> tuple[int, int]:
        return self.structure.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.data.dtype

    @property
    def format(self) -> str:
        return self.structure.format

    @property
    def nnz(self) -> int:
        return len(self.data)

    @property
    def T(self) -> Sparse:
        return Sparse(self.data, self.structure.T)

    def transpose(self) -> Sparse:
        return self.T

    def conj(self) -> Sparse:
        """The complex conjugate."""
        return Sparse(np.conj(self.data), self.structure)

    conjugate = conj

    def toarray(self) -> Any:
        """The dense matrix."""
        return dense_of(self.data, self.structure)

    def asformat(self, format: str | None) -> Sparse:
        """The matrix with its entries in the order, and merged, as SciPy's conversion has them."""
        if format is None or format == self.format:
            return self
        if format not in MAKERS:
            raise UnsupportedError(
                f"a Sparse in the format {format!r}", remedy=f"use one of {', '.join(map(repr, MAKERS))}."
            )
        count = self.nnz
        numbered = self.structure.matrix(np.arange(1.0, count + 1)).asformat(format)
        index = (numbered.row, numbered.col) if format == "coo" else (numbered.indices, numbered.indptr)
        places = Places(format, index, self.shape)
        if numbered.nnz == count:
            return Sparse(self.data[numbered.data.astype(int) - 1], places)
        old, new = (i * self.shape[1] + j for i, j in (self.structure.places, places.places))
        order = np.argsort(new)
        merged = order[np.searchsorted(new[order], old)], np.arange(count)
        sums = scipy.sparse.csr_array((np.ones(count, bool), merged), shape=(len(new), count))
        return Sparse(sums @ self.data, places)

    def tocsr(self) -> Sparse:
        """In the format csr."""
        return self.asformat("csr")

    def tocsc(self) -> Sparse:
        """In the format csc."""
        return self.asformat("csc")

    def tocoo(self) -> Sparse:
        """In the format coo."""
        return self.asformat("coo")

    def __matmul__(self, other: Any) -> Any:
        return product(self.data, _dense(other), self.structure)

    def __rmatmul__(self, other: Any) -> Any:
        return times(_dense(other), self.data, self.structure)

    def dot(self, other: Any) -> Any:
        """``self @ other``."""
        return self @ other

    def __mul__(self, other: Any) -> Any:
        if np.ndim(other) != 0:
            raise UnsupportedError(
                "a Sparse times an array",
                why="SciPy's sparse arrays take that entry by entry, its sparse matrices as the product",
                remedy="multiply its data, A.data * ..., or write A @ x.",
            )
        return Sparse(self.data * other, self.structure)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Sparse:
        return self * (1 / other)

    def __neg__(self) -> Sparse:
        return Sparse(-self.data, self.structure)

    def __array_ufunc__(self, function: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """The product with an array on the left; there is nothing else."""
        if function is not np.matmul or method != "__call__" or kwargs:
            raise UnsupportedError(
                f"numpy.{function.__name__} of a Sparse", remedy="use A @ x, or A.toarray() for a dense one."
            )
        return self.__rmatmul__(inputs[0]) if inputs[1] is self else self @ inputs[1]

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise UnsupportedError(
            "a Sparse with tracked entries is no array", remedy="use A @ x, or A.toarray() for a dense one."
        )

    @property
    def matvec(self) -> Any:
        """What SciPy's solvers ask for, of what is no sparse matrix of theirs."""
        raise lost_array(self)

    kind = "Sparse"

    def _no(self, *_: Any) -> Any:
        raise UnsupportedError(
            "this operation with a Sparse has no derivative rule",
            why="there are the products A @ x and x @ A, A * number, A / number, A.T and A.conj()",
            remedy="work with the entries, A.data, or with the dense matrix, A.toarray().",
        )

    __add__ = __radd__ = __sub__ = __rsub__ = __pow__ = __getitem__ = __setitem__ = _no
    __iter__ = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(scipy.sparse.csr_array, name):
            raise AttributeError(f"a Sparse has no attribute {name!r}")
        raise UnsupportedError(
            f"the attribute {name} of a Sparse",
            why="what SciPy has of that name knows nothing of tracked entries",
            remedy="work with the entries, A.data, or with the dense matrix, A.toarray().",
        )

    def __repr__(self) -> str:
        return f"Sparse({self.shape}, {self.format}, nnz={self.nnz})"


def _dense(x: Any) -> Any:
    """The other factor of a product."""
    if isinstance(x, Sparse) or scipy.sparse.issparse(x):
        raise UnsupportedError(
            "the product of two sparse matrices has no derivative rule",
            why="the places of its entries are not those of either",
            remedy="multiply with one after the other, A @ (B @ x), or with B.toarray().",
        )
    return x if isinstance(x, Tracked) else np.asarray(x)


def _made(format: str, arg1: Any, shape: Any, options: dict[str, Any]) -> Any:
    if isinstance(arg1, Sparse):
        return arg1.asformat(format)
    entries = arg1[0] if isinstance(arg1, tuple) else arg1
    if not isinstance(entries, Tracked):
        if tracked_in((arg1,)):
            raise UnsupportedError("the places of the entries of a sparse array are tracked")
        return MAKERS[format](arg1, shape, **options)
    if not isinstance(arg1, tuple):
        raise UnsupportedError(
            f"a {format}_array of a tracked dense matrix",
            why="which entries are not zero depends on their values",
            remedy=f"give the entries and their places: {format}_array((data, ...), shape=...).",
        )
    index = arg1[1:] if format != "coo" else tuple(arg1[1])
    if len(index) != 2 or tracked_in(index):
        if format != "coo" and len(index) == 1:  # as SciPy takes (data, (row, column)) in every format
            return _made("coo", arg1, shape, options).asformat(format)
        raise UnsupportedError(f"a {format}_array of these arguments with tracked entries")
    if options.get("dtype") is not None:
        entries = astype(entries, options["dtype"])
    index = tuple(np.array(part) for part in index)
    # SciPy checks the places, and finds the shape where none is given.
    checked = MAKERS[format]((np.ones(len(entries)), *((index,) if format == "coo" else index)), shape)
    return Sparse(entries, Places(format, index, checked.shape))


def diags_array(
    diagonals: Any, /, *, offsets: Any = 0, shape: Any = None, format: Any = None, dtype: Any = None
) -> Any:
    """As `scipy.sparse.diags_array`; of tracked diagonals a `Sparse`, in the format coo if none is given."""
    if not tracked_in((diagonals,)):
        return scipy.sparse.diags_array(diagonals, offsets=offsets, shape=shape, format=format, dtype=dtype)
    if np.ndim(offsets) == 0:
        diagonals, offsets = [diagonals], [offsets]
    if shape is None:
        size = np.shape(diagonals[0])[0] + abs(int(offsets[0]))
        shape = (size, size)
    parts, rows, columns = [], [], []
    for diagonal, offset in zip(diagonals, offsets, strict=True):
        below, right = max(-int(offset), 0), max(int(offset), 0)
        count = min(shape[0] - below, shape[1] - right)
        parts.append(np.broadcast_to(diagonal, (count,)))
        rows.append(np.arange(below, below + count))
        columns.append(np.arange(right, right + count))
    places = (np.concatenate(rows), np.concatenate(columns))
    return coo_array((np.concatenate(parts), places), shape, dtype=dtype).asformat(format)


def diags(diagonals: Any, offsets: Any = 0, shape: Any = None, format: Any = None, dtype: Any = None) -> Any:
    """As `scipy.sparse.diags`; of tracked diagonals a `Sparse`, in the format coo if none is given."""
    function: Any = diags_array if tracked_in((diagonals,)) else scipy.sparse.diags
    return function(diagonals, offsets=offsets, shape=shape, format=format, dtype=dtype)


def csr_array(arg1: Any, shape: Any = None, **options: Any) -> Any:
    """As `scipy.sparse.csr_array`; of ``(data, indices, indptr)`` with tracked data a `Sparse`."""
    return _made("csr", arg1, shape, options)


def csc_array(arg1: Any, shape: Any = None, **options: Any) -> Any:
    """As `scipy.sparse.csc_array`; of ``(data, indices, indptr)`` with tracked data a `Sparse`."""
    return _made("csc", arg1, shape, options)


def coo_array(arg1: Any, shape: Any = None, **options: Any) -> Any:
    """As `scipy.sparse.coo_array`; of ``(data, (rows, columns))`` with tracked data a `Sparse`."""
    return _made("coo", arg1, shape, options)


def csr_matrix(arg1: Any, shape: Any = None, **options: Any) -> Any:
    """As `scipy.sparse.csr_matrix`; of ``(data, indices, indptr)`` with tracked data a `Sparse`."""
    return (csr_array if _is_tracked(arg1) else scipy.sparse.csr_matrix)(arg1, shape, **options)


def csc_matrix(arg1: Any, shape: Any = None, **options: Any) -> Any:
    """As `scipy.sparse.csc_matrix`; of ``(data, indices, indptr)`` with tracked data a `Sparse`."""
    return (csc_array if _is_tracked(arg1) else scipy.sparse.csc_matrix)(arg1, shape, **options)


def coo_matrix(arg1: Any, shape: Any = None, **options: Any) -> Any:
    """As `scipy.sparse.coo_matrix`; of ``(data, (rows, columns))`` with tracked data a `Sparse`."""
    return (coo_array if _is_tracked(arg1) else scipy.sparse.coo_matrix)(arg1, shape, **options)


def _is_tracked(arg1: Any) -> bool:
    return isinstance(arg1, Sparse) or bool(tracked_in((arg1,)))
