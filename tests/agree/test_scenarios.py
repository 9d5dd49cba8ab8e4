"""Every scenario over every engine, next to finite differences, the complex step and HIPS autograd."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import autograd
import autograd.numpy
import engines
import numpy as np
import optree
import pytest
import run
from run import EAGER, PLAIN, STEPPED, Packed, close, complex_steps, differences

hips: Any = autograd
anp: Any = autograd.numpy
NAMES = sorted(PLAIN)
HIPS = {
    name: s for topic in run.TOPICS for name, s in run.loaded(topic, anp).items() if not s.beyond_autograd
}
LEAST = 110
LEAST_BY_COMPLEX_STEP = 65
LEAST_BY_AUTOGRAD = 40


@pytest.fixture(autouse=True)
def _what_is_not_selected_may_be_infinite() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def reference(name: str) -> np.ndarray[Any, Any]:
    """The gradient by central differences of the program in plain NumPy."""
    packed = Packed(PLAIN[name])
    return differences(packed, packed.point)


@pytest.mark.parametrize("engine", engines.ENGINES)
@pytest.mark.parametrize("name", NAMES)
def test_first_order(name: str, engine: str) -> None:
    close(engines.ENGINES[engine](EAGER[name]), reference(name), 1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_values_are_those_of_numpy(name: str) -> None:
    """Bit by bit, whether variables run through it or not; and the caller's arrays stay as they were."""
    scenario = EAGER[name]
    before = run.own_args(scenario)
    expected = run.weighted(PLAIN[name].function(*run.own_args(scenario)))
    packed = Packed(scenario)
    engines.grad(scenario)
    for left, right in zip(optree.tree_leaves(before), optree.tree_leaves(scenario.args), strict=True):
        np.testing.assert_array_equal(left, right)
    close(np.asarray(engines.pb.value_and_grad(packed)(packed.point)[0]), expected, 1e-13)


@pytest.mark.parametrize("name", [name for name in NAMES if not PLAIN[name].not_analytic])
def test_complex_step(name: str) -> None:
    packed = Packed(STEPPED[name], analytic=True)
    close(engines.grad(EAGER[name]), complex_steps(packed, packed.point), 1e-12)


@pytest.mark.parametrize("name", HIPS)
def test_autograd(name: str) -> None:
    packed = Packed(HIPS[name])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, of complex numbers cast away
        gradient = hips.grad(lambda z: hips_weighted(packed, z))
        theirs = gradient(packed.point)
    close(engines.grad(EAGER[name]), theirs, 1e-11)


def hips_weighted(packed: Packed, z: Any) -> Any:
    """As `run.weighted`, in autograd's NumPy."""
    total = 0.0
    for number, leaf in enumerate(optree.tree_leaves(packed.function(*packed.args(z)))):
        angles = (number + np.arange(float(np.prod(anp.shape(leaf))))).reshape(anp.shape(leaf))
        real = anp.real(leaf) * np.cos(angles)
        imaginary = anp.imag(leaf) * np.sin(angles + 0.5) if anp.iscomplexobj(leaf) else 0.0
        total = total + anp.sum(real - imaginary)
    return total


@pytest.mark.parametrize("name", [name for name in NAMES if PLAIN[name].hessian])
def test_second_order(name: str) -> None:
    packed = Packed(EAGER[name])
    direction = np.cos(1.0 + np.arange(len(packed.point)))
    by_mode = engines.hessians(EAGER[name], direction)
    gradient = engines.pb.grad(packed)
    h = 1e-6
    numeric = (gradient(packed.point + h * direction) - gradient(packed.point - h * direction)) / (2 * h)
    first = by_mode["forward over reverse"]
    close(first, numeric, 1e-5)
    for result in by_mode.values():
        close(result, first, 1e-10)


def test_there_are_enough_of_them() -> None:
    assert len(PLAIN) >= LEAST
    assert len([s for s in PLAIN.values() if not s.not_analytic]) >= LEAST_BY_COMPLEX_STEP
    assert len(HIPS) >= LEAST_BY_AUTOGRAD
    assert PLAIN.keys() == EAGER.keys() == STEPPED.keys()
