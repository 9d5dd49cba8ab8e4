"""One random program through the whole engine: each form of it must give the numbers that Python gives."""

from __future__ import annotations

import linecache
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import pullback as pb
from pullback.base.errors import PullbackError, UnsupportedError
from pullback.capture import capture
from pullback.emit import load
from pullback.ir.lengths import with_lengths
from pullback.ir.nodes import Program, Var
from pullback.ir.run import run
from pullback.ir.types import Stack, type_of
from pullback.ir.verify import verify
from pullback.optimize.lower import lower
from pullback.optimize.pipeline import finish, optimize
from pullback.transform.adjoint import adjoint
from pullback.transform.purify import purified
from pullback.transform.tangent import tangent

WORKING_PRECISION = {"float32": 2e-4, "float64": 1e-9, "complex64": 2e-4, "complex128": 1e-9}
NUMERIC = {"float32": 3e-3, "float64": 1e-4, "complex64": 3e-3, "complex128": 1e-4}


class MismatchError(Exception):
    """Two forms of a program differ, or one of them fails.

    Attributes:
        stage: which.
    """

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(f"{stage}: {message}")
        self.stage = stage


class Check:
    """The comparisons of one program.

    Attributes:
        done: the comparisons that were made, and why others were not.
    """

    def __init__(self, text: str, name: str, dtype: str, arguments: Sequence[Any]) -> None:
        self.text, self.name, self.dtype = text, name, dtype
        self.given = list(arguments)
        self.done: list[str] = []
        self.stage = "python"
        self.wrt = [k for k, x in enumerate(arguments) if isinstance(x, float | complex) or inexact(x)]

    # -- the whole -------------------------------------------------------------------------------------------

    def run(
        self,
        *,
        jit: bool = False,
        second: bool = False,
        tape: bool = True,
        whole: bool = True,
        short: bool = False,
    ) -> list[str]:
        """Make all comparisons; the labels of those that were made. With `short`, for these lengths alone.

        Raises:
            MismatchError: at the first that fails.
        """
        try:
            self._run(jit, second, tape, whole, short)
        except (MismatchError, UnsupportedError):
            raise
        except Exception as error:
            raise MismatchError(self.stage, f"{type(error).__name__}: {error}") from error
        return self.done

    def _run(self, jit: bool, second: bool, tape: bool, whole: bool, short: bool) -> None:
        self.function = defined(self.text, self.name)
        arguments = self.own()
        try:
            with quiet():
                self.value = self.function(*arguments)
        except Exception:
            self.done.append("no value")
            return
        self.after = arguments
        if not np.isfinite(self.value) or abs(self.value) > 1e4:
            self.done.append("large")
            return
        self.stage = "capture"
        captured = capture(self.function, tuple(type_of(x) for x in self.given), {}).program
        if short:
            shapes = [np.shape(x) for x in self.given]
            lengths = {(k, axis): n for k, shape in enumerate(shapes) for axis, n in enumerate(shape)}
            captured = with_lengths(captured, {place: n for place, n in lengths.items() if n > 1})
        self._valued("captured", captured)
        arguments = self.own()
        self.stage = "emit captured"
        self._values(load(captured, jit=False)(*arguments), arguments)
        lowered = self._made("lower", lambda: lower(captured))
        self._valued("lowered", lowered)
        simple = self._made("optimize", lambda: optimize(captured))
        self._valued("optimized", simple)
        self.stage = "emit"
        self._values(load(finish(simple), jit=False)(*self.own()), arguments=None)
        self._derivatives(captured if whole else None, simple, jit, second)
        if tape:
            self._tape()

    # -- values ----------------------------------------------------------------------------------------------

    def own(self) -> list[Any]:
        return [laid_out(x) if isinstance(x, np.ndarray) else x for x in self.given]

    def _made(self, stage: str, make: Callable[[], Program]) -> Program:
        self.stage = stage
        program = make()
        verify(program)
        return program

    def _valued(self, stage: str, program: Program) -> None:
        self.stage = stage
        verify(program)
        arguments = self.own()
        self._values(run(program, arguments), arguments)

    def _values(self, results: Sequence[Any], arguments: list[Any] | None) -> None:
        """The result, and what was written into the arguments."""
        tolerance = WORKING_PRECISION[self.dtype]
        self._close(results[0], self.value, tolerance)
        if arguments is not None:
            for got, wanted in zip(arguments, self.after, strict=True):
                self._close(got, wanted, tolerance)
        self.done.append(self.stage)

    def _close(self, got: Any, wanted: Any, tolerance: float) -> None:
        if np.shape(got) != np.shape(wanted):
            raise MismatchError(self.stage, f"shape {np.shape(got)}, not {np.shape(wanted)}")
        if not np.allclose(got, wanted, rtol=tolerance, atol=tolerance):
            raise MismatchError(self.stage, f"{got!r} is not {wanted!r}")

    # -- derivatives -----------------------------------------------------------------------------------------

    def _derivatives(self, captured: Program | None, simple: Program, jit: bool, second: bool) -> None:
        tolerance = 10 * WORKING_PRECISION[self.dtype]
        # A number that is of one type on one way and of another on the other has the program's.
        (result,) = simple.results
        kind = result.type if isinstance(result, Var) else None
        one = np.asarray(1.0, np.float64 if kind is None or isinstance(kind, Stack) else kind.dtype)[()]
        pure = purified(simple)
        program = self._made("adjoint of optimized", lambda: adjoint(pure, self.wrt, [0]))
        self.bars = run(program, [*self.own(), one])[1:]
        self._same_bars("adjoint of optimized", run(program, [*self.own(), one]), tolerance)
        self.directions = self._directions()
        slope = self._slope(self.bars)
        self._differences(slope)
        if captured is not None:
            self._of_whole_arrays(purified(captured), one, slope)
        final = self._made("finish adjoint", lambda: finish(optimize(program)))
        self._same_bars("finish adjoint", run(final, [*self.own(), one]), tolerance)
        self._same_bars("emit adjoint", load(final, jit=False)(*self.own(), one), tolerance)
        if jit:
            self.stage = "native"
            self._values(load(finish(simple))(*self.own()), None)
            self._same_bars("native adjoint", load(final)(*self.own(), one), tolerance)
        self._tangent("tangent", pure, slope)
        if second:
            self._second(program, one)

    def _of_whole_arrays(self, captured: Program, one: Any, slope: float) -> None:
        """The derivatives of the program as captured, for reading; some rules need it lowered."""
        tolerance = 10 * WORKING_PRECISION[self.dtype]
        try:
            whole = self._made("adjoint", lambda: adjoint(captured, self.wrt, [0]))
            self._same_bars("adjoint", run(whole, [*self.own(), one]), tolerance)
            self._same_bars("emit whole adjoint", load(whole, jit=False)(*self.own(), one), tolerance)
            derived = self._made("lower adjoint", lambda: lower(whole))
            self._same_bars("lower adjoint", run(derived, [*self.own(), one]), tolerance)
            self._tangent("tangent of whole arrays", captured, slope)
        except UnsupportedError:
            self.done.append("not on whole arrays")

    def _tangent(self, stage: str, program: Program, slope: float) -> None:
        forward = self._made(stage, lambda: tangent(program, self.wrt, [0]))
        y_dot = run(forward, [*self.own(), *self.directions])[1]
        scale = 1 + sum(float(np.sum(np.abs(bar))) for bar in self.bars)
        self._close(np.real(y_dot) / scale, slope / scale, 10 * WORKING_PRECISION[self.dtype])
        self.done.append(stage)

    def _kinds(self, bars: Sequence[Any]) -> None:
        for k, bar in zip(self.wrt, bars, strict=True):
            if np.shape(bar) != np.shape(self.given[k]):
                raise MismatchError(self.stage, f"a cotangent of shape {np.shape(bar)}")
            if np.asarray(bar).dtype != np.asarray(self.given[k]).dtype:
                raise MismatchError(self.stage, f"a cotangent of {np.asarray(bar).dtype}")

    def _directions(self) -> list[Any]:
        rng = np.random.default_rng(17)
        dots = []
        for k in self.wrt:
            x = np.asarray(self.given[k])
            dot = rng.normal(size=x.shape)
            if x.dtype.kind == "c":
                dot = dot + 1j * rng.normal(size=x.shape)
            dots.append(np.asarray(dot, x.dtype)[()])
        return dots

    def _slope(self, bars: Sequence[Any]) -> float:
        """The derivative along the directions: by the convention, x_bar is dL/dRe x + i dL/dIm x."""
        pairs = zip(bars, self.directions, strict=True)
        return float(sum(np.sum(np.real(np.conj(bar) * dot)) for bar, dot in pairs))

    def _moved(self, step: float) -> list[Any]:
        arguments = self.own()
        for k, dot in zip(self.wrt, self.directions, strict=True):
            wide = np.result_type(np.asarray(dot).dtype, np.float64)
            arguments[k] = np.asarray(arguments[k], wide)[()] + step * np.asarray(dot, wide)[()]
        return arguments

    def _difference(self, step: float) -> float:
        with quiet():
            up, down = (self.function(*self._moved(h)) for h in (step, -step))
        return float(up - down) / (2 * step)

    def _differences(self, slope: float) -> None:
        """Central differences; two steps that disagree tell of a kink, or of a jump, nearby."""
        self.stage = "differences"
        tolerance = NUMERIC[self.dtype]
        one, two = self._difference(1e-6), self._difference(3e-7)
        size = 1 + abs(one)
        if abs(one - two) > 1e-4 * size:
            self.done.append("kink")
            return
        if abs(slope - one) > tolerance * size:
            # A jump that both steps straddle looks like a slope; a third step does not.
            three = self._difference(1e-5)
            if abs(one - three) > 1e-4 * size:
                self.done.append("kink")
                return
            raise MismatchError(self.stage, f"slope {slope}, by differences {one}")
        self.done.append(self.stage)

    def _same_bars(self, stage: str, results: Sequence[Any], tolerance: float) -> None:
        self.stage = stage
        self._close(results[0], self.value, tolerance)
        self._kinds(results[1:])
        scale = 1 + max(float(np.max(np.abs(bar), initial=0)) for bar in self.bars)
        for got, wanted in zip(results[1:], self.bars, strict=True):
            self._close(np.asarray(got) / scale, np.asarray(wanted) / scale, tolerance)
        self.done.append(stage)

    def _second(self, reverse: Program, one: Any) -> None:
        """Forward over reverse against differences of the reverse sweep's cotangents."""
        if self.dtype in ("float32", "complex64"):
            return
        n = len(self.wrt)
        program = self._made("second order", lambda: tangent(reverse, self.wrt, range(1, 1 + n)))
        products = run(lower(program), [*self.own(), one, *self.directions])[-n:]

        twice = self._made("reverse over reverse", lambda: adjoint(reverse, self.wrt, range(1, 1 + n)))
        self.stage = "reverse over reverse"
        scale = 1 + max(float(np.max(np.abs(part), initial=0)) for part in products)
        for got, wanted in zip(run(twice, [*self.own(), one, *self.directions])[-n:], products, strict=True):
            self._close(np.asarray(got) / scale, np.asarray(wanted) / scale, 1e-8)
        self.done.append(self.stage)

        def bars(step: float) -> list[np.ndarray]:
            up, down = (run(reverse, [*self._moved(h), one])[1:] for h in (step, -step))
            return [(np.asarray(u) - np.asarray(d)) / (2 * step) for u, d in zip(up, down, strict=True)]

        first, other = bars(1e-6), bars(3e-7)
        size = 1 + max(float(np.max(np.abs(part), initial=0)) for part in first)
        if any(np.any(np.abs(a - b) > 1e-4 * size) for a, b in zip(first, other, strict=True)):
            self.done.append("kink at second order")
            return
        self.stage = "second order"
        for got, wanted in zip(products, first, strict=True):
            self._close(np.asarray(got) / size, wanted / size, 1e-4)
        self.done.append(self.stage)

    def _tape(self) -> None:
        """The eager engine, where it can run the program."""
        self.stage = "tape"
        argnums = tuple(self.wrt)
        try:
            with quiet(), warnings.catch_warnings():
                warnings.simplefilter("ignore", pb.DependenceWarning)
                gradients = pb.grad(self.function, argnums=argnums, engine="tape")(*self.own())
        except (PullbackError, TypeError):
            self.done.append("not for the tape")
            return
        tolerance = 10 * WORKING_PRECISION[self.dtype]
        scale = 1 + max(float(np.max(np.abs(bar), initial=0)) for bar in self.bars)
        for got, wanted in zip(gradients, self.bars, strict=True):
            self._close(np.asarray(got) / scale, np.asarray(wanted) / scale, tolerance)
        self.done.append(self.stage)


def quiet() -> Any:
    """Programs may divide by zero in branches that are not taken."""
    return np.errstate(all="ignore")


def laid_out(x: np.ndarray) -> np.ndarray:
    """A copy in the same layout: contiguous in C or Fortran order, or neither."""
    if x.flags.c_contiguous or x.flags.f_contiguous:
        return np.copy(x)
    room = np.zeros(tuple(2 * n for n in x.shape), x.dtype)
    view = room[(slice(None, None, 2),) * x.ndim]
    view[...] = x
    return view


def inexact(x: Any) -> bool:
    return isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "fc"


def defined(text: str, name: str) -> Callable[..., Any]:
    """The function `name` of a module's source, which tracebacks and capture find again."""
    file = f"<program {name} {hash(text)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    namespace: dict[str, Any] = {"__name__": "program"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(text, file, "exec"), namespace)
    return namespace[name]


def check(program: Any, **options: bool) -> list[str]:
    """All comparisons of a generated program."""
    return Check(program.text, program.name, program.dtype, program.arguments()).run(**options)
