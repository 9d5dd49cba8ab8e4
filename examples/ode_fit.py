"""Two fits of differential equations: lynx and hare by Lotka and Volterra, and Robertson's stiff reaction.

    python examples/ode_fit.py

**Lynx and hare.** The pelts that trappers sold to the Hudson's Bay Company, 1900 to 1920, in thousands. The
parameters are those of ``du/dt = (α - β v) u, dv/dt = (δ u - γ) v`` and the state in 1900, with priors and
noise as in Carpenter's case study (*Predator-Prey Population Dynamics: the Lotka-Volterra model in Stan*,
mc-stan.org, 2018). The solution by Runge-Kutta steps is compiled with its gradient, L-BFGS finds the largest
posterior density, and the Hessian there gives the widths. Compared with the means of that study's posterior.

**Robertson's reaction**, with rates over nine orders of magnitude, takes implicit steps: Radau IIA of order 5
(Hairer & Wanner, *Solving ODEs II*, 1996, §IV.5), each of which is a `pb.implicit.root`. Its derivatives by
the rates, up to t = 4e4, are compared with those that CVODES prints (SUNDIALS, examples/cvodes/serial,
cvsRoberts_FSA_dns, which runs with a relative tolerance of 1e-4).
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

import pullback as pb

PICTURE = Path(__file__).parent / "pictures" / "ode_fit.png"

# Year, lynx, hare in thousands of pelts. C. G. Hewitt, The Conservation of the Wild Life of Canada, 1921, and
# C. Elton & M. Nicholson, J. Anim. Ecol. 11, 215, 1942, as tabulated by P. Howard, Modeling Basics, 2009, and
# used by Carpenter (stan-dev/example-models, knitr/lotka-volterra/hudson-bay-lynx-hare.csv).
PELTS = np.array([
    (1900, 4.0, 30.0), (1901, 6.1, 47.2), (1902, 9.8, 70.2), (1903, 35.2, 77.4), (1904, 59.4, 36.3),
    (1905, 41.7, 20.6), (1906, 19.0, 18.1), (1907, 13.0, 21.4), (1908, 8.3, 22.0), (1909, 9.1, 25.4),
    (1910, 7.4, 27.1), (1911, 8.0, 40.3), (1912, 12.3, 57.0), (1913, 19.5, 76.6), (1914, 45.7, 52.3),
    (1915, 51.1, 19.5), (1916, 29.7, 11.2), (1917, 15.8, 7.6), (1918, 9.7, 14.6), (1919, 10.1, 16.2),
    (1920, 8.6, 24.7),
])  # fmt: skip

NAMES = ("α", "β", "γ", "δ")
PUBLISHED = np.array([0.55, 0.028, 0.80, 0.024])
"""Means of the posterior by Carpenter, 2018."""


# -- lynx and hare -----------------------------------------------------------------------------------------


def animals(_t: Any, state: Any, p: Any) -> Any:
    """The change of hare and lynx."""
    u, v = state[0], state[1]
    return np.stack([(p[0] - p[1] * v) * u, (p[3] * u - p[2]) * v])


def normal(x: Any, mean: Any, width: Any) -> Any:
    """The negative logarithm of a normal density, up to a constant."""
    return np.sum(((x - mean) / width) ** 2) / 2


@pb.compile
def surprise(q: Any, years: Any, pelts: Any, steps: int) -> Any:
    """Minus the logarithm of the posterior density; `q` are logarithms of α β γ δ, u₀ v₀ and the two σ."""
    p, state, sigma = np.exp(q[:4]), np.exp(q[4:6]), np.exp(q[6:8])
    found = pb.ode.solve(animals, state, years, (p,), method="rk4", steps=steps)
    prior = normal(p[0], 1.0, 0.5) + normal(p[2], 1.0, 0.5)
    prior += normal(p[1], 0.05, 0.05) + normal(p[3], 0.05, 0.05)
    prior += normal(q[4:6], np.log(10.0), 1.0) + normal(q[6:8], -1.0, 1.0) + np.sum(q[4:8])
    likelihood = normal(np.log(pelts), np.log(found), sigma) + len(years) * np.sum(q[6:8])
    return prior + likelihood


def lynx_and_hare(steps: int) -> dict[str, Any]:
    """The fit; densities are by α β γ δ, u₀ v₀ and σ themselves, so their logarithms have no Jacobian."""
    years, pelts = PELTS[:, 0] - PELTS[0, 0], np.ascontiguousarray(PELTS[:, :0:-1])
    start = np.log(np.array([0.5, 0.02, 0.7, 0.02, 30.0, 5.0, 0.5, 0.5]))
    gradient = pb.value_and_grad(surprise)
    found = minimize(gradient, start, args=(years, pelts, steps), jac=True, method="L-BFGS-B",
                     options={"ftol": 1e-14, "gtol": 1e-8})  # fmt: skip
    hessian = pb.hessian(surprise)(found.x, years, pelts, steps)
    values = np.exp(found.x)
    widths = values * np.sqrt(np.diag(np.linalg.inv(hessian)))
    return {
        "values": values,
        "widths": widths,
        "years": years,
        "gradients": found.nfev,
        "left": np.abs(found.jac).max(),
    }


# -- Robertson's reaction ----------------------------------------------------------------------------------

RATES = np.array([0.04, 1e4, 3e7])
TIMES = 4.0 * 10.0 ** np.arange(-1, 5)

# The sensitivities of y₁ y₂ y₃ by the three rates, at each of the times.
CVODES = np.array([
    [-0.35595, 3.9025e-4, 0.35556, 9.5431e-8, -2.1309e-10, -9.5218e-8, -1.5833e-11, -5.2900e-13, 1.6362e-11],
    [-1.8761, 1.7922e-4, 1.8759, 2.9614e-6, -5.8305e-10, -2.9608e-6, -4.9334e-10, -2.7626e-13, 4.9362e-10],
    [-4.2475, 4.5913e-5, 4.2475, 1.3731e-5, -2.3573e-10, -1.3730e-5, -2.2883e-9, -1.1380e-13, 2.2884e-9],
    [-5.9584, 3.5431e-6, 5.9584, 2.2738e-5, -2.2605e-11, -2.2738e-5, -3.7896e-9, -4.9948e-14, 3.7897e-9],
    [-4.7501, -5.9938e-6, 4.7501, 1.8809e-5, 2.3126e-11, -1.8809e-5, -3.1348e-9, -1.8758e-14, 3.1348e-9],
    [-1.5748, -2.7619e-6, 1.5748, 6.2870e-6, 1.1002e-11, -6.2870e-6, -1.0478e-9, -4.5362e-15, 1.0478e-9],
]).reshape(6, 3, 3)  # fmt: skip

ROOT = np.sqrt(6)
RADAU = np.array([
    [(88 - 7 * ROOT) / 360, (296 - 169 * ROOT) / 1800, (-2 + 3 * ROOT) / 225],
    [(296 + 169 * ROOT) / 1800, (88 + 7 * ROOT) / 360, (-2 - 3 * ROOT) / 225],
    [(16 - ROOT) / 36, (16 + ROOT) / 36, 1 / 9],
])  # fmt: skip


def reaction(y: Any, k: Any) -> Any:
    """The change of the three substances, which are the last axis of `y`."""
    slow, fast, pair = k[0] * y[..., 0], k[1] * y[..., 1] * y[..., 2], k[2] * y[..., 1] ** 2
    return np.stack([fast - slow, slow - fast - pair, pair], axis=-1)


def stages(inner: Any, y: Any, h: Any, k: Any) -> Any:
    """What the three inner states of a step of Radau IIA leave of their equations."""
    return inner - y - h * (RADAU @ reaction(inner, k))


def reacted(k: Any, per_decade: int) -> Any:
    """The states at `TIMES`, by steps that grow by one factor."""
    decades = np.arange(round(10 * per_decade) + 1) / per_decade
    ends = np.concatenate([[0.0], TIMES[0] * 10.0 ** (decades - 5)])
    y, found = np.array([1.0, 0.0, 0.0]), []
    guess = np.tile(y, (3, 1))
    for step, (t, end) in enumerate(pairwise(ends)):
        inner = pb.implicit.root(stages, guess, (y, end - t, k))
        y = inner[-1]
        guess = pb.stop_gradient(inner)
        if step >= 5 * per_decade and step % per_decade == 0:
            found.append(y)
    return np.stack(found)


def robertson(per_decade: int) -> dict[str, Any]:
    """States and sensitivities, times × rates × substances, and how far they are from those of CVODES."""
    states, sensitivities = reacted(RATES, per_decade), pb.jacobian(reacted)(RATES, per_decade)
    sensitivities = np.moveaxis(sensitivities, -1, 1)
    off = np.abs(sensitivities - CVODES) / np.abs(CVODES)
    return {
        "states": states,
        "sensitivities": sensitivities,
        "off": off,
        "mass": np.abs(states.sum(axis=1) - 1).max(),
    }


def main(steps: int = 50, per_decade: int = 8, picture: bool = True) -> dict[str, Any]:
    """Both; what is checked, by name."""
    fit, stiff = lynx_and_hare(steps), robertson(per_decade)
    print(f"lynx and hare, {fit['gradients']} gradients of {20 * steps} Runge-Kutta steps")
    for name, value, width, mean in zip(NAMES, fit["values"][:4], fit["widths"][:4], PUBLISHED, strict=True):
        print(f"  {name}  {value:.4f} ± {width:.4f}   published {mean}")
    print(f"Robertson, {10 * per_decade + 1} implicit steps; sensitivities differ from those of CVODES by")
    for t, off in zip(TIMES, stiff["off"], strict=True):
        print(f"  t = {t:7g}   {off.max():.1e}")
    print(f"  mass      {stiff['mass']:.1e}   exact: 0")
    if picture:
        draw(fit, stiff)
    return {"fit": fit, "stiff": stiff}


def draw(fit: dict[str, Any], stiff: dict[str, Any]) -> None:
    """The pelts with the fitted curves, and the sensitivities with the published ones."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 4.4), layout="constrained")
    fine = np.linspace(0, 20, 401)
    curves = pb.ode.solve(animals, fit["values"][4:6], fine, (fit["values"][:4],), method="rk4", steps=5)
    for column, colour, name in ((0, "C0", "hare"), (1, "C3", "lynx")):
        left.plot(PELTS[0, 0] + fine, curves[:, column], color=colour)
        sigma = fit["values"][6 + column]
        low, high = curves[:, column] * np.exp(-sigma), curves[:, column] * np.exp(sigma)
        left.fill_between(PELTS[0, 0] + fine, low, high, color=colour, alpha=0.12, lw=0)  # fmt: skip
        left.plot(PELTS[:, 0], PELTS[:, 2 - column], "o", color=colour, ms=5, label=name)
    left.set(xlabel="year", ylabel="pelts / thousands", xticks=range(1900, 1921, 4), ylim=(0, None),
             title="Hudson's Bay Company, and Lotka and Volterra")  # fmt: skip
    left.legend()
    for i, (label, colour) in enumerate((("k₁", "C0"), ("k₂", "C1"), ("k₃", "C2"))):
        right.loglog(
            TIMES,
            np.abs(stiff["sensitivities"][:, i, 0]) * RATES[i],
            "-",
            color=colour,
            label=f"{label} ∂y₁/∂{label}",
        )
        right.loglog(TIMES, np.abs(CVODES[:, i, 0]) * RATES[i], "o", mfc="none", color=colour)
    right.plot([], [], "o", mfc="none", color="0.4", label="CVODES")
    right.set(xlabel="time", ylabel="|sensitivity|", title="Robertson's reaction")
    right.legend()
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
