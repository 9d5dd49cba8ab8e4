"""Learning: networks whose parameters are pytrees, losses, an optimiser's own steps."""

import numpy as np

from scenarios.scenario import WRITES, Scenario


def perceptron(parameters, x, labels):
    """Two layers and the cross entropy; parameters in a list of dicts."""
    for layer in parameters[:-1]:
        x = np.tanh(x @ layer["weight"] + layer["bias"])
    logits = x @ parameters[-1]["weight"] + parameters[-1]["bias"]
    logits = logits - np.max(logits, axis=1, keepdims=True)
    chosen = logits[np.arange(len(labels)), labels]
    return np.mean(np.log(np.sum(np.exp(logits), axis=1)) - chosen)


def lstm_cell(weights, state, inputs):
    """A long short-term memory cell over three inputs; the state is a tuple."""
    h, c = state
    for x in inputs:
        z = weights @ np.concatenate([x, h])
        i, f, o, g = np.reshape(z, (4, len(h)))
        c = c / (1.0 + np.exp(-f)) + np.tanh(g) / (1.0 + np.exp(-i))
        h = np.tanh(c) / (1.0 + np.exp(-o))
    return {"h": h, "c": c}


def attention(query, key, value):
    """Softmax attention."""
    score = query @ key.T / np.sqrt(key.shape[1])
    weight = np.exp(score - np.max(score, axis=1, keepdims=True))
    return (weight / np.sum(weight, axis=1, keepdims=True)) @ value


def convolution(image, kernel):
    """A valid convolution by shifted slices, a rectifier and a pool."""
    rows, columns = image.shape[0] - 1, image.shape[1] - 1
    total = 0.0
    for i in range(2):
        for j in range(2):
            total = total + kernel[i, j] * image[i : i + rows, j : j + columns]
    rectified = np.where(total > 0, total, 0.1 * total)
    return np.mean(rectified, axis=0)


def momentum(theta, rate):
    """Steps of gradient descent with momentum, the gradient written by hand, as hyperparameters see it."""
    velocity = 0.0 * theta
    for _ in range(5):
        gradient = 4.0 * theta**3 - theta
        velocity = 0.9 * velocity - rate * gradient
        theta = theta + velocity
    return np.sum(theta**4 - 0.5 * theta**2)


def closure(scale, x):
    """Functions made inside that close over what is differentiated."""

    def make(power):
        def feature(t):
            return scale * t**power

        return feature

    return sum((make(p)(x) for p in range(1, 4)), np.zeros(2))


def nested_structure(tree):
    """Every kind of container in and out."""
    a, (b, c) = tree["pair"]
    return {"sum": a + b * c, "list": [np.sin(a) * tree["x"], (b**2, c * tree["x"][0])]}


def hidden_markov(log_start, log_step, observed):
    """The forward algorithm in logarithms."""
    alpha = log_start + log_step[:, observed[0]]
    for o in observed[1:]:
        paths = alpha[:, None] + log_step
        top = np.max(paths, axis=0)
        alpha = np.log(np.sum(np.exp(paths - top), axis=0)) + top + log_step[:, o]
    return np.log(np.sum(np.exp(alpha)))


def dropout_buffer(x, mask):
    """Activations written where a mask says."""
    y = np.zeros(x.shape)
    y[mask] = x[mask] ** 2
    y[~mask] = -0.1 * x[~mask]
    return y @ np.array([1.0, -2.0, 0.5])


MATRIX = np.array([[0.5, -0.2, 0.9], [1.3, 0.1, -0.8]])
LAYERS = [
    {"weight": np.array([[0.2, -0.5], [0.7, 0.4], [-0.3, 0.1]]), "bias": np.array([0.1, -0.2])},
    {"weight": np.array([[0.6, -0.1], [0.3, 0.8]]), "bias": np.array([0.0, 0.05])},
]
HOLDS = "it has np.max of complex numbers"

SCENARIOS = [
    Scenario(perceptron, (LAYERS, MATRIX, np.array([1, 0])), not_analytic=HOLDS),
    Scenario(
        lstm_cell,
        (
            np.cos(np.arange(24.0)).reshape(8, 3),
            (np.array([0.1, -0.2]), np.array([0.3, 0.4])),
            [np.array([0.5]), np.array([-0.3])],
        ),
    ),
    Scenario(attention, (MATRIX[:, :2], MATRIX[:, 1:], MATRIX), not_analytic=HOLDS),
    Scenario(convolution, (np.sin(np.arange(9.0)).reshape(3, 3), np.array([[0.4, -0.3], [0.2, 0.7]]))),
    Scenario(momentum, (np.array([0.9, -0.6]), 0.05)),
    Scenario(closure, (0.7, np.array([0.4, -1.1]))),
    Scenario(nested_structure, ({"pair": (0.3, [0.8, -0.5]), "x": np.array([1.0, 0.2])},)),
    Scenario(hidden_markov, (np.array([-0.4, -1.1]), -np.abs(MATRIX[:, :2]), [1, 0, 1]), not_analytic=HOLDS),
    Scenario(dropout_buffer, (MATRIX, MATRIX > 0), beyond_autograd=WRITES),
]
