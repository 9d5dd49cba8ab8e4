"""Memory of intermediate values: the system clears it once, not for each gradient; and where arrays begin."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.base.memory import aligned, aligned_copy

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


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (7, 9), (2, 3, 5), (1000,)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_an_aligned_array_begins_with_a_cache_line(shape: tuple[int, ...], dtype: Any) -> None:
    for _ in range(5):
        array = aligned(shape, np.dtype(dtype))
        assert array.shape == shape
        assert array.dtype == dtype
        assert array.ctypes.data % 64 == 0
        assert array.flags.c_contiguous
        assert array.flags.writeable
        array[...] = 3


@pytest.mark.parametrize("n", [10, 100])
def test_an_aligned_copy_has_the_layout_of_its_original(n: int) -> None:
    a = np.random.default_rng(n).standard_normal((n, n))
    for array in (a, a.T, a[::2, ::-1], a.astype(np.complex64), a[:, :0], np.asfortranarray(a)):
        copied = aligned_copy(array)
        assert np.array_equal(copied, array)
        assert not np.shares_memory(copied, array)
        assert copied.flags.c_contiguous == array.copy("K").flags.c_contiguous
        assert copied.flags.f_contiguous == array.copy("K").flags.f_contiguous
    large = pb.Variable(np.ones((64, 64)))
    assert large._value.ctypes.data % 64 == 0
