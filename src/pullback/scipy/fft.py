"""A drop-in for `scipy.fft`: its transforms as the engines can follow them.

``from pullback.scipy import fft`` in place of ``from scipy import fft`` is all there is to it. A name without
a rule falls through to SciPy. In the source of a compiled function SciPy's own names serve as well.
"""

from __future__ import annotations

from typing import Any

from scipy import fft as _fft

from pullback.rules.scipy_fft import fourier, trigonometric

_OURS = {**fourier.FUNCTIONS, **trigonometric.FUNCTIONS}


def __getattr__(name: str) -> Any:
    return _OURS[name] if name in _OURS else getattr(_fft, name)


def __dir__() -> list[str]:
    return dir(_fft)
