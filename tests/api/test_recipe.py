"""What later processes find on the disk: compiled code, without the passes that made it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.special

import pullback as pb
from pullback.api.compiled import Compiled

KERNEL = """
import numpy as np

FACTOR = 2.0

def kernel(x, n):
    total = 0.0
    for i in range(n):
        total += FACTOR * np.sin(x[i])
    return total
"""

SCRIPT = """
import sys
import numpy as np
import pullback as pb
from kernel import kernel

compiled = pb.compile(kernel)
value, slope = pb.jvp(lambda x: compiled(x, 3), (np.ones(3),), (np.ones(3),))
print(round(compiled(np.ones(3), 3), 9), round(value, 9), pb.grad(compiled)(np.zeros(3), 3), round(slope, 9))
print(len(compiled.quick[None]) == 1)
print(any(name.startswith(("pullback.optimize", "pullback.transform")) for name in sys.modules))
"""


def run(folder: Path, kernel: str = KERNEL, before: str = "") -> list[str]:
    (folder / "kernel.py").write_text(kernel)
    environment = os.environ | {
        "PULLBACK_CACHE_DIR": str(folder / "cache"),
        "PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '')}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-W", "error", "-c", before + SCRIPT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_second_process_needs_no_pass(tmp_path: Path) -> None:
    value, slope = 3 * np.sin(1), 3 * np.cos(1)
    expected = [f"{round(k * value, 9)} " * 2 + f"[{k}. {k}. {k}.] {round(k * slope, 9)}" for k in (2, 3)]
    assert run(tmp_path) == [expected[0], "True", "True"]
    assert run(tmp_path) == [expected[0], "True", "False"]
    # Another version of the passes, and another constant, which makes another program.
    changed = "import pullback.api.recipe as r; r._passes = lambda: 'changed'"
    assert run(tmp_path, before=changed) == [expected[0], "True", "True"]
    assert run(tmp_path, KERNEL.replace("2.0", "3.0")) == [expected[1], "True", "True"]
    for file in [*(tmp_path / "cache").glob("*.interface"), *(tmp_path / "cache").glob("*.ready")]:
        file.write_bytes(file.read_bytes()[:-1])
    assert run(tmp_path) == [expected[0], "True", "True"]
    assert run(tmp_path) == [expected[0], "True", "False"]


def key_of(function: object, *arguments: object) -> str | None:
    return Compiled(function).specialise(arguments, {})[1].recipe.key  # type: ignore[arg-type]


def test_programs_of_ones_own_functions_are_not_kept() -> None:
    @pb.primitive
    def softer(x):
        return np.tanh(x)

    @pb.vjp_rule(softer, 0)
    def _(y_bar, y, x):
        return y_bar * (1 - y * y)

    assert key_of(lambda x: np.sum(softer(x)), np.ones(3)) is None
    assert key_of(lambda x: np.sum(np.tanh(x)), np.ones(3)) is not None


def test_keys_tell_programs_apart() -> None:
    def sine(x):
        return np.sum(np.sin(x))

    def cosine(x):
        return np.sum(np.cos(x))

    keys = [
        key_of(sine, np.ones(3)),
        key_of(cosine, np.ones(3)),
        key_of(sine, np.ones((3, 3))),
        key_of(sine, np.ones(3, np.float32)),
        key_of(sine, np.ones(1)),
        key_of(sine, np.ones(6)[::2]),
    ]
    assert len(set(keys)) == len(keys)
    assert key_of(sine, np.ones(5)) == keys[0]


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), True])
def test_keys_tell_constants_apart(value: object) -> None:
    def times(x):
        return np.sum(x * value)

    others = {key_of(lambda x, c=c: np.sum(x * c), np.ones(3)) for c in (1, 1.0)}
    assert key_of(times, np.ones(3)) not in others


def test_keys_tell_functions_of_one_name_apart() -> None:
    def folding(fold):
        return lambda x: np.sum(fold.reduce(x))

    def rooting(root):
        return lambda x: np.sum(root(x))

    for make, functions in ((folding, (np.add, np.multiply)), (rooting, (np.cbrt, scipy.special.cbrt))):
        keys = {key_of(make(function), np.ones((2, 3))) for function in functions}
        assert len(keys) == 2
        assert None not in keys
