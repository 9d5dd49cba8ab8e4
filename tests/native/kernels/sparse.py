"""Sparse matrices and scattered sums through arrays of indices.

Formulas: Saad, *Iterative Methods for Sparse Linear Systems*, 2003, §3.4; the sparse product of NPBench.
"""

import numpy as np


def csr_matvec(starts, columns, values, x):
    y = np.zeros(starts.shape[0] - 1)
    for i in range(y.shape[0]):
        chosen = columns[starts[i] : starts[i + 1]]
        y[i] = values[starts[i] : starts[i + 1]] @ x[chosen]
    return y


def csr_matvec_loops(starts, columns, values, x):
    y = np.zeros(starts.shape[0] - 1)
    for i in range(starts.shape[0] - 1):
        for k in range(starts[i], starts[i + 1]):
            y[i] += values[k] * x[columns[k]]
    return y


def csr_power(starts, columns, values, x, times):
    """The product again and again, normalized: the indices stay, the vector changes its name."""
    for _ in range(times):
        y = np.zeros_like(x)
        for i in range(x.shape[0]):
            total = 0.0
            for k in range(starts[i], starts[i + 1]):
                total += values[k] * x[columns[k]]
            y[i] = total
        x = y / np.sqrt(np.sum(y * y))
    return x


def coo_matvec(rows, columns, values, x):
    """Rows occur more than once, and all of them count."""
    y = np.zeros_like(x)
    np.add.at(y, rows, values * x[columns])
    return y


def coo_accumulate(out, rows, columns, values):
    for row, column, value in zip(rows, columns, values, strict=True):
        out[row, column] += value * value
    return np.sum(out**2, axis=0)


def weighted_bins(samples, weights, bins):
    """A histogram of weights; which bin a sample is in has no derivative."""
    counts = np.zeros(bins)
    place = np.floor(samples * bins).astype(np.int64)
    np.add.at(counts, place, weights)
    return counts**2


def azimuthal_gather(image, row_index, column_index):
    """Loads through pairs of indices, some of them negative, and a store through one."""
    taken = image[row_index, column_index]
    image[row_index[0]] = 0.0
    return np.sum(taken**2) + np.sum(image**3)
