"""Broadcasting, reductions, joins, indexing: how arrays are taken apart and put together."""

import numpy as np

from scenarios.scenario import Scenario


def broadcasting(a, b, c):
    """Three operands of three shapes and a number."""
    return (a[:, None] * b - c) / (2.0 + b * b) + 0.5 * c


def standardised(a):
    """Mean and deviation taken out along an axis."""
    return (a - np.mean(a, axis=0)) / (np.std(a, axis=0, keepdims=True) + 0.5)


def gathered(a, index):
    """Integer indices with duplicates, a mask and a slice with a negative step."""
    return np.sum(a[index] * np.arange(1.0, 6.0)) * np.sum(a[a > 0.2]) + a[::-2] ** 2


def joined(a, b):
    """Concatenated, stacked, padded, split."""
    x = np.concatenate([a, b, a * b])
    left, right = np.split(np.pad(x, 1, constant_values=0.5), 2)
    return np.stack([left, right], axis=1) @ np.array([0.3, -0.7])


def rolled_and_repeated(a):
    """Roll, flip, tile, repeat, differences and running sums."""
    x = np.roll(a, 1) * np.flip(a) + np.cumsum(a)
    return np.tile(x, 2)[1:] * np.repeat(x, 2)[:-1] + np.sum(np.diff(a) ** 2)


def transposed_views(a):
    """Reshape, transpose, swapped axes and diagonals of one block."""
    cube = np.reshape(a, (2, 2, 2))
    x = np.transpose(cube, (2, 0, 1)) * np.swapaxes(cube, 0, 1)
    return np.sum(x[0] @ x[1]) + np.trace(cube[0]) * np.sum(np.diagonal(cube[1]))


def outer_products(a, b):
    """Products of every entry with every other, and triangles of them."""
    x = np.outer(np.sin(a), b)
    return np.tril(x) - np.triu(x, 1).T[: x.shape[0]] if x.shape[0] == x.shape[1] else x


def moments(a):
    """Products, norms and variances of all entries and along axes."""
    return np.prod(a + 1.5, axis=1) * np.var(a) + np.sqrt(np.sum(a**2)) * np.mean(a, axis=1)


def interpolated(x, knots):
    """A function read off between the grid points."""
    position = np.floor(x).astype(int)
    fraction = x - position
    return knots[position] * (1.0 - fraction) + knots[position + 1] * fraction


VECTOR = np.array([0.4, -0.7, 1.1, 0.3])
MATRIX = np.array([[0.5, -0.2, 0.9], [1.3, 0.1, -0.8]])

SCENARIOS = [
    Scenario(broadcasting, (np.array([0.5, -1.0]), MATRIX, 0.3)),
    Scenario(standardised, (MATRIX,), not_analytic="a standard deviation is real for complex numbers"),
    Scenario(gathered, (VECTOR, np.array([0, 2, 2, -1, 1]))),
    Scenario(joined, (VECTOR[:2], VECTOR[2:]), beyond_autograd="it has no rule for split into halves of pad"),
    Scenario(rolled_and_repeated, (VECTOR,), beyond_autograd="it has no rule for flip"),
    Scenario(
        transposed_views, (np.linspace(-1.0, 0.9, 8),), beyond_autograd="it has no diagonals of other axes"
    ),
    Scenario(outer_products, (VECTOR, VECTOR[::-1] * 1.2)),
    Scenario(moments, (MATRIX,), not_analytic="a variance is real for complex numbers"),
    Scenario(
        interpolated,
        (np.array([0.3, 1.6, 2.2]), np.array([0.1, 0.5, -0.4, 0.8])),
        not_analytic="floor takes real numbers",
        beyond_autograd="it has no astype",
    ),
]
