"""A drop-in for `scipy.sparse` that keeps the derivative in the entries of a sparse array.

A constant sparse matrix of SciPy's multiplies tracked values as it is: ``A @ x`` and ``x @ A``. `csr_array`,
`csc_array`, `coo_array` and `diags_array` of this module, and their older namesakes `csr_matrix`, …, `diags`,
are SciPy's, unless the entries are tracked: then they are a `Sparse`, which has products, a transpose, other
formats and `toarray`. A name without a rule falls through to
SciPy.
"""

from __future__ import annotations

import importlib
from typing import Any

from scipy import sparse as _sparse

from pullback.scipy.sparse.array import (
    Sparse,
    coo_array,
    coo_matrix,
    csc_array,
    csc_matrix,
    csr_array,
    csr_matrix,
    diags,
    diags_array,
)
from pullback.scipy.sparse.refused import FUNCTIONS as _REFUSED

__all__ = [
    "Sparse", "coo_array", "coo_matrix", "csc_array", "csc_matrix", "csr_array", "csr_matrix", "diags",
    "diags_array",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "linalg":
        return importlib.import_module("pullback.scipy.sparse.linalg")
    return _REFUSED[name] if name in _REFUSED else getattr(_sparse, name)


def __dir__() -> list[str]:
    return sorted({*__all__, *dir(_sparse)})
