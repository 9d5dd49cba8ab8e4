"""What each function's derivative is. The table (`rules.table`) is filled by the files beside it, one topic each."""

from pullback.rules import (
    bessel,
    cast,
    complex,
    determinant,
    diagonal,
    einsum,
    extrema,
    index,
    interpolate,
    join,
    linalg,
    norm,
    overwrite,
    powers,
    product,
    products,
    repeat,
    rounding,
    scalar,
    scatter,
    selection,
    shape,
    sinc,
    trace,
)

__all__ = [
    "bessel", "cast", "complex", "determinant", "diagonal", "einsum", "extrema", "index", "interpolate", "join",
    "linalg", "norm", "overwrite", "powers", "product", "products", "repeat", "rounding", "scalar", "scatter",
    "selection", "shape", "sinc", "trace",
]  # fmt: skip
