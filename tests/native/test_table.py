"""Every function of the table in compiled code: a new row is tested by being a row, on the calls it gives.

Value, adjoint and tangent beside those of the tape and of duals, under CPython; some of them compiled.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from row_calls import active, bar_of, function_of
from scipy.special import jv

import pullback as pb
import pullback.rules.scipy_fft
import pullback.rules.scipy_linalg
import pullback.rules.special  # fills the table
from pullback.base.errors import PullbackError, UnsupportedError
from pullback.rules.domain import Call, draw
from pullback.rules.table import EACH, Rule, rows
from pullback.testing.rows import calls_of, like

assert pullback.rules.special.__doc__
assert pullback.rules.scipy_fft.__doc__
assert pullback.rules.scipy_linalg.__doc__
ROWS = [rule for rule in rows() if not rule.name.startswith("pullback.")]
SPREAD = 3
"""How many of a row's calls are tested, with complex arguments the first."""

REFUSED = {
    "getitem": ("a bool as an index",),
    "numpy.unstack": ("the number of results of unstack is known only at run time",),
    **dict.fromkeys(
        ["numpy.real_if_close", "numpy.linalg.eig", "numpy.linalg.eigvals"], ("its dtype depends on them",)
    ),
    "numpy.transpose": ("the program's form depends on it",),
    "numpy.split": ("the program's form depends on it",),
}
"""What compiled code refuses: results whose form depends on values or lengths, axes given as an array."""

SPACINGS = ("numpy.fft.fftfreq", "numpy.fft.rfftfreq")
"""Where an argument of 0 makes everything infinite."""

COMPILED = ["numpy.sort", "numpy.convolve", "numpy.insert", "numpy.linalg.solve", "scipy.special.jv"]
COMPILED += ["numpy.linalg.cholesky", "numpy.linalg.qr", "numpy.linalg.lstsq", "numpy.fft.irfftn"]


def chosen(rule: Rule, count: int) -> list[tuple[int, Call]]:
    """Some of a row's calls, the first and the last among them."""
    numbered = list(enumerate(calls_of(rule)))
    places = np.unique(np.linspace(0, len(numbered) - 1, count).round().astype(int)) if numbered else []
    return [numbered[k] for k in places]


def close(got: Any, wanted: Any, dtype: Any) -> None:
    """The same structure, shapes and dtypes, and almost the same numbers."""
    if isinstance(wanted, tuple | list):
        assert len(got) == len(wanted)
        for one, other in zip(got, wanted, strict=True):
            close(one, other, dtype)
        return
    tolerance = 1e-3 if np.dtype(dtype).char in "fF" else 1e-8
    assert (np.shape(got), np.asarray(got).dtype) == (np.shape(wanted), np.asarray(wanted).dtype)
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance / 10)


def compare(rule: Rule, number: int, call: Call, dtype: Any, jit: bool = False) -> None:
    function, described = function_of(rule.function, call)
    compare_at(
        rule, function, draw(described, np.random.default_rng([0, number]), np.dtype(dtype)), dtype, jit
    )


def compare_at(rule: Rule, function: Any, values: list[Any], dtype: Any, jit: bool = False) -> None:
    compiled = pb.compile(function, jit=jit)
    close(compiled(*values), function(*values), dtype)
    wrt = [] if rule.constant or EACH in rule.refusals else active(function, values, rule)
    if not wrt:
        return

    def of(g: Any) -> Any:
        def moved(*chosen: Any) -> Any:
            new = dict(zip(wrt, chosen, strict=True))
            return g(*(new.get(k, value) for k, value in enumerate(values)))

        return moved

    points = tuple(values[k] for k in wrt)
    y, pull = pb.vjp(of(function), *points)
    y_bar = bar_of(y, rule)
    close(pb.vjp(of(compiled), *points)[1](y_bar), pull(y_bar), dtype)
    dots = tuple(like(point, np.random.default_rng(6)) for point in points)
    close(pb.jvp(of(compiled), points, dots)[1], pb.jvp(of(function), points, dots)[1], dtype)


def check(rule: Rule, dtype: Any, count: int) -> None:
    with np.errstate(all="ignore"):
        for number, call in chosen(rule, count):
            try:
                compare(rule, number, call, dtype)
            except UnsupportedError as error:
                reasons = REFUSED.get(rule.name, ())
                if error.where is None or not any(reason in str(error) for reason in reasons):
                    raise


@pytest.mark.parametrize("rule", ROWS, ids=lambda rule: rule.name)
def test_row(rule: Rule) -> None:
    check(rule, "d", SPREAD)


@pytest.mark.filterwarnings("ignore:logm result may be inaccurate")
@pytest.mark.parametrize("rule", [r for r in ROWS if r.complex], ids=lambda rule: rule.name)
def test_row_of_complex_single_precision(rule: Rule) -> None:
    check(rule, "F", 1)


def at_odd_values(values: list[Any], choice: str) -> list[Any]:
    """The same arguments where functions have kinks, ties and edges: all 0, all 1, or small whole numbers."""
    rng = np.random.default_rng(7)

    def odd(value: Any) -> Any:
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fc":
            return value
        entries = {"zeros": 0, "ones": 1, "whole": rng.integers(-1, 3, value.shape)}[choice]
        return np.zeros_like(value) + entries

    return [odd(value) for value in values]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("choice", ["zeros", "ones", "whole"])
@pytest.mark.parametrize(
    "rule", [r for r in ROWS if chosen(r, 1) and r.name not in SPACINGS], ids=lambda rule: rule.name
)
def test_row_at_odd_values(rule: Rule, choice: str) -> None:
    (number, call), *_ = chosen(rule, 1)
    function, described = function_of(rule.function, call)
    values = at_odd_values(draw(described, np.random.default_rng([0, number]), np.dtype("d")), choice)
    with np.errstate(all="ignore"), contextlib.suppress(PullbackError, np.linalg.LinAlgError, ValueError):
        function(*values)
        compare_at(rule, function, values, "d")


@pytest.mark.parametrize("name", COMPILED)
def test_row_compiled(name: str) -> None:
    rule = next(rule for rule in ROWS if rule.name == name)
    number, call = chosen(rule, 1)[0]
    with np.errstate(all="ignore"):
        compare(rule, number, call, "d", jit=True)


def test_what_is_refused_is_in_the_table() -> None:
    names = {rule.name for rule in ROWS}
    assert set(COMPILED) <= names
    assert {name for name in REFUSED if hasattr(np, name.rpartition(".")[2])} <= names


def test_higher_orders_go_through_an_engine_too() -> None:
    def function(x: Any, y: Any) -> Any:
        return np.sum(np.correlate(x**2, y, "valid") ** 3)

    x, y = np.linspace(0.5, 1.5, 6), np.linspace(-1.0, 1.0, 3)
    compiled = pb.compile(function, jit=False)
    assert "pull(" in pb.source(pb.grad(compiled), x, y)
    wanted = pb.hessian(function)(x, y)
    np.testing.assert_allclose(pb.hessian(compiled)(x, y), wanted, rtol=1e-9)
    twice = pb.grad(lambda x: np.sum(pb.grad(compiled)(x, y) * np.cos(x)))(x)
    np.testing.assert_allclose(
        twice, pb.grad(lambda x: np.sum(pb.grad(function)(x, y) * np.cos(x)))(x), rtol=1e-9
    )


def order_of(order: Any, x: Any) -> Any:
    return np.sum(jv(order, x))


def test_a_derivative_that_does_not_exist_is_refused() -> None:
    compiled = pb.compile(order_of, jit=False)
    np.testing.assert_allclose(compiled(1.5, np.ones(3)), order_of(1.5, np.ones(3)))
    with pytest.raises(PullbackError, match="has no derivative in its argument 0"):
        pb.grad(compiled)(1.5, np.ones(3))
    assert np.isfinite(pb.grad(compiled, argnums=1)(1.5, np.ones(3))).all()
