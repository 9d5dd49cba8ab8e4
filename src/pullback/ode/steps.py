"""One step of each method, and whole integrations, in the language of `pullback.compile`.

Eager engines run `rk4_step` and `dopri5_step`, too; `native_rk4` and `native_dopri5` are what a call of
`pullback.ode.solve` in compiled source is captured as. (Dormand & Prince, *A family of embedded Runge-Kutta
formulae*, 1980; the interpolant of order 4 is Shampine's, *Some practical Runge-Kutta formulas*, 1986;
control by the last two errors after Gustafsson, 1991.)
"""

# ruff: noqa: ANN001, ANN201

import numpy as np

from pullback.base.errors import ConvergenceError, ShapeError

GRID = 2.0**40
"""Fractions of the whole interval are multiples of 1 / GRID: as rounded numbers they have no derivative."""

TIMES = """pullback.ode.solve: t holds less than two times, or they are not in order
  because the state is wanted at these times, the first of them that of y0
  instead: give at least two times, each later (or each earlier) than the one before."""
MANY = """pullback.ode.solve needs more than max_steps steps
  because the tolerances are tight, or the equation is stiff, and the method is explicit
  instead: allow more max_steps, loosen rtol and atol, or write implicit steps with pb.implicit.root."""
SMALL = """pullback.ode.solve: the steps have become too small
  because the solution is singular somewhere, or f is not finite
  instead: end before the singularity, or write f so that it is finite everywhere."""
INFINITE = """pullback.ode.solve: the solution is not finite
  because it grows beyond all bounds, or the steps are too long to be stable
  instead: end earlier, or take more steps."""
"""What compiled code raises, in one text."""

SAFETY = 0.9
LEAST, MOST = 0.2, 10.0


def rk4_step(f, t, h, y, args):
    """The state after a step of the classical method of order 4."""
    k1 = f(t, y, *args)
    k2 = f(t + 0.5 * h, y + 0.5 * h * k1, *args)
    k3 = f(t + 0.5 * h, y + 0.5 * h * k2, *args)
    k4 = f(t + h, y + h * k3, *args)
    return y + h * ((k1 + k4) * (1 / 6) + (k2 + k3) * (1 / 3))


def dopri5_step(f, t, h, end, y, k1, args):
    """The state after a step of order 5, and the seven slopes; the last is the first of the next step."""
    k2 = f(t + 0.2 * h, y + h * (0.2 * k1), *args)
    k3 = f(t + 0.3 * h, y + h * (3 / 40 * k1 + 9 / 40 * k2), *args)
    k4 = f(t + 0.8 * h, y + h * (44 / 45 * k1 - 56 / 15 * k2 + 32 / 9 * k3), *args)
    k5 = f(
        t + 8 / 9 * h,
        y + h * (19372 / 6561 * k1 - 25360 / 2187 * k2 + 64448 / 6561 * k3 - 212 / 729 * k4),
        *args,
    )
    k6 = f(
        end,
        y + h * (9017 / 3168 * k1 - 355 / 33 * k2 + 46732 / 5247 * k3 + 49 / 176 * k4 - 5103 / 18656 * k5),
        *args,
    )
    moved = y + h * (35 / 384 * k1 + 500 / 1113 * k3 + 125 / 192 * k4 - 2187 / 6784 * k5 + 11 / 84 * k6)
    k7 = f(end, moved, *args)
    return moved, (k1, k2, k3, k4, k5, k6, k7)


def dopri5_between(y, h, theta, slopes):
    """The state at the fraction `theta` of a step."""
    k1, _, k3, k4, k5, k6, k7 = slopes
    s = theta * theta
    b1 = theta + s * (
        -8048581381 / 2820520608 + theta * (8663915743 / 2820520608 - theta * (12715105075 / 11282082432))
    )
    b3 = s * (
        131558114200 / 32700410799
        + theta * (-68118460800 / 10900136933 + theta * (87487479700 / 32700410799))
    )
    b4 = s * (
        -1754552775 / 470086768 + theta * (14199869525 / 1410260304 - theta * (10690763975 / 1880347072))
    )
    b5 = s * (
        127303824393 / 49829197408
        + theta * (-318862633887 / 49829197408 + theta * (701980252875 / 199316789632))
    )
    b6 = s * (-282668133 / 205662961 + theta * (2019193451 / 616988883 - theta * (1453857185 / 822651844)))
    b7 = s * (40617522 / 29380423 + theta * (-110615467 / 29380423 + theta * (69997945 / 29380423)))
    return y + h * (b1 * k1 + b3 * k3 + b4 * k4 + b5 * k5 + b6 * k6 + b7 * k7)


def dopri5_error(h, y, moved, slopes, rtol, atol):
    """The estimated error of a step, 1 where it is just the tolerance."""
    k1, _, k3, k4, k5, k6, k7 = slopes
    error = h * (
        71 / 57600 * k1 - 71 / 16695 * k3 + 71 / 1920 * k4 - 17253 / 339200 * k5 + 22 / 525 * k6 - 1 / 40 * k7
    )
    return size_of(error / (atol + rtol * np.maximum(np.abs(y), np.abs(moved))))


def size_of(x):
    """The root of the mean square of the entries; 0 if there are none."""
    return np.sqrt(np.sum(np.abs(x) ** 2) / max(np.size(x), 1))


def first_fraction(f, t, span, y, k1, args, rtol, atol):
    """The first step as a fraction of the whole interval (Hairer, Nørsett & Wanner, §II.4)."""
    scale = atol + rtol * np.abs(y)
    d0, d1 = size_of(y / scale), size_of(k1 / scale)
    length = abs(span)
    guess = min(0.01 * d0 / d1 if d0 > 1e-5 and d1 > 1e-5 else 1e-6, length)
    signed = guess if span > 0 else -guess
    k2 = f(t + signed, y + signed * k1, *args)
    d2 = size_of((k2 - k1) / scale) / guess
    most = max(d1, d2)
    other = (0.01 / most) ** 0.2 if most > 1e-15 else max(1e-6, guess * 1e-3)
    return rounded(min(100 * guess, other) / length)


def rounded(fraction):
    """A step's fraction of the interval as a whole number of the grid's."""
    return np.floor(np.maximum(np.minimum(fraction, 1.0), 1 / GRID) * GRID) / GRID


def factor_of(error, last):
    """By how much the next step is longer, after a step that has been accepted."""
    if error < 1e-10:
        return MOST
    return min(MOST, max(LEAST, SAFETY * error ** (-0.7 / 5) * max(last, 1e-4) ** (0.4 / 5)))


def in_order(t):
    """Whether there are two times and more, each later, or each earlier, than the one before."""
    fine = t.shape[0] > 1
    for i in range(t.shape[0] - 1):
        if not (t[i + 1] - t[i]) * (t[-1] - t[0]) > 0.0:
            fine = False
    return fine


def native_rk4(f, y0, t, args, steps, final):
    """The states at the times `t`, by `steps` steps of order 4 between two of them."""
    if not in_order(t):
        raise ShapeError(TIMES)
    y = y0 + 0.0
    out = np.zeros((1 if final else t.shape[0], *y0.shape), y.dtype)
    out[0] = y
    for i in range(t.shape[0] - 1):
        width = t[i + 1] - t[i]
        for j in range(steps):
            y = rk4_step(f, t[i] + width * (j / steps), width * (1 / steps), y, args)
        if not final:
            out[i + 1] = y
    if not np.all(np.isfinite(y)):
        raise ConvergenceError(INFINITE)
    return y if final else out


def native_dopri5(f, y0, t, args, rtol, atol, max_steps, final):
    """The states at the times `t`, by steps of order 5 as long as the tolerances allow."""
    if not in_order(t):
        raise ShapeError(TIMES)
    y = y0 + 0.0
    count = t.shape[0]
    out = np.zeros((1 if final else count, *y0.shape), y.dtype)
    out[0] = y
    first, span = t[0], t[count - 1] - t[0]
    k1 = f(first, y, *args)
    fraction = first_fraction(f, first, span, y, k1, args, rtol, atol)
    done, last, place, tries, rejected = 0.0, 1e-4, 1, 0, False
    while done < 1.0:
        tries += 1
        if tries > max_steps:
            raise ConvergenceError(MANY)
        if done + 1.01 * fraction >= 1.0:
            fraction = 1.0 - done
        h = fraction * span
        moved, slopes = dopri5_step(f, first + done * span, h, first + (done + fraction) * span, y, k1, args)
        error = dopri5_error(h, y, moved, slopes, rtol, atol)
        if error <= 1.0:
            if not final:
                while place < count - 1 and (t[place] - first) / span <= done + fraction:
                    theta = (t[place] - (first + done * span)) / h
                    out[place] = dopri5_between(y, h, theta, slopes)
                    place += 1
            factor = factor_of(error, last)
            done = done + fraction
            fraction = rounded(fraction * (min(factor, 1.0) if rejected else factor))
            last, rejected = error, False
            y, k1 = moved, slopes[6]
        else:
            if fraction <= 4 / GRID:
                raise ConvergenceError(SMALL)
            fraction = rounded(fraction * max(LEAST, SAFETY * error ** (-0.2)))
            rejected = True
    if not final:
        out[count - 1] = y
    return y if final else out
