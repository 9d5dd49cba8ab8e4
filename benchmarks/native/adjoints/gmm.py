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
def whiten(constants, diagonal, icf, means, x, i, centered, q, terms):
    """``q[k] = Q[k] (x[i] - means[k])`` for all components at once: calls with many arrays are not free."""
    components, d = means.shape
    for k in range(components):
        for j in range(d):
            centered[k, j] = x[i, j] - means[k, j]
            q[k, j] = diagonal[k, j] * centered[k, j]
        position = d
        for j in range(d - 1):
            for r in range(j + 1, d):
                q[k, r] += icf[k, position] * centered[k, j]
                position += 1
        squares = 0.0
        for j in range(d):
            squares += q[k, j] * q[k, j]
        terms[k] = constants[k] - 0.5 * squares


@compiled
def whiten_adjoint(weights, diagonal, icf, centered, q, diagonal_bar, icf_bar, means_bar):
    """Reverse of `whiten` for ``terms_bar = weights``; `q` becomes its own adjoint."""
    components, d = q.shape
    for k in range(components):
        for j in range(d):
            q[k, j] *= -weights[k]
            diagonal_bar[k, j] += q[k, j] * centered[k, j]
        position = d
        for j in range(d):
            along, along_bar = centered[k, j], diagonal[k, j] * q[k, j]
            for r in range(j + 1, d):
                q_bar = q[k, r]
                along_bar += icf[k, position] * q_bar
                icf_bar[k, position] += q_bar * along
                position += 1
            means_bar[k, j] -= along_bar


@compiled
def preamble(alphas, icf, gamma, m, diagonal, constants):
    """Fill the diagonals and what each component's terms begin with; the prior is returned."""
    components, d = diagonal.shape
    prior = 0.0
    for k in range(components):
        constants[k] = alphas[k]
        for j in range(d):
            diagonal[k, j] = np.exp(icf[k, j])
            constants[k] += icf[k, j]
            prior += 0.5 * gamma * gamma * diagonal[k, j] * diagonal[k, j] - m * icf[k, j]
        for j in range(d, icf.shape[1]):
            prior += 0.5 * gamma * gamma * icf[k, j] * icf[k, j]
    return prior


@compiled
def gmm_gradient(alphas, means, icf, x, gamma, m, constant):
    components, d = means.shape
    n = x.shape[0]
    diagonal, constants = np.empty((components, d)), np.empty(components)
    prior = preamble(alphas, icf, gamma, m, diagonal, constants)
    alphas_bar, means_bar = np.zeros(components), np.zeros((components, d))
    icf_bar, diagonal_bar = np.zeros(icf.shape), np.zeros((components, d))
    centered, q = np.empty((components, d)), np.empty((components, d))
    terms, weights = np.empty(components), np.empty(components)
    total = 0.0
    for i in range(n):
        whiten(constants, diagonal, icf, means, x, i, centered, q, terms)
        total += softmax(terms, weights)
        for k in range(components):
            alphas_bar[k] += weights[k]
        whiten_adjoint(weights, diagonal, icf, centered, q, diagonal_bar, icf_bar, means_bar)

    total -= n * softmax(alphas, weights)
    for k in range(components):
        # alphas_bar is that of the sum of logarithms, too, before the normalizer.
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
    diagonal, constants = np.empty((components, d)), np.empty(components)
    prior = preamble(alphas, icf, gamma, m, diagonal, constants)
    centered, q, terms = np.empty(d), np.empty(d), np.empty(components)
    total = 0.0
    for i in range(x.shape[0]):
        for k in range(components):
            for j in range(d):
                centered[j] = x[i, j] - means[k, j]
                q[j] = diagonal[k, j] * centered[j]
            position = d
            for j in range(d - 1):
                for r in range(j + 1, d):
                    q[r] += icf[k, position] * centered[j]
                    position += 1
            squares = 0.0
            for j in range(d):
                squares += q[j] * q[j]
            terms[k] = constants[k] - 0.5 * squares
        total += log_sum_exp(terms)
    return total - x.shape[0] * log_sum_exp(alphas) + prior + constant
