"""The command line: ``python -m pullback demo`` runs the main job on real input.

digits.py    a classifier of handwritten digits, by minibatches and by L-BFGS
ising.py     the ground state of the transverse-field Ising ring as a periodic matrix product state
trace.py     tr(x1 @ x2) next to the hand-written gradient and every peer installed
heat.py      the initial temperature of a plate from its final state, through 1,000 compiled time steps
plots.py     the pictures          summary.py  the targets, the table and the files written
demo.py      all of it in order, with progress bars
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

DEMO_NEEDS = ("rich", "matplotlib", "sklearn", "threadpoolctl")


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(
        prog="pullback", description="Derivatives of the NumPy code you already have."
    )
    commands = top.add_subparsers(dest="command", required=True)
    demo = commands.add_parser(
        "demo",
        help="train on real digits, find a quantum ground state, time tr(x1 @ x2), run heat flow backwards",
        description="Runs four jobs and fails (exit status 1) if one misses its target.",
    )
    demo.add_argument(
        "--output",
        type=Path,
        default=Path("demo-output"),
        metavar="DIR",
        help="where plots and summary go (default: demo-output)",
    )
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status: 0 done, 1 a target was missed, 2 it could not run."""
    options = parser().parse_args(arguments)
    missing = [name for name in DEMO_NEEDS if find_spec(name) is None]
    if missing:
        print(
            f"pullback demo needs {', '.join(missing)}, which this Python lacks.\n"
            "Install the extra that brings them: python -m pip install 'pullback[demo]'",
            file=sys.stderr,
        )
        return 2
    from pullback.cli.demo import run

    return run(options.output)


__all__ = ["main"]
