"""Loading: errors of the compiler, names, and text without the cache."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from three_engines import record

from pullback.base.errors import UnsupportedError
from pullback.base.location import Location
from pullback.emit import load
from pullback.emit.names import identifiers, spelled
from pullback.emit.source import source
from pullback.ir.build import Builder
from pullback.ir.nodes import Program, Return
from pullback.ir.types import FLOAT, Scalar

x = np.linspace(0, 1, 5)


def test_what_the_compiler_does_not_take_is_an_error_with_a_place() -> None:
    b = Builder()
    z = b.var("z", Scalar(np.dtype(complex)))
    b.location = Location(__file__, 3, 5)
    less = b.call(np.less, z, z)
    b.location = None
    b.add(Return((less,)))
    with pytest.raises(UnsupportedError) as caught:
        load(Program("ordered", (z,), b.statements()))
    assert caught.value.where == Location(__file__, 3, 5)
    assert "lt" in str(caught.value.why)
    assert "numba" not in str(caught.value).lower()


def test_names_that_mean_something_else_are_changed() -> None:
    b = Builder()
    lam, np_, long = b.var("lambda", FLOAT), b.var("np", FLOAT), b.var("x[0].weight", FLOAT)
    b.add(Return((b.call(np.add, b.call(np.multiply, lam, np_), long),)))
    program = Program("<lambda>", (lam, np_, long), b.statements())
    text = source(program)
    assert "def _lambda_(lambda_1, np_1, x_0__weight):" in text
    assert load(program, jit=False)(2.0, 3.0, 1.0) == (7.0,)


def test_functions_are_spelled_as_people_write_them() -> None:
    known = (np.absolute, np.linalg.inv, np.add.reduce, np.true_divide, max)
    assert [spelled(f)[0] for f in known] == ["np.abs", "np.linalg.inv", "np.add.reduce", "np.divide", "max"]
    assert identifiers(["a", "a", "b c", "b_c"]) == {"a": "a", "b c": "b_c", "b_c": "b_c_1"}


def test_the_file_runs_by_itself(tmp_path: Path) -> None:
    def f(r, u):
        with r.range(1, u.shape[0]) as i:
            u[i] = u[i] * u[i - 1] + np.exp(u[i])
        return r.call(np.sum, u), np.sort(u)

    program = record(f, x)
    path = tmp_path / "emitted.py"
    path.write_text(source(program))
    spec = importlib.util.spec_from_file_location("emitted", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    ours, theirs = x.copy(), x.copy()
    total, ordered = module.f(ours)
    expected = load(program)(theirs)
    np.testing.assert_allclose(total, expected[0], rtol=1e-14)
    np.testing.assert_array_equal(ordered, expected[1])
    np.testing.assert_array_equal(ours, theirs)


def test_arguments_of_other_types_are_refused() -> None:
    program = record(lambda r, u: u[0] * 2, x)
    function = load(program)
    assert function(x) == (0.0,)
    with pytest.raises(TypeError):
        function(x.astype(np.float32))
    assert load(program) is not None
