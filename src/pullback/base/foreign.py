"""Arrays that are none of NumPy's plain ones: their operators mean something else, or something less.

``np.matrix`` multiplies as matrices do, a masked array leaves entries out, a sparse matrix does not take part
in NumPy's protocols. Taken as the plain array of their numbers each would have another derivative.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from pullback.base.errors import NotDifferentiableError, UnsupportedError

_USUAL = frozenset({float, int, bool, np.float64, slice, type(None), str})


def is_sparse(value: Any) -> bool:
    """Whether a value is a sparse matrix of SciPy's, or one of ours with tracked entries."""
    module = type(value).__module__
    return module.startswith(("scipy.sparse.", "pullback.scipy.sparse.")) and hasattr(value, "nnz")


def refuse_foreign(values: Iterable[Any], place: str) -> None:
    """Raise if one of `values` is an array of another kind; `place` says where it stands."""
    for value in values:
        kind = type(value)
        if kind in _USUAL:
            continue
        if kind is list or kind is tuple:
            refuse_foreign(value, place)
        elif isinstance(value, np.ndarray):
            refuse_objects(value, place)
            if kind is not np.ndarray and kind is not np.memmap:
                remedy = "fill it first: x.filled(0)." if isinstance(value, np.ma.MaskedArray) else None
                raise UnsupportedError(
                    f"{place} holds a {kind.__name__}",
                    why="its operations are not those of a plain array",
                    remedy=remedy
                    or "pass np.asarray(x), and write what is meant by it (@ for a product of matrices).",
                )
        elif kind.__module__.startswith("scipy.sparse"):
            raise UnsupportedError(
                f"{place} holds a {kind.__name__}, which is sparse",
                why="of the operations with a sparse matrix only the product @ has a derivative rule",
                remedy="use A @ x or x @ A, A.toarray(), or pullback.scipy.sparse for tracked entries.",
            )


def refuse_objects(value: Any, place: str) -> None:
    """Raise if a value is an array of Python objects, which may be tracked themselves."""
    if getattr(getattr(value, "dtype", None), "hasobject", False):
        raise NotDifferentiableError(
            f"{place} holds Python objects",
            why="only floating and complex numbers have a derivative",
            remedy="convert it first: x.astype(float); join tracked values with np.stack or pb.array.",
        )
