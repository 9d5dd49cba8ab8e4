"""Statistics, paths and sequences, with the minimum made soft where it would jump.

Formulas: the data mining and dynamic programming kernels of PolyBench/C 4.2; Nussinov et al., *Algorithms for
loop matchings*, 1978.
"""

import numpy as np


def covariance(data):
    centered = data - np.sum(data, axis=0) / data.shape[0]
    return centered.T @ centered / (data.shape[0] - 1.0)


def covariance_loops(data):
    n, m = data.shape
    mean, cov = np.zeros(m), np.zeros((m, m))
    for j in range(m):
        for i in range(n):
            mean[j] += data[i, j]
        mean[j] /= n
    for i in range(n):
        for j in range(m):
            data[i, j] -= mean[j]
    for i in range(m):
        for j in range(i, m):
            for k in range(n):
                cov[i, j] += data[k, i] * data[k, j]
            cov[i, j] /= n - 1.0
            cov[j, i] = cov[i, j]
    return cov


def correlation(data):
    deviation = np.std(data, axis=0)
    deviation = np.where(deviation <= 0.1, 1.0, deviation)
    scaled = (data - np.mean(data, axis=0)) / (np.sqrt(data.shape[0]) * deviation)
    corr = scaled.T @ scaled
    upper = np.triu(corr, 1)
    return upper + upper.T + np.eye(data.shape[1])


def softmin_floyd_warshall(paths):
    """All shortest paths, where the shorter of two is their soft minimum."""
    for k in range(paths.shape[0]):
        through = paths[:, k : k + 1] + paths[k : k + 1, :]
        paths[:] = -np.logaddexp(-4.0 * paths, -4.0 * through) / 4.0
    return paths


def floyd_warshall_loops(paths):
    """The minimum itself, by a conditional expression; a path is replaced if that saves a hundredth."""
    n = paths.shape[0]
    for k in range(n):
        for i in range(n):
            for j in range(n):
                through = paths[i, k] + paths[k, j]
                paths[i, j] = through if through < 0.99 * paths[i, j] else paths[i, j]
    return paths


def nussinov(score):
    """The best total score of nested pairs; `score[i, j]` is that of pairing i with j."""
    n = score.shape[0]
    table = np.zeros((n, n))
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            table[i, j] = np.maximum(table[i, j - 1], table[i + 1, j])
            if i < j - 1:
                table[i, j] = np.maximum(table[i, j], table[i + 1, j - 1] + score[i, j])
            for k in range(i + 1, j):
                table[i, j] = np.maximum(table[i, j], table[i, k] + table[k + 1, j])
    return table[0, n - 1]


def k_means_step(points, centers):
    """Each point goes to the nearest center; the result is the mean distance to the moved centers."""
    square = np.sum((points[:, None, :] - centers[None, :, :]) ** 2, axis=2)
    nearest = np.argmin(square, axis=1)
    total = 0.0
    for c in range(centers.shape[0]):
        mine = points[nearest == c]
        if mine.shape[0] == 0:
            continue
        moved = np.sum(mine, axis=0) / mine.shape[0]
        total += np.sum((mine - moved) ** 2)
    return total / points.shape[0]


def masked_energy(x, threshold):
    """Stores through masks: what is large is damped, what is negative is squared."""
    x[x > threshold] *= 0.5
    x[x < 0.0] = x[x < 0.0] ** 2
    kept = np.where(np.abs(x - 0.1) < 0.05, 0.0, x)
    return np.sum(kept**3)
