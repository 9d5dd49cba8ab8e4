"""`collector_paused`: Python's cyclic garbage collector off for a while.

A compilation makes a few million objects and keeps most of them to its end, so that every collection walks
them all and frees next to nothing: an eighth of a first call.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Nothing is collected meanwhile; afterwards the collector is on if it was.

    What there is then counts as old, without a walk over all that is young (unless somebody has frozen
    objects, who would have them back).
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()
