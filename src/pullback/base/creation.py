"""The functions that make an array like another: their result has no derivative, and can be written into."""

from __future__ import annotations

import numpy as np

CREATION = frozenset({np.zeros_like, np.ones_like, np.empty_like, np.full_like})
