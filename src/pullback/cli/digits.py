"""A classifier of handwritten digits in plain NumPy code, trained with two optimisers.

In: scikit-learn's 1,797 real 8×8 images (UCI optical recognition of handwritten digits). Out: one held-out
accuracy per optimiser. The network is 64-128-10 with tanh and a softmax; the loss is the cross-entropy plus a
ridge on the weights (Bishop, *Pattern Recognition and Machine Learning*, 2006, §5.2). Minibatches are stepped
by Adam (Kingma & Ba, 2015), the whole set by L-BFGS through `scipy.optimize.minimize(jac=True)`.

A third of the images is held out and looked at once, at the very end. The settings are chosen on a quarter
of the others, the validation part; then the network is trained on all of the others (Bishop, §1.3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.optimize import minimize

import pullback as pb

Layers = list[tuple[Any, Any]]
Passed = Callable[[float, Layers], None]
"""What an optimiser calls after each pass over its images, with the loss and the network."""

SIZES = (64, 128, 10)


@dataclass(frozen=True)
class Images:
    """Images as rows of 64 numbers in [0, 1], and their labels."""

    pixels: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Digits:
    """The images in three parts that share none; `known` is the first two together."""

    train: Images
    validation: Images
    held: Images
    known: Images


@dataclass(frozen=True)
class Settings:
    """What is chosen on the validation part: the ridge on the weights, and the noise on minibatches."""

    ridge: float = 1e-4
    noise: float = 0.0

    def __str__(self) -> str:
        return f"noise {self.noise}" if self.noise else f"ridge {self.ridge:.0e}"


MINIBATCH_SETTINGS = tuple(Settings(noise=noise) for noise in (0.1, 0.2, 0.3))
LBFGS_SETTINGS = tuple(Settings(ridge=ridge) for ridge in (1e-4, 3e-4, 1e-3))


@dataclass
class Trial:
    """One choice of settings, trained on the training part: its validation cross-entropy by pass."""

    settings: Settings
    losses: list[float] = field(default_factory=list)


@dataclass
class Training:
    """How one optimiser went.

    Attributes:
        name: the optimiser.
        trials: every choice of settings.
        settings: the choice with the lowest validation cross-entropy after the last pass. (The accuracy is
            the coarser measure: one image in three hundred moves it by 0.3 %.)
        losses: by pass of the last training, with these settings, on all images that are not held out.
        layers: the network it led to.
        accuracy: that network's share of right answers on the held-out third, which nothing was chosen by:
            it is computed once, when everything else is settled.
    """

    name: str
    trials: list[Trial]
    settings: Settings
    losses: list[float]
    layers: Layers
    accuracy: float


def load(seed: int = 0) -> Digits:
    """The digits in random order: a third held out, a quarter of the others for validation."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(labels))
    pixels, labels = np.asarray(pixels)[order] / 16.0, np.asarray(labels)[order]
    held = len(labels) // 3
    first = held + (len(labels) - held) // 4

    def part(start: int, end: int | None) -> Images:
        return Images(pixels[start:end], labels[start:end])

    return Digits(part(first, None), part(held, first), part(0, held), part(held, None))


def initial(seed: int = 0, sizes: tuple[int, ...] = SIZES) -> Layers:
    """Random weights of variance 1/inputs, and zero biases."""
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(n, m)) / np.sqrt(n), np.zeros(m)) for n, m in pairwise(sizes)]


def logits(layers: Layers, pixels: Any) -> Any:
    """The network's last layer before the softmax."""
    *hidden, (last_weights, last_biases) = layers
    for weights, biases in hidden:
        pixels = np.tanh(pixels @ weights + biases)
    return pixels @ last_weights + last_biases


def loss(layers: Layers, pixels: Any, labels: Any, ridge: float) -> Any:
    """Mean cross-entropy, plus the ridge."""
    scores = logits(layers, pixels)
    scores = scores - np.max(scores, axis=1, keepdims=True)
    log_total = np.log(np.sum(np.exp(scores), axis=1))
    cross_entropy = np.mean(log_total - scores[np.arange(len(labels)), labels])
    return cross_entropy + ridge * sum(np.sum(weights**2) for weights, _ in layers)


def accuracy(layers: Layers, images: Images) -> float:
    """The share of images whose highest score is their label's."""
    return float(np.mean(np.argmax(logits(layers, images.pixels), axis=1) == images.labels))


def by_minibatches(
    images: Images,
    layers: Layers,
    passes: int,
    settings: Settings,
    passed: Passed,
    batch: int = 32,
    rate: float = 5e-3,
    seed: int = 0,
) -> None:
    """Adam on shuffled minibatches; the rate falls linearly to zero, so the last pass is a settled one.

    Fresh noise on every image is the regulariser (Bishop, *Training with noise is equivalent to Tikhonov
    regularization*, 1995).
    """
    gradient_of = pb.value_and_grad(loss)
    rng = np.random.default_rng(seed)
    count = len(images.labels)
    first = [tuple(np.zeros_like(p) for p in layer) for layer in layers]
    second = [tuple(np.zeros_like(p) for p in layer) for layer in layers]
    steps, total = 0, passes * -(-count // batch)
    for _ in range(passes):
        losses = []
        order = rng.permutation(count)
        for start in range(0, count, batch):
            chosen = order[start : start + batch]
            pixels = images.pixels[chosen]
            pixels = pixels + settings.noise * rng.normal(size=pixels.shape)
            value, gradients = gradient_of(layers, pixels, images.labels[chosen], settings.ridge)
            losses.append(float(value))
            steps += 1
            scale = rate * (1 - (steps - 1) / total) * np.sqrt(1 - 0.999**steps) / (1 - 0.9**steps)
            first = mixed(0.9, first, gradients)
            second = mixed(0.999, second, [tuple(g * g for g in layer) for layer in gradients])
            layers = [
                tuple(p - scale * m / (np.sqrt(v) + 1e-8) for p, m, v in zip(*three, strict=True))
                for three in zip(layers, first, second, strict=True)
            ]
        passed(float(np.mean(losses)), layers)


def mixed(share: float, old: Any, new: Any) -> Any:
    """A running mean, layer by layer."""
    return [
        tuple(share * a + (1 - share) * b for a, b in zip(*pair, strict=True))
        for pair in zip(old, new, strict=True)
    ]


def by_lbfgs(images: Images, layers: Layers, passes: int, settings: Settings, passed: Passed) -> None:
    """L-BFGS on all images at once; SciPy sees one flat vector, and so does the gradient."""
    shapes = [part.shape for layer in layers for part in layer]
    ends = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])

    def layers_of(flat: Any) -> Layers:
        parts = [flat[a:b].reshape(s) for a, b, s in zip(ends[:-1], ends[1:], shapes, strict=True)]
        return list(zip(parts[::2], parts[1::2], strict=True))

    def flat_loss(flat: Any) -> Any:
        return loss(layers_of(flat), images.pixels, images.labels, settings.ridge)

    def iterated(intermediate_result: Any) -> None:
        passed(float(intermediate_result.fun), layers_of(intermediate_result.x.copy()))

    start = np.concatenate([part.ravel() for layer in layers for part in layer])
    options = {"maxiter": passes}
    minimize(
        pb.value_and_grad(flat_loss), start, jac=True, method="L-BFGS-B", callback=iterated, options=options
    )


def train(
    name: str,
    optimise: Callable[[Images, Layers, int, Settings, Passed], None],
    candidates: Sequence[Settings],
    digits: Digits,
    layers: Layers,
    passes: int,
    step_done: Callable[[str], None],
) -> Training:
    """Choose among `candidates` on the validation part, train with the choice, look at the held-out third."""
    trials = [Trial(settings) for settings in candidates]
    for trial in trials:

        def tried(_: float, found: Layers, trial: Trial = trial) -> None:
            trial.losses.append(loss(found, digits.validation.pixels, digits.validation.labels, ridge=0))
            step_done(f"{trial.settings}: {trial.losses[-1]:.3f}")

        optimise(digits.train, layers, passes, trial.settings, tried)
    settings = min(trials, key=lambda trial: trial.losses[-1]).settings
    losses: list[float] = []
    last: list[Layers] = [layers]

    def trained(value: float, found: Layers) -> None:
        losses.append(value)
        last[0] = found
        step_done(f"{settings}, all: {value:.3f}")

    optimise(digits.known, layers, passes, settings, trained)
    return Training(name, trials, settings, losses, last[0], accuracy(last[0], digits.held))
