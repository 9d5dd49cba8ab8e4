"""Reductions and order statistics next to PyTorch's, where its conventions are the same."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import numpy as np
import pytest
import torch

from pullback import rules
from pullback.base.spec import spec_of
from pullback.rules.read import cotangent, fit
from pullback.rules.structured import dense
from pullback.rules.table import TABLE

for found in pkgutil.iter_modules(rules.__path__):
    importlib.import_module(f"pullback.rules.{found.name}")

PLAIN = np.random.default_rng(0).standard_normal((4, 5))
ZEROS = np.where(PLAIN > 0.3, 0, PLAIN)
TIES = np.round(PLAIN)
PAIRS: dict[str, tuple[Any, Any, Any, dict[str, Any]]] = {
    "sum": (np.sum, lambda x: x.sum(0), PLAIN, {"axis": 0}),
    "mean": (np.mean, lambda x: x.mean((0, 1), keepdim=True), PLAIN, {"axis": (0, 1), "keepdims": True}),
    "prod": (np.prod, lambda x: x.prod(1), ZEROS, {"axis": 1}),
    "cumsum": (np.cumsum, lambda x: x.cumsum(1), PLAIN, {"axis": 1}),
    "cumprod": (np.cumprod, lambda x: x.cumprod(1), ZEROS, {"axis": 1}),
    "var": (np.var, lambda x: x.var(1, correction=1), PLAIN, {"axis": 1, "ddof": 1}),
    "std": (np.std, lambda x: x.std(0, correction=0), PLAIN, {"axis": 0}),
    "max": (np.max, lambda x: x.amax(1), TIES, {"axis": 1}),
    "min": (np.min, lambda x: x.amin((0, 1)), TIES, {}),
    "maximum.accumulate": (np.maximum.accumulate, lambda x: x.cummax(0)[0], PLAIN, {"axis": 0}),
    "logaddexp.reduce": (np.logaddexp.reduce, lambda x: x.logsumexp(1), PLAIN, {"axis": 1}),
    "median": (np.median, lambda x: x.median(1)[0], PLAIN, {"axis": 1}),
    "nansum": (np.nansum, lambda x: x.nansum(1), np.where(PLAIN > 1, np.nan, PLAIN), {"axis": 1}),
    "nanmean": (np.nanmean, lambda x: x.nanmean(1), np.where(PLAIN > 1, np.nan, PLAIN), {"axis": 1}),
    "sort": (np.sort, lambda x: torch.sort(x, dim=0, stable=True)[0], TIES, {"axis": 0}),
    "diff": (np.diff, lambda x: x.diff(2, 1), PLAIN, {"n": 2, "axis": 1}),
    "trapezoid": (np.trapezoid, lambda x: torch.trapezoid(x, dx=0.5, dim=0), PLAIN, {"dx": 0.5, "axis": 0}),
    "gradient": (
        np.gradient,
        lambda x: torch.gradient(x, dim=1, edge_order=2)[0],
        PLAIN,
        {"axis": 1, "edge_order": 2},
    ),
}


def compare(function: Any, theirs: Any, a: Any, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    y = function(a, *args, **options)
    y_bar = np.random.default_rng(1).standard_normal(np.shape(y))
    x_bar = dense(fit(cotangent(TABLE[function], 0, y_bar, y, (a, *args), options, False), spec_of(a)))
    x = torch.tensor(a, requires_grad=True)
    value = theirs(x)
    value.backward(torch.tensor(y_bar))
    assert np.allclose(y, value.detach().numpy())
    assert x.grad is not None
    assert np.allclose(x_bar, x.grad.numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", PAIRS)
def test_reduction(name: str) -> None:
    function, theirs, a, options = PAIRS[name]
    compare(function, theirs, a, (), options)


@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
@pytest.mark.parametrize("q", [0.1, 0.5, 0.83, [0.0, 0.4, 1.0]])
def test_quantile(method: str, q: Any) -> None:
    def theirs(x: Any) -> Any:
        return torch.quantile(x, torch.tensor(q, dtype=x.dtype), 1, interpolation=method)

    compare(np.quantile, theirs, PLAIN, (q,), {"axis": 1, "method": method})
