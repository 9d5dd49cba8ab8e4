"""convolve and correlate in every mode: the adjoint of a convolution is one with the reversed kernel.

correlate conjugates its second argument, so its rules obey the complex convention themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.rules.domain import array, call
from pullback.rules.table import calls, linear, vjp


def _full_convolution(y_bar: Any, start: int, length: int) -> Any:
    """The cotangent of the full product, `length` long, of which the output is the part from `start`."""
    size = np.shape(y_bar)[0]
    if size == length:
        return y_bar
    before = np.zeros(start, np.result_type(y_bar))
    return np.concatenate((before, y_bar, np.zeros(length - start - size, before.dtype)))


def _start(mode: Any, longer: int, shorter: int) -> int:
    """Where in the full product of `longer` and `shorter` the output of `mode` begins."""
    kind = "vsf"[mode] if isinstance(mode, int) else mode[0].lower()
    return {"f": 0, "s": (shorter - 1) // 2, "v": shorter - 1}[kind]


def _convolve_seed(y_bar: Any, a: Any, v: Any, mode: Any) -> Any:
    n, m = np.size(a), np.size(v)
    return _full_convolution(y_bar, _start(mode, max(n, m), min(n, m)), n + m - 1)


@vjp(np.convolve, 0, reads="v mode")
def convolve_a_vjp(y_bar: Any, y: Any, a: Any, v: Any, mode: Any = "full") -> Any:
    seed = _convolve_seed(y_bar, a, v, mode)
    return np.reshape(np.convolve(seed, np.ravel(v)[::-1], "valid"), np.shape(a))


@vjp(np.convolve, 1, reads="a mode")
def convolve_v_vjp(y_bar: Any, y: Any, a: Any, v: Any, mode: Any = "full") -> Any:
    seed = _convolve_seed(y_bar, a, v, mode)
    return np.reshape(np.convolve(seed, np.ravel(a)[::-1], "valid"), np.shape(v))


linear(np.convolve, 0, 1)


def _correlate_seed(y_bar: Any, a: Any, v: Any, mode: Any) -> Any:
    n, m = np.size(a), np.size(v)
    # NumPy correlates the longer with the shorter and reverses the result, which matters for "same".
    start = _start(mode, max(n, m), min(n, m))
    return _full_convolution(y_bar, start if n >= m else n + m - 1 - start - np.size(y_bar), n + m - 1)


@vjp(np.correlate, 0, reads="v mode", holomorphic=False)
def correlate_a_vjp(y_bar: Any, y: Any, a: Any, v: Any, mode: Any = "valid") -> Any:
    return np.reshape(np.convolve(_correlate_seed(y_bar, a, v, mode), np.ravel(v), "valid"), np.shape(a))


@vjp(np.correlate, 1, reads="a mode", holomorphic=False)
def correlate_v_vjp(y_bar: Any, y: Any, a: Any, v: Any, mode: Any = "valid") -> Any:
    seed = _correlate_seed(y_bar, a, v, mode)
    kernel_bar = np.convolve(seed, np.conj(np.ravel(a))[::-1], "valid")
    return np.reshape(np.conj(kernel_bar)[::-1], np.shape(v))


linear(np.correlate, 0, 1)
for _function in (np.convolve, np.correlate):
    calls(
        _function,
        *(
            call(array(n), array(m), mode)
            for mode in ("full", "same", "valid")
            for n, m in (
                (5, 3),
                (5, 4),
                (6, 3),
                (6, 4),
                (3, 5),
                (4, 5),
                (3, 6),
                (4, 6),
                (4, 4),
                (1, 3),
                (3, 1),
            )
        ),
    )
    calls(_function, call(array(5), array(2)))
calls(np.convolve, call(array(), array(2)), call(array(3), array()))
