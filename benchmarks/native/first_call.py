"""What a first call costs: ``python -m benchmarks.native.first_call``.

In: nothing. Out: a Markdown table of seconds of processor time, for a kernel of 20 statements and one of 100,
called for its value and then for its gradient. Every measurement runs in a fresh process: once with an
empty cache folder, once more with what that left in it. Beside it stand the shares of Numba's compilation (or
of loading what it has compiled) and of our own passes. The import of Numba, which the first call needs, is
not in the sum. At the end: what a compiled gradient call with two arrays costs beyond the compiled code.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIMITS = {20: 1.5, 100: 6.0}
"""Seconds to compile, by number of statements."""
FROM_DISK, OVERHEAD = 0.1, 2e-6

HEAD = (
    "import numpy as np\n\n\ndef kernel(x, a, c, n):\n    total = 0.0\n    d = 1.0 + c * c\n    y = d * x\n"
)
TAIL = "    return total + np.sum(y * y)\n"

STAGE = """\
    for i{k} in range(n):
        s{k} = c * x[i{k}]
        if s{k} > 0.5:
            s{k} = np.tanh(s{k})
        else:
            s{k} = 0.5 * s{k}
        y[i{k}] = s{k} + np.sin(y[i{k}])
        total += y[i{k}] * s{k}
    a[1:-1] += 0.1 * (a[2:] - 2.0 * a[1:-1] + a[:-2])
    b{k} = a @ y
    w{k} = np.exp(-(b{k} ** 2))
    z{k} = np.where(w{k} > 0.5, w{k}, b{k})
    j{k} = 0
    while j{k} < n and total < 10.0:
        total += z{k}[j{k}] * 0.1
        j{k} += 1
    y[::2] *= np.sum(z{k} * w{k})
"""
"""Sixteen statements: a loop with a branch and stores, a stencil, a product, a `while`, a reduction."""


def source_of(statements: int) -> str:
    """A kernel of about so many statements."""
    per_stage = STAGE.count("\n") - STAGE.count("else:")
    return HEAD + "".join(STAGE.format(k=k) for k in range(round((statements - 4) / per_stage))) + TAIL


def count_of(text: str) -> int:
    """How many statements the function has, a `for` or an `if` counted once, beside those in it."""
    import ast

    function = ast.parse(text).body[-1]
    return sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1


# -- in the fresh process ------------------------------------------------------------------------------------


def child(file: str) -> dict[str, float]:
    """Import the kernel in `file`, and time the first calls."""
    seconds: dict[str, float] = {}
    seconds["import pullback"] = timed(lambda: __import__("pullback"))
    import numpy as np

    import pullback as pb

    namespace: dict[str, Any] = {"__name__": "kernel"}
    exec(compile(Path(file).read_text(), file, "exec"), namespace)
    function = pb.compile(namespace["kernel"])
    rng = np.random.default_rng(0)
    arguments = (rng.normal(size=16), 0.1 * rng.normal(size=(16, 16)), 0.7, 12)
    seconds["import Numba"] = timed(lambda: __import__("pullback.emit.compile"))
    spent = watch_numba()
    seconds["value"] = timed(lambda: function(arguments[0].copy(), arguments[1].copy(), *arguments[2:]))
    gradient = pb.grad(function, argnums=(0, 1))
    seconds["gradient"] = timed(lambda: gradient(*arguments))
    seconds["Numba"] = sum(spent)
    return seconds


def watch_numba() -> list[float]:
    """The seconds spent in compiling, one entry a function; what is taken from the cache is in it too."""
    from numba.core.dispatcher import Dispatcher

    from pullback.emit import binary

    spent: list[float] = []
    depth = [0]

    def watched(inner: Callable[..., Any]) -> Callable[..., Any]:
        def outer(*args: Any) -> Any:
            depth[0] += 1
            began = time.process_time()
            try:
                return inner(*args)
            finally:
                depth[0] -= 1
                if depth[0] == 0:
                    spent.append(time.process_time() - began)

        return outer

    Dispatcher.compile = watched(Dispatcher.compile)
    binary.unpacked = watched(binary.unpacked)
    return spent


def timed(call: Callable[[], Any]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


# -- in this one ---------------------------------------------------------------------------------------------


def measured(file: Path, cache: str) -> dict[str, float]:
    """`child` in a process of its own, which keeps what it compiles in the folder `cache`."""
    command = [sys.executable, "-m", "benchmarks.native.first_call", "--child", str(file)]
    environment = os.environ | {"PULLBACK_CACHE_DIR": cache}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def call_overhead() -> tuple[float, float]:
    """Seconds of a gradient call with two arrays, and of the compiled code in it."""
    import numpy as np

    import pullback as pb

    def product(a: Any, b: Any) -> Any:
        return a[0] * b[0]

    compiled = pb.compile(product)
    gradient = pb.grad(compiled, argnums=(0, 1))
    a, b = np.ones(2), np.ones(2)
    gradient(a, b)
    ((specialised,),) = compiled._specialised.values()
    (plan,) = specialised.plans.values()
    whole, inner = timeit.Timer(lambda: gradient(a, b)), timeit.Timer(lambda: plan.run(a, b, plan.seed))
    rounds = [(whole.timeit(2000) / 2000, inner.timeit(2000) / 2000) for _ in range(15)]
    return statistics.median(r[0] for r in rounds), statistics.median(r[1] for r in rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--runs", type=int, default=3, help="the median of so many is shown")
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(options.child)))
        return
    print(
        "| statements | cache | value + gradient, s | target | of it Numba | our passes | import of Numba |"
    )
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    for statements, limit in LIMITS.items():
        text = source_of(statements)
        rows: dict[str, list[dict[str, float]]] = {"empty": [], "kept": []}
        for _ in range(options.runs):
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "kernel.py"
                file.write_text(text)
                for measurements in rows.values():
                    measurements.append(measured(file, folder + "/cache"))
        for kind, runs in rows.items():
            found = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            total = found["value"] + found["gradient"]
            cells = (total, limit if kind == "empty" else FROM_DISK, found["Numba"], total - found["Numba"])
            numbers = " | ".join(f"{cell:.2f}" for cell in (*cells, found["import Numba"]))
            print(f"| {count_of(text)} | {kind} | {numbers} |", flush=True)
    whole, inner = call_overhead()
    spent, more, most = (seconds * 1e6 for seconds in (whole, whole - inner, OVERHEAD))
    print(f"\nGradient call, two arrays: {spent:.2f} µs, {more:.2f} beyond its compiled code (≤ {most:.0f}).")


if __name__ == "__main__":
    main()
