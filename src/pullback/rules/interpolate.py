"""``interp`` in all its arguments, and ``unwrap``.

Conventions for ``interp``: at a knot the slope is the right-hand one, at the last knot the left-hand one;
outside, the value is constant. ``unwrap`` adds a piecewise constant, so its derivative is the identity. (de
Boor, *A Practical Guide to Splines*, 1978, ch. III.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.errors import UnsupportedError
from pullback.base.spec import dtype_of, spec_of
from pullback.base.tracked import bare
from pullback.rules.cast import in_double
from pullback.rules.domain import array, call
from pullback.rules.scatter import scatter
from pullback.rules.table import calls, jvp, refuse, vjp


class Segment:
    """Where each x lies: `start` and `stop` index the ends of its interval, `share` is how far along."""

    def __init__(self, x: Any, xp: Any, period: Any) -> None:
        if period is not None:
            raise UnsupportedError(
                "numpy.interp(period=...) has no derivative rule",
                why="it sorts the knots and repeats them",
                remedy="take x % period yourself and repeat the first and last knot.",
            )
        self.x = x
        self.knots = in_double(xp)
        x, knots = bare(x), bare(self.knots)
        last = np.size(knots) - 1
        self.start = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, max(last - 1, 0))
        self.stop = np.minimum(self.start + 1, last)
        self.below = x < knots[0]
        self.above = x > knots[-1]

    @property
    def inside(self) -> Any:
        return ~(self.below | self.above)

    def share(self) -> Any:
        width = self.knots[self.stop] - self.knots[self.start]
        share = (self.x - self.knots[self.start]) / width
        return np.where(self.below, 0, np.where(self.above, 1, share))

    def slope(self, fp: Any) -> Any:
        values = in_double(fp)
        rise = values[self.stop] - values[self.start]
        return np.where(self.inside, rise / (self.knots[self.stop] - self.knots[self.start]), 0)

    def ends(self, left: Any, right: Any) -> Any:
        """Where the value follows `fp`: everywhere, but not outside on a side that has a value of its own."""
        return ~((self.below & (left is not None)) | (self.above & (right is not None)))


@vjp(np.interp, 0, reads="x xp fp")
def interp_vjp_x(
    y_bar: Any, y: Any, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    return y_bar * Segment(x, xp, period).slope(fp)


@jvp(np.interp, 0, reads="x xp fp")
def interp_jvp_x(
    x_dot: Any, y: Any, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    return x_dot * Segment(x, xp, period).slope(fp)


@vjp(np.interp, 1, reads="x xp fp")
def interp_vjp_knots(
    y_bar: Any, y: Any, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    segment = Segment(x, xp, period)
    return spread(-segment.slope(fp) * y_bar, segment, fp)


@jvp(np.interp, 1, reads="x xp fp")
def interp_jvp_knots(
    x_dot: Any, y: Any, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    segment = Segment(x, xp, period)
    return -segment.slope(fp) * gather(x_dot, segment)


@vjp(np.interp, 2, reads="x xp left right")
def interp_vjp_values(
    y_bar: Any, y: Any, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    segment = Segment(x, xp, period)
    return spread(np.where(segment.ends(left, right), y_bar, 0), segment, fp)


@jvp(np.interp, 2, reads="x xp left right")
def interp_jvp_values(
    x_dot: Any, y: Any, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    segment = Segment(x, xp, period)
    return np.where(segment.ends(left, right), gather(x_dot, segment), 0)


@vjp(np.interp, 3, reads="x xp")
def interp_vjp_left(
    y_bar: Any, y: Any, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    return np.where(Segment(x, xp, period).below, y_bar, 0)


@jvp(np.interp, 3, reads="x xp")
def interp_jvp_left(
    x_dot: Any, y: Any, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    return np.where(Segment(x, xp, period).below, x_dot, 0)


@vjp(np.interp, 4, reads="x xp")
def interp_vjp_right(
    y_bar: Any, y: Any, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    return np.where(Segment(x, xp, period).above, y_bar, 0)


@jvp(np.interp, 4, reads="x xp")
def interp_jvp_right(
    x_dot: Any, y: Any, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    return np.where(Segment(x, xp, period).above, x_dot, 0)


def gather(knot_values: Any, segment: Segment) -> Any:
    """The values at the knots, interpolated."""
    values = np.stack(knot_values) if isinstance(knot_values, list | tuple) else knot_values
    share = segment.share()
    return (1 - share) * values[segment.start] + share * values[segment.stop]


def spread(cotangent: Any, segment: Segment, fp: Any) -> Any:
    """The adjoint of `gather`."""
    share = segment.share()
    spec = type(spec_of(cotangent))((len(segment.knots),), dtype_of(cotangent))
    return scatter((1 - share) * cotangent, segment.start, spec) + scatter(
        share * cotangent, segment.stop, spec
    )


refuse(np.interp, "the period only says which knots to repeat", 5)
_KNOTS = np.array([-0.9, -0.3, 0.2, 0.8])
_POINTS = np.array([[-2.0, -0.6, 0.0], [0.5, 0.6, 1.7]])
calls(
    np.interp,
    call(_POINTS, _KNOTS, array(4)),
    call(array(3, low=-0.2, high=0.1), _KNOTS, array(4)),
    call(_POINTS, _KNOTS, array(4), left=0.5),
    call(_POINTS, _KNOTS, array(4), array(), array()),
    complex=False,
)


@vjp(np.unwrap, 0, reads="")
def unwrap_vjp(y_bar: Any, y: Any, p: Any, discont: Any = None, axis: int = -1, *, period: float = 0) -> Any:
    return y_bar


@jvp(np.unwrap, 0, reads="")
def unwrap_jvp(x_dot: Any, y: Any, p: Any, discont: Any = None, axis: int = -1, *, period: float = 0) -> Any:
    return x_dot


refuse(np.unwrap, "the discontinuity decides between branches only", 1)
calls(
    np.unwrap,
    call(np.array([0.0, 2.0, 6.9, 13.0, -3.0])),
    call(_POINTS * 3, axis=0, period=4.0),
    complex=False,
)
