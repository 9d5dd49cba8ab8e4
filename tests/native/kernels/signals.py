"""Filters, transforms and convolutions.

Formulas: Deriche, *Recursively implementing the Gaussian and its derivatives*, 1993, and PolyBench/C 4.2 for
the filter; Cooley & Tukey, 1965, and NPBench (Ziogas et al., 2021) for the transform by stages.
"""

import numpy as np


def deriche(image, alpha):
    """Smoothing by two recursions along the rows, one in each direction, and two along the columns."""
    k = (1.0 - np.exp(-alpha)) ** 2 / (1.0 + 2.0 * alpha * np.exp(-alpha) - np.exp(2.0 * alpha))
    a1, a2 = k, k * np.exp(-alpha) * (alpha - 1.0)
    a3, a4 = k * np.exp(-alpha) * (alpha + 1.0), -k * np.exp(-2.0 * alpha)
    b1, b2 = 2.0 * np.exp(-alpha), -np.exp(-2.0 * alpha)
    for _ in range(2):
        rows, columns = image.shape
        forward, backward = np.zeros((rows, columns)), np.zeros((rows, columns))
        for i in range(rows):
            x1, y1, y2 = 0.0, 0.0, 0.0
            for j in range(columns):
                forward[i, j] = a1 * image[i, j] + a2 * x1 + b1 * y1 + b2 * y2
                x1, y1, y2 = image[i, j], forward[i, j], y1
            x1, x2, y1, y2 = 0.0, 0.0, 0.0, 0.0
            for j in range(columns - 1, -1, -1):
                backward[i, j] = a3 * x1 + a4 * x2 + b1 * y1 + b2 * y2
                x1, x2, y1, y2 = image[i, j], x1, backward[i, j], y1
        image = (forward + backward).T
    return image


def deriche_slices(image, alpha):
    """One pass, all rows at once."""
    k = (1.0 - np.exp(-alpha)) ** 2
    smoothed = np.empty_like(image)
    smoothed[:, 0] = k * image[:, 0]
    smoothed[:, 1] = k * image[:, 1] + 2.0 * np.exp(-alpha) * smoothed[:, 0]
    for j in range(2, image.shape[1]):
        smoothed[:, j] = (
            k * (image[:, j] + np.exp(-alpha) * (alpha - 1.0) * image[:, j - 1])
            + 2.0 * np.exp(-alpha) * smoothed[:, j - 1]
            - np.exp(-2.0 * alpha) * smoothed[:, j - 2]
        )
    return smoothed


def fft_stages(x):
    """Radix two by Stockham's order: no bit reversal, one concatenation and one reshape a stage."""
    n = x.shape[0]
    rows = x.reshape((n, 1))
    while rows.shape[0] > 1:
        half, width = rows.shape[0] // 2, rows.shape[1]
        twiddle = np.exp(-1j * np.pi * np.arange(width) / width)
        even, odd = rows[:half], rows[half:] * twiddle
        rows = np.concatenate((even + odd, even - odd), axis=1)
    return np.sum(np.abs(rows[0]) ** 3)


def fft_in_place(x):
    """The same with reversed bits and butterflies in place."""
    n = x.shape[0]
    j = 0
    for i in range(1, n):
        bit = n >> 1
        while j & bit:
            j ^= bit
            bit >>= 1
        j |= bit
        if i < j:
            x[i], x[j] = x[j], x[i]
    length = 2
    while length <= n:
        turn = np.exp(-2j * np.pi / length)
        for start in range(0, n, length):
            w = 1.0 + 0.0j
            for k in range(start, start + length // 2):
                even, odd = x[k], x[k + length // 2] * w
                x[k], x[k + length // 2] = even + odd, even - odd
                w *= turn
        length *= 2
    return np.real(x) ** 2 + np.imag(x)


def fourier_series(samples, modes):
    """A real signal's lowest coefficients by a matrix of exponentials, and their power."""
    t = np.arange(samples.shape[0]) / samples.shape[0]
    waves = np.exp(-2j * np.pi * np.outer(np.arange(modes), t))
    coefficients = waves @ samples
    return np.real(coefficients * np.conj(coefficients))


def convolution_2d(image, kernel):
    """Valid part, by shifted slices."""
    rows, columns = image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1
    total = np.zeros((rows, columns))
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            total = total + kernel[i, j] * image[i : i + rows, j : j + columns]
    return total


def convolution_2d_loops(image, kernel):
    rows, columns = image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1
    out = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            for k in range(kernel.shape[0]):
                for m in range(kernel.shape[1]):
                    out[i, j] += image[i + k, j + m] * kernel[k, m]
    return out


def downsampled(x, taps):
    """Every other sample of a filtered signal, and its mirror: steps other than one."""
    n = x.shape[0] - taps.shape[0] + 1
    smooth = np.zeros_like(x[:n])
    for k, tap in enumerate(taps):
        smooth += tap * x[k : k + n]
    half = smooth[::2] - 0.5 * smooth[::-1][::2]
    return half[..., None] * np.ones(2)
