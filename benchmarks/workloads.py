"""What is measured: each workload in plain NumPy code for pullback, by hand, and for peers where installed.

A candidate returns the gradients. PyTorch and `pb.Variable` start from inputs that exist, record, call
``backward()`` and clear the gradients; `pb.grad` takes arrays.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import pullback as pb
from pullback.scipy.special import log_softmax

Candidates = dict[str, Callable[[], Any]]


def by_backward(function: Callable[..., Any], inputs: list[Any]) -> Callable[[], list[Any]]:
    """Gradients of `function` in PyTorch's manner: `inputs` accumulate them, and are cleared."""

    def run() -> list[Any]:
        function(*inputs).backward()
        gradients = []
        for x in inputs:
            gradients.append(x.grad)
            x.grad = None
        return gradients

    return run


def by_grad(function: Callable[..., Any], inputs: list[Any]) -> Callable[[], Any]:
    """Gradients of `function` by the transform `pb.grad`."""
    gradient = pb.grad(function, argnums=tuple(range(len(inputs))))
    return lambda: gradient(*inputs)


def by_all(
    function: Callable[..., Any],
    inputs: list[Any],
    torch: Any,
    in_torch: Any,
    autograd: Any,
    in_autograd: Any,
) -> Candidates:
    """The candidates that every workload has."""
    candidates: Candidates = {
        "Variable": by_backward(function, [pb.Variable(x) for x in inputs]),
        "pb.grad": by_grad(function, inputs),
    }
    if torch is not None:
        tensors = [torch.from_numpy(np.array(x)).requires_grad_() for x in inputs]
        candidates["torch"] = by_backward(in_torch, tensors)
    if autograd is not None and in_autograd is not None:
        gradient = autograd.grad(in_autograd, tuple(range(len(inputs))))
        candidates["autograd"] = lambda: gradient(*inputs)
    return candidates


def autograd_numpy(autograd: Any) -> Any:
    """Autograd's wrapped namespace, or None."""
    return None if autograd is None else importlib.import_module("autograd.numpy")


def trace(torch: Any, autograd: Any) -> Candidates:
    """``tr(x1 @ x2)`` and its gradient in both factors."""
    rng = np.random.default_rng(1)
    n = 30
    x1, x2 = rng.standard_normal((n, n)), rng.standard_normal((n, n))

    def by_hand() -> Any:
        z = x1 @ x2
        t = np.trace(z)
        g = np.eye(n)
        return g @ x2.T, x1.T @ g, t

    anp = autograd_numpy(autograd)
    candidates = by_all(
        lambda a, b: np.trace(a @ b), [x1, x2],
        torch, lambda a, b: torch.trace(a @ b),
        autograd, lambda a, b: anp.trace(a @ b),
    )  # fmt: skip
    return {"hand-written": by_hand, **candidates}


def chain(torch: Any, autograd: Any) -> Candidates:
    """300 times sine, times a constant, plus a constant, of 10 numbers; then their sum."""
    x = np.linspace(0.1, 1.0, 10)

    def written_with(namespace: Any) -> Callable[[Any], Any]:
        def function(x: Any) -> Any:
            for _ in range(300):
                x = namespace.sin(x) * 1.1 + 0.1
            return namespace.sum(x)

        return function

    forward = written_with(np)
    candidates = by_all(
        forward, [x], torch, torch and written_with(torch), autograd, written_with(autograd_numpy(autograd))
    )
    return {"forward": lambda: forward(x), **candidates}


def scalars(torch: Any, autograd: Any) -> Candidates:
    """A scalar loop of 1,000 × 4 operations on Python floats."""

    def function(x: Any, a: Any) -> Any:
        y = x
        for _ in range(1000):
            y = (y * a + x) / (a + 1.5)
        return y

    return by_all(function, [0.7, 0.9], torch, function, autograd, function)


def mlp(torch: Any, autograd: Any, dtype: str) -> Candidates:
    """Cross entropy of a perceptron of two hidden layers, in all weights and biases.

    By the functions that each library has for it, and the same written out in elementary operations. Autograd
    has none, and PyTorch has one function for all, ``cross_entropy``.
    """
    rng = np.random.default_rng(2)
    sizes = (64, 256, 256, 10)
    parameters: list[Any] = []
    for rows, columns in itertools.pairwise(sizes):
        parameters.append((rng.standard_normal((rows, columns)) / np.sqrt(rows)).astype(dtype))
        parameters.append(np.zeros(columns, dtype))
    data = rng.standard_normal((32, 64)).astype(dtype)
    labels = rng.integers(0, 10, 32)
    rows_of_batch = np.arange(32)

    def loss(w1: Any, b1: Any, w2: Any, b2: Any, w3: Any, b3: Any) -> Any:
        h = np.maximum(data @ w1 + b1, 0.0)
        h = np.maximum(h @ w2 + b2, 0.0)
        return -np.mean(log_softmax(h @ w3 + b3, axis=1)[rows_of_batch, labels])

    def written_with(namespace: Any) -> Callable[..., Any]:
        def loss(w1: Any, b1: Any, w2: Any, b2: Any, w3: Any, b3: Any) -> Any:
            h = namespace.maximum(data @ w1 + b1, 0.0)
            h = namespace.maximum(h @ w2 + b2, 0.0)
            logits = h @ w3 + b3
            logits = logits - namespace.max(logits, axis=1, keepdims=True)
            log_total = namespace.log(namespace.sum(namespace.exp(logits), axis=1))
            return namespace.mean(log_total - logits[rows_of_batch, labels])

        return loss

    candidates = by_all(
        loss, parameters,
        torch, torch and mlp_in_torch(torch, data, labels, written_out=False),
        autograd, written_with(autograd_numpy(autograd)),
    )  # fmt: skip
    written_out = by_all(
        written_with(np), parameters,
        torch, torch and mlp_in_torch(torch, data, labels, written_out=True),
        None, None,
    )  # fmt: skip
    return candidates | {f"{name}, written out": run for name, run in written_out.items()}


def mlp_in_torch(torch: Any, data: Any, labels: Any, *, written_out: bool) -> Callable[..., Any]:
    """The loss of `mlp` for tensors."""
    data, labels, rows_of_batch = (torch.from_numpy(x) for x in (data, labels, np.arange(32)))
    functional = torch.nn.functional

    def loss(w1: Any, b1: Any, w2: Any, b2: Any, w3: Any, b3: Any) -> Any:
        h = torch.relu(data @ w1 + b1)
        h = torch.relu(h @ w2 + b2)
        logits = h @ w3 + b3
        if not written_out:
            return functional.cross_entropy(logits, labels)
        logits = logits - torch.amax(logits, dim=1, keepdim=True)
        log_total = torch.log(torch.sum(torch.exp(logits), dim=1))
        return torch.mean(log_total - logits[rows_of_batch, labels])

    return loss


def products(torch: Any) -> Candidates:
    """The sum of the entries of a product of 10 matrices, in all of them."""
    rng = np.random.default_rng(3)
    matrices = [rng.standard_normal((200, 200)) / np.sqrt(200) for _ in range(10)]

    def by_hand() -> Any:
        partial = [matrices[0]]
        for factor in matrices[1:]:
            partial.append(partial[-1] @ factor)
        total = np.sum(partial[-1])
        y_bar = np.ones((200, 200))
        gradients = []
        for k in range(9, 0, -1):
            gradients.append(partial[k - 1].T @ y_bar)
            y_bar = y_bar @ matrices[k].T
        return [y_bar, *gradients[::-1]], total

    def product(*factors: Any) -> Any:
        y = factors[0]
        for factor in factors[1:]:
            y = y @ factor
        return y.sum()

    return {"hand-written": by_hand, **by_all(product, matrices, torch, product, None, None)}
