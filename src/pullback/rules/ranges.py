"""`linspace`, `logspace`, `geomspace`: each entry lies at a fixed share of the way from start to stop.

With the shares w they are ``(1 - w) start + w stop``, ``base`` to that, and ``start (stop / start)^w``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.spec import dtype_of
from pullback.rules.domain import array, call
from pullback.rules.table import calls, jvp, vjp, whole


def shares(y: Any, num: Any, endpoint: Any, axis: int, stop: bool) -> Any:
    """The share of stop (or of start) in each entry of `y`, shaped to be multiplied with it."""
    w = np.arange(num) / max(num - 1 if endpoint else num, 1)
    dtype = dtype_of(y)
    w = (w if stop else 1 - w).astype(dtype.type(0).real.dtype if dtype.kind in "fc" else float)
    return np.reshape(w, tuple(num if i == axis % np.ndim(y) else 1 for i in range(np.ndim(y))))


def linspace_bar(stop: bool, y_bar: Any, y: Any, num: Any, endpoint: Any, retstep: Any, axis: int) -> Any:
    """The cotangent of stop, or of start."""
    if not retstep:
        return np.sum(y_bar * shares(y, num, endpoint, axis, stop), axis=axis)
    summed = np.sum(y_bar[0] * shares(y[0], num, endpoint, axis, stop), axis=axis)
    intervals = num - 1 if endpoint else num
    if not intervals:
        return summed
    return summed + y_bar[1] / intervals if stop else summed - y_bar[1] / intervals


def _linspace_rules(of_stop: bool) -> None:
    def linspace_vjp(
        y_bar: Any, y: Any, start: Any, stop: Any, num: Any = 50, endpoint: Any = True, retstep: Any = False,
        dtype: Any = None, axis: int = 0,
    ) -> Any:  # fmt: skip
        return linspace_bar(of_stop, y_bar, y, num, endpoint, retstep, axis)

    vjp(np.linspace, int(of_stop), reads="num endpoint retstep axis")(linspace_vjp)


_linspace_rules(False)
_linspace_rules(True)


@jvp(np.linspace, 0, reads="num endpoint retstep dtype axis")
def linspace_start_jvp(start_dot: Any, y: Any, start: Any, stop: Any, *args: Any, **kwargs: Any) -> Any:
    return np.linspace(start_dot, np.zeros(np.shape(stop), dtype_of(start_dot)), *args, **kwargs)


@jvp(np.linspace, 1, reads="num endpoint retstep dtype axis")
def linspace_stop_jvp(stop_dot: Any, y: Any, start: Any, stop: Any, *args: Any, **kwargs: Any) -> Any:
    return np.linspace(np.zeros(np.shape(start), dtype_of(stop_dot)), stop_dot, *args, **kwargs)


def logspace_slope(
    position: int, y: Any, start: Any, stop: Any, num: Any, endpoint: Any, base: Any, axis: int
) -> Any:
    """The derivative of each entry of ``base ** linspace(start, stop)`` by one of the three."""
    if position == 4:
        return y * np.linspace(start, stop, num, endpoint, axis=axis) / base
    return y * np.log(base) * shares(y, num, endpoint, axis, position == 1)


def _logspace_rules(position: int) -> None:
    def logspace_vjp(
        y_bar: Any, y: Any, start: Any, stop: Any, num: Any = 50, endpoint: Any = True, base: Any = 10.0,
        dtype: Any = None, axis: int = 0,
    ) -> Any:  # fmt: skip
        slope = logspace_slope(position, y, start, stop, num, endpoint, base, axis)
        return np.sum(y_bar * slope, axis=axis)

    def logspace_jvp(
        x_dot: Any, y: Any, start: Any, stop: Any, num: Any = 50, endpoint: Any = True, base: Any = 10.0,
        dtype: Any = None, axis: int = 0,
    ) -> Any:  # fmt: skip
        slope = logspace_slope(position, y, start, stop, num, endpoint, base, axis)
        return slope * np.expand_dims(x_dot + np.zeros(_without(y, axis), dtype_of(x_dot)), axis)

    vjp(np.logspace, position)(logspace_vjp)
    jvp(np.logspace, position)(logspace_jvp)


def _without(y: Any, axis: int) -> tuple[int, ...]:
    """The shape of `y` without `axis`."""
    shape = list(np.shape(y))
    del shape[axis]
    return tuple(shape)


for _position in (0, 1, 4):
    _logspace_rules(_position)


def _geomspace_rules(position: int) -> None:
    def slope(y: Any, start: Any, stop: Any, num: Any, endpoint: Any, axis: int) -> Any:
        end = np.expand_dims((stop if position else start) + np.zeros(_without(y, axis)), axis)
        return y * shares(y, num, endpoint, axis, position == 1) / end

    def geomspace_vjp(
        y_bar: Any, y: Any, start: Any, stop: Any, num: Any = 50, endpoint: Any = True, dtype: Any = None,
        axis: int = 0,
    ) -> Any:  # fmt: skip
        return np.sum(y_bar * slope(y, start, stop, num, endpoint, axis), axis=axis)

    def geomspace_jvp(
        x_dot: Any, y: Any, start: Any, stop: Any, num: Any = 50, endpoint: Any = True, dtype: Any = None,
        axis: int = 0,
    ) -> Any:  # fmt: skip
        moved = np.expand_dims(x_dot + np.zeros(_without(y, axis), dtype_of(x_dot)), axis)
        return slope(y, start, stop, num, endpoint, axis) * moved

    vjp(np.geomspace, position)(geomspace_vjp)
    jvp(np.geomspace, position)(geomspace_jvp)


_geomspace_rules(0)
_geomspace_rules(1)
for _function in (np.linspace, np.logspace, np.geomspace):
    whole(_function, 2)

calls(
    np.linspace,
    call(array(), array(), 5),
    call(array(3), array(2, 1), 4, False),
    call(array(2), 3.0, 4, axis=-1),
    call(array(), array(3), num=3, retstep=True),
    call(array(), array(), 1),
    call(array(), array(), 4, False, True),
)
calls(
    np.logspace,
    call(array(), array(), 5),
    call(array(3), array(2, 1), 4, False, array(low=1, high=2)),
    call(array(2), 1.5, 3, axis=1, base=3.0),
)
calls(
    np.geomspace,
    call(array(low=0.5, high=1), array(low=2, high=3), 5),
    call(array(3, low=0.5, high=1), array(2, 1, low=2, high=3), 4, False),
    call(array(2, low=1, high=2), 0.3, 3, axis=-1),
    complex=False,
)
