"""Array functions written as loops, by topic; importing this registers them all in `optimize.rewrites`."""

from pullback.optimize.arrays import (
    create,
    einsum,
    extrema,
    joins,
    moments,
    pick,
    products,
    reduce,
    scans,
    shapes,
)

__all__ = ["create", "einsum", "extrema", "joins", "moments", "pick", "products", "reduce", "scans", "shapes"]
