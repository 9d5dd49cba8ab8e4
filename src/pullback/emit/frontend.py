"""Numba's passes, without those that emitted source has no use for.

It has no closures, generators, `with` or literals to propagate; no branch is dead; each variable has one
type, so that a name need not be split into one per assignment (SSA), in a time quadratic in the length.
"""

from __future__ import annotations

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
