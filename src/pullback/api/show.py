"""The generated source of a function at each stage of the native engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback.api.compile import compile as compile_function
from pullback.api.compile import made_by
from pullback.api.compiled import Compiled, Specialised
from pullback.api.native import positions_of
from pullback.base.errors import UnsupportedError
from pullback.emit.source import source
from pullback.ir.nodes import Program
from pullback.optimize.pipeline import finish
from pullback.transform.adjoint import adjoint
from pullback.transform.literal import with_stored_literals
from pullback.transform.purify import purified


def text_of(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], stage: str) -> str:
    """The source that `pullback.source` returns."""
    if stage not in ("captured", "adjoint", "lowered", "final"):
        raise UnsupportedError(
            f"stage={stage!r} is none", remedy="'captured', 'adjoint', 'lowered' or 'final'."
        )
    transform = made_by(function)
    inner: Compiled = compile_function(function if transform is None else transform[1])
    _, specialised = inner.specialise(args, kwargs)
    if transform is None:
        return source(_primal(specialised, stage))
    wrt = positions_of(inner, transform[2].get("argnums", 0), args, kwargs, specialised)
    if stage == "captured":
        return source(specialised.captured.program)
    if stage == "lowered":
        return source(specialised.pure.program)
    if stage == "adjoint":
        return source(adjoint(with_stored_literals(purified(specialised.captured.program)), wrt, (0,)))
    return source(finish(specialised.pure.adjoint(wrt, (0,)).program))


def _primal(specialised: Specialised, stage: str) -> Program:
    if stage == "adjoint":
        raise UnsupportedError(
            "stage='adjoint' of a function itself", remedy="pb.source(pb.grad(f), ..., stage='adjoint')."
        )
    if stage == "captured":
        return specialised.captured.program
    return specialised.lowered if stage == "lowered" else finish(specialised.lowered)
