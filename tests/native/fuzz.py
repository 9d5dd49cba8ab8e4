"""Tens of thousands of random programs: ``python tests/native/fuzz.py --first 0 --count 20000 [--jit]``.

Prints what was compared, what was refused and why, and a minimised program for each new kind of failure.
"""

from __future__ import annotations

import argparse
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from comparing_programs import Check, MismatchError
from programs import program, rich, wide

from pullback.base.collector import collector_paused
from pullback.base.errors import UnsupportedError

KINDS = {"narrow": program, "wide": wide, "rich": rich}
LIMIT = 60
"""Seconds of the processor for one program; more is a hang."""


class OvertimeError(Exception):
    """A program took longer than `LIMIT`."""


def outcome(text: str, made: Any, options: dict[str, bool]) -> tuple[str, str, list[str]]:
    """What kind of end the comparisons of this source take, the message, and what was compared."""

    def ring(*_: Any) -> None:
        raise OvertimeError

    signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, LIMIT)
    try:
        with collector_paused():
            return "", "", Check(text, made.name, made.dtype, made.arguments()).run(**options)
    except OvertimeError:
        return "overtime", "", []
    except UnsupportedError as error:
        return f"refused: {shortened(str(error))}", str(error), []
    except MismatchError as error:
        if isinstance(error.__cause__, OvertimeError):
            return "overtime", error.stage, []
        return f"FAILED {error.stage}: {shortened(str(error).partition(': ')[2])}", str(error), []
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def shortened(message: str) -> str:
    """The first line, without what differs from program to program."""
    first = message.partition("\n")[0][:70]
    if "is not" in first and ("array" in first or "np." in first or re.match(r"-?\d", first)):
        return "values"
    return re.sub(r"\d+", "#", first)


def minimised(text: str, fails: Callable[[str], bool]) -> str:
    """`text` without the lines that the failure does not need."""
    lines = text.splitlines()
    changed = True
    while changed:
        changed = False
        for size in (8, 4, 2, 1):
            for at in range(len(lines) - size, -1, -1):
                fewer = lines[:at] + lines[at + size :]
                if fails("\n".join(fewer) + "\n"):
                    lines, changed = fewer, True
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--kind", choices=[*KINDS, "all"], default="all")
    parser.add_argument("--jit", action="store_true", help="compile each with Numba, which takes seconds")
    parser.add_argument("--second", type=int, default=5, help="second order for each of so many")
    parser.add_argument("--seconds", type=float, default=1e9, help="stop after this time")
    parser.add_argument("--shown", type=int, default=1, help="failures of each kind to minimise")
    options = parser.parse_args()
    ends, compared, start = Counter[str](), Counter[str](), time.monotonic()
    makers = KINDS.values() if options.kind == "all" else [KINDS[options.kind]]
    number = 0
    for seed in range(options.first, options.first + options.count):
        for make in makers:
            if time.monotonic() - start > options.seconds:
                break
            number += 1
            made = make(seed)
            chosen = {"jit": options.jit, "second": seed % options.second == 0, "short": seed % 2 == 1}
            end, message, labels = outcome(made.text, made, chosen)
            ends[end or "agrees"] += 1
            compared.update(labels)
            if end and ends[end] <= options.shown:
                report(made, end, message, chosen)
    print(f"\n{number} programs in {time.monotonic() - start:.0f} s")
    for counts in (ends, compared):
        print()
        for label, count in counts.most_common():
            print(f"{count:7} {label}")


def report(made: Any, end: str, message: str, chosen: dict[str, bool]) -> None:
    """Print a failure, as small as it can be."""
    print(f"\n==== {made.name}: {end}\n{message}\n", flush=True)
    start = time.monotonic()

    def fails(text: str) -> bool:
        if time.monotonic() - start > 20:
            return False
        return outcome(text, made, chosen)[0] == end

    if fails(made.text):
        print(minimised(made.text, fails), flush=True)


if __name__ == "__main__":
    main()
