"""The square lattice's Ising model from one log partition function: energy, magnetisation, specific heat.

The corner transfer matrix method (Baxter 1968; Nishino & Okunishi 1996) grows a square of spins around its
centre: a corner C and an edge T take in a row of sites at each step, and the bond between two corners is cut
back to the `bond` largest eigenvalues of the grown corner. From C and T comes log κ, the log partition
function per site. Its derivatives are physics:

    -u = ∂ log κ / ∂β        m = ∂ log κ / ∂h at h = 0, spins up at the edge        c = β² ∂² log κ / ∂β²

and all three are known: Onsager (1944), Yang (1952). Here pullback computes them through all steps of the
method, the second one forward over reverse.

The corner's eigenvalues become degenerate, exactly so as the lattice grows (Baxter 1982, ch. 13). So its
eigenvectors have no derivatives: 1/(w_j - w_i) is infinite. But κ depends on the *space* of the eigenvectors
that are kept, and that moves smoothly as long as no eigenvalue is cut off from its equals. `kept_space` says
so in NumPy: a frame of the space, whose derivatives divide by differences of a kept and a cut eigenvalue, and
by no others. `eigenvectors` takes them from eigh as they are. pullback's first derivative then is the same
number: that the basis does not matter it finds by running the method once more in another one. The second
derivative is an error there. Nothing is NaN, or wrong.

    python examples/ising_2d.py
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.integrate import quad
from scipy.special import ellipe, ellipk

import pullback as pb

CRITICAL = 2 / np.log(1 + np.sqrt(2))
TEMPERATURES = (1.4, 1.6, 1.8, 1.9, 2.0, 2.1, 2.15, 2.4, 2.5, 2.6, 2.8, 3.0, 3.3, 3.6)
PICTURE = Path(__file__).parent / "pictures" / "ising_2d.png"


@dataclass
class Point:
    """One temperature: log κ, energy, magnetisation and specific heat per site."""

    temperature: float
    log_kappa: float
    energy: float
    magnetisation: float
    heat: float

    def errors(self) -> dict[str, float]:
        """Absolute differences from the closed forms."""
        other = exact(self.temperature)
        return {name: abs(getattr(self, name) - getattr(other, name)) for name in NAMES}


NAMES = ("log_kappa", "energy", "magnetisation", "heat")


def exact(temperature: float) -> Point:
    """Onsager's log κ, energy and specific heat, Yang's magnetisation."""
    beta = 1 / temperature
    sine, tangent = np.sinh(2 * beta), np.tanh(2 * beta)
    modulus = (2 * tangent / np.cosh(2 * beta)) ** 2
    first, second = ellipk(modulus), ellipe(modulus)

    def wave(angle: float) -> float:
        return np.log((1 + np.sqrt(1 - modulus * np.sin(angle) ** 2)) / 2)

    log_kappa = np.log(2 * np.cosh(2 * beta)) + quad(wave, 0, np.pi / 2, epsabs=1e-14)[0] / np.pi
    energy = -(1 + 2 / np.pi * (2 * tangent**2 - 1) * first) / tangent
    rest = (1 - tangent**2) * (np.pi / 2 + (2 * tangent**2 - 1) * first)
    heat = 4 / np.pi * (beta / tangent) ** 2 * (first - second - rest)
    magnetisation = (1 - sine**-4) ** 0.125 if temperature < CRITICAL else 0.0
    return Point(temperature, float(log_kappa), float(energy), float(magnetisation), float(heat))


# -- which part of the grown corner is kept ---------------------------------------------------------------


def kept_first(values: Any, bond: int) -> tuple[Any, int]:
    """The order of falling magnitude, and how many to keep: at most `bond`, no cut through a multiplet."""
    order = np.argsort(-np.abs(values))
    sizes = np.abs(values[order]) / np.max(np.abs(values))
    count = min(bond, int(np.sum(sizes > 1e-14)))
    while count < len(sizes) and sizes[count - 1] - sizes[count] < 1e-3 * sizes[count - 1]:
        count -= 1
    return order, count


def kept_space(m: Any, bond: int) -> Any:
    """An orthonormal frame of the largest eigenvalues' space; it has two derivatives, whatever is degenerate.

    In the eigenbasis of ``m`` as a constant, ``[[a, b^T], [b, c]]`` is diagonal. As m moves, the kept space
    is spanned by ``1 + x`` with ``b + c x - x a - x b^T x = 0``. Two of Newton's steps with the constant
    Jacobian make x right to second order in m's motion; the last term is of third order. The columns of ``(1
    + x)(1 - x^T x / 2)`` are orthonormal to that order. Which frame of the space it is does not matter to κ.
    """
    values, vectors = np.linalg.eigh(pb.stop_gradient(m))
    order, count = kept_first(values, bond)
    values, vectors = values[order], vectors[:, order]
    inside = vectors.T @ m @ vectors
    a, b, c = inside[:count, :count], inside[count:, :count], inside[count:, count:]
    gaps = values[:count] - values[count:, None]
    x = b / gaps
    x = x + (b + c @ x - x @ a) / gaps
    return (vectors[:, :count] + vectors[:, count:] @ x) @ (np.eye(count) - x.T @ x / 2)


def eigenvectors(m: Any, bond: int) -> Any:
    """The same frame as eigh has it."""
    values, vectors = np.linalg.eigh(m)
    order, count = kept_first(pb.stop_gradient(values), bond)
    return vectors[:, order[:count]]


# -- the log partition function ---------------------------------------------------------------------------


def site_tensor(beta: Any, h: Any) -> tuple[Any, Any]:
    """The weight of a site with half of each of its four bonds, and the half bond of a spin that is up.

    Axes are (up, left, down, right). A half bond is the square root of ``[[e^β, e^-β], [e^-β, e^β]]``.
    """
    even, odd = np.sqrt(2 * np.cosh(beta)) / 2, np.sqrt(2 * np.sinh(beta)) / 2
    half = even * np.ones((2, 2)) + odd * np.array([[1.0, -1.0], [-1.0, 1.0]])
    weights = np.stack([np.exp(h), np.exp(-h)])
    return np.einsum("s,su,sl,sd,sr->uldr", weights, half, half, half, half), half[0]


def log_kappa(
    beta: Any, h: Any = 0.0, bond: int = 16, steps: int = 100, frame: Callable[[Any, int], Any] = kept_space
) -> Any:
    """The log partition function per site, β = 1/T, h = β × field."""
    site, up = site_tensor(beta, h)
    corner = np.einsum("uldr,u,l->rd", site, up, up)
    edge = np.einsum("uldr,u->ldr", site, up)
    for _ in range(steps):
        size = len(corner)
        two_edges = np.tensordot(np.tensordot(corner, edge, (0, 0)), edge, (0, 0))  # u, right, l, below
        grown = np.tensordot(two_edges, site, ((0, 2), (0, 1))).transpose(0, 3, 1, 2)
        grown = grown.reshape(2 * size, 2 * size)
        grown = (grown + grown.T) / 2
        p = frame(grown, bond)
        corner = p.T @ grown @ p
        p = p.reshape(size, 2, -1)
        edge = np.tensordot(edge, site, (1, 0))  # left, right, and the site's l, d, r
        edge = np.tensordot(np.tensordot(p, edge, ((0, 1), (0, 2))), p, ((1, 3), (0, 1)))
        corner, edge = corner / np.linalg.norm(corner), edge / np.linalg.norm(edge)
    # κ = Z(n, n) Z(n-1, n-1) / Z(n, n-1)²: what the edges of the lattice contribute drops out.
    quarter = np.tensordot(corner, edge, (1, 0))
    half = np.tensordot(quarter, quarter, (2, 0))
    whole = np.sum(site * np.einsum("aijc,ckla->ijkl", half, half))
    square = corner @ corner
    row = np.tensordot(np.tensordot(square, edge, (1, 0)), square, (2, 0))
    return np.log(whole * np.sum(square**2) / np.sum(row * edge) ** 2)


def measured(temperature: float, bond: int = 16, steps: int = 100) -> Point:
    """Log κ and its derivatives: forward mode along β, over reverse mode by β and h."""
    beta = 1 / temperature

    def of(beta: Any, h: Any) -> Any:
        return log_kappa(beta, h, bond, steps)

    def gradient(beta: Any) -> Any:
        return pb.grad(of, argnums=(0, 1))(beta, 0.0)

    (by_beta, by_h), (by_beta_twice, _) = pb.jvp(gradient, (beta,), (1.0,))
    return Point(
        temperature, float(of(beta, 0.0)), -float(by_beta), float(by_h), beta**2 * float(by_beta_twice)
    )


def through_eigh(temperature: float, bond: int = 16, steps: int = 100) -> float | str:
    """The energy by reverse mode through eigh's own eigenvectors, or what pullback says."""
    try:
        return -float(pb.grad(lambda beta: log_kappa(beta, 0.0, bond, steps, eigenvectors))(1 / temperature))
    except pb.NotDifferentiableError as error:
        return error.what


# -- what is run ------------------------------------------------------------------------------------------


def main(
    temperatures: Any = TEMPERATURES, bond: int = 16, steps: int = 100, picture: Path | None = PICTURE
) -> list[Point]:
    """Measure at the temperatures; print, draw and return what was found."""
    points = []
    print(f"bond dimension {bond}, {steps} steps: squares of {2 * steps + 3}² spins; absolute errors")
    print("  T      energy      m           heat        | log κ   energy  m       heat")
    for temperature in temperatures:
        point = measured(temperature, bond, steps)
        points.append(point)
        values = f"{point.energy:11.8f} {point.magnetisation:11.8f} {point.heat:11.8f}"
        print(f"  {temperature:<5} {values} |", *(f"{error:.1e}" for error in point.errors().values()))
    print("the energy through eigh's own eigenvectors:")
    for temperature in (temperatures[0], temperatures[-1]):
        print(f"  {temperature:<5} {through_eigh(temperature, bond, steps)}")
    if picture is not None:
        draw(picture, points)
    return points


def draw(path: Path, points: list[Point]) -> None:
    """Energy, magnetisation and specific heat on the exact curves, and the errors."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7), layout="constrained", dpi=130)
    FigureCanvasAgg(figure)
    panels: Any = figure.subplots(2, 2).ravel()
    at = np.array([point.temperature for point in points])
    low, high = at.min() - 0.05, at.max() + 0.05
    curve = np.concatenate([
        CRITICAL - np.geomspace(CRITICAL - low, 1e-5, 150),
        CRITICAL + np.geomspace(1e-5, high - CRITICAL, 150),
    ])  # fmt: skip
    kinds = {"energy": "first derivative in β", "magnetisation": "first derivative in h",
             "heat": "second derivative in β"}  # fmt: skip
    for axes, (name, kind), color in zip(
        panels, kinds.items(), ("#0072B2", "#009E73", "#D55E00"), strict=False
    ):
        title = "specific heat" if name == "heat" else name
        axes.plot(curve, [getattr(exact(t), name) for t in curve], color="#999999", label="Onsager, Yang")
        axes.plot(at, [getattr(point, name) for point in points], "o", color=color, label="pullback, CTMRG")
        axes.set(title=f"{title}: {kind}", xlabel="T")
        axes.legend()
        errors = [max(point.errors()[name], 1e-16) for point in points]
        panels[3].semilogy(at, errors, "o-", color=color, label=title)
    panels[3].set(title="absolute error", xlabel="T")
    panels[3].axvline(CRITICAL, color="#999999", linestyle=":")
    panels[3].legend()
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path)


if __name__ == "__main__":
    main()
