"""Levels: the order in which transforms began, which decides who handles an operation first.

Every transform takes a level of its own, never used before, so that a value that outlives its transform
cannot be mistaken for a value of another, and the perturbations of nested transforms are never confused
(Siskind & Pearlmutter, *Perturbation confusion and referential transparency*, 2005).
"""

from __future__ import annotations

import itertools

_levels = itertools.count()


def next_level() -> int:
    """A level higher than any before it."""
    return next(_levels)
