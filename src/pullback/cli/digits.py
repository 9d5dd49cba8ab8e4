"""A classifier of handwritten digits in plain NumPy code, trained with two optimisers.

In: scikit-learn's 1,797 real 8×8 images (UCI optical recognition of handwritten digits). Out: held-out
accuracies. The network is 64-64-10 with tanh and a softmax; the loss is the cross-entropy plus a ridge on
the weights (Bishop, *Pattern Recognition and Machine Learning*, 2006, §5.2). Minibatches are stepped by
Adam (Kingma & Ba, 2015), the whole set by L-BFGS through `scipy.optimize.minimize(jac=True)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.optimize import minimize

import pullback as pb

Layers = list[tuple[Any, Any]]

SIZES = (64, 64, 10)
RIDGE = 1e-4


@dataclass(frozen=True)
class Digits:
    """Images as rows of 64 numbers in [0, 1] and their labels, in two parts that share no image."""

    train_images: np.ndarray
    train_labels: np.ndarray
    held_images: np.ndarray
    held_labels: np.ndarray


@dataclass
class Training:
    """How one optimiser went: loss and held-out accuracy by pass over the training set."""

    name: str
    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    layers: Layers = field(default_factory=list)

    def add(self, loss: float, layers: Layers, digits: Digits) -> None:
        """Note the state after one more pass."""
        self.losses.append(loss)
        self.accuracies.append(accuracy(layers, digits.held_images, digits.held_labels))
        self.layers = layers

    @property
    def accuracy(self) -> float:
        """On the held-out third, at the end: the best pass is not chosen by looking at it."""
        return self.accuracies[-1]


def load(seed: int = 0) -> Digits:
    """The digits in random order, one third of them held out."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(labels))
    images, labels = np.asarray(images)[order] / 16.0, np.asarray(labels)[order]
    held = len(labels) // 3
    return Digits(images[held:], labels[held:], images[:held], labels[:held])


def initial(seed: int = 0, sizes: tuple[int, ...] = SIZES) -> Layers:
    """Random weights of variance 1/inputs, and zero biases."""
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(n, m)) / np.sqrt(n), np.zeros(m)) for n, m in pairwise(sizes)]


def logits(layers: Layers, images: Any) -> Any:
    """The network's last layer before the softmax."""
    *hidden, (last_weights, last_biases) = layers
    for weights, biases in hidden:
        images = np.tanh(images @ weights + biases)
    return images @ last_weights + last_biases


def loss(layers: Layers, images: Any, labels: Any) -> Any:
    """Mean cross-entropy, plus the ridge."""
    scores = logits(layers, images)
    scores = scores - np.max(scores, axis=1, keepdims=True)
    log_total = np.log(np.sum(np.exp(scores), axis=1))
    cross_entropy = np.mean(log_total - scores[np.arange(len(labels)), labels])
    return cross_entropy + RIDGE * sum(np.sum(weights**2) for weights, _ in layers)


def accuracy(layers: Layers, images: Any, labels: Any) -> float:
    """The share of images whose highest score is their label's."""
    return float(np.mean(np.argmax(logits(layers, images), axis=1) == labels))


def train_minibatch(
    digits: Digits,
    layers: Layers,
    passes: int,
    step_done: Callable[[str], None],
    batch: int = 32,
    rate: float = 5e-3,
    noise: float = 0.2,
    seed: int = 0,
) -> Training:
    """Adam on shuffled minibatches; the rate falls linearly to zero, so the last pass is a settled one.

    Fresh noise on every image is the regulariser (Bishop, *Training with noise is equivalent to Tikhonov
    regularization*, 1995).
    """
    training = Training("minibatch Adam")
    gradient_of = pb.value_and_grad(loss)
    rng = np.random.default_rng(seed)
    count = len(digits.train_labels)
    first = [tuple(np.zeros_like(p) for p in layer) for layer in layers]
    second = [tuple(np.zeros_like(p) for p in layer) for layer in layers]
    steps, total = 0, passes * -(-count // batch)
    for _ in range(passes):
        losses = []
        order = rng.permutation(count)
        for start in range(0, count, batch):
            chosen = order[start : start + batch]
            images = digits.train_images[chosen]
            images = images + noise * rng.normal(size=images.shape)
            value, gradients = gradient_of(layers, images, digits.train_labels[chosen])
            losses.append(float(value))
            steps += 1
            scale = rate * (1 - (steps - 1) / total) * np.sqrt(1 - 0.999**steps) / (1 - 0.9**steps)
            first = mixed(0.9, first, gradients)
            second = mixed(0.999, second, [tuple(g * g for g in layer) for layer in gradients])
            layers = [
                tuple(p - scale * m / (np.sqrt(v) + 1e-8) for p, m, v in zip(*three, strict=True))
                for three in zip(layers, first, second, strict=True)
            ]
        training.add(float(np.mean(losses)), layers, digits)
        step_done(f"loss {training.losses[-1]:.3f}, held-out {training.accuracy:.2%}")
    return training


def mixed(share: float, old: Any, new: Any) -> Any:
    """A running mean, layer by layer."""
    return [
        tuple(share * a + (1 - share) * b for a, b in zip(*pair, strict=True))
        for pair in zip(old, new, strict=True)
    ]


def train_lbfgs(digits: Digits, layers: Layers, passes: int, step_done: Callable[[str], None]) -> Training:
    """L-BFGS on the whole training set; SciPy sees one flat vector, and so does the gradient."""
    training = Training("L-BFGS")
    shapes = [part.shape for layer in layers for part in layer]
    ends = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])

    def layers_of(flat: Any) -> Layers:
        parts = [flat[a:b].reshape(s) for a, b, s in zip(ends[:-1], ends[1:], shapes, strict=True)]
        return list(zip(parts[::2], parts[1::2], strict=True))

    def flat_loss(flat: Any) -> Any:
        return loss(layers_of(flat), digits.train_images, digits.train_labels)

    def iterated(intermediate_result: Any) -> None:
        training.add(float(intermediate_result.fun), layers_of(intermediate_result.x.copy()), digits)
        step_done(f"loss {training.losses[-1]:.3f}, held-out {training.accuracy:.2%}")

    start = np.concatenate([part.ravel() for layer in layers for part in layer])
    options = {"maxiter": passes}
    minimize(
        pb.value_and_grad(flat_loss), start, jac=True, method="L-BFGS-B", callback=iterated, options=options
    )
    return training
