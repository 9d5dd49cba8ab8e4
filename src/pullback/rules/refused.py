"""Functions of NumPy that give no derivative, each with its reason; tests of values, which are constant."""

from __future__ import annotations

import numpy as np

from pullback.rules.table import constant, refuse

constant(np.all, np.any, np.isin, np.packbits, np.unpackbits, np.einsum_path)

for _function in (np.save, np.savez, np.savez_compressed, np.savetxt):
    refuse(_function, "it writes the bare numbers to a file; pass pb.stop_gradient(x)")
for _function in (np.intersect1d, np.setdiff1d, np.setxor1d, np.union1d):
    refuse(_function, "which entries it returns depends on exact equality; index the array yourself")
for _name in ("unique_all", "unique_counts", "unique_inverse", "unique_values"):
    refuse(getattr(np, _name), "which entries it returns depends on exact equality; index the array yourself")
refuse(
    np.roots,
    "they are the eigenvalues of a companion matrix; give the derivative by the implicit function theorem, "
    "-p(r) / p'(r), with a pb.primitive",
)
refuse(
    np.polyfit,
    "it scales and solves least squares on bare numbers; use np.linalg.lstsq(np.vander(x, degree + 1), y)[0]",
)
refuse(np.polydiv, "quotient and remainder are recursions that stop by value; there is no rule for them")
