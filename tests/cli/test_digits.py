"""The classifier: real data split without overlap, and both optimisers learn in a few passes."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits

import pullback as pb
from pullback.cli import digits


def quiet(state: str) -> None:
    """A progress bar that nobody watches."""


def test_parts_share_no_image_and_miss_none():
    data = digits.load()
    sizes = [len(part.labels) for part in (data.train, data.validation, data.held)]
    assert sizes == [899, 299, 599]
    together = np.concatenate([data.train.pixels, data.validation.pixels, data.held.pixels])
    original = load_digits(return_X_y=True)[0] / 16
    assert np.array_equal(np.sort(together, axis=0), np.sort(original, axis=0))
    known = np.concatenate([data.validation.pixels, data.train.pixels])
    assert np.array_equal(data.known.pixels, known)
    assert data.train.pixels.max() == 1.0


def test_gradient_of_the_loss_is_that_of_finite_differences():
    data = digits.load()
    images, labels = data.train.pixels[:5], data.train.labels[:5]
    layers = digits.initial(sizes=(64, 3, 10))
    gradients = pb.grad(digits.loss)(layers, images, labels, 1e-2)
    rng = np.random.default_rng(0)
    moves = [tuple(rng.normal(size=part.shape) for part in layer) for layer in layers]

    def loss_at(step: float) -> float:
        moved = [(w + step * a, b + step * c) for (w, b), (a, c) in zip(layers, moves, strict=True)]
        return float(digits.loss(moved, images, labels, 1e-2))

    slope = (loss_at(1e-5) - loss_at(-1e-5)) / 2e-5
    along = sum(
        np.sum(g * m) for gs, ms in zip(gradients, moves, strict=True) for g, m in zip(gs, ms, strict=True)
    )
    np.testing.assert_allclose(along, slope, rtol=1e-7)


@pytest.mark.parametrize(
    ("optimise", "candidates", "passes"),
    [(digits.by_minibatches, digits.MINIBATCH_SETTINGS, 3), (digits.by_lbfgs, digits.LBFGS_SETTINGS, 15)],
)
def test_both_optimisers_learn_with_settings_chosen_on_the_validation_part(optimise, candidates, passes):
    data = digits.load()
    layers = digits.initial(sizes=(64, 16, 10))
    said = []
    training = digits.train("name", optimise, candidates, data, layers, passes, said.append)
    assert training.accuracy == digits.accuracy(training.layers, data.held) > 0.6
    assert training.losses[-1] < training.losses[0]
    assert len(training.losses) == passes
    assert len(said) == passes * (len(candidates) + 1)
    last = {trial.settings: trial.losses[-1] for trial in training.trials}
    assert tuple(last) == candidates
    assert last[training.settings] == min(last.values())


def test_the_held_out_third_decides_nothing():
    data = digits.load()
    other = replace(data, held=digits.Images(data.held.pixels, data.held.labels[::-1]))
    layers = digits.initial(sizes=(64, 4, 10))
    one, two = (
        digits.train("name", digits.by_lbfgs, digits.LBFGS_SETTINGS, part, layers, 5, quiet)
        for part in (data, other)
    )
    assert one.settings == two.settings
    for first, second in zip(one.layers, two.layers, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert one.accuracy != two.accuracy
