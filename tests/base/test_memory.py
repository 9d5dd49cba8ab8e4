"""Memory of intermediate values: the system clears it once, not for each gradient."""

from __future__ import annotations

import subprocess
import sys

FAULTS = """
import resource
import numpy as np
import pullback as pb

def loss(x):
    for _ in range(8):
        x = np.sin(x)
    return np.sum(x)

x, gradient = np.ones(1 << 16), pb.grad(loss, engine="tape")
for _ in range(5):
    gradient(x)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    gradient(x)
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20)
"""


def test_a_gradient_has_no_new_pages() -> None:
    """Of intermediate values, 1,024 pages in all; each was cleared anew where glibc had its way."""
    ran = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    assert float(ran.stdout) < 100
