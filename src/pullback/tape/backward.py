"""`backward`, `zero_grad` and the explicit `Tape`: reverse mode in PyTorch's and in TensorFlow's manner."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from sys import getrefcount
from typing import Any

import numpy as np

from pullback.base.errors import (
    DependenceWarning,
    NotDifferentiableError,
    PullbackError,
    ShapeError,
    UnsupportedError,
)
from pullback.base.numbers import DOUBLES
from pullback.base.spec import Spec, dtype_of, spec_of
from pullback.base.tracked import bare
from pullback.rules.ranks import unknown_rank
from pullback.rules.read import fit
from pullback.rules.spectra.inquiry import NOTED, noted
from pullback.rules.structured import Matrix, dense
from pullback.tape.accumulate import Owned
from pullback.tape.node import ROOT, Leaf, Node
from pullback.tape.sweep import sweep, sweep_from
from pullback.tape.variable import Variable

_array = np.ndarray
_ONE = np.float32(1)


def seed_for(y: Variable, cotangent: Any, caller: str) -> Any:
    """The cotangent to start from: 1 for a real scalar without one given, else the given one, checked.

    Raises:
        ShapeError: if it has another shape than `y`, or is complex where `y` is real.
    """
    spec = spec_of(bare(y))
    if cotangent is None:
        if spec.shape != ():
            raise ShapeError(
                f"{caller} starts from an output of shape {spec.shape}",
                why="only a scalar has a gradient; an array has one for each cotangent",
                remedy=f"reduce it to a scalar (np.sum, np.mean), or give a cotangent of shape {spec.shape}.",
            )
        if spec.dtype.kind == "c":
            raise NotDifferentiableError(
                f"{caller} starts from a complex output",
                why="a complex number has no steepest ascent",
                remedy="take np.real, np.imag or np.abs of it, or give a cotangent.",
            )
        return one(spec.dtype)
    check_seed(spec, cotangent, "cotangent", caller)
    return cotangent if dtype_of(bare(cotangent)) == spec.dtype else fit(np.asarray(cotangent)[()], spec)


def one(dtype: np.dtype[Any]) -> Any:
    """The number 1 of `dtype`."""
    return 1.0 if dtype == np.float64 else dtype.type(1)


def check_seed(spec: Spec, seed: Any, kind: str, caller: str) -> None:
    """Check a cotangent or tangent against the value it belongs to."""
    given = spec_of(bare(seed))
    if given.shape != spec.shape:
        raise ShapeError(
            f"the {kind} given to {caller} has shape {given.shape}",
            why=f"the value it belongs to has shape {spec.shape}",
            remedy=f"give a {kind} of shape {spec.shape}.",
        )
    if given.dtype.kind == "c" and spec.dtype.kind != "c":
        raise ShapeError(
            f"the {kind} given to {caller} is complex",
            why=f"the value it belongs to has dtype {spec.dtype}",
            remedy=f"give a real {kind}.",
        )
    if given.dtype.kind not in "fciub":
        raise ShapeError(
            f"the {kind} given to {caller} has dtype {given.dtype}", remedy="give an array of numbers."
        )


def backward(self: Variable, cotangent: Any = None, retain: bool = False) -> None:
    """Add the gradient of this value to the `grad` of every input it depends on.

    Args:
        cotangent: the cotangent of this value, of its shape; 1 for a real scalar if left out.
        retain: keep what the graph holds, so that `backward` can run through it again.

    Raises:
        ShapeError: for an array without a cotangent, or a cotangent of another shape.
        NotDifferentiableError: for a complex value without a cotangent.
        MutationError: if an earlier `backward` has released the graph.

    Source: Griewank & Walther, *Evaluating Derivatives*, 2008, §3.2; the manner of `torch.Tensor.backward`.
    """
    if self._cell is not None:
        self.settle()
    if self._tape is not ROOT:
        raise UnsupportedError(
            f"backward() is called on a value that {self._tape.name} follows",
            why="that transform walks the graph itself when its function has returned",
            remedy="return the value; for a derivative inside, nest pb.grad.",
        )
    node = self._node
    kind = type(self._value)
    if cotangent is None and (kind in DOUBLES or kind is np.float32):
        seed = 1.0 if kind in DOUBLES else _ONE
    else:
        seed = seed_for(self, cotangent, "backward()")
    if node is None:
        warnings.warn(
            "backward() starts from a value that depends on no pb.Variable", DependenceWarning, stacklevel=2
        )
        return
    if NOTED:
        noted()
    bars = sweep_from(node, seed, retain)
    if NOTED:
        _settle("backward()")
    leaf: Any
    for leaf, x_bar in bars.items():
        spec = leaf.spec
        owned = type(x_bar) is Owned
        if owned:
            x_bar = x_bar.value
        if type(x_bar) is _array and x_bar.dtype is spec.dtype and x_bar.shape == spec.shape != ():
            # What nobody else holds is given away.
            alone = owned or (getrefcount(x_bar) == _ALONE and not retain and x_bar.base is None)
            gradient = x_bar if alone else x_bar.copy("K")
        else:
            gradient = finished(x_bar, spec)
        total = leaf.gradient
        before = total[0]
        total[0] = gradient if before is None else before + gradient


def _references() -> int:
    """What `getrefcount` says of a value that a dictionary alone holds, in a loop as that of `backward`."""
    counts = {}
    for name, x_bar in {"alone": np.zeros(1)}.items():
        counts[name] = getrefcount(x_bar)
    return counts["alone"]


_ALONE = _references()


def _settle(caller: str) -> None:
    """Warn that a derivative was not compared with that in another basis: there is no function to run.

    Raises:
        NotDifferentiableError: if it has to be compared with that beside the arguments.
    """
    notes = noted()
    if notes is None:
        return
    if notes.ranks:
        raise unknown_rank(notes.ranks[0], caller)
    warnings.warn(
        f"the gradient depends on vectors of {notes.pair}, equal up to rounding; whether it depends on "
        "which, only a function tells, which pb.grad runs once more with others",
        stacklevel=3,
    )


def finished(x_bar: Any, spec: Spec) -> Any:
    """A cotangent as the user gets it: an array or number of the input's dtype that nothing else holds."""
    owned = type(x_bar) is Owned
    if owned:
        x_bar = x_bar.value
    if type(x_bar) is np.ndarray and x_bar.dtype is spec.dtype and x_bar.shape == spec.shape != ():
        return x_bar if owned else x_bar.copy("K")
    made = isinstance(x_bar, Matrix)
    x_bar = fit(dense(x_bar), spec)
    if isinstance(x_bar, np.ndarray):
        if made and x_bar.base is None:
            return x_bar
        return x_bar.copy() if spec.shape else x_bar[()]
    return x_bar


def zero_grad(*variables: Variable | Iterable[Variable]) -> None:
    """Forget the accumulated gradients of `variables` (or of lists of them): their `grad` is None again.

    Example:
        >>> import pullback as pb
        >>> x = pb.Variable(2.0)
        >>> (x * x).backward()
        >>> pb.zero_grad(x)
        >>> x.grad is None
        True
    """
    for item in variables:
        if isinstance(item, Variable):
            item.grad = None
        else:
            zero_grad(*(item.values() if isinstance(item, dict) else item))


class Tape:
    """Records every operation on variables inside a ``with`` block, in order.

    `gradient` may be called for any recorded value with respect to any others, several times, inside the
    block and after it.

    Example:
        >>> import numpy as np, pullback as pb
        >>> with pb.Tape() as t:
        ...     x = pb.Variable(3.0)
        ...     y = x * x
        ...     z = y * x
        >>> t.gradient(z, [x, y])
        [27.0, 3.0]
    """

    def __init__(self) -> None:
        self._nodes: list[Node] | None = None
        self._outer: Any = None

    def __enter__(self) -> Tape:
        self._outer = ROOT.nodes
        ROOT.nodes = self._nodes = []
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        ROOT.nodes = self._outer
        if self._outer is not None and self._nodes is not None:
            self._outer.extend(self._nodes)
        cause = None if error is None else error.__cause__
        if isinstance(cause, PullbackError):  # what NumPy made of it says less
            raise cause.with_traceback(traceback) from None

    def gradient(self, y: Variable, xs: Any, cotangent: Any = None) -> Any:
        """The gradient of `y` with respect to `xs`.

        Args:
            y: a recorded value; a real scalar unless `cotangent` is given.
            xs: a variable, or a list or tuple of them: inputs or recorded values.
            cotangent: the cotangent of `y`.

        Returns:
            An array (or number) for each of `xs`, in the same structure; zeros, with a `DependenceWarning`,
            where `y` does not depend on it.

        Raises:
            UnsupportedError: if `y` or one of `xs` was not recorded on this tape.
            ShapeError: as `Variable.backward`.
        """
        single = isinstance(xs, Variable)
        wanted: Sequence[Variable] = [xs] if single else list(xs)
        if self._nodes is None:
            raise UnsupportedError(
                "this Tape has recorded nothing", remedy="use it as: with pb.Tape() as t: …"
            )
        known = set(self._nodes)
        for x in (y, *wanted):
            self._check(x, known)
        seed = seed_for(y, cotangent, "Tape.gradient")
        targets = {x._node for x in wanted}
        if NOTED:
            noted()
        found = walk_to(self._nodes, {y._node: seed}, targets)  # type: ignore[dict-item]
        if NOTED:
            _settle("Tape.gradient")
        gradients = [_found(found, x) for x in wanted]
        return gradients[0] if single else type(xs)(gradients)

    def _check(self, x: Any, known: set[Node]) -> None:
        if not isinstance(x, Variable):
            raise UnsupportedError(f"Tape.gradient takes Variables, not {type(x).__name__}")
        x.settle()
        if x._node is not None and x._node not in known and not isinstance(x._node, Leaf):
            raise UnsupportedError(
                "a value given to Tape.gradient was not recorded on this tape",
                why="it was computed outside its with block",
                remedy="compute it inside, or make it a pb.Variable of its own.",
            )


def _found(found: dict[Any, Any], x: Variable) -> Any:
    spec = spec_of(x._value)
    if x._node in found:
        return finished(found[x._node], spec)
    warnings.warn(
        "the output does not depend on one of xs; its gradient is zero", DependenceWarning, stacklevel=3
    )
    return np.zeros(spec.shape, spec.dtype)[()]


def walk_to(nodes: list[Node], seeds: dict[Node, Any], targets: set[Node | None]) -> dict[Node, Any]:
    """Sweep `nodes`, keeping them; return the cotangents of `targets`, which may lie on the way."""
    cotangents = dict(seeds)
    found: dict[Node, Any] = {}
    order = list(nodes)
    cuts = [i for i, node in enumerate(order) if node in targets]
    end = len(order)
    for cut in reversed(cuts):
        sweep(order[cut + 1 : end], cotangents, True)
        if order[cut] in cotangents:
            found[order[cut]] = cotangents[order[cut]] = shared(cotangents[order[cut]])
        end = cut + 1
    sweep(order[:end], cotangents, True)
    found.update({node: shared(x_bar) for node, x_bar in cotangents.items() if node in targets})
    return found


def shared(x_bar: Any) -> Any:
    """A cotangent to which others will refer as well as the sweep."""
    return x_bar.value if type(x_bar) is Owned else x_bar


Variable.backward = backward
