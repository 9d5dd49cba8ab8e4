"""Rules of scipy.sparse: products, and systems solved directly and by iteration.

The engines import this folder when a tracked value meets a sparse matrix; nothing else in `rules` imports
scipy.sparse.
"""

from pullback.rules.scipy_sparse import products, solvers, structure

__all__ = ["products", "solvers", "structure"]
