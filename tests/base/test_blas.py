"""What is known of NumPy's BLAS."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.base.blas import copies_nothing


def test_whether_the_kernels_exist_is_read_from_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    for blas, found, expected in [
        ("scipy-openblas", ["AVX512F", "AVX512_SKX"], True),
        ("openblas", ["X86_V3", "X86_V4"], True),
        ("scipy-openblas", ["X86_V3"], False),
        ("accelerate", [], False),
        ("mkl-sdl", ["X86_V4"], False),
    ]:
        config = {"Build Dependencies": {"blas": {"name": blas}}, "SIMD Extensions": {"found": found}}
        monkeypatch.setattr(np, "show_config", lambda mode, config=config: config)
        assert copies_nothing.__wrapped__() is expected
    monkeypatch.setattr(np, "show_config", lambda mode: {})
    assert copies_nothing.__wrapped__() is False
