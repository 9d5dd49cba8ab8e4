"""Gradient of the GMM objective: each point is reversed as soon as it has been read."""

import numpy as np

from benchmarks.native.adjoints.compiled import compiled


@compiled
def log_sum_exp(x):
    largest = x[0]
    for k in range(1, x.shape[0]):
        largest = max(largest, x[k])
    total = 0.0
    for k in range(x.shape[0]):
        total += np.exp(x[k] - largest)
    return largest + np.log(total)


@compiled
def softmax(x, weights):
    """The weights, written; the logarithm of the sum of exponentials, returned. One exponential an entry."""
    largest = x[0]
    for k in range(1, x.shape[0]):
        largest = max(largest, x[k])
    total = 0.0
    for k in range(x.shape[0]):
        weights[k] = np.exp(x[k] - largest)
        total += weights[k]
    for k in range(x.shape[0]):
        weights[k] /= total
    return largest + np.log(total)


@compiled
def whiten(diagonal, icf, mean, point, centered, q):
    """``q = Q (point - mean)`` for one component; the squared norm is returned."""
    d = mean.shape[0]
    for j in range(d):
        centered[j] = point[j] - mean[j]
        q[j] = diagonal[j] * centered[j]
    position = d
    for j in range(d - 1):
        along = centered[j]
        for r in range(d - 1 - j):
            q[j + 1 + r] += icf[position + r] * along
        position += d - 1 - j
    squares = 0.0
    for j in range(d):
        squares += q[j] * q[j]
    return squares


@compiled
def whiten_adjoint(weight, diagonal, icf, centered, q, diagonal_bar, icf_bar, mean_bar):
    """Reverse of `whiten` for ``squares_bar = -weight / 2``; `q` becomes its own adjoint."""
    d = q.shape[0]
    for j in range(d):
        q[j] *= -weight
        diagonal_bar[j] += q[j] * centered[j]
        mean_bar[j] -= diagonal[j] * q[j]
    position = d
    for j in range(d - 1):
        along, along_bar = centered[j], 0.0
        for r in range(d - 1 - j):
            icf_bar[position + r] += q[j + 1 + r] * along
            along_bar += icf[position + r] * q[j + 1 + r]
        position += d - 1 - j
        mean_bar[j] -= along_bar


@compiled
def gmm_gradient(alphas, means, icf, x, gamma, m, constant):
    components, d = means.shape
    n = x.shape[0]
    diagonal = np.empty((components, d))
    sum_q = np.zeros(components)
    prior = 0.0
    for k in range(components):
        for j in range(d):
            diagonal[k, j] = np.exp(icf[k, j])
            sum_q[k] += icf[k, j]
            prior += 0.5 * gamma * gamma * diagonal[k, j] * diagonal[k, j]
        for j in range(d, icf.shape[1]):
            prior += 0.5 * gamma * gamma * icf[k, j] * icf[k, j]
        prior -= m * sum_q[k]

    alphas_bar, means_bar = np.zeros(components), np.zeros((components, d))
    icf_bar, diagonal_bar = np.zeros(icf.shape), np.zeros((components, d))
    centered, q = np.empty((components, d)), np.empty((components, d))
    terms, weights = np.empty(components), np.empty(components)
    total = 0.0
    for i in range(n):
        for k in range(components):
            squares = whiten(diagonal[k], icf[k], means[k], x[i], centered[k], q[k])
            terms[k] = alphas[k] + sum_q[k] - 0.5 * squares
        total += softmax(terms, weights)
        for k in range(components):
            alphas_bar[k] += weights[k]
            whiten_adjoint(
                weights[k], diagonal[k], icf[k], centered[k], q[k], diagonal_bar[k], icf_bar[k], means_bar[k]
            )

    total -= n * softmax(alphas, weights)
    for k in range(components):
        # alphas_bar is that of sum_q, too, before the normalizer.
        for j in range(d):
            prior_bar = gamma * gamma * diagonal[k, j]
            icf_bar[k, j] = alphas_bar[k] - m + diagonal[k, j] * (diagonal_bar[k, j] + prior_bar)
        for j in range(d, icf.shape[1]):
            icf_bar[k, j] += gamma * gamma * icf[k, j]
        alphas_bar[k] -= n * weights[k]
    return total + prior + constant, (alphas_bar, means_bar, icf_bar)


@compiled
def gmm_primal(alphas, means, icf, x, gamma, m, constant):
    components, d = means.shape
    diagonal = np.empty((components, d))
    sum_q = np.zeros(components)
    prior = 0.0
    for k in range(components):
        for j in range(d):
            diagonal[k, j] = np.exp(icf[k, j])
            sum_q[k] += icf[k, j]
            prior += 0.5 * gamma * gamma * diagonal[k, j] * diagonal[k, j]
        for j in range(d, icf.shape[1]):
            prior += 0.5 * gamma * gamma * icf[k, j] * icf[k, j]
        prior -= m * sum_q[k]
    centered, q, terms = np.empty(d), np.empty(d), np.empty(components)
    total = 0.0
    for i in range(x.shape[0]):
        for k in range(components):
            terms[k] = alphas[k] + sum_q[k] - 0.5 * whiten(diagonal[k], icf[k], means[k], x[i], centered, q)
        total += log_sum_exp(terms)
    return total - x.shape[0] * log_sum_exp(alphas) + prior + constant
