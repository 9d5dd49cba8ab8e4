"""How fast gradients of linear algebra and tensor networks are: ratios to PyTorch and JAX in one run.

    python -m benchmarks.physics            all rows
    python -m benchmarks.physics mps eigh   those whose name starts so

Goes out: a Markdown table with the limit of each ratio, misses in bold. Each workload is one source, run with
NumPy on the tape ("tape"), compiled ("native") and with its `np` bound to PyTorch's and JAX's names; JAX is
under `jit`. Times are the process's processor time, since JAX works in threads of its own; the candidates of
a workload take turns, and a ratio is that of medians. "pullback" is the faster of tape and native, the engine
that one would choose.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import pullback as pb
from benchmarks.eager import line, optional
from benchmarks.native import in_jax
from benchmarks.native.timing import medians
from benchmarks.networks import SIDE, lattice
from pullback.scipy.linalg import expm
from pullback.tape.plan import forget

SIZES = (8, 64, 256)
SITES, BONDS = 64, (16, 64)
PEPS_BOND = 4

TIMES_PREPARED = 3
"""Of which the first imports what has not been used yet, in JAX and here."""

Limits = list[tuple[str, str, float | None]]
"""Candidate, reference, and the most that the candidate may take of the reference's time."""


# -- sources -----------------------------------------------------------------------------------------------


def traces(a: Any, b: Any) -> Any:
    """Of a stack of products, of which the traces alone are read."""
    return np.sum(np.abs(np.trace(a @ b, axis1=1, axis2=2)) ** 2)


def traces_in_torch(a: Any, b: Any) -> Any:
    return ((a @ b).diagonal(dim1=1, dim2=2).sum(-1).abs() ** 2).sum()


def stacks(a: Any, b: Any) -> Any:
    return np.sum(np.abs(a @ b) ** 2)


def energy(tensors: Any, operator: Any, start: Any) -> Any:
    """Of an open matrix product state, sites × physical × left × right, and an operator of bond 3."""
    environment = start
    for site in range(tensors.shape[0]):
        tensor = tensors[site]
        bond = tensor.shape[1]
        upper = environment[:, None] @ tensor
        between = operator @ upper.reshape(6, bond * bond)
        environment = np.conj(tensor).reshape(2 * bond, bond).T @ between.reshape(3, 2 * bond, bond)
    return np.real(environment[2, 0, 0] / environment[0, 0, 0])


def overlap(bras: Any, kets: Any, start: Any) -> Any:
    """Of two uniform matrix product states of eight sites, as one writes it: an Einstein sum a site."""
    environment = start
    for _ in range(8):
        environment = np.einsum("ab,aic,bid->cd", environment, np.conj(bras), kets, optimize=True)
    return np.abs(environment[0, 0])


def eigh(a: Any, c: Any) -> Any:
    values, vectors = np.linalg.eigh(a + a.T)
    return np.sum(values * c[0]) + np.sum(vectors**2 * c)


def svd(a: Any, c: Any) -> Any:
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    return np.sum(s * c[0]) + np.sum(u**2 * c) + np.sum(vt**2 * c)


def solve(a: Any, c: Any) -> Any:
    return np.sum(np.linalg.solve(a, c) ** 2)


def cholesky(a: Any, c: Any) -> Any:
    return np.sum(np.linalg.cholesky(a @ a.T) * c)


def exponential(a: Any, c: Any) -> Any:
    return np.sum(expm(a) * c)


FACTORS = {"eigh": eigh, "svd": svd, "solve": solve, "cholesky": cholesky, "expm": exponential}


# -- candidates --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Peers:
    """PyTorch and JAX, or None where one is not installed."""

    torch: Any
    jax: Any


def in_torch(torch: Any, function: Any, inputs: list[Any], constants: list[Any]) -> Callable[[], Any]:
    tensors = [torch.from_numpy(x).requires_grad_() for x in inputs]
    rest = [torch.from_numpy(x) for x in constants]

    def run() -> Any:
        value = function(*tensors, *rest)
        return value.detach(), torch.autograd.grad(value, tensors)

    return run


def jitted(
    jax: Any, function: Any, inputs: list[Any], constants: list[Any]
) -> tuple[Callable[[], Any], float]:
    """Value and gradient under `jit`, and the seconds that compiling it took."""
    given, rest = [jax.numpy.asarray(x) for x in inputs], [jax.numpy.asarray(x) for x in constants]
    gradient = jax.jit(jax.value_and_grad(lambda *xs: function(*xs, *rest), argnums=tuple(range(len(given)))))
    start = time.process_time()
    compiled = gradient.lower(*given).compile()
    seconds = time.process_time() - start
    return lambda: jax.block_until_ready(compiled(*given)), seconds


def candidates(
    source: Any,
    inputs: list[Any],
    constants: list[Any],
    peers: Peers,
    torch_source: Any = None,
    native: bool = True,
) -> dict[str, Callable[[], Any]]:
    """The same value and gradients by every engine that is here."""
    argnums = tuple(range(len(inputs)))
    arguments = [*inputs, *constants]
    tape = pb.value_and_grad(source, argnums=argnums, engine="tape")
    found: dict[str, Callable[[], Any]] = {"tape": lambda: tape(*arguments)}
    if native:
        compiled = pb.value_and_grad(pb.compile(source), argnums=argnums)
        found["native"] = lambda: compiled(*arguments)
    if peers.torch is not None:
        names = {"np": peers.torch, "expm": peers.torch.linalg.matrix_exp}
        function = torch_source or in_jax.rebound(source, names)
        found["PyTorch"] = in_torch(peers.torch, function, inputs, constants)
    if peers.jax is not None:
        names = {"np": peers.jax.numpy, "expm": peers.jax.scipy.linalg.expm}
        found["JAX"], _ = jitted(peers.jax, in_jax.rebound(source, names), inputs, constants)
    agree(found)
    return found


def agree(found: dict[str, Callable[[], Any]]) -> None:
    """Every candidate computes the same numbers; JAX has the conjugate of complex gradients."""
    _, expected = found["tape"]()
    for name, run in found.items():
        for ours, theirs in zip(expected, run()[1], strict=True):
            theirs = np.conj(theirs) if name.startswith("JAX") else np.asarray(theirs)
            scale = np.abs(ours).max()
            if not np.allclose(ours, theirs, rtol=1e-5, atol=1e-6 * scale):
                raise AssertionError(f"{name} has other gradients: {np.abs(ours - theirs).max() / scale:.1e}")


def complex_normal(rng: np.random.Generator, *shape: int) -> Any:
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


# -- rows --------------------------------------------------------------------------------------------------


def ratios(name: str, seconds: dict[str, float], limits: Limits) -> Iterator[str]:
    """The lines of one workload; the names of a reference joined by "|" stand for the faster of them."""
    own = [seconds[engine] for engine in ("tape", "native") if engine in seconds]
    if own:
        seconds = {**seconds, "pullback": min(own)}
    for candidate, reference, limit in limits:
        present = [seconds[one] for one in reference.split("|") if one in seconds]
        if present:
            mine, other = seconds[candidate], min(present)
            times = f"{mine * 1e6:,.1f} / {other * 1e6:,.1f} µs"
            yield line(name, f"{candidate} / {' or '.join(reference.split('|'))}", times, mine / other, limit)


def stacked_rows(peers: Peers) -> Iterator[tuple[str, Callable[[], Iterator[str]]]]:
    rng = np.random.default_rng(0)
    inputs = [complex_normal(rng, 1000, 16, 16) for _ in range(2)]
    limits: Limits = [("tape", "PyTorch", 0.7), ("native", "PyTorch", 0.5)]
    for name, source, other in (("traces", traces, traces_in_torch), ("products", stacks, None)):
        title = f"{name} of 1,000 × (16×16), complex"

        def rows(source: Any = source, other: Any = other, title: str = title) -> Iterator[str]:
            yield from ratios(title, medians(candidates(source, inputs, [], peers, other)), limits)

        yield title, rows


def chain(bond: int) -> tuple[Any, Any, Any]:
    """Isometric tensors at random, the Ising chain's operator between 3 × 2 and 3 × 2, and where to start."""
    rng = np.random.default_rng(1)
    tensors = np.linalg.qr(complex_normal(rng, SITES, 2 * bond, bond))[0].reshape(SITES, 2, bond, bond)
    x, z, one = np.array([[0.0, 1], [1, 0]]), np.diag([1.0, -1]), np.eye(2)
    operator = np.zeros((3, 2, 3, 2), complex)
    operator[0, :, 0], operator[2, :, 2], operator[1, :, 0] = one, one, z
    operator[2, :, 0], operator[2, :, 1] = -x, -z
    start = np.zeros((3, bond, bond), complex)
    start[0, 0, 0] = 1
    return tensors, operator.reshape(6, 6), start


def chain_rows(peers: Peers) -> Iterator[tuple[str, Callable[[], Iterator[str]]]]:
    for bond in BONDS:
        title = f"MPS energy, {SITES} sites, bond {bond}, complex"

        def rows(bond: int = bond, title: str = title) -> Iterator[str]:
            tensors, operator, start = chain(bond)
            arguments = [tensors], [operator, start]
            found = candidates(energy, *arguments, Peers(peers.torch, None))
            compiling = {}
            if peers.jax is not None:
                unrolled = in_jax.rebound(energy, {"np": peers.jax.numpy})
                for name, function in (("JAX", unrolled), ("JAX scan", energy_by_scan(peers.jax))):
                    made = [jitted(peers.jax, function, *arguments) for _ in range(TIMES_PREPARED)]
                    found[name], compiling[name] = made[0][0], statistics.median(taken for _, taken in made)
                agree(found)
            seconds = medians(found)
            limits: Limits = [
                (engine, reference, limit)
                for engine in ("tape", "native")
                for reference, limit in (("PyTorch", 0.5), ("JAX|JAX scan", 1.0))
            ]
            yield from ratios(title, seconds, limits)
            own = {
                engine: statistics.median(preparing(engine, arguments) for _ in range(TIMES_PREPARED))
                - seconds[engine]
                for engine in ("tape", "native")
            }
            for name, taken in compiling.items():
                for engine, first in own.items():
                    first = max(first, 0.0)
                    times = f"{first * 1e3:,.1f} / {taken * 1e3:,.1f} ms"
                    yield line(title, f"preparing {engine} / compiling {name}", times, first / taken, 0.1)

        yield title, rows


def preparing(engine: str, arguments: tuple[list[Any], list[Any]]) -> float:
    """Seconds of the first call of a gradient with nothing prepared, and nothing compiled here or on disk."""
    forget()
    for name in [name for name in sys.modules if name.startswith(f"pullback_{energy.__name__}")]:
        del sys.modules[name]  # machine code that another call of this process has left
    copied = in_jax.rebound(energy, {})
    source = pb.compile(copied) if engine == "native" else copied
    gradient = pb.value_and_grad(source, engine="tape" if engine == "tape" else None)
    kept = os.environ.get("PULLBACK_CACHE_DIR")
    with tempfile.TemporaryDirectory() as empty:
        os.environ["PULLBACK_CACHE_DIR"] = empty
        try:
            start = time.process_time()
            gradient(*arguments[0], *arguments[1])
            return time.process_time() - start
        finally:
            if kept is None:
                del os.environ["PULLBACK_CACHE_DIR"]
            else:
                os.environ["PULLBACK_CACHE_DIR"] = kept


def energy_by_scan(jax: Any) -> Any:
    """The energy as one writes it for JAX, where a loop over sites is unrolled."""
    jnp = jax.numpy

    def function(tensors: Any, operator: Any, start: Any) -> Any:
        def step(environment: Any, tensor: Any) -> Any:
            bond = tensor.shape[1]
            between = operator @ (environment[:, None] @ tensor).reshape(6, bond * bond)
            return jnp.conj(tensor).reshape(2 * bond, bond).T @ between.reshape(3, 2 * bond, bond), None

        environment, _ = jax.lax.scan(step, start, tensors)
        return jnp.real(environment[2, 0, 0] / environment[0, 0, 0])

    return function


def factor_rows(peers: Peers) -> Iterator[tuple[str, Callable[[], Iterator[str]]]]:
    for name, source in FACTORS.items():
        for n in SIZES:
            title = f"{name}, n = {n}"

            def rows(source: Any = source, n: int = n, title: str = title) -> Iterator[str]:
                rng = np.random.default_rng(2)
                a, c = rng.standard_normal((n, n)) / np.sqrt(n) + 2 * np.eye(n), rng.standard_normal((n, n))
                limit = 0.5 if n == 8 else 1.1
                limits: Limits = [("pullback", "PyTorch|JAX", limit)]
                yield from ratios(title, medians(candidates(source, [a], [c], peers)), limits)

            yield title, rows


def overlap_rows(peers: Peers) -> Iterator[tuple[str, Callable[[], Iterator[str]]]]:
    for bond in (16, 64):
        title = f"overlap by einsum, 8 sites, bond {bond}, complex"

        def rows(bond: int = bond, title: str = title) -> Iterator[str]:
            rng = np.random.default_rng(4)
            states = [complex_normal(rng, bond, 2, bond) / np.sqrt(2 * bond) for _ in range(2)]
            start = np.eye(bond) + 0j
            found = candidates(overlap, states, [start], peers, overlap_in_torch(peers.torch))
            limits: Limits = [("tape", "PyTorch", None), ("native", "PyTorch", None), ("native", "JAX", None)]
            yield from ratios(title, medians(found), limits)

        yield title, rows


def overlap_in_torch(torch: Any) -> Any:
    """`overlap` in the names of PyTorch, whose `einsum` chooses a path by itself."""

    def function(bras: Any, kets: Any, start: Any) -> Any:
        environment = start
        for _ in range(8):
            environment = torch.einsum("ab,aic,bid->cd", environment, torch.conj(bras), kets)
        return torch.abs(environment[0, 0])

    return function if torch is not None else None


def network_rows(peers: Peers) -> Iterator[tuple[str, Callable[[], Iterator[str]]]]:
    title = f"PEPS-like network, {SIDE}×{SIDE}, bond {PEPS_BOND}"

    def rows() -> Iterator[str]:
        tensors, terms = lattice(PEPS_BOND, float)

        def value(*given: Any) -> Any:
            return pb.contract(*(part for pair in zip(given, terms, strict=True) for part in pair), [])

        def backward() -> Any:
            """Gradients by all tensors alone, of what the value has left."""
            return pull(1.0)

        _, pull = pb.vjp(value, *tensors)
        gradient = pb.grad(value, argnums=tuple(range(len(tensors))), engine="tape")
        found = {"value": lambda: value(*tensors), "gradients": backward, "both": lambda: gradient(*tensors)}
        seconds = medians(found)
        yield from ratios(title, seconds, [("gradients", "value", 2.2), ("both", "value", 3.2)])

    yield title, rows


def report(chosen: list[str], peers: Peers) -> Iterator[str]:
    """The lines of the table, as they are measured."""
    yield "| workload | ratio | time | value | limit | met |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for family in (stacked_rows, chain_rows, factor_rows, overlap_rows, network_rows):
        for title, rows in family(peers):
            if not chosen or title.lower().startswith(tuple(chosen)):
                yield from rows()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description="Gradients of linear algebra and tensor networks, as ratios."
    )
    parser.add_argument("workload", nargs="*", help="only workloads whose name starts so")
    chosen = [name.lower() for name in parser.parse_args().workload]
    peers = Peers(optional("torch"), in_jax.load())
    if peers.torch is not None:
        peers.torch.set_num_threads(1)
    print(f"NumPy {np.__version__}, Python {sys.version.split()[0]}, one thread\n")
    for row in report(chosen, peers):
        print(row, flush=True)


if __name__ == "__main__":
    main()
