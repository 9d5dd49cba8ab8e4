"""Calls of scipy.sparse in compiled source: sparse matrices of their arrays, and systems.

A system is solved by SciPy, in Python; its derivative is that of the eager engines (`rules.scipy_sparse`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.capture.arrays import as_array
from pullback.capture.context import Context
from pullback.capture.python_calls import Handler
from pullback.capture.sparse import FORMATS, SparseMatrix
from pullback.capture.values import Record, describe, is_array, is_static, to_python
from pullback.ir.results import TYPES, operand_type
from pullback.ir.types import Array, Type
from pullback.rules.scipy_sparse.solvers import solved

# -- matrices ----------------------------------------------------------------------------------------------


def matrix(arg1: Any, shape: Any = None, dtype: Any = None, copy: Any = False) -> Any: ...


def _maker(made: str) -> Handler:
    """What makes a matrix of the format `made`."""

    def handler(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
        given = _bound(context, f"a {made} matrix", matrix, args, kwargs)
        arg1, shape = given["arg1"], given.get("shape")
        what = f"a {made} matrix of {describe(arg1)} in compiled source"
        if isinstance(arg1, Record) and arg1.kind is SparseMatrix and arg1.fields["format"] == made:
            return arg1
        if not isinstance(arg1, tuple) or len(arg1) not in (2, 3):
            context.fail(
                what,
                "which entries it has depends on values known at run time",
                "give entries and places, (data, indices, indptr) or (data, (row, col)), and shape=",
            )
        if shape is None:
            context.fail(what, "SciPy would find its shape in the values of the places", "give shape=")
        if "dtype" in given:
            context.fail(f"{what} with dtype=", "the entries are taken as they are", "data.astype(...)")
        parts = [as_array(context, part) for part in (arg1[0], *(arg1[1:] if len(arg1) == 3 else arg1[1]))]
        if len(parts) != 3 or not all(is_array(part) and part.type.ndim == 1 for part in parts):
            context.fail(what, "its entries and places are three vectors", "(data, indices, indptr)")
        fields = [made if len(arg1) == 3 else "coo", *parts, *shape]
        return Record(SparseMatrix, dict(zip(SparseMatrix.__dataclass_fields__, fields, strict=True)))

    return handler


def _bound(context: Context, what: str, signature_of: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """The arguments by their names, without keywords that are None."""
    signature = inspect.signature(signature_of)
    try:
        return signature.bind(*args, **{k: v for k, v in kwargs.items() if v is not None}).arguments
    except TypeError as error:
        words = ", ".join(signature.parameters)
        context.fail(
            f"{what} with these arguments in compiled source",
            f"Python says: {error}",
            f"there are {words}; else call it outside the function",
        )


# -- systems -----------------------------------------------------------------------------------------------

_OPTIONS = {"rtol": 1e-05, "atol": 0.0, "maxiter": None, "restart": None}


def spsolve(A: Any, b: Any) -> Any: ...


def cg(
    A: Any, b: Any, x0: Any = None, *, rtol: Any = 1e-05, atol: Any = 0.0, maxiter: Any = None, M: Any = None
) -> Any: ...


def gmres(
    A: Any, b: Any, x0: Any = None, *, rtol: Any = 1e-05, atol: Any = 0.0, restart: Any = None,
    maxiter: Any = None, M: Any = None,
) -> Any: ...  # fmt: skip


def _solver(signature_of: Callable[..., Any]) -> Handler:
    name = signature_of.__name__
    what = f"scipy.sparse.linalg.{name}"

    def handler(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
        given = _bound(context, what, signature_of, args, kwargs)
        b = as_array(context, given["b"])
        b = as_vector(context, what, b, many=name == "spsolve")
        form, *parts = _parts(context, what, given["A"], dense=name != "spsolve")
        options = [_static(context, f"{key} of {what}", given.get(key, _OPTIONS[key])) for key in _OPTIONS]
        before = given.get("M")
        kind, *others = ["none"] if before is None else _parts(context, f"M of {what}", before, dense=True)
        x = context.call(solved, *parts, b, given.get("x0"), form, name, *options, kind, *others)
        return x if name == "spsolve" else (x, 0)

    return handler


def as_vector(context: Context, what: str, b: Any, *, many: bool) -> Any:
    """The right side; of one column, which SciPy's solvers make a vector, that vector."""
    if is_array(b) and b.type.ndim == 2 and 1 in b.type.ones:
        return context.call(np.reshape, b, (context.dim(b, 0),))
    if not is_array(b) or (b.type.ndim != 1 and not (many and b.type.ndim == 2)):
        context.fail(
            f"{what} of {describe(b)} in compiled source",
            "one right side has a solution of one type",
            "solve for one column after the other, b[:, j]",
        )
    return b


def _parts(context: Context, what: str, matrix: Any, *, dense: bool) -> list[Any]:
    """Format, entries, places and shape of a matrix."""
    if isinstance(matrix, Record):
        if matrix.kind is SparseMatrix:
            return list(matrix.fields.values())
    elif dense and is_array(matrix) and matrix.type.ndim == 2:
        return ["dense", matrix, None, None, context.dim(matrix, 0), context.dim(matrix, 1)]
    remedy = "use np.linalg.solve" if is_array(matrix) else "pass a sparse matrix, or call it outside"
    raise context.refusal(
        f"{what} of {describe(matrix)} in compiled source", "it is no sparse matrix", remedy
    )


def _static(context: Context, what: str, value: Any) -> Any:
    if not is_static(value):
        context.static_needed(f"the argument {what}", value)
    return to_python(value)


def _type_of_solved(data: Any, *others: Any) -> Type:
    b = operand_type(others[4])
    dtype = np.result_type(operand_type(data).dtype, b.dtype, np.float32)
    return Array(dtype, b.ndim)


TYPES[solved] = _type_of_solved

_HANDLERS: dict[str, Handler] = {
    **{f"{name}_{kind}": _maker(name) for name in FORMATS for kind in ("array", "matrix")},
    **{solver.__name__: _solver(solver) for solver in (spsolve, cg, gmres)},
}


def handler_of(function: Any) -> Handler:
    """What captures a call of a function of scipy.sparse, or of its namesake in pullback."""

    def refuse(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
        context.fail(
            f"{function.__name__} of scipy.sparse in compiled source",
            "there are csr_array, csc_array and coo_array, products with them, spsolve, cg and gmres",
            "call it outside the function",
        )

    return _HANDLERS.get(function.__name__, refuse)
