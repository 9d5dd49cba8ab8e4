"""The three ways to run a program, compared: interpreter, emitted source under CPython, and under Numba."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from pullback.emit import load
from pullback.ir.build import operand_type
from pullback.ir.nodes import Program
from pullback.ir.run import run
from pullback.ir.types import Scalar
from pullback.ir.verify import verify


def agree(program: Program, *arguments: Any, ulps: float = 8, jit: bool = True) -> tuple[Any, ...]:
    """Run all engines on copies of the arguments; compare results, their types, and what was written."""
    verify(program)
    expected, written = outcome(lambda given: run(program, given), arguments)
    for compiled in (False, True) if jit else (False,):
        function = load(program, jit=compiled)
        results, changed = outcome(lambda given, function=function: function(*given), arguments)
        for result, value, operand in zip(results, expected, program.results, strict=True):
            kind = operand_type(operand)
            if not (isinstance(kind, Scalar) and kind.weak):
                assert np.asarray(result).dtype == np.asarray(value).dtype, (operand, compiled)
            same(result, value, ulps, f"{operand}, jit={compiled}")
        for result, value, param in zip(changed, written, program.params, strict=True):
            same(result, value, ulps, f"{param} afterwards, jit={compiled}")
    return expected


def outcome(function: Any, arguments: Sequence[Any]) -> tuple[tuple[Any, ...], list[Any]]:
    given = [a.copy(order="K") if isinstance(a, np.ndarray) else a for a in arguments]
    return function(given), given


def same(a: Any, b: Any, ulps: float, what: str) -> None:
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape, what
    eps = np.finfo(b.dtype).eps if b.dtype.kind in "fc" else 0.0
    # Beside large entries, small ones may be what is left of a difference.
    finite = np.abs(b[np.isfinite(b)]) if eps else np.zeros(1)
    scale = float(np.max(finite, initial=0))
    np.testing.assert_allclose(a, b, rtol=ulps * float(eps), atol=ulps * float(eps) * scale, err_msg=what)


def beside(folder: str, name: str) -> ModuleType:
    """A module of another folder of tests."""
    path = Path(__file__).parent.parent / folder / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{folder}_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


record = beside("optimize", "recording").record
