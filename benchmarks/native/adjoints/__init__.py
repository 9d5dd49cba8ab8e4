"""The best adjoint we can write by hand for each source, in Numba, and the primal beside it.

They use no mathematics that the source does not have: no transposed solves, no sums taken out of loops. What
they do use is what an adjoint compiler could do, too. Locally independent iterations are reversed at once,
results of transcendental functions are saved and sums of products computed again, stencils gather, buffers
are made once.
"""
