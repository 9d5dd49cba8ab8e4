"""From what a user writes to a `Plan`: subscripts are read, a path chosen by opt_einsum, both once.

opt_einsum is imported with the first contraction. A plan is kept under the subscripts, the shapes and the way
in which the path is chosen, so a function called in a loop chooses it in its first round.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from pullback.base.errors import ShapeError, UnsupportedError
from pullback.base.protocol import ALONG_A_PATH
from pullback.base.tracked import Tracked, bare
from pullback.rules.networks.contracted import contracted
from pullback.rules.networks.plan import Labels, Plan, lengths_of, plan_of
from pullback.rules.networks.slices import Sliced

_MANY = 4096
_ARRAYS = (np.ndarray, np.generic, Tracked)
_plans: dict[Any, Plan | Sliced] = {}


def shape_of(tensor: Any) -> tuple[int, ...]:
    """The shape of an array or of what is tracked."""
    value = bare(tensor)
    return value.shape if type(value) is np.ndarray else np.shape(value)


def arrays_of(tensors: Sequence[Any]) -> list[Any]:
    """The tensors with the attributes of arrays: Python's numbers and nested lists are made arrays."""
    return [tensor if isinstance(tensor, _ARRAYS) else _as_array(tensor) for tensor in tensors]


def _as_array(tensor: Any) -> Any:
    array = np.asarray(tensor)
    if array.dtype.kind not in "biufc":
        raise UnsupportedError(
            f"a {type(tensor).__name__} is contracted as a tensor", remedy="pass an array of numbers."
        )
    return array


def network(args: Sequence[Any]) -> tuple[list[Any], Hashable]:
    """The tensors of a call in either form of `opt_einsum.contract`, and a key for its subscripts."""
    if isinstance(args[0], str):
        return arrays_of(args[1:]), args[0]
    pairs = len(args) // 2
    terms = tuple(tuple(term) for term in args[1 : 2 * pairs : 2])
    output = tuple(args[-1]) if len(args) % 2 else None
    return arrays_of(args[0 : 2 * pairs : 2]), (terms, output)


def subscripts_of(key: Any, shapes: Sequence[tuple[int, ...]]) -> tuple[list[Labels], Labels]:
    """The labels of each tensor and of the output."""
    parser = importlib.import_module("opt_einsum.parser")
    if not isinstance(key, str):
        terms, output = key
        given = [x for shape, term in zip(shapes, terms, strict=True) for x in (shape, term)]
        operands = given if output is None else [*given, output]
    else:
        operands = [key, *shapes]
    try:
        left, right, _ = parser.parse_einsum_input(operands, shapes=True)
    except ValueError as error:
        raise ShapeError(f"the subscripts of a contraction cannot be read: {error}") from None
    terms = [tuple(term) for term in left.split(",")]
    if len(terms) != len(shapes):
        raise ShapeError(f"there are {len(terms)} terms for {len(shapes)} tensors")
    missing = set(right).difference(*terms)
    if missing or len(set(right)) != len(right):
        raise ShapeError(
            f"the output {right!r} of a contraction names an index twice, or one that no tensor has"
        )
    return terms, tuple(right)


def plan_for(
    key: Hashable,
    shapes: tuple[tuple[int, ...], ...],
    optimize: Any = "auto",
    memory_limit: int | str | None = None,
    slice_to: int | None = None,
) -> Plan | Sliced:
    """The plan of a contraction; the same one for the same subscripts, shapes and way of choosing a path."""
    chosen = path_given(optimize)
    full = (key, shapes, chosen, memory_limit, slice_to)
    plan = _plans.get(full)
    if plan is None:
        terms, output = subscripts_of(key, shapes)
        if slice_to is None:
            plan = plan_of(terms, output, shapes, path_of(terms, output, shapes, chosen, memory_limit))
        else:
            plan = _sliced(terms, output, shapes, slice_to)
        if len(_plans) >= _MANY:
            _plans.clear()
        _plans[full] = plan
    return plan


def check_backend(backend: str) -> None:
    """Raise where opt_einsum would hand the arrays to another library.

    Raises:
        UnsupportedError: unless it is NumPy that contracts.
    """
    if backend not in ("auto", "numpy"):
        raise UnsupportedError(
            f"backend={backend!r} for a contraction",
            why="the derivatives are of what NumPy computes",
            remedy="leave it away, or call opt_einsum with arrays of that library.",
        )


def path_given(optimize: Any) -> Any:
    """`optimize` as opt_einsum takes it: a path of `numpy.einsum_path` has that name first."""
    if not isinstance(optimize, list | tuple):
        return optimize
    if optimize and isinstance(optimize[0], str):
        if optimize[0] != "einsum_path":
            return optimize[0]
        optimize = optimize[1:]
    return tuple(map(tuple, optimize))


def path_of(
    terms: Sequence[Labels],
    output: Labels,
    shapes: Sequence[tuple[int, ...]],
    optimize: Any = "auto",
    memory_limit: Any = None,
) -> Sequence[Sequence[int]]:
    """The path that opt_einsum, or the caller's own optimizer, chooses."""
    lengths = lengths_of(terms, shapes)
    count = len(terms)
    if optimize is False:
        return [tuple(range(count))]
    if isinstance(optimize, tuple):
        return list(optimize)
    if count <= 2:
        return [tuple(range(count))]
    sets = [frozenset(term) for term in terms]
    limit = _limit(memory_limit, [*terms, output], lengths)
    if not isinstance(optimize, str) and callable(optimize):
        own: Callable[..., Any] = optimize
        return own(sets, frozenset(output), lengths, limit)
    paths = importlib.import_module("opt_einsum.paths")
    name = "auto" if optimize in (True, None) else optimize
    try:
        search: Callable[..., Any] = paths.get_path_fn(name)
    except KeyError:
        raise UnsupportedError(
            f"optimize={name!r} is no way to choose a path", remedy="one of opt_einsum's, such as 'auto'."
        ) from None
    return search(sets, frozenset(output), lengths, limit)


def _limit(given: Any, terms: Sequence[Labels], lengths: dict[Hashable, int]) -> int | None:
    """As in opt_einsum: None or -1 for no limit, "max_input" for the largest tensor there is."""
    if given is None or given == -1:
        return None
    if given == "max_input":
        return max(math.prod(lengths[label] for label in term) for term in terms)
    if isinstance(given, str) or given < 1:
        raise UnsupportedError(
            f"memory_limit={given!r} is none", remedy="a number of elements, 'max_input', -1 or None."
        )
    return int(given)


def _sliced(
    terms: Sequence[Labels], output: Labels, shapes: Sequence[tuple[int, ...]], slice_to: int
) -> Plan | Sliced:
    """A plan whose largest intermediate has `slice_to` elements, as cotengra slices it."""
    try:
        cotengra = importlib.import_module("cotengra")
    except ImportError:
        raise UnsupportedError(
            "pb.contract with slice_to= needs cotengra, which is not installed",
            why="it chooses the indices to slice",
            remedy="pip install 'pullback[networks]', or leave slice_to= away and use memory_limit=.",
        ) from None
    lengths = lengths_of(terms, shapes)
    tree = cotengra.array_contract_tree(
        [tuple(dict.fromkeys(term)) for term in terms], output, lengths, optimize="greedy", canonicalize=False
    )
    finder = cotengra.SliceFinder(tree, target_size=slice_to, allow_outer=False, seed=0)
    try:
        found, _ = finder.search()
    except RuntimeError as error:
        raise UnsupportedError(
            f"no slices of this contraction fit into {slice_to} elements",
            why=f"cotengra says: {error}",
            remedy="allow more elements: the result and each tensor's open indices stay whole.",
        ) from None
    numbers = {label: number for number, label in enumerate(sorted(found, key=str))}
    axes = tuple(
        tuple(
            (axis, numbers[label])
            for axis, (label, n) in enumerate(zip(term, shape, strict=True))
            if label in numbers and n == lengths[label]
        )
        for term, shape in zip(terms, shapes, strict=True)
    )
    # A tensor keeps an axis of length 1 where the others are sliced: it goes with any of the values.
    kept = [
        [axis for axis, _ in enumerate(term) if axis not in dict(own)]
        for term, own in zip(terms, axes, strict=True)
    ]
    inner = [tuple(term[axis] for axis in own) for term, own in zip(terms, kept, strict=True)]
    sizes = [tuple(shape[axis] for axis in own) for shape, own in zip(shapes, kept, strict=True)]
    plan = plan_of(inner, output, sizes, tree.get_path())
    if not numbers:
        return plan
    return Sliced(plan, tuple(lengths[label] for label in numbers), axes)


def _einsum(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``np.einsum(..., optimize=...)`` of tracked values, along the path that NumPy chooses for it."""
    if any(kwargs.get(name) is not None for name in ("dtype", "order", "casting")):
        return NotImplemented
    if set(kwargs) - {"optimize", "dtype", "order", "casting"} or len(args) < 4:
        return NotImplemented
    tensors, key = network(args)
    if len(tensors) < 3:
        return NotImplemented
    shapes = tuple(map(shape_of, tensors))
    optimize = kwargs["optimize"]
    frozen = tuple(map(_frozen, optimize)) if isinstance(optimize, list | tuple) else optimize
    full = (np.einsum, key, shapes, frozen)
    plan = _plans.get(full)
    if plan is None:
        dummies = [np.broadcast_to(0.0, shape) for shape in shapes]
        path = np.einsum_path(*_with(args, dummies), optimize=optimize)[0][1:]
        terms, output = subscripts_of(key, shapes)
        plan = _plans[full] = plan_of(terms, output, shapes, path)
    return contracted(plan, tensors)


def _frozen(part: Any) -> Any:
    return tuple(part) if isinstance(part, list | tuple) else part


def _with(args: tuple[Any, ...], tensors: list[Any]) -> list[Any]:
    if isinstance(args[0], str):
        return [args[0], *tensors]
    given = list(args)
    given[0 : 2 * len(tensors) : 2] = tensors
    return given


ALONG_A_PATH[np.einsum] = _einsum
