"""The command: its files, its verdict, and what it says where its extra is missing."""

import io
import json

import pytest
from rich.console import Console

from pullback import cli
from pullback.cli import demo, trace

TINY = demo.Size(
    minibatch_passes=1, lbfgs_iterations=2, sites=4, bond=2, fields=(0.5, 1.0), ising_starts=1,
    ising_iterations=3, trace_rounds=1, plate=16, heat_steps=10, heat_iterations=2,
)  # fmt: skip


def test_demo_writes_its_files_and_reports_a_miss(tmp_path, monkeypatch):
    monkeypatch.setattr(trace.compare, "__defaults__", (5, 1, 1, {}))
    output = io.StringIO()
    status = demo.run(tmp_path / "out", TINY, Console(file=output, width=160))
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert status == 1
    assert summary["passed"] is False
    assert len(summary["checks"]) == 2 + 2 + 2 + 1
    for picture in ("digits.png", "ising.png", "trace.png", "heat.png"):
        assert (tmp_path / "out" / picture).read_bytes().startswith(b"\x89PNG")
        assert picture in (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
    assert "MISS" in output.getvalue()
    assert "targets missed" in output.getvalue()


def test_missing_extra_is_named(monkeypatch, capsys):
    monkeypatch.setattr(cli, "find_spec", lambda name: None if name == "rich" else object())
    assert cli.main(["demo"]) == 2
    assert "pullback[demo]" in capsys.readouterr().err


def test_a_command_is_required(capsys):
    with pytest.raises(SystemExit):
        cli.main([])
    assert "demo" in capsys.readouterr().err
