"""The cache: used by the next process, correct when damaged, and with two processes at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pullback.emit import cache

PROGRAM = """
import time
import numpy as np
import pullback.emit.compile
from numba.core import compiler
from pullback.emit import load
from pullback.ir.build import Builder
from pullback.ir.nodes import Program, Return
from pullback.ir.types import type_of

compiled = []
compile_extra = compiler.compile_extra
compiler.compile_extra = lambda *a, **k: compiled.append(1) or compile_extra(*a, **k)
b = Builder()
x = b.var("x", type_of(np.ones((2, 2))))
product = b.call(np.matmul, x, x)
b.add(Return((b.call(np.sum, b.call(np.linalg.inv, product)),)))
function = load(Program("product", (x,), b.statements()))
value = function(2 * np.eye(2))[0]
print(len(compiled) > 0, value)
"""


def run(folder: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PULLBACK_CACHE_DIR": str(folder)},
    )


def finish(process: subprocess.Popen) -> list[str]:
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out.split()


def test_processes_share_what_is_compiled(tmp_path: Path) -> None:
    together = [run(tmp_path), run(tmp_path)]
    assert [finish(process) for process in together] == [["True", "0.5"]] * 2
    assert {path.suffix for path in tmp_path.iterdir()} == {".py", ".bin"}
    assert finish(run(tmp_path)) == ["False", "0.5"]
    (source,) = tmp_path.glob("*.py")
    text = source.read_text()
    for compiled in tmp_path.glob("*.bin"):
        good = compiled.read_bytes()
        compiled.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    source.write_text(text.replace("x @ x", "x + x"))
    assert finish(run(tmp_path)) == ["True", "0.5"]
    assert source.read_text() == text
    assert finish(run(tmp_path)) == ["False", "0.5"]


def test_what_is_kept_of_a_program_has_the_functions_that_it_shares(tmp_path: Path) -> None:
    assert finish(run(tmp_path)) == ["True", "0.5"]
    shared = [*tmp_path.glob("pullback.*.bin")]
    assert len(shared) > 1
    for file in shared:
        file.unlink()
    assert finish(run(tmp_path)) == ["False", "0.5"]
    assert not [*tmp_path.glob("pullback.*.bin")]


def test_a_checksum_is_kept_with_the_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULLBACK_CACHE_DIR", str(tmp_path / "new"))
    cache.keep("name", b"content")
    assert cache.kept("name") == b"content"
    file = tmp_path / "new" / "name"
    for damaged in (b"", file.read_bytes()[:-1], file.read_bytes() + b"x", b"content"):
        file.write_bytes(damaged)
        assert cache.kept("name") is None
    cache.discard("name")
    cache.discard("name")
    assert cache.kept("name") is None
    assert [path.name for path in file.parent.iterdir()] == []


def test_nothing_is_kept_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PULLBACK_CACHE_DIR", str(tmp_path / "file" / "folder"))
    cache.keep("name", b"content")
    assert cache.kept("name") is None
    assert cache.keep_text("name", "text") is None


def test_keys_depend_on_every_part() -> None:
    assert len({cache.key("ab", "c"), cache.key("a", "bc"), cache.key("abc"), cache.key("abc", "")}) == 4


SOURCES = "from golden_programs import PROGRAMS, text_of; print(*map(text_of, PROGRAMS))"


def test_every_process_writes_the_same_source() -> None:
    """Else what one has compiled is of no use to the next: names of files are made of the source."""
    texts = [
        subprocess.run(
            [sys.executable, "-c", SOURCES],
            cwd=Path(__file__).parent,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "12"
    ]
    assert len(texts[0]) > 1000
    assert texts[0] == texts[1]
