"""Emitted source, reviewed like code: one file a program in ``golden/``.

To write the files anew, and then read the difference before you commit it:

    PULLBACK_GOLDEN=write python -m pytest tests/emit/test_golden.py

Programs made by hand show the emitter; those of `golden_programs` show what derivatives look like, one kind
of statement each.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_programs import PROGRAMS, text_of
from test_engines import stacks
from three_engines import record

from pullback.emit.source import source
from pullback.ir.nodes import Program

FOLDER = Path(__file__).parent / "golden"
x, m = np.linspace(0, 1, 5), np.ones((3, 4))


def heat(r: Any, u: Any, alpha: Any) -> Any:
    with r.range(200):
        u[1:-1, 1:-1] = u[1:-1, 1:-1] + alpha * (u[2:, 1:-1] + u[:-2, 1:-1] - 4 * u[1:-1, 1:-1])
    return r.call(np.sum, u**2)


def smooth(r: Any, u: Any, v: Any) -> Any:
    with r.range(1, u.shape[0] - 1) as i:
        v[i] = (u[i - 1] + 2 * u[i] + u[i + 1]) / 4
        with r.when(v[i] < 0):
            v[i] = -v[i]
    return v


def single(r: Any, u: Any, alpha: Any) -> Any:
    return np.sum(np.exp(-alpha * u) + 0.5) * 2


def triangular(r: Any, a: Any) -> Any:
    with r.range(a.shape[0]) as i:
        with r.range(i) as j, r.range(j) as k:
            a[i, j] = a[i, j] - a[i, k] * a[j, k]
        a[i, i] = np.sqrt(a[i, i])
    return a


def interpreted(r: Any, a: Any, i: Any) -> Any:
    w, v = r.call(np.linalg.eigh, a)
    a[i, i] = 1.5
    return w, np.einsum("ij,jk->ik", v, a), np.sort(a, axis=0), r.call(np.linalg.solve, a, w)


SOURCES: dict[str, tuple[Callable[[], Program], bool]] = {
    "heat": (lambda: record(heat, m, 0.1), False),
    "smooth": (lambda: record(smooth, x, x), False),
    "smooth_compiled": (lambda: record(smooth, x, x), True),
    "single": (lambda: record(single, x.astype(np.float32), 0.3), False),
    "triangular_compiled": (lambda: record(triangular, m), True),
    "interpreted": (lambda: record(interpreted, m, np.array([0, 1])), False),
    "stacks": (stacks, False),
}


@pytest.mark.parametrize("name", SOURCES)
def test_source_is_as_reviewed(name: str) -> None:
    make, checked = SOURCES[name]
    compare(name, source(make(), checked=checked))


@pytest.mark.parametrize("name", PROGRAMS)
def test_source_of_a_derivative_is_as_reviewed(name: str) -> None:
    compare(name, text_of(name))


def test_every_file_belongs_to_a_program() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.py.txt" for name in (*SOURCES, *PROGRAMS)}


def compare(name: str, text: str) -> None:
    """The text against the file, or into it."""
    path = FOLDER / f"{name}.py.txt"
    if os.environ.get("PULLBACK_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()
