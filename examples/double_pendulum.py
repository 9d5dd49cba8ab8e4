"""How long a gradient through chaos is worth something: the double pendulum.

    python examples/double_pendulum.py

Two equal pendulums, one hanging from the other, without friction, released from rest at large angles. The
quantity is the height of the lower bob at the end, and its derivative is by the first starting angle. It is
computed by the reverse sweep of the compiled program, by its tangent-linear run (forward mode), by finite
differences, and by the reverse sweep with steps half as long.

What is shown: the derivative grows like exp(λt), with the Lyapunov exponent λ. A finite difference over ε is
wrong once ε times the derivative is no longer small. The other three last longer, and fail together: once the
error of a step, or the rounding of a number, has grown to the size of the pendulum, the discrete solution is
not the flow any more. A program that rounds in another order (as the compiled reverse sweep and
tangent-linear run do) is on another solution, and its gradient, exact for what it computes, is another one.
Where both modes run the very same operations, as the tape and the forward engine do in NumPy, they agree to
rounding even there: the derivative of the program is exact for ever, and says nothing about the pendulum.

Compared with: the energy, which is conserved; the tangent-linear run; the times at which an error of ε at the
start has grown to 1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import pullback as pb

PICTURE = Path(__file__).parent / "pictures" / "double_pendulum.png"
GRAVITY, DIFFERENCE = 9.81, 1e-7
START = np.array([2.0, 2.2])


def slope(state: Any) -> Any:
    """Angles from the vertical and angular velocities of two pendulums of mass 1 and length 1."""
    a, b, u, v = state[0], state[1], state[2], state[3]
    s, c = np.sin(a - b), np.cos(a - b)
    scale = 1 / (2 - c * c)
    du = (-GRAVITY * (2 * np.sin(a) - c * np.sin(b)) - s * (v * v + c * u * u)) * scale
    dv = (2 * s * u * u - 2 * GRAVITY * np.sin(b) + c * (2 * GRAVITY * np.sin(a) + s * v * v)) * scale
    return np.stack([u, v, du, dv])


def run(angles: Any, steps: Any, h: Any) -> Any:
    """The state after `steps` Runge-Kutta steps of order 4 from rest."""
    state = np.concatenate([angles, np.zeros(2)])
    for _ in range(steps):
        k1 = slope(state)
        k2 = slope(state + 0.5 * h * k1)
        k3 = slope(state + 0.5 * h * k2)
        k4 = slope(state + h * k3)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return state


@pb.compile
def height(angles: Any, steps: Any, h: Any) -> Any:
    """The height of the lower bob at the end."""
    state = run(angles, steps, h)
    return -np.cos(state[0]) - np.cos(state[1])


def energy(state: Any) -> Any:
    a, b, u, v = state
    return u * u + v * v / 2 + u * v * np.cos(a - b) - GRAVITY * (2 * np.cos(a) + np.cos(b))


def main(
    longest: float = 40.0, every: float = 1.0, per_second: int = 1000, coarse: int = 40, picture: bool = True
) -> dict[str, Any]:
    """Derivatives for growing times; what is checked, by name."""
    gradient, aside = pb.grad(height), np.array([1.0, 0.0])
    times = np.arange(every, longest + every / 2, every)
    reverse, tangent, differences, finer = (np.empty(len(times)) for _ in range(4))
    for i, t in enumerate(times):
        n, h = round(t * per_second), 1 / per_second
        reverse[i] = gradient(START, n, h)[0]
        finer[i] = gradient(START, 2 * n, h / 2)[0]
        tangent[i] = along(height, aside, n, h)
        up, down = (height(START + sign * DIFFERENCE * aside, n, h) for sign in (1, -1))
        differences[i] = (up - down) / (2 * DIFFERENCE)

    # The same operations in both modes, beyond the time when nothing else agrees.
    n, h = round(longest * coarse), 1 / coarse
    eager = height.function
    by_tape, by_dual = pb.grad(eager, engine="tape")(START, n, h)[0], along(eager, aside, n, h)

    tops = np.maximum.accumulate(np.abs(reverse))
    exponent = float(np.polyfit(times, np.log(tops), 1)[0])
    end = pb.compile(run)(START, round(10 * per_second), 1 / per_second)
    off = np.abs(reverse - tangent) / np.abs(tangent)
    result = {
        "exponent": exponent,
        "growth": tops[-1],
        "energy": abs(energy(end) / energy(np.array([*START, 0.0, 0.0])) - 1),
        "agreement early": off[times <= 5].max(),
        "same operations": abs(by_tape / by_dual - 1),
        "differences fail": first_beyond(times, differences, reverse),
        "expected": reached(times, tops * DIFFERENCE),
        "modes part": first_beyond(times, tangent, reverse),
        "gradient fails": first_beyond(times, finer, reverse),
        "times": times, "reverse": reverse, "tangent": tangent, "differences": differences, "finer": finer,
    }  # fmt: skip
    print(f"double pendulum from {START} rad, steps of 1/{per_second} s, up to {longest:g} s")
    print(f"  energy drift in 10 s                       {result['energy']:.1e}   exact: 0")
    print(f"  reverse against tangent-linear, 5 s        {result['agreement early']:.1e}   exact: 0")
    print(f"  the same, {longest:g} s, on the eager engines     {result['same operations']:.1e}   exact: 0")
    print(f"  largest derivative                         {result['growth']:.1e}   λ = {exponent:.2f}/s")
    print(f"  finite differences are wrong after         {result['differences fail']:4.1f} s", end="  ")
    print(f" {DIFFERENCE:.0e} × derivative reaches 1 at {result['expected']:.1f} s")
    print(f"  compiled modes part after                  {result['modes part']:4.1f} s", end="  ")
    print(f" rounding × derivative reaches 1 at {reached(times, tops * np.finfo(float).eps):.1f} s")
    print(f"  the gradient is not the flow's after       {result['gradient fails']:4.1f} s")
    if picture:
        draw(result)
    return result


def along(function: Any, direction: Any, steps: int, h: float) -> Any:
    """The tangent-linear run."""
    return pb.jvp(lambda angles: function(angles, steps, h), (START,), (direction,))[1]


def reached(times: Any, growing: Any) -> float:
    """The first time at which what grows has reached 1; infinity if it has not."""
    return float(times[np.argmax(growing >= 1)]) if growing[-1] >= 1 else np.inf


def first_beyond(times: Any, found: Any, expected: Any, wrong: float = 0.5) -> float:
    """The first time after which `found` is wrong by half its size; infinity if it never is."""
    off = np.abs(found - expected) > wrong * np.abs(expected)
    return float(times[np.argmax(off)]) if off.any() else np.inf


def draw(result: dict[str, Any]) -> None:
    """The landscape at three times, and how far each derivative can be trusted."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
    angles = START[0] + np.linspace(-0.05, 0.05, 601)
    for t, colour in ((3, "C0"), (8, "C1"), (16, "0.6")):
        values = [height(np.array([a, START[1]]), 1000 * t, 1e-3) for a in angles]
        left.plot(
            angles - START[0], values, color=colour, lw=1.2 if t < 16 else 0.7, label=f"{t} s", zorder=20 - t
        )
    left.set(xlabel="change of the starting angle / rad", ylabel="height of the lower bob at the end / m",
             title="what the gradient is a gradient of")  # fmt: skip
    left.legend(loc="lower left")
    times, reverse, exponent = result["times"], result["reverse"], result["exponent"]
    middle.semilogy(times, np.abs(reverse), "o", ms=4, label="reverse sweep")
    middle.semilogy(times, np.abs(result["tangent"]), "-", lw=1, color="C1", label="tangent-linear run")
    middle.semilogy(
        times,
        np.abs(result["differences"]),
        "x",
        ms=4,
        color="0.5",
        label=f"differences, ε = {DIFFERENCE:.0e}",
    )
    tops = np.maximum.accumulate(np.abs(reverse))
    offset = np.mean(np.log(tops) - exponent * times)
    middle.semilogy(
        times, np.exp(exponent * times + offset), "--", color="C3", label=f"exp(λt), λ = {exponent:.2f}/s"
    )
    middle.set(xlabel="time / s", ylabel="|∂ height / ∂ angle|", title="its growth")
    middle.legend()
    for name, label, style in (
        ("tangent", "tangent-linear run", "o"), ("differences", "finite differences", "x"),
        ("finer", "reverse, steps halved", "s"),
    ):  # fmt: skip
        off = np.abs(result[name] - reverse) / np.abs(reverse)
        right.semilogy(times, np.maximum(off, 1e-17), style, ms=4, label=label)
    right.axhline(0.5, color="0.5", lw=1)
    last = result["gradient fails"]
    if np.isfinite(last):
        right.axvspan(last, times[-1], color="C3", alpha=0.12, lw=0)
        right.text(
            (last + times[-1]) / 2,
            1e-9,
            "exact for the program,\nmeaningless for\nthe pendulum",
            ha="center",
            color="C3",
        )
    right.set(xlabel="time / s", ylabel="relative difference from the reverse sweep", title="what agrees",
              ylim=(1e-17, 1e5))  # fmt: skip
    right.legend(loc="upper left", fontsize="small")
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
