"""Processor time of functions that take turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

TURNS, TURN_SECONDS, WARM_SECONDS, LONGEST_SECONDS = 25, 0.01, 0.1, 10.0


def medians(candidates: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Seconds for one call of each candidate: the median of its turns, fewer where a call is long.

    The time is that of the process, because JAX works in threads of its own. A turn begins with a call that
    is not counted, as the caches hold what the candidate before has left, unless calls are long.
    """
    loops, seconds = {}, {}
    for name, run in candidates.items():
        run()
        start = time.process_time()
        run()
        seconds[name] = max(time.process_time() - start, 1e-7)
        loops[name] = max(1, int(TURN_SECONDS / seconds[name]))
    turns = max(3, min(TURNS, int(LONGEST_SECONDS / sum(seconds.values()))))
    samples: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(turns):
        for name, run in candidates.items():
            repeats = range(loops[name])
            if seconds[name] < WARM_SECONDS:
                run()
            start = time.process_time()
            for _ in repeats:
                run()
            samples[name].append((time.process_time() - start) / loops[name])
    return {name: statistics.median(taken) for name, taken in samples.items()}
