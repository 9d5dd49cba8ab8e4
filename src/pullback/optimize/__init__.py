"""Passes over a program, each `Program -> Program` with the same meaning.

lower       array statements become fused loop nests over scalars:
            uses      where variables are used, what may alias
            delayed   an array as a function of its index
            emitter   loops and scalars, each as far outside as it can stand
            extents   which lengths are known to be equal
            slices, broadcast, store, arrays/   what the statements and functions become
values      each value computed once; constants and copies passed on
fuse        loops over one range as one, arrays that live within an iteration as numbers
hoist       what does not change in a loop moves ahead of it, memory of temporaries included
unroll      short loops written out, small arrays as numbers
dce         what has no effect is removed
pipeline    the order of the passes
"""
