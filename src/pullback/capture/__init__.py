"""Python source to `ir.Program`: a partial evaluator over a function's syntax tree.

capture       the entry: `capture(function, args, kwargs) -> Captured`
source        where a function's syntax is; locations in it
values        abstract values: static objects, variables, structures of them
context, frame the state of a capture; a function being inlined
dispatch      which handler captures which kind of syntax
liveness      which names may still be read
join, coalesce                  where ways meet: cells, and values that take a cell's name
loops, search, carried          what a loop carries from one turn to the next
names         locals, closures, globals; guards and captured arrays
statements, literals, operators, indexing, stores, sequences    the language
calls, inline, python_calls, math_calls, reductions, methods    what is called
numpy_calls, arrays, creation, views, conversions, grids        NumPy in the program's normal forms
"""

from pullback.capture.capture import Captured, Leaf, capture
from pullback.capture.frame import Guard, StaticNeededError

__all__ = ["Captured", "Guard", "Leaf", "StaticNeededError", "capture"]
