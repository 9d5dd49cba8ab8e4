"""Array functions written as loops, by topic; importing this registers them all in `optimize.rewrites`."""

from pullback.optimize.arrays import create, extrema, joins, moments, pick, products, reduce, scans, shapes

__all__ = ["create", "extrema", "joins", "moments", "pick", "products", "reduce", "scans", "shapes"]
