"""Random programs in the language of the native engine.

narrow       few forms, deep nesting: loops, branches, stores and views of vectors and matrices
wide         many forms: shapes, dtypes, indexing, closures, loops over arrays
rich         what the wide ones lack: layouts, overlaps, every augmented store, convergence, dynamic slices
arrays       the array expressions of the wide ones
"""

from programs.narrow import program
from programs.rich import rich
from programs.wide import wide

__all__ = ["program", "rich", "wide"]
