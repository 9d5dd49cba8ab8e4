"""Compiled code on disk: used by the next process, and made anew when anything that it comes from changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
import numpy as np
from numba.core import compiler
import pullback as pb
from helping import helper

compiled = []
compile_extra = compiler.compile_extra
compiler.compile_extra = lambda *a, **k: compiled.append(1) or compile_extra(*a, **k)
FACTOR = {factor}


@pb.compile
def function(x):
    y = x.copy()
    y[0] = {own} * helper(x[1])
    return FACTOR * np.sum(y)


gradient = pb.grad(function)(np.ones(2))
print(len(compiled) > 0, gradient[1])
"""


def run(
    folder: Path, factor: float = 1.0, own: float = 1.0, slope: float = 2.0, before: str = ""
) -> list[str]:
    (folder / "helping.py").write_text(f"def helper(v):\n    return {slope} * v\n")
    (folder / "main.py").write_text(before + PROGRAM.format(factor=factor, own=own))
    done = subprocess.run(
        [sys.executable, "-W", "error", "main.py"],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
        env=os.environ | {"PULLBACK_CACHE_DIR": str(folder / "cache"), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert run(tmp_path) == ["True", "3.0"]
    return tmp_path


def test_what_is_unchanged_is_not_compiled_again(folder: Path) -> None:
    assert run(folder) == ["False", "3.0"]
    assert run(folder, slope=5.0) == ["True", "6.0"]  # a function that is called
    assert run(folder, factor=3.0) == ["True", "9.0"]  # a constant from outside
    assert run(folder, own=4.0) == ["True", "9.0"]
    assert run(folder) == ["False", "3.0"]


def test_another_version_of_numba_compiles_anew(folder: Path) -> None:
    assert run(folder, before="import numba; numba.__version__ = '0.0'") == ["True", "3.0"]


def test_damaged_code_is_made_again(folder: Path) -> None:
    for file in (folder / "cache").glob("*.bin"):
        file.write_bytes(file.read_bytes()[:-7])
    assert run(folder) == ["True", "3.0"]
    assert run(folder) == ["False", "3.0"]
