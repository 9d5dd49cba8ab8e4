"""The collector is off for a while, on again as it was, and what others have frozen stays so."""

from __future__ import annotations

import gc

import pytest

from pullback.base.collector import collector_paused


@pytest.mark.parametrize("on", [True, False])
def test_it_is_on_afterwards_if_it_was(on: bool) -> None:
    was_on = gc.isenabled()
    (gc.enable if on else gc.disable)()
    try:
        with pytest.raises(ZeroDivisionError), collector_paused():
            assert gc.isenabled() or 1 / 0
        assert gc.isenabled() is on
    finally:
        (gc.enable if was_on else gc.disable)()


def test_what_lives_is_old_and_what_is_frozen_stays_frozen() -> None:
    with collector_paused():
        made = [[] for _ in range(1000)]
    assert gc.get_freeze_count() == 0
    assert any(part is made for part in gc.get_objects(generation=2))
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with collector_paused():
            pass
        assert gc.get_freeze_count() >= frozen > 0
    finally:
        gc.unfreeze()
