"""The Fourier transforms of scipy.fft: NumPy's rows for SciPy's functions, and hfft of several axes.

``hfftn(x) = irfftn(conj(x))`` and ``ihfftn(x) = conj(rfftn(x))``, each under the other normalisation.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import scipy.fft

from pullback.rules.domain import array, call
from pullback.rules.fft import SWAPPED, transforms
from pullback.rules.scipy_linalg.calling import followed
from pullback.rules.table import calls, linear, rule_for, vjp

_NAMES = (
    "fft ifft rfft irfft hfft ihfft fft2 ifft2 rfft2 irfft2 hfft2 ihfft2 fftn ifftn rfftn irfftn "
    "hfftn ihfftn fftshift ifftshift fftfreq rfftfreq"
).split()
FUNCTIONS: dict[str, Callable[..., Any]] = {name: followed(getattr(scipy.fft, name)) for name in _NAMES}
"""SciPy's transforms under their names, for engines to follow."""

transforms(SimpleNamespace(**FUNCTIONS))


def _conjugated(name: str, plain: str, default: Any, of_argument: bool) -> None:
    """A transform that conjugates its argument, or its result, and is `plain` under the other norm."""
    pulled = rule_for(FUNCTIONS[plain]).vjps[0].function

    @vjp(FUNCTIONS[name], 0, reads="", holomorphic=False)
    def hfftn_vjp(
        y_bar: Any, y: Any, x: Any, s: Any = None, axes: Any = default, norm: Any = None, *rest: Any,
        **options: Any,
    ) -> Any:  # fmt: skip
        if of_argument:
            return np.conj(pulled(y_bar, y, x, s, axes, SWAPPED[norm]))
        return pulled(np.conj(y_bar), y, x, s, axes, SWAPPED[norm])

    linear(FUNCTIONS[name], 0)


for _axes, _default in (("2", (-2, -1)), ("n", None)):
    _conjugated(f"hfft{_axes}", f"irfft{_axes}", _default, of_argument=True)
    _conjugated(f"ihfft{_axes}", f"rfft{_axes}", _default, of_argument=False)
    _examples = [
        call(array(3, 4)),
        call(array(4, 3), (2, 5), (1, 0), "ortho"),
        call(array(2, 3, 5), None, (2, 1), "forward"),
    ]
    calls(FUNCTIONS[f"hfft{_axes}"], *_examples)
    calls(FUNCTIONS[f"ihfft{_axes}"], *_examples, complex=False)
