"""The types of single numbers that arrays of floating and complex numbers have, and Python's."""

from __future__ import annotations

import numpy as np

DOUBLES = frozenset({float, np.float64})
REALS = DOUBLES | {np.float32}
COMPLEXES = frozenset({complex, np.complex128, np.complex64})
NUMBERS = REALS | COMPLEXES
