"""The classifier: real data split without overlap, and both optimisers learn in a few passes."""

import numpy as np

import pullback as pb
from pullback.cli import digits


def quiet(state: str) -> None:
    """A progress bar that nobody watches."""


def test_split_keeps_every_image_once():
    data = digits.load()
    assert len(data.train_labels) + len(data.held_labels) == 1797
    assert len(data.held_labels) == 1797 // 3
    assert data.train_images.max() == 1.0


def test_gradient_of_the_loss_is_that_of_finite_differences():
    data = digits.load()
    images, labels = data.train_images[:5], data.train_labels[:5]
    layers = digits.initial(sizes=(64, 3, 10))
    gradients = pb.grad(digits.loss)(layers, images, labels)
    rng = np.random.default_rng(0)
    moves = [tuple(rng.normal(size=part.shape) for part in layer) for layer in layers]

    def loss_at(step: float) -> float:
        moved = [(w + step * a, b + step * c) for (w, b), (a, c) in zip(layers, moves, strict=True)]
        return float(digits.loss(moved, images, labels))

    slope = (loss_at(1e-5) - loss_at(-1e-5)) / 2e-5
    along = sum(
        np.sum(g * m) for gs, ms in zip(gradients, moves, strict=True) for g, m in zip(gs, ms, strict=True)
    )
    np.testing.assert_allclose(along, slope, rtol=1e-7)


def test_both_optimisers_learn():
    data = digits.load()
    minibatch = digits.train_minibatch(data, digits.initial(sizes=(64, 16, 10)), 3, quiet)
    whole = digits.train_lbfgs(data, digits.initial(sizes=(64, 16, 10)), 15, quiet)
    for training in (minibatch, whole):
        assert training.accuracy > 0.6
        assert training.losses[-1] < training.losses[0]
    assert len(minibatch.losses) == 3
