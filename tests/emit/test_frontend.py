"""What Numba is made to import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
import numpy as np
import pullback as pb

def plain(x):
    return np.sum(np.sin(x) ** 2)

def product(x):
    return np.sum((x @ np.sin(x)) ** 2)

x = np.linspace(0.1, 1.0, 400).reshape(20, 20)
value, gradient = pb.value_and_grad(pb.compile(plain))(x)
assert np.allclose(value, plain(x)) and np.allclose(gradient, np.sin(2 * x))
before = "scipy.linalg" in sys.modules
value, gradient = pb.value_and_grad(pb.compile(product))(x)
assert np.allclose(value, product(x))
bar = 2 * x @ np.sin(x)
assert np.allclose(gradient, bar @ np.sin(x).T + x.T @ bar * np.cos(x))
print(before, "scipy.linalg" in sys.modules)
"""


def test_scipy_is_imported_where_a_blas_is_called(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(file)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PULLBACK_CACHE_DIR": str(tmp_path)},
        check=True,
    )
    assert done.stdout.split() == ["False", "True"]
