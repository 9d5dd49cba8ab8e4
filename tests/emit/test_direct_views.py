"""Views on the direct way: what they are of, that they share memory, and that every array is freed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba.core.runtime._nrt_python import memsys_disable_stats, memsys_enable_stats
from numba.core.runtime.nrt import rtsys

from pullback.emit.compile import compiled
from pullback.emit.direct import pipeline
from pullback.emit.ready import Source
from pullback.ir.types import type_of

HEAD = "import numpy as np\n\nfrom pullback.emit import native\n\n\ndef run(x, z, n):\n"

# A loop over a view and what it is of: taken to be apart, it would be vectorised, and wrong.
RECURRENCES = {
    "a slice": """
    a = native.empty((n + 1,), dtype=np.float64)
    for i in range(n + 1):
        a[i] = x[0, i % 5]
    b = a[1:]
    for i in range(n):
        b[i] = 0.5 * a[i] + 1.0
    return (a,)
    """,
    "a slice of a slice of a parameter": """
    c = x[1:, :]
    d = c[0]
    e = d[1:]
    for i in range(4):
        e[i] = d[i] * 2.0
    for i in range(4):
        e[i] = x[1, i] * 3.0
    return (d, e)
    """,
    "a reshaped array": """
    a = native.zeros((4, n), dtype=np.float64)
    b = a.reshape(4 * n)
    b[0] = x[0, 0]
    for i in range(n - 1):
        b[i + 1] = a[0, i] + 1.0
    return (a, b)
    """,
    "a transposed array": """
    a = native.zeros((n, n), dtype=np.float64)
    b = a.T
    a[0, 0] = 1.0
    for i in range(n - 1):
        b[i + 1, 0] = a[0, i] + 1.0
    return (a, b)
    """,
    "two names in turn": """
    a = native.zeros((n + 1,), dtype=np.float64)
    a[0] = x[0, 0]
    b = a[1:]
    for k in range(3):
        for i in range(n):
            b[i] = a[i] + 1.0
        b = a[1:]
    return (a, b)
    """,
    "what a list gave": """
    a = native.zeros((n + 1,), dtype=np.float64)
    kept = []
    for k in range(3):
        kept.append(a[1:])
    for k in range(2):
        b = kept.pop()
        for i in range(n):
            b[i] = a[i] + 1.0
    return (a, b)
    """,
    "a view without a name": """
    a = native.zeros((2, n + 1), dtype=np.float64)
    b = a[1]
    b[0] = x[0, 1]
    for i in range(n):
        a[1][i + 1] = b[i] + 1.0
    for i in range(n):
        a[1:, 1:][0, i] = b[i] * 0.5
    return (a, b)
    """,
    "what a function gave": """
    a = native.zeros((n + 1,), dtype=np.float64)
    a[0] = x[0, 1]
    b = np.ascontiguousarray(a)
    for i in range(n):
        b[i + 1] = a[i] + 1.0
    return (a, b)
    """,
}

FORMS = {
    "indices": """
    total = x[-1, -2] + z[-1]
    a = x[-1]
    b = x[:, -2]
    c = x[::-1, 1::2]
    d = x[..., 0]
    e = x[None, 1:3]
    return (total, a, b, c, d, e, c[-1, -1] + e[0, -1, -1])
    """,
    "stores": """
    a = native.zeros((3, 5), dtype=np.float64)
    a[0] = x[1]
    a[1:, 1:3] = x[:2, :2]
    a[:, -1] = 2.0
    a[2, ::2] = z[:3]
    return (a,)
    """,
    "products": """
    a = x @ x.T
    b = x.T @ x
    c = x @ z[:5]
    s = z[:5] @ z[:5]
    d = native.matmul(x[1:], x.T[:, :2].copy())
    total = np.dot(x[0], z[:5]) + (x @ x.T)[0, 1]
    return (a, b, c, s, d, total)
    """,
    "shapes": """
    a = x.T.shape[0] * x[1:].shape[0] + x.T.size
    b = x.reshape(5, 3)
    c = x.reshape(3, 5, 1).transpose((2, 0, 1))
    d = x.copy().reshape(15)
    return (a, b, c, d, x.astype(np.float32))
    """,
    "conditions": """
    total = 0.0
    i = 0
    while i < n and x[i % 3][i % 5] < 1e9 and x.T[i % 5][i % 3] < 1e9:
        total += x[1:][0, i % 5] if x[i % 3][0] > 0.0 else x.T[0][i % 3]
        if x[i % 3].size == 5 and z[1:][i % 3] > -1e9:
            total += 1.0
        if x[0][i % 5] > 1e8:
            break
        i += 1
    for j in range(x.T.shape[0]):
        if j > 3:
            continue
        a = x[:, j]
        total += a[0]
    return (total,)
    """,
    "views of views": """
    a = native.zeros((4, 6), dtype=np.float64)
    b = a.reshape(2, 12)
    c = b[1]
    d = c.reshape(3, 4).T
    e = d
    for i in range(12):
        c[i] = i + z[0]
    return (d, e, e, e[2])
    """,
    "arrays that are handed on": """
    last = x[0]
    kept = []
    for k in range(40):
        a = native.empty((5,), dtype=np.float64)
        b = a.reshape(5)
        for i in range(5):
            b[i] = last[i] + k
        kept.append(b)
        if k > 30:
            continue
        last = a
    total = 0.0
    for k in range(20):
        c = kept.pop()
        total += c[k % 5]
    return (last, total)
    """,
    "lists of strided arrays": """
    kept = []
    for k in range(3):
        kept.append(x[:, k])
    last = x[:, 4]
    for k in range(2):
        last = kept.pop()
    return (last, last[::-1], x)
    """,
    "names in turn": """
    a = x[0]
    b = x[1]
    for i in range(n):
        c = a
        a = b
        b = c
        a[0] += 1.0
    return (a, b, x)
    """,
}


def arguments() -> tuple[Any, ...]:
    rng = np.random.default_rng(3)
    return rng.normal(size=(3, 5)), rng.normal(size=7), 20


@pytest.mark.parametrize("text", [*RECURRENCES.values(), *FORMS.values()], ids=[*RECURRENCES, *FORMS])
def test_a_view_shares_memory_and_is_freed(text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("PULLBACK_CACHE_DIR", str(tmp_path))
    # Without Numba's front end, a refusal would be an error.
    monkeypatch.setattr(pipeline.frontend.Frontend, "compile_extra", None)
    source = Source("run", HEAD + text.strip("\n"), (), ())
    run = compiled(source, tuple(type_of(value) for value in arguments()))
    plain: dict[str, Any] = {}
    exec(source.text, plain)
    given, own = arguments(), arguments()
    wanted, got = plain["run"](*given), run(*own)
    for one, other in zip((*wanted, *given), (*got, *own), strict=True):
        assert np.shape(one) == np.shape(other)
        np.testing.assert_allclose(one, other, rtol=1e-6 if np.asarray(one).dtype == np.float32 else 1e-13)
    del got
    memsys_enable_stats()
    before = rtsys.get_allocation_stats()
    for _ in range(3):
        run(*own)
    after = rtsys.get_allocation_stats()
    memsys_disable_stats()
    assert after.alloc - before.alloc == after.free - before.free
    assert after.mi_alloc - before.mi_alloc == after.mi_free - before.mi_free
