"""Log-likelihood of a Gaussian mixture with a Wishart prior (the GMM objective of ADBench).

``icf`` has a row for each component: the logarithms of the diagonal of its inverse Cholesky factor, then the
entries below the diagonal, column by column. ``constant`` is what depends on sizes and the prior alone.

Source: Srajer, Kukelova, Fitzgibbon, *A benchmark of selected algorithmic differentiation tools on some
problems in computer vision and machine learning*, 2018, §4.1.
"""

import numpy as np


def gmm_slices(alphas, means, icf, x, gamma, m, constant):
    d = means.shape[1]
    log_diagonal = icf[:, :d]
    diagonal = np.exp(log_diagonal)
    sum_q = np.sum(log_diagonal, axis=1)

    total = 0.0
    for i in range(x.shape[0]):
        centered = x[i] - means
        q = diagonal * centered
        start = d
        for j in range(d - 1):
            stop = start + d - 1 - j
            q[:, j + 1 :] += icf[:, start:stop] * centered[:, j : j + 1]
            start = stop
        terms = alphas + sum_q - 0.5 * np.sum(q * q, axis=1)
        largest = np.max(terms)
        total += largest + np.log(np.sum(np.exp(terms - largest)))

    largest = np.max(alphas)
    normalizer = largest + np.log(np.sum(np.exp(alphas - largest)))
    squares = np.sum(diagonal**2) + np.sum(icf[:, d:] ** 2)
    prior = 0.5 * gamma**2 * squares - m * np.sum(sum_q)
    return total - x.shape[0] * normalizer + prior + constant


def gmm_loops(alphas, means, icf, x, gamma, m, constant):
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

    centered = np.empty(d)
    q = np.empty(d)
    terms = np.empty(components)
    total = 0.0
    for i in range(n):
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
            terms[k] = alphas[k] + sum_q[k] - 0.5 * squares
        total += log_sum_exp(terms)
    return total - n * log_sum_exp(alphas) + prior + constant


def log_sum_exp(x):
    """By loops, called by `gmm_loops`."""
    largest = x[0]
    for k in range(1, x.shape[0]):
        largest = max(largest, x[k])
    total = 0.0
    for k in range(x.shape[0]):
        total += np.exp(x[k] - largest)
    return largest + np.log(total)
