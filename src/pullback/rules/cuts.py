"""Square roots in derivatives of inverse functions, on the side of the branch cut that NumPy's value is on.

A complex number on a cut is on the side that the sign of its zero says (Kahan, *Branch cuts for complex
elementary functions*, 1987), and a sum such as ``1 - z`` forgets that sign. So the root is taken as it comes,
and turned round where it is of the other side.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.spec import dtype_of


def root_below_one(z: Any) -> Any:
    """``sqrt(1 - z²)``, the cosine of ``arcsin(z)``; cut where z is real and beyond ±1."""
    root = np.sqrt((1 - z) * (1 + z))
    if dtype_of(z).kind != "c":
        return root
    across = np.real(z) * np.imag(root)
    return root * turned(np.imag(z), across > 0, across < 0)


def root_above_one(z: Any) -> Any:
    """``sqrt(1 + z²)``, the hyperbolic cosine of ``arcsinh(z)``; cut where z is imaginary and beyond ±i."""
    root = np.sqrt(1 + z * z)
    if dtype_of(z).kind != "c":
        return root
    along = np.imag(z) * np.imag(root)
    return root * turned(np.real(z), along < 0, along > 0)


def turned(side: Any, wrong_above: Any, wrong_below: Any) -> Any:
    """-1 where `side` is the zero of a number on the cut and its root is wrong there, else 1."""
    wrong = (side == 0) & np.where(np.signbit(side), wrong_below, wrong_above)
    return np.where(wrong, np.int8(-1), np.int8(1))
