"""`jacobian` and `hessian`: whole matrices of derivatives, by columns (forward) or by rows (reverse)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from pullback.api.again import begin, compared, moved, settles
from pullback.api.compile import Engine, check_arguments, is_compiled, on_engine
from pullback.api.follow import checked_leaves, function_name, outcome, pushed, warn_independent
from pullback.api.gradient import grad
from pullback.api.products import refuse_integers, vjp, with_aux
from pullback.api.sharing import sharing
from pullback.base.argnums import Argnums, Chosen, choose
from pullback.base.cast import astype
from pullback.base.errors import ConventionError, UnsupportedError
from pullback.base.pytrees import flatten, tree_map, unflatten
from pullback.base.spec import Spec, dtype_of, spec_of
from pullback.base.tracked import Tracked, bare
from pullback.dual.dual import Dual, Sweep
from pullback.rules.spectra.inquiry import NOTED, SplitError

Mode = Literal["auto", "forward", "reverse"]
_CHUNK = 64


def jacobian(
    function: Callable[..., Any],
    argnums: Argnums = 0,
    mode: Mode = "auto",
    has_aux: bool = False,
    holomorphic: bool = False,
    chunk_size: int | None = None,
    engine: Engine | None = None,
) -> Callable[..., Any]:
    """A function that returns the Jacobian of `function`.

    Args:
        function: returns an array, a number or a pytree of them.
        argnums: which argument to differentiate: a position, a name, or a tuple of them.
        mode: "forward" (a sweep per `chunk_size` inputs), "reverse" (a sweep per output), or "auto": forward
            where there are no more inputs than outputs.
        has_aux: `function` returns ``(output, aux)``.
        holomorphic: the complex derivative of a holomorphic function of complex arguments.
        chunk_size: how many inputs one forward sweep carries; 64 by default.
        engine: see `grad`.

    Returns:
        A function of the same arguments. Its result has the structure of the output, each leaf replaced by
        the structure of the argument (by a tuple of such if `argnums` is one), whose leaves have shape
        ``output.shape + input.shape``.

    Raises:
        ConventionError: for complex inputs whose output is complex, unless `holomorphic`.
        NotDifferentiableError: for integer or boolean arguments or output.

    Example:
        >>> import numpy as np, pullback as pb
        >>> pb.jacobian(lambda x: x[:2] * x[2])(np.array([1.0, 2.0, 3.0]))
        array([[3., 0., 1.],
               [0., 3., 2.]])

    Source: Griewank & Walther, *Evaluating Derivatives*, 2008, ch. 3; real input and complex output: both
    parts.
    """
    if mode not in ("auto", "forward", "reverse"):
        raise UnsupportedError(f"mode={mode!r} is none", remedy="'auto', 'forward' or 'reverse'.")
    if chunk_size is not None and chunk_size < 1:
        raise UnsupportedError(f"chunk_size={chunk_size} is no number of inputs", remedy="1 or more.")

    options = {
        "argnums": argnums, "mode": mode, "has_aux": has_aux, "holomorphic": holomorphic,
        "chunk_size": chunk_size,
    }  # fmt: skip
    function = on_engine(function, engine)
    if engine == "dual":
        mode = "forward"

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if is_compiled(function) and mode != "forward":
            from pullback.api.rows import rows_at_once

            found = rows_at_once(function, argnums, mode, has_aux, args, kwargs)  # type: ignore[arg-type]
            if found is not None:
                return found
        chosen = choose(function, argnums, args, kwargs)
        check_arguments(function, args, kwargs)
        matrix = _Matrix(function, chosen, has_aux, holomorphic, chunk_size or _CHUNK)
        return matrix.by_columns() if mode == "forward" else matrix.by_rows(switch=mode == "auto")

    wrapped.__transform__ = (jacobian, function, options)  # type: ignore[attr-defined]
    return wrapped


class _Matrix:
    """One evaluation of a Jacobian."""

    def __init__(
        self, function: Callable[..., Any], chosen: Chosen, has_aux: bool, holomorphic: bool, chunk: int
    ) -> None:
        self.name = function_name(function)
        self.chosen = chosen
        self.has_aux = has_aux
        self.holomorphic = holomorphic
        self.chunk = chunk
        self.inputs: list[Any] = []
        self.structures: list[tuple[Any, int]] = []
        for key, value in zip(chosen.keys, chosen.values(), strict=True):
            leaves, structure = checked_leaves(value, f"argument {key!r} of {self.name}")
            self.inputs += leaves
            self.structures.append((structure, len(leaves)))
        self.specs = [spec_of(bare(leaf)) for leaf in self.inputs]

        def of_leaves(*leaves: Any) -> Any:
            rest = list(leaves)
            values = []
            for structure, count in self.structures:
                values.append(unflatten(structure, rest[:count]))
                del rest[:count]
            new_args, new_kwargs = chosen.replaced(tuple(values))
            return outcome(function, new_args, new_kwargs, sharing(chosen.args, chosen.kwargs))

        of_leaves.__name__ = self.name
        self.function = of_leaves

    def check(self, outputs: list[Any]) -> None:
        """Raise unless the entries of the matrix are defined."""
        for output in outputs:
            refuse_integers(output, f"an output of {self.name}")
        out_complex = any(dtype_of(bare(output)).kind == "c" for output in outputs)
        in_complex = any(spec.dtype.kind == "c" for spec in self.specs)
        if self.holomorphic and not (in_complex and out_complex):
            raise ConventionError(f"holomorphic=True needs complex inputs and outputs of {self.name}")
        if in_complex and out_complex and not self.holomorphic:
            raise ConventionError(
                f"{self.name} takes and returns complex numbers",
                why="its Jacobian is one complex matrix only if the function is holomorphic",
                remedy="holomorphic=True if it is; else differentiate its real and imaginary parts.",
            )

    def by_rows(self, switch: bool) -> Any:
        """Reverse, a sweep per output entry (two if complex); `switch` allows to go forward instead."""
        result = vjp(self.function, *self.inputs, has_aux=self.has_aux)
        value, pull = result[0], result[1]
        outputs, structure = flatten(value)
        self.check(outputs)
        specs = [spec_of(bare(output)) for output in outputs]
        in_complex = any(spec.dtype.kind == "c" for spec in self.specs)
        few_inputs = sum(spec.size for spec in self.specs) <= sum(spec.size for spec in specs)
        if switch and few_inputs and (not in_complex or self.holomorphic):
            return self.by_columns()
        blocks: list[list[Any]] = []
        for k, spec in enumerate(specs):
            rows = [self._row(pull, structure, specs, k, entry) for entry in range(spec.size)]
            blocks.append([_stacked([row[i] for row in rows], spec, s) for i, s in enumerate(self.specs)])
        return self._assembled(blocks, structure, result[2] if self.has_aux else None)

    def _row(
        self, pull: Callable[..., Any], structure: Any, specs: list[Spec], k: int, entry: int
    ) -> list[Any]:
        def pulled(number: Any) -> list[Any]:
            seeds = [np.zeros(spec.shape, spec.dtype) for spec in specs]
            seeds[k].reshape(-1)[entry] = number
            return list(pull(unflatten(structure, [seed[()] for seed in seeds])))

        row = pulled(1)
        if self.holomorphic:
            return [np.conj(part) for part in row]
        if specs[k].dtype.kind == "c":
            return [real + 1j * imag for real, imag in zip(row, pulled(1j), strict=True)]
        return row

    @settles
    def by_columns(self) -> Any:
        """Forward: `chunk` input entries a sweep; where that splits equal eigenvalues, by rows."""
        if any(spec.dtype.kind == "c" for spec in self.specs) and not self.holomorphic:
            raise ConventionError(
                f"mode='forward' of {self.name} with complex inputs",
                remedy="mode='reverse' for a real output, holomorphic=True for a holomorphic function.",
            )

        def told(found: Any) -> Any:
            return (found[0] if self.has_aux else found,)

        since = begin() if NOTED else 0
        try:
            found = self._pushed(self.inputs)
            if not NOTED:
                return found
            return compared(
                lambda: self._pushed(self.inputs),
                told,
                found,
                lambda side: self._pushed(moved(self.inputs, side)),
                since,
            )
        except SplitError:
            return self.by_rows(switch=False)

    def _pushed(self, inputs: list[Any]) -> Any:
        sizes = [spec.size for spec in self.specs]
        total = sum(sizes)
        columns: list[list[Any]] = []
        structure, aux, outputs = None, None, []
        depends = False
        for start in range(0, max(total, 1), self.chunk):
            count = min(self.chunk, total - start)
            sweep = Sweep(count)
            arguments, first = [], 0
            for leaf, spec in zip(inputs, self.specs, strict=True):
                rows = np.eye(count, spec.size, start - first, spec.dtype)
                arguments.append(Dual(leaf, rows.reshape(count, *spec.shape), sweep))
                first += spec.size
            output, aux = with_aux(outcome(self.function, arguments), self.has_aux, "jacobian")
            sweep.finished = True
            leaves, structure = flatten(output)
            pairs = [pushed(leaf, sweep) for leaf in leaves]
            outputs = [primal for primal, _ in pairs]
            aux = tree_map(lambda leaf, sweep=sweep: pushed(leaf, sweep)[0], aux)
            self.check(outputs)
            depends = depends or sweep.nested or any(dot is not None for _, dot in pairs)
            columns.append(
                [
                    np.zeros((count, *np.shape(bare(p))), dtype_of(bare(p))) if d is None else d
                    for p, d in pairs
                ]
            )
        if not depends:
            warn_independent(self.name)
        blocks: list[list[Any]] = []
        for k, output in enumerate(outputs):
            dots = [chunk[k] for chunk in columns]
            whole = np.moveaxis(np.concatenate(dots) if len(dots) > 1 else dots[0], 0, -1)
            ends = np.cumsum([0, *sizes])
            shape = np.shape(bare(output))
            blocks.append(
                [
                    _own(np.reshape(whole[..., a:b], (*shape, *spec.shape)), spec.dtype)
                    for a, b, spec in zip(ends[:-1], ends[1:], self.specs, strict=True)
                ]
            )
        return self._assembled(blocks, structure, aux)

    def _assembled(self, blocks: list[list[Any]], structure: Any, aux: Any) -> Any:
        """The blocks, by output and input leaf, in the structures of output and arguments."""
        rows: list[Any] = []
        for block in blocks:
            rest = list(block)
            arguments = []
            for argument_structure, count in self.structures:
                arguments.append(unflatten(argument_structure, rest[:count]))
                del rest[:count]
            rows.append(arguments[0] if self.chosen.single else tuple(arguments))
        matrix = unflatten(structure, rows)
        return (matrix, aux) if self.has_aux else matrix


def _stacked(rows: list[Any], output: Spec, argument: Spec) -> Any:
    shape = (*output.shape, *argument.shape)
    if not rows:
        return np.zeros(shape, argument.dtype)
    return np.reshape(np.stack(rows), shape)[()]


def _own(block: Any, dtype: np.dtype[Any]) -> Any:
    """A block of its own memory in the precision of its argument, as reverse mode has it."""
    own = dtype_of(bare(block))
    if own.kind == "c":
        dtype = np.result_type(dtype, np.complex64)
    if isinstance(block, Tracked):
        return block if own == dtype else astype(block, dtype)
    return np.array(block, dtype)[()]


def hessian(
    function: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    chunk_size: int | None = None,
    engine: Engine | None = None,
) -> Callable[..., Any]:
    """A function that returns the Hessian of a real-valued `function`, forward over reverse.

    Args:
        function: returns a real scalar; its arguments are real.
        argnums: which argument to differentiate: a position, a name, or a tuple of them.
        has_aux: `function` returns ``(output, aux)``, and the result is ``(hessian, aux)``.
        chunk_size: how many columns one sweep carries (see `jacobian`).
        engine: see `grad`.

    Returns:
        A function of the same arguments. For an array argument its result has shape ``x.shape + x.shape``;
        for pytrees and several arguments it is the structure of the argument, twice.

    Raises:
        ConventionError: for complex arguments.

    Example:
        >>> import numpy as np, pullback as pb
        >>> pb.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
        array([[6., 2.],
               [2., 0.]])

    Source: Griewank & Walther, *Evaluating Derivatives*, 2008, ch. 5.
    """
    function = on_engine(function, engine)
    eager = "tape" if engine in ("tape", "dual") else None
    gradient = grad(function, argnums, has_aux, engine=eager)
    matrix = jacobian(gradient, argnums, mode="forward", has_aux=has_aux, chunk_size=chunk_size)
    options = {"argnums": argnums, "has_aux": has_aux, "chunk_size": chunk_size}
    matrix.__wrapped__ = function  # type: ignore[attr-defined]
    matrix.__transform__ = (hessian, function, options)  # type: ignore[attr-defined]
    return matrix
