"""What a gradient has freed is there for the next one, without the system's clearing it again."""

from __future__ import annotations

import platform
import subprocess
import sys

PROGRAM = """
import resource

import numpy as np

import pullback as pb


def kept(x):
    for _ in range(25):
        x = np.sin(x) * x
    return np.sum(x)


x = np.ones(500_000)
gradient = pb.grad(kept)
gradient(x)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
gradient(x)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_pages_are_cleared_once() -> None:
    """Of 200 MB in 50,000 pages; an allocator other than glibc's may clear them each time."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(done.stdout) < (5_000 if platform.libc_ver()[0] == "glibc" else 100_000)
