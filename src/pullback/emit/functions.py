"""Which of NumPy's functions Numba compiles in the form a statement has; the others run in Python.

What Numba would compile for seconds runs in Python too, where the work outweighs a call: linear algebra.
Nothing here is guessed from names: a function is listed with the conditions under which Numba's version
takes the same arguments and means the same (checked in tests/emit/test_engines.py against NumPy).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.emit import native
from pullback.emit.names import spelled
from pullback.ir.build import operand_type
from pullback.ir.nodes import Arg, Assign, Const, Slice, Store, Var
from pullback.ir.types import Array, Scalar
from pullback.rules.conjugating import matmul_conjugated

_ALLOCATES = frozenset([np.empty, np.zeros, np.ones, np.full])
_ALLOCATES_LIKE = frozenset([np.empty_like, np.zeros_like, np.ones_like, np.full_like])
_PRODUCTS = frozenset([np.matmul, np.dot])
_WHOLE = frozenset([np.copy, np.real, np.imag])
_PAIRS = frozenset([np.may_share_memory])
# Ufuncs that Numba has no loops for.
_MISSING = frozenset("bitwise_count frexp heaviside matmul matvec modf vecdot vecmat divmod".split())
_NATIVE = frozenset(
    [
        native.check_divisor,
        native.check_fits,
        native.check_index,
        native.check_indices,
        native.empty,
        native.any_cos,
        native.any_sin,
        native.exp,
        native.log,
        native.log1p,
        native.multiply,
        native.near_cos,
        native.near_sin,
        native.opaque,
        native.tanh,
        native.zeros,
        *native.ROWS.values(),
    ]
)
_BUILTINS = frozenset([max, min])
_RULES = "pullback.rules"
_MATRICES: dict[str, list[tuple[Callable[..., Any], str, tuple[Any, ...]]]] = {
    "np.linalg.solve": [(native.solve, "fdFD", (2, 2)), (native.solve, "fdFD", (2, 1))],
    "np.linalg.cholesky": [(native.cholesky, "fdFD", (2,))],
    "scipy.linalg.expm": [(native.expm, "d", (2,))],
    f"{_RULES}.systems.factorised": [(native.factorised, "fdFD", (2,))],
    f"{_RULES}.systems.solved_by": [
        (native.solved_by, "fdFD", (2, 2, 2, bool)),
        (native.solved_by, "fdFD", (2, 1, 2, bool)),
    ],
    f"{_RULES}.systems.inverted_by": [(native.inverted_by, "fdFD", (2, 2))],
    f"{_RULES}.systems.slogdet_by": [(native.slogdet_by, "fdFD", (2, 2))],
    f"{_RULES}.systems.det_by": [(native.det_by, "fdFD", (2, 2))],
    f"{_RULES}.systems.minors_by": [(native.minors_by, "fdFD", (2, 2))],
    f"{_RULES}.triangular.congruent": [(native.congruent, "d", (2, 2, bool))],
    f"{_RULES}.triangular.factor_cotangent": [(native.factor_cotangent, "d", (2, 2))],
    f"{_RULES}.spectra.eigh.generic_eigh": [(native.eigh, "d", (2, "L"))],
    f"{_RULES}.spectra.eigh.eigh_cotangent": [(native.eigh_cotangent, "d", (1, 2, 1, 2, "L"))],
    f"{_RULES}.spectra.svd.generic_svd": [(native.svd, "d", (2, False))],
    f"{_RULES}.spectra.svd.svd_cotangent": [(native.svd_cotangent, "d", (2, 1, 2, 2, 1, 2))],
    f"{_RULES}.scipy_linalg.exponential.slope": [(native.expm_slope, "d", (2, 2))],
}
"""What stands for a call with contiguous arrays of one of these kinds and ranks, and these constants.

The functions are named as source spells them, since SciPy is not imported for their sake.
"""
_NAMES = {name.rpartition(".")[2] for name in _MATRICES}
_BLAS = frozenset(np.dtype(name) for name in "float32 float64 complex64 complex128".split())


def compiles(statement: Assign) -> bool:
    """Whether Numba compiles this call of a function that is no primitive."""
    function, kinds = statement.function, array_kinds(statement)
    if of_matrices(statement) is not None:
        return True
    if function in _NATIVE or (function in _BUILTINS and _are_integers(statement)):
        return True
    keywords = dict(statement.kwargs)
    if isinstance(function, np.ufunc) and function not in _PRODUCTS:
        known = getattr(np, function.__name__, None) is function and function.__name__ not in _MISSING
        return known and not keywords and function.nout == 1
    if function in _ALLOCATES:
        return set(keywords) <= {"dtype", "shape", "fill_value"}
    if function in _ALLOCATES_LIKE:
        return set(keywords) <= {"dtype"} and kinds[0] is not None
    if function in _PAIRS:
        return all(kind is not None for kind in kinds)
    if function in _PRODUCTS:
        return not keywords and _blas(kinds, 2)
    if function is matmul_conjugated:
        return conjugates(statement, "F")
    if function is np.transpose:
        return all(isinstance(value, tuple | Const) for _, value in statement.kwargs)
    if function is np.sum:
        kind = kinds[0]
        return len(statement.args) == 1 and not keywords and kind is not None and kind.dtype in _BLAS
    return (function in _WHOLE and len(statement.args) == 1 and not keywords) or function is np.reshape


def conjugates(statement: Assign, layout: str) -> bool:
    """Whether a BLAS conjugates a factor, of this layout, of two contiguous matrices of one dtype."""
    a, b, factor = (*array_kinds(statement)[:2], statement.args[2])
    if a is None or b is None or not _blas([a, b], 2) or not a.ndim == b.ndim == 2:
        return False
    assert isinstance(factor, Const)
    return (a, b)[factor.value].layout == layout and (b, a)[factor.value].layout != "A"


def of_matrices(statement: Assign) -> tuple[Callable[..., Any], list[Arg]] | None:
    """What is called for a function of linear algebra, and with which arguments; None if that is NumPy's."""
    args = statement.args
    if getattr(statement.function, "__name__", "") not in _NAMES:
        return None
    for function, kinds, pattern in _MATRICES.get(spelled(statement.function)[0], ()):
        if statement.kwargs or len(pattern) != len(args):
            continue
        dtypes = {kind.dtype for kind in array_kinds(statement) if kind is not None}
        if len(dtypes) == 1 and all(map(_fits, args, pattern)) and dtypes.pop().char in kinds:
            return function, [
                arg for arg, wanted in zip(args, pattern, strict=True) if type(wanted) in _PASSED
            ]
    return None


_PASSED = (int, type)


def _fits(arg: Arg, wanted: Any) -> bool:
    """Whether an argument is a contiguous array of this rank, a constant of this type, or this constant."""
    if isinstance(arg, Const) and type(wanted) is not int:
        return type(arg.value) is wanted if type(wanted) is type else arg.value == wanted
    kind = operand_type(arg) if isinstance(arg, Var) else None
    return isinstance(kind, Array) and kind.ndim == wanted and kind.layout != "A"


def _are_integers(statement: Assign) -> bool:
    kinds = [operand_type(arg) for arg in statement.args if isinstance(arg, Var | Const)]
    return all(isinstance(kind, Scalar) and kind.dtype.kind in "iu" for kind in kinds)


def array_kinds(statement: Assign) -> list[Array | None]:
    """The types of the positional arguments that are arrays, None for the others."""
    kinds: list[Array | None] = []
    for arg in statement.args:
        kind = operand_type(arg) if isinstance(arg, Var) else None
        kinds.append(kind if isinstance(kind, Array) else None)
    return kinds


def _blas(kinds: list[Array | None], count: int) -> bool:
    """Whether all are vectors and matrices of one dtype that BLAS knows."""
    given = [kind for kind in kinds if kind is not None]
    return (
        len(given) == len(kinds) <= count
        and len({kind.dtype for kind in given}) == 1
        and given[0].dtype in _BLAS
        and all(1 <= kind.ndim <= 2 for kind in given)
    )


def index_compiles(index: tuple[Any, ...]) -> bool:
    """Whether Numba takes this index: of integers and slices, or with one vector of integers."""
    arrays = [entry for entry in index if _is_array(entry)]
    if not arrays:
        return True
    kind = operand_type(arrays[0])
    return (
        len(arrays) == 1
        and kind.ndim == 1
        and kind.dtype.kind in "iu"
        and not any(_is_new_axis(entry) for entry in index)
    )


def _is_array(entry: Any) -> bool:
    if isinstance(entry, Slice | tuple):
        return False
    if isinstance(entry, Const):
        return isinstance(entry.value, np.ndarray)
    return isinstance(entry.type, Array)


def _is_new_axis(entry: Any) -> bool:
    return isinstance(entry, Const) and entry.value is None


def has_array_index(statement: Store) -> bool:
    """Whether a store goes to the places an array lists."""
    return any(_is_array(entry) for entry in statement.index)


def stores_in_python(statement: Store) -> bool:
    """Whether Numba does not compile the store, or does not accumulate at repeated indices."""
    repeated = statement.accumulate and has_array_index(statement)
    return repeated or not index_compiles(statement.index)


def result_kind(kind: Any) -> str:
    """Numba's name of a type: ``float64[:, ::1]``; a layout that is not known to be C is made so."""
    if isinstance(kind, Scalar):
        return str(kind.dtype.name if kind.dtype != bool else "boolean")
    axes = ", ".join([":"] * (kind.ndim - 1) + ["::1"])
    return f"{kind.dtype.name if kind.dtype != bool else 'boolean'}[{axes}]"
