"""The comparison: what is installed is compared, what is not is named."""

import importlib

from pullback.cli import trace


def test_gradients_agree_and_absent_peers_are_named():
    peers = {
        "HIPS autograd": trace.by_autograd,
        "nobody": lambda x1, x2: importlib.import_module("nobody_has_this"),
    }
    steps = []
    timings, absent = trace.compare(steps.append, size=5, rounds=2, calls=2, peers=peers)
    assert [timing.name for timing in timings] == [*trace.OURS, "HIPS autograd"]
    assert absent == ["nobody"]
    assert all(timing.difference < 1e-13 and 0 < timing.seconds < 1 for timing in timings)
    assert len(steps) == 2
