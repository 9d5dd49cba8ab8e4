"""Array functions written as loops, by topic; importing this registers them all in `optimize.rewrites`."""

from pullback.optimize.arrays import extrema, moments, reduce

__all__ = ["extrema", "moments", "reduce"]
