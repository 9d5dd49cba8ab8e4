"""Array functions written as loops, by topic; importing this registers them all in `optimize.rewrites`."""

from pullback.optimize.arrays import reduce

__all__ = ["reduce"]
