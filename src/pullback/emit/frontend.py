"""Numba's passes, without those that emitted source has no use for.

It has no closures, generators, `with` or literals to propagate; no branch is dead; each variable has one
type, so that a name need not be split into one per assignment (SSA), in a time quadratic in the length.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from numba.core.compiler import CompilerBase
from numba.core.compiler_machinery import PassManager
from numba.core.typed_passes import (
    AnnotateTypes,
    IRLegalization,
    NativeLowering,
    NoPythonBackend,
    NopythonTypeInference,
)
from numba.core.untyped_passes import (
    FixupArgs,
    GenericRewrites,
    IRProcessing,
    RewriteDynamicRaises,
    RewriteSemanticConstants,
    TranslateByteCode,
)

PASSES = (
    TranslateByteCode, FixupArgs, IRProcessing, RewriteSemanticConstants, GenericRewrites,
    RewriteDynamicRaises, NopythonTypeInference, IRLegalization, AnnotateTypes, NativeLowering,
    NoPythonBackend,
)  # fmt: skip


class Frontend(CompilerBase):
    """From bytecode to machine code, in `PASSES`."""

    def define_pipelines(self) -> list[PassManager]:
        """The one pipeline."""
        manager = PassManager("pullback")
        for each in PASSES:
            manager.add_pass(each, each.name())
        manager.finalize()
        return [manager]


def import_array_functions() -> None:
    """Let Numba import its functions of arrays without `scipy.linalg`, which takes as long as all the rest.

    Numba imports that to see whether there is a BLAS, which pullback depends on, and once more where one is
    called.
    """
    name = "numba.np.arraymath"
    if name in sys.modules:
        return
    linalg: Any = importlib.import_module("numba.np.linalg")
    ensure_blas = linalg.ensure_blas
    linalg.ensure_blas = lambda: None
    try:
        importlib.import_module(name).__dict__["ensure_blas"] = ensure_blas
    finally:
        linalg.ensure_blas = ensure_blas
