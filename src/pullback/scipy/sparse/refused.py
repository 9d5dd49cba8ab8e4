"""What makes one sparse matrix of others, and has no rule: why not, and what to write instead."""

from __future__ import annotations

import functools
from typing import Any

import scipy.sparse

from pullback.base.dispatch import tracked_in
from pullback.base.errors import UnsupportedError
from pullback.scipy.sparse.array import Sparse

_BLOCKS = "make the whole of entries and places, coo_array((np.concatenate(...), (rows, columns)), shape)."
REMEDIES = {
    **dict.fromkeys(("hstack", "vstack", "bmat", "block_array", "block_diag"), _BLOCKS),
    **dict.fromkeys(("kron", "kronsum"), "multiply with one factor after the other, or use np.kron."),
    **dict.fromkeys(("tril", "triu", "find"), "choose among its entries, A.data, by their places."),
    "spdiags": "use diags_array.",
}


def _holds(value: Any) -> bool:
    """Whether there is a tracked number or a `Sparse` in a value."""
    if isinstance(value, list | tuple):
        return any(map(_holds, value))
    return isinstance(value, Sparse) or bool(tracked_in((value,)))


def _refused(name: str) -> Any:
    """SciPy's function, which raises where a value is tracked."""
    function = getattr(scipy.sparse, name)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _holds((*args, *kwargs.values())):
            raise UnsupportedError(
                f"scipy.sparse.{name} has no derivative rule",
                why="there are rules for products with matrices of entries at known places",
                remedy=REMEDIES[name],
            )
        return function(*args, **kwargs)

    return call


FUNCTIONS = {name: _refused(name) for name in REMEDIES if hasattr(scipy.sparse, name)}
