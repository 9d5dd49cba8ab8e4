"""JAX as a peer: `jax.numpy` and `jax.scipy` have most functions under NumPy's and SciPy's names."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy
import jax.scipy.special
import numpy as np
from comparison import Pull, leaves, replaced

from pullback.testing.rows import is_inexact


class Jax:
    """JAX's convention is the conjugate of ours: ``x_bar = conj(jax(conj(y_bar)))``."""

    refusals = (TypeError, ValueError, NotImplementedError, IndexError, AttributeError)
    most_calls = 3  # JAX compiles every operation at every shape anew

    def function(self, name: str) -> Callable[..., Any] | None:
        if name == "getitem":
            return operator.getitem
        library, *path = name.split(".")
        found: Any = {"numpy": jax.numpy, "scipy": jax.scipy}.get(library)
        for part in path:
            found = getattr(found, part, None)
        return found

    def follow(
        self, function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any], active: list[int]
    ) -> tuple[list[Any], Pull]:
        def of_active(*values: Any) -> list[Any]:
            result = function(*replaced(args, active, values), **kwargs)
            return [leaf for leaf in leaves(result) if jax.numpy.result_type(leaf).kind in "fc"]

        primals = [args[i] for i in active]
        inexact = [is_inexact(leaf) for leaf in leaves(primals)]
        values, plain_pull = jax.vjp(of_active, *jax.tree.map(jax.numpy.asarray, primals))

        def pull(cotangents: list[Any]) -> list[Any]:
            seeds = [np.conj(y_bar).astype(y.dtype) for y_bar, y in zip(cotangents, values, strict=True)]
            bars = jax.tree.leaves(plain_pull(seeds))
            return [np.conj(x_bar) for x_bar, wanted in zip(bars, inexact, strict=True) if wanted]

        return [np.asarray(value) for value in values], pull
