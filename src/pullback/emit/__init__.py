"""From a program to a callable: Python source, then CPython or Numba, kept in an on-disk cache.

source       `source(program)`: the program as one plain Python function
load         `load(program, jit=...)`: that function, ready to call
ready        what is kept of it on disk
cache        files named by what they hold, written atomically, checked when read
writer       statements: blocks, loops, stores, stacks, comments
inline       which temporaries vanish into the expression that uses them
expressions  right-hand sides: primitives and calls
elementwise  operators and ufuncs, with the casts NumPy's promotion asks for
functions    what Numba compiles in the form it is given
outline      what it does not, as functions that run in Python
text         pieces of Python text: precedence, and what they read
names        NumPy's functions and the program's variables, spelled
constants    numbers, dtypes and arrays as text
native       what emitted source calls beside NumPy
accesses     what is indexed by what; located: errors of compiled code with the user's line
bounds       checks of indices, where they cannot be proved in range before the program runs
whole        checks of integers, which have 64 bits
scope        what is known about integers and lengths at one point
affine       affine expressions, and proofs that they are not negative
vectorize    which loops get `exp`, `log` and `tanh` as straight-line code
lanes        loops whose iterations lie apart in memory, some at a time
levels       what of such a loop is done for many iterations before the next
inner_loops  where NumPy's own loops are
compile      Numba: signatures, eager compilation, compiled code from the cache
binary       what is kept on disk of compiled code, and how it is loaded
direct       the text to LLVM without Numba's front end
frontend     Numba's passes for what that refuses
overloads    the compiled versions of `native`
rows         those that call NumPy's loops
vector_math  those of `exp`, `log`, `tanh`, `sin` and `cos`
arithmetic   of complex numbers, as instructions
callback     calls of Python functions from compiled code
"""

from pullback.emit.load import load

__all__ = ["load"]
