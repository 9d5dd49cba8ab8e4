"""What is known of the BLAS that NumPy was built with."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np


@functools.cache
def copies_nothing() -> bool:
    """Whether small real products copy nothing: NumPy has OpenBLAS, on a processor for which it does so.

    OpenBLAS (0.3.17 on, with AVX-512) has kernels for up to 10⁶ multiplications which copy nothing into
    another order.
    """
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {}).get("name", "")
    found = config.get("SIMD Extensions", {}).get("found", [])
    return "openblas" in blas and not {"AVX512_SKX", "X86_V4"}.isdisjoint(found)
