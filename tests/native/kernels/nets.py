"""Small neural networks, forward to a loss.

Formulas: Goodfellow, Bengio, Courville, *Deep Learning*, 2016, §6, §9 and §10.10; the networks of NPBench.
"""

import numpy as np


def softmax_rows(x):
    shifted = x - np.max(x, axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    return exponentials / np.sum(exponentials, axis=-1, keepdims=True)


def mlp(x, w1, b1, w2, b2, labels):
    """Cross entropy of a perceptron with one hidden layer."""
    hidden = np.maximum(x @ w1 + b1, 0.0)
    logits = hidden @ w2 + b2
    logits = logits - np.max(logits, axis=1, keepdims=True)
    chosen = logits[np.arange(labels.shape[0]), labels]
    return np.mean(np.log(np.sum(np.exp(logits), axis=1)) - chosen)


def convolution_layer(images, filters):
    """Images (n, rows, columns, channels) and filters (k, k, channels, filters), without padding."""
    size = filters.shape[0]
    rows, columns = images.shape[1] - size + 1, images.shape[2] - size + 1
    total = 0.0
    for i in range(size):
        for j in range(size):
            total = total + images[:, i : i + rows, j : j + columns, :] @ filters[i, j]
    return total


def convolution_net(images, filters, bias, weights):
    """Convolution, rectifier, largest of each 2×2, and one dense layer; mean square of the outputs."""
    features = np.maximum(convolution_layer(images, filters) + bias, 0.0)
    rows, columns = features.shape[1] // 2 * 2, features.shape[2] // 2 * 2
    features = features[:, :rows, :columns]
    pooled = np.maximum(
        np.maximum(features[:, ::2, ::2], features[:, 1::2, ::2]),
        np.maximum(features[:, ::2, 1::2], features[:, 1::2, 1::2]),
    )
    outputs = pooled.reshape((images.shape[0], -1)) @ weights
    return np.mean(outputs**2)


def attention(q, k, v):
    """Scaled dot products with a causal mask."""
    scores = q @ k.T / np.sqrt(q.shape[1])
    later = np.arange(q.shape[0])[:, None] < np.arange(q.shape[0])
    scores = np.where(later, -1e9, scores)
    return softmax_rows(scores) @ v


def recurrent(xs, w, u, h):
    """A plain recurrent cell over a sequence; the states are kept and averaged."""
    states = np.zeros((xs.shape[0], h.shape[0]))
    for t, x in enumerate(xs):
        h = np.tanh(w @ x + u @ h)
        states[t] = h
    return np.mean(states, axis=0)


def layer_norm(x, gain, shift):
    mean = np.mean(x, axis=1, keepdims=True)
    variance = np.mean((x - mean) ** 2, axis=1, keepdims=True)
    return gain * (x - mean) / np.sqrt(variance + 1e-5) + shift
