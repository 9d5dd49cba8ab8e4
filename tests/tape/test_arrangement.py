"""Shapes, joins and indexing through the tape: the rules themselves can be differentiated."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import numpy as np
import pytest

from pullback import rules
from pullback.rules import diagonal, index, join, repeat, shape
from pullback.rules.read import cotangent, fit, tangent
from pullback.rules.table import rows
from pullback.tape.variable import Variable
from pullback.testing.rows import active_positions, calls_of, dense_of, draw, leaves, like, reduced, spec_tree

NAMES = [f"pullback.rules.{found.name}" for found in pkgutil.iter_modules(rules.__path__)]
ENGINE = [importlib.import_module(name) for name in (*NAMES, "pullback.tape.fast", "pullback.tape.backward")]
TOPICS = {topic.__name__ for topic in (diagonal, index, join, repeat, shape)}
OWN = [r for r in rows() if any(d.function.__module__ in TOPICS for d in r.vjps.values())]


def tracked(value: Any) -> Any:
    return [tracked(part) for part in value] if isinstance(value, list | tuple) else Variable(value)


def pull(value: Any, seed: Any) -> None:
    value.backward(seed, retain=True)


@pytest.mark.parametrize("dtype", ["d", "D"])
@pytest.mark.parametrize("rule", OWN, ids=lambda rule: rule.name)
def test_the_adjoint_of_the_adjoint_is_the_function(rule: Any, dtype: str) -> None:
    """All are linear: ``x_bar = Jᵀ y_bar``, so the cotangent of `y_bar` is ``J u`` for a seed `u`."""
    for number, example in enumerate(calls_of(rule)):
        rng = np.random.default_rng([2, number])
        args = draw(example.args, rng, np.dtype(dtype))
        y = rule.function(*args, **example.kwargs)
        outputs = leaves(y)
        complex_output = any(part.dtype.kind == "c" for part in outputs)
        for position in active_positions(rule, args):
            y_bar = tracked(like(y, rng))
            kept_y, kept_args = reduced(rule, position, y, args)
            bar = cotangent(rule, position, y_bar, kept_y, kept_args, example.kwargs, complex_output)
            x_bar = dense_of(fit(bar, spec_tree(args[position])))
            seed = like(args[position], rng)
            for part, part_seed in zip(nested(x_bar), leaves(seed), strict=True):
                if isinstance(part, Variable):
                    pull(part, part_seed)
            y_dot = leaves(tangent(rule, position, seed, y, args, example.kwargs))
            for part, expected in zip(nested(y_bar), y_dot, strict=True):
                ours = np.zeros(part.shape) if part.grad is None else part.grad
                assert np.allclose(ours, expected), f"{rule.name}({example}), argument {position}"


def nested(value: Any) -> list[Any]:
    return [leaf for part in value for leaf in nested(part)] if isinstance(value, list) else [value]
