"""From a program to a callable: Python source, then CPython or Numba, kept in an on-disk cache.

source       `source(program)`: the program as one plain Python function
load         `load(program, jit=...)`: that function, ready to call
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
overloads    the compiled versions of `native`
"""

from pullback.emit.load import load
from pullback.emit.source import source

__all__ = ["load", "source"]
