"""Arguments of GMM, BA, LSTM and HAND: read from a folder of ADBench's data, or drawn with a fixed seed.

The folder is named by the option of a runner or by the environment variable ``PULLBACK_ADBENCH``. Its formats
are those of the repository microsoft/ADBench. Drawn arguments have the same sizes, so that times compare.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

VARIABLE = "PULLBACK_ADBENCH"


def folder() -> Path | None:
    """The folder that the environment names, if it does."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def numbers(path: Path) -> np.ndarray:
    """All numbers of a file, in order."""
    return np.array(path.read_text(encoding="utf-8").split(), dtype=float)


# -- Gaussian mixture ------------------------------------------------------------------------------------


def gmm(data: Path | None, name: str, d: int, components: int, n: int) -> tuple[Any, ...]:
    """``alphas, means, icf, x, gamma, m, constant`` of `gmm/name`."""
    row = d + d * (d - 1) // 2
    if data is None:
        rng = np.random.default_rng(1)
        alphas, means = rng.standard_normal(components), rng.random((components, d))
        icf, x = rng.standard_normal((components, row)) * 0.5, rng.standard_normal((n, d))
        gamma, m = 1.0, 0.0
    else:
        flat = numbers(data / "gmm" / name)
        d, components, n = (int(size) for size in flat[:3])
        row = d + d * (d - 1) // 2
        sizes = [3, components, components * d, components * row, n * d]
        _, alphas, means, icf, x, prior = np.split(flat, np.cumsum(sizes))
        means, icf, x = means.reshape(components, d), icf.reshape(components, row), x.reshape(n, d)
        gamma, m = float(prior[0]), float(prior[1])
    return alphas, means, icf, x, gamma, m, gmm_constant(d, components, n, gamma, m)


def gmm_constant(d: int, components: int, n: int, gamma: float, m: float) -> float:
    """What depends on sizes and the prior alone: of the normal density, and of the Wishart density."""
    freedom = d + m + 1
    log_gamma = 0.25 * d * (d - 1) * math.log(math.pi)
    for j in range(d):
        log_gamma += math.lgamma(0.5 * (freedom - j))
    wishart = freedom * d * (math.log(gamma) - 0.5 * math.log(2)) - log_gamma
    return -0.5 * n * d * math.log(2 * math.pi) - components * wishart


# -- bundle adjustment -----------------------------------------------------------------------------------


def bundle(data: Path | None, name: str, n: int, m: int, p: int) -> tuple[Any, ...]:
    """``cameras, points, weights, features, camera_of, point_of`` of `ba/name`, jittered."""
    camera = np.array([-0.76, -1.11, -0.85, 34.6, 39.7, 53.9, 419.2, 5.86, -8.52, 0.088, 0.0027])
    point, weight, feature = np.array([7.2, 0.0011, 3.02]), 0.417, np.array([271.8, 834.2])
    if data is not None:
        flat = numbers(data / "ba" / name)
        n, m, p = (int(size) for size in flat[:3])
        camera, point, weight, feature = flat[3:14], flat[14:17], flat[17], flat[18:20]
    rng = np.random.default_rng(2)
    jitter = 1 + 1e-3 * rng.standard_normal((n, 11))
    return (
        camera * jitter,
        point + 1e-3 * rng.standard_normal((m, 3)),
        weight * (1 + 1e-3 * rng.standard_normal(p)),
        feature * (1 + 1e-3 * rng.standard_normal((p, 2))),
        np.arange(p) % n,
        np.arange(p) % m,
    )


# -- long short-term memory ------------------------------------------------------------------------------


def lstm(data: Path | None, name: str, layers: int, characters: int, bits: int) -> tuple[Any, ...]:
    """``main, extra, state, sequence`` of `lstm/name`."""
    if data is None:
        rng = np.random.default_rng(3)
        flat = rng.random(2 * layers * 4 * bits + 3 * bits + 2 * layers * bits)
        sequence = np.eye(bits)[rng.integers(0, bits, characters)]
    else:
        flat = numbers(data / "lstm" / name)
        layers, characters, bits = (int(size) for size in flat[:3])
        sequence = flat[-characters * bits :].reshape(characters, bits)
        flat = flat[3:]
    main, extra, state, _ = np.split(flat, np.cumsum([2 * layers * 4 * bits, 3 * bits, 2 * layers * bits]))
    return (
        main.reshape(2 * layers, 4 * bits),
        extra.reshape(3, bits),
        state.reshape(2 * layers, bits),
        sequence,
    )


# -- hand tracking ---------------------------------------------------------------------------------------


def hand(data: Path | None, name: str, n: int) -> tuple[Any, ...]:
    """``theta, parents, base_relatives, inverse_base_absolutes, base_positions, weights, points``.

    Base positions and weights are those of the vertices that the `n` observed points belong to.
    """
    if data is None:
        return drawn_hand(n)
    bones = [
        line.split(":")
        for line in (data / "hand" / "model" / "bones.txt").read_text(encoding="utf-8").split()
    ]
    parents = np.array([int(bone[1]) for bone in bones])
    transforms = np.array([[float(entry) for entry in bone[2:]] for bone in bones]).reshape(-1, 2, 4, 4)
    vertices = (data / "hand" / "model" / "vertices.txt").read_text(encoding="utf-8").split()
    positions, weights = np.empty((len(vertices), 3)), np.zeros((len(vertices), len(bones)))
    for i, line in enumerate(vertices):
        fields = line.split(":")
        positions[i] = [float(entry) for entry in fields[:3]]
        for k in range(int(fields[8])):
            weights[i, int(fields[9 + 2 * k])] = float(fields[10 + 2 * k])
    flat = numbers(data / "hand" / name)
    n = int(flat[0])
    observed = flat[2 : 2 + 4 * n].reshape(n, 4)
    vertex_of = observed[:, 0].astype(np.int64)
    theta = flat[2 + 4 * n :].copy()
    return (
        theta,
        parents,
        np.ascontiguousarray(transforms[:, 0]),
        np.ascontiguousarray(transforms[:, 1]),
        positions[vertex_of],
        weights[vertex_of],
        np.ascontiguousarray(observed[:, 1:]),
    )


def drawn_hand(n: int) -> tuple[Any, ...]:
    """A skeleton of the same tree (wrist, five fingers of four bones, forearm) with drawn numbers."""
    rng = np.random.default_rng(4)
    parents = np.array([-1] + [0 if i % 4 == 0 else i for i in range(20)] + [0])
    relatives = np.tile(np.eye(4), (22, 1, 1))
    for bone in range(22):
        relatives[bone, :3, :3] = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        relatives[bone, :3, 3] = 0.05 * rng.standard_normal(3)
    absolutes = relatives.copy()
    for bone in range(1, 22):
        absolutes[bone] = absolutes[parents[bone]] @ relatives[bone]
    weights = np.where(rng.random((n, 22)) < 0.2, rng.random((n, 22)), 0.0)
    return (
        rng.standard_normal(26),
        parents,
        relatives,
        np.linalg.inv(absolutes),
        0.1 * rng.standard_normal((n, 3)),
        weights / (weights.sum(axis=1, keepdims=True) + 1e-3),
        rng.random((n, 3)),
    )
