"""Machine code of LLVM instructions, with LLVM's pipeline run once.

Numba has each function simplified by itself, then their module in haste, then in full, so that references
that its front end counts one by one are counted less often. Here few are counted that need not be. LLVM's
third level takes a quarter more of its time, and makes no gradient faster (`benchmarks.native`).
"""

from llvmlite import binding as llvm
from numba.core.codegen import JITCodeLibrary

from pullback.emit.matmul import PRODUCTS


class Library(JITCodeLibrary):
    """The code of one function, and of what it calls."""

    def _optimize_functions(self, ll_module):
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self):
        options = llvm.create_pipeline_tuning_options(speed_level=2)
        options.loop_vectorization = options.loop_interleaving = True
        # Around products of matrices there is nothing to gain from it.
        options.loop_unrolling = not any(f.name.startswith(PRODUCTS) for f in self._final_module.functions)
        options.slp_vectorization = False
        builder = llvm.create_pass_builder(self._codegen._tm, options)
        for manager in (llvm.create_new_module_pass_manager(), builder.getModulePassManager()):
            manager.add_refprune_pass()
            manager.run(self._final_module, builder)
