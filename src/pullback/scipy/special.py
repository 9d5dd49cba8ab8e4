"""A drop-in for `scipy.special`: its ufuncs as they are, its Python functions as the engines can follow them.

``from pullback.scipy import special`` in place of ``from scipy import special`` is all there is to it. A name
without a rule falls through to SciPy.
"""

from __future__ import annotations

from typing import Any

from scipy import special as _special

from pullback.rules.special.gamma import multigammaln
from pullback.rules.special.logsumexp import log_softmax, logsumexp, softmax
from pullback.rules.special.polygamma import polygamma

__all__ = ["log_softmax", "logsumexp", "multigammaln", "polygamma", "softmax"]


def __getattr__(name: str) -> Any:
    return getattr(_special, name)


def __dir__() -> list[str]:
    return sorted({*__all__, *dir(_special)})
