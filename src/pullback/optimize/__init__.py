"""Passes over a program, each `Program -> Program` with the same meaning.

lower       array statements become fused loop nests over scalars:
            uses      where variables are used, what may alias
            delayed   an array as a function of its index
            emitter   loops and scalars, each as far outside as it can stand
            extents   which lengths are known to be equal
            slices, broadcast, store, arrays/   what the statements and functions become
values      each value computed once; constants and copies passed on
integers    short sums, signs and differences of integers (`linear`), tests that are decided
fuse        loops over one range as one; `touched` says what a statement does to memory
contract    arrays that live within an iteration as numbers
first       zeros that a loop adds to first, which it stores into
forward     elements that are stored and read again; stores that nothing sees removed
gather      additions to neighbours, found by `stencil`, as one loop over the elements
split       other additions to several places, a loop for each
interleave  nests that follow each other, row by row
hoist       what does not change in a loop moves ahead of it, memory of temporaries included
unroll      short loops written out, small arrays as numbers
dce         what has no effect is removed
pipeline    the order of the passes
"""
