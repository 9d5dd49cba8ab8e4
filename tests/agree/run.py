"""Running a scenario: in plain NumPy, under an engine, at shifted or complex arguments, twice differentiated.

`loaded` gives a file of scenarios with another module in the place of NumPy: pullback's buffers for the eager
engines, complex buffers for the complex step, HIPS autograd's own NumPy. `Packed` sees a scenario as a real
function of one real vector, the real and imaginary parts of all its inexact arguments.
"""

from __future__ import annotations

import copy
import importlib
import sys
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optree
from scenarios.scenario import Scenario

import pullback as pb

FOLDER = Path(__file__).parent / "scenarios"
TOPICS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in ("__init__", "scenario"))


class Buffers(types.ModuleType):
    """NumPy, except for the functions that make arrays."""

    def __init__(self, **made: Callable[..., Any]) -> None:
        super().__init__("numpy")
        self.__dict__.update(made)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def _complex(function: Callable[..., Any]) -> Callable[..., Any]:
    def make(*args: Any, dtype: Any = None) -> Any:
        return function(*args, dtype=complex)

    return make


WRITABLE = ("array", "empty", "empty_like", "full", "full_like", "ones", "ones_like", "zeros", "zeros_like")
FOR_PULLBACK = Buffers(**{name: getattr(pb, name) for name in WRITABLE})
FOR_THE_COMPLEX_STEP = Buffers(**{name: _complex(getattr(np, name)) for name in ("zeros", "empty", "ones")})


PLAIN: dict[str, Scenario] = {
    scenario.name: scenario
    for topic in TOPICS
    for scenario in importlib.import_module(f"scenarios.{topic}").SCENARIOS
}


def loaded(topic: str, numpy: types.ModuleType) -> dict[str, Scenario]:
    """The scenarios of a file by name, run with `numpy` as its ``np``; their arguments are NumPy's own."""
    path = FOLDER / f"{topic}.py"
    before = sys.modules["numpy"]
    namespace: dict[str, Any] = {"__name__": f"scenarios.{topic}"}
    sys.modules["numpy"] = numpy
    try:
        exec(compile(path.read_text(), path, "exec"), namespace)
    finally:
        sys.modules["numpy"] = before
    return {s.name: replace(s, args=PLAIN[s.name].args) for s in namespace["SCENARIOS"]}


EAGER: dict[str, Scenario] = {name: s for topic in TOPICS for name, s in loaded(topic, FOR_PULLBACK).items()}
STEPPED: dict[str, Scenario] = {
    name: s for topic in TOPICS for name, s in loaded(topic, FOR_THE_COMPLEX_STEP).items()
}


def is_inexact(leaf: Any) -> bool:
    """Whether an argument's leaf is differentiated."""
    return np.result_type(leaf).kind in "fc"


def weighted(result: Any, analytic: bool = False) -> Any:
    """One real number that every entry of every leaf of `result` has its own part in.

    `analytic` is for results that are complex only because the complex step goes through them.
    """
    total = 0.0
    for number, leaf in enumerate(optree.tree_leaves(result)):
        size = int(np.prod(np.shape(leaf)))
        angles = (number + np.arange(float(size))).reshape(np.shape(leaf))
        dtype = np.result_type(leaf) if not hasattr(leaf, "dtype") else leaf.dtype
        if dtype.kind == "c" and not analytic:
            total = total + np.sum(np.real(leaf) * np.cos(angles) - np.imag(leaf) * np.sin(angles + 0.5))
        else:
            total = total + np.sum(leaf * np.cos(angles))
    return total


class Packed:
    """The loss of a scenario as a function of one real vector.

    Attributes:
        analytic: see `weighted`.
        point: the vector at the scenario's own arguments.
    """

    def __init__(self, scenario: Scenario, analytic: bool = False) -> None:
        self.analytic = analytic
        self.function = scenario.function
        self.leaves, self.structure = optree.tree_flatten(scenario.args)
        parts = []
        for leaf in self.leaves:
            if is_inexact(leaf):
                parts.append(np.ravel(np.real(leaf)))
                if np.iscomplexobj(leaf):
                    parts.append(np.ravel(np.imag(leaf)))
        self.point = np.concatenate(parts).astype(float)

    def __call__(self, z: Any) -> Any:
        return weighted(self.function(*self.args(z)), self.analytic)

    def args(self, z: Any) -> Any:
        """The scenario's arguments for the vector `z`: new arrays, which it may write into."""
        taken = 0

        def part(shape: tuple[int, ...]) -> Any:
            nonlocal taken
            size = int(np.prod(shape))
            taken += size
            return np.reshape(z[taken - size : taken], shape) * 1.0 if shape else z[taken - 1]

        leaves = []
        for leaf in self.leaves:
            if not is_inexact(leaf):
                leaves.append(leaf)
            elif np.iscomplexobj(leaf):
                leaves.append(part(np.shape(leaf)) + 1j * part(np.shape(leaf)))
            else:
                leaves.append(part(np.shape(leaf)))
        return optree.tree_unflatten(self.structure, leaves)

    def packed(self, gradients: list[Any]) -> np.ndarray[Any, Any]:
        """The gradients of the inexact leaves as one vector."""
        inexact = [leaf for leaf in self.leaves if is_inexact(leaf)]
        parts = []
        for gradient, leaf in zip(gradients, inexact, strict=True):
            assert np.shape(gradient) == np.shape(leaf)
            assert np.iscomplexobj(gradient) == np.iscomplexobj(leaf)
            parts.append(np.ravel(np.real(gradient)))
            if np.iscomplexobj(leaf):
                parts.append(np.ravel(np.imag(gradient)))
        return np.concatenate(parts)


def own_args(scenario: Scenario) -> Any:
    """The arguments of a scenario, to be written into."""
    return copy.deepcopy(scenario.args)


def differences(function: Callable[[Any], Any], point: Any, step: float = 1e-6) -> np.ndarray[Any, Any]:
    """Central differences along the entries of `point`, one row for each."""
    units = np.eye(len(point))
    return np.array([(function(point + step * e) - function(point - step * e)) / (2 * step) for e in units])


def complex_steps(function: Callable[[Any], Any], point: Any) -> np.ndarray[Any, Any]:
    """``Im f(x + ih) / h`` (Squire & Trapp, 1998), exact to the last bits: no difference is taken."""
    return np.array([np.imag(function(point + 1e-30j * e)) / 1e-30 for e in np.eye(len(point))])


def close(ours: Any, theirs: Any, tolerance: float) -> None:
    """Equal to `tolerance`, relative to the largest entry."""
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * max(1.0, float(np.max(np.abs(theirs)))))
