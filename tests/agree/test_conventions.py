"""Every row of docs/conventions.md, in reverse mode, in forward mode and compiled."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special as special

import pullback as pb

PAGE = (Path(__file__).parents[2] / "docs" / "conventions.md").read_text("utf-8")
ROWS = [
    line.split(" | ")[0].removeprefix("| ")
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| function", "| ---"))
]

Case = tuple[Callable[..., Any], tuple[Any, ...], int, Any]
"""A function, its arguments, the position differentiated, and the gradient of the sum of its results."""

NAN, INF = np.nan, np.inf
TIED = np.array([1.0, 3.0, 3.0, 2.0])


def array(*entries: float) -> Any:
    return np.array(entries, float)


def each(*functions: Any, args: tuple[Any, ...], at: int = 0, to: Any) -> list[Case]:
    return [(function, args, at, to) for function in functions]


def added_to_argument(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: x + function(x)


CASES: list[tuple[str, list[Case]]] = [
    (
        "`abs`, `fabs`",
        [
            *each(np.abs, np.fabs, args=(0.0,), to=0.0),
            *each(np.abs, args=(0j,), to=0.0),
            *each(np.linalg.norm, args=(np.zeros(3),), to=np.zeros(3)),
            *each(np.linalg.norm, args=(np.zeros((2, 2)),), to=np.zeros((2, 2))),
        ],
    ),
    (
        "`hypot`",
        [
            *each(np.hypot, np.arctan2, args=(0.0, 0.0), to=0.0),
            *each(np.hypot, np.arctan2, args=(0.0, 0.0), at=1, to=0.0),
        ],
    ),
    ("`std`", each(np.std, np.nanstd, args=(np.ones(3),), to=np.zeros(3))),
    (
        "`copysign(a, b)`",
        [
            *each(np.copysign, args=(0.0, -2.0), to=0.0),
            *each(np.copysign, args=(3.0, -2.0), at=1, to=0.0),
        ],
    ),
    ("`sign`", each(np.sign, args=(0.0,), to=0.0) + each(np.angle, args=(0j,), to=0j)),
    (
        "`maximum`, `minimum`, `fmax`",
        [
            *each(np.maximum, np.minimum, np.fmax, np.fmin, args=(2.0, 2.0), to=0.5),
            *each(np.maximum, np.minimum, np.fmax, np.fmin, args=(2.0, 2.0), at=1, to=0.5),
        ],
    ),
    (
        "`clip`",
        [
            *each(np.clip, args=(array(1.0, 2.0, 3.0), 1.0, 3.0), to=array(0.5, 1, 0.5)),
            *each(np.clip, args=(1.0, 1.0, 3.0), at=1, to=0.5),
        ],
    ),
    (
        "`max`, `min`, `amax`",
        [
            *each(np.max, np.amax, np.nanmax, np.maximum.reduce, args=(TIED,), to=array(0, 0.5, 0.5, 0)),
            *each(np.min, np.nanmin, args=(-TIED,), to=array(0, 0.5, 0.5, 0)),
            *each(functools.partial(np.max, initial=3.0), args=(TIED,), to=array(0, 1 / 3, 1 / 3, 0)),
        ],
    ),
    ("`ptp`", each(np.ptp, args=(array(1.0, 3.0, 3.0, 1.0),), to=array(-0.5, 0.5, 0.5, -0.5))),
    ("`maximum.accumulate`", each(np.maximum.accumulate, args=(TIED,), to=array(1, 1.5 + 1 / 2, 1, 0))),
    (
        "`median`",
        [
            *each(
                np.median, np.nanmedian, args=(array(1.0, 2.0, 2.0, 2.0, 5.0),), to=array(0, 1, 1, 1, 0) / 3
            ),
            *each(np.quantile, args=(array(1.0, 2.0, 2.0, 2.0, 5.0), 0.5), to=array(0, 1, 1, 1, 0) / 3),
            *each(np.percentile, args=(array(1.0, 2.0, 2.0, 2.0, 5.0), 50.0), to=array(0, 1, 1, 1, 0) / 3),
        ],
    ),
    (
        "`sort`",
        [
            (lambda x: np.sort(x) * array(1, 2, 3, 4), (TIED,), 0, array(1, 3, 4, 2)),
            (
                lambda x: np.partition(x, 2) * array(1, 2, 3, 4),
                (array(1.0, 2.0, 3.0, 3.0),),
                0,
                array(1, 2, 3, 4),
            ),
            (lambda x: np.unique(x) * array(1, 2, 3), (TIED,), 0, array(1, 3, 0, 2)),
        ],
    ),
    (
        "`interp`",
        [
            (lambda x: np.interp(x, array(0, 1, 2), array(0, 1, 5)), (array(1.0, 2.0),), 0, array(4, 4)),
        ],
    ),
    ("`i0e`", each(special.i0e, args=(0.0,), to=0.0)),
    (
        "`linalg.norm(a, 2)`",
        [
            (lambda a: np.linalg.norm(a, 2), (np.eye(2),), 0, np.eye(2) / 2),
            (lambda a: np.linalg.norm(a, -2), (np.eye(2),), 0, np.eye(2) / 2),
            (np.linalg.cond, (np.eye(2),), 0, np.zeros((2, 2))),
        ],
    ),
    (
        '`linalg.norm(a, "nuc")`',
        [
            (lambda a: np.linalg.norm(a, "nuc"), (np.diag([1.0, 0.0]),), 0, np.diag([1.0, 0.0])),
            (lambda a: np.linalg.norm(a, -2), (np.diag([1.0, 0.0]),), 0, np.zeros((2, 2))),
            (np.linalg.svdvals, (np.diag([1.0, 0.0]),), 0, np.diag([1.0, 0.0])),
        ],
    ),
    (
        "`floor`",
        [
            (added_to_argument(function), (array(0.0, 0.5, -1.0),), 0, np.ones(3))
            for function in (np.floor, np.ceil, np.rint, np.round, np.trunc, np.fix, np.sign)
        ]
        + [
            (lambda x: x + x // 1.0, (array(0.0, 0.5),), 0, np.ones(2)),
            (lambda x: x + (x > 0), (array(0.0, 0.5),), 0, np.ones(2)),
            (lambda x: x + np.argmax(x), (array(0.0, 0.5),), 0, np.ones(2)),
        ],
    ),
    (
        "`fmod(a, b)`",
        [
            *each(np.fmod, np.remainder, args=(4.0, 2.0), to=1.0),
            *each(np.fmod, np.remainder, args=(4.0, 2.0), at=1, to=-2.0),
            (lambda a, b: np.divmod(a, b)[1], (4.0, 2.0), 1, -2.0),
            (lambda a: np.modf(a)[0], (2.0,), 0, 1.0),
        ],
    ),
    (
        "`heaviside(x, value)`",
        [
            *each(np.heaviside, args=(array(0.0, 1.0), 0.5), to=np.zeros(2)),
            *each(np.heaviside, args=(array(0.0, 1.0), array(0.5, 0.5)), at=1, to=array(1, 0)),
        ],
    ),
    (
        "`nextafter(a, b)`",
        [
            *each(np.nextafter, args=(1.0, 2.0), to=1.0),
            *each(np.nextafter, args=(1.0, 2.0), at=1, to=0.0),
        ],
    ),
    ("`unwrap`", each(np.unwrap, args=(array(0.0, 3.2, 6.4),), to=np.ones(3))),
    ("`nan_to_num`", each(np.nan_to_num, args=(array(1.0, NAN, INF),), to=array(1, 0, 0))),
    (
        "`searchsorted`",
        [
            (lambda x: x + np.searchsorted(array(0, 1), x), (array(0.0, 0.5),), 0, np.ones(2)),
            (lambda x: x + np.digitize(x, array(0, 1)), (array(0.0, 0.5),), 0, np.ones(2)),
            (lambda x: x + np.argsort(x), (array(0.0, 0.5),), 0, np.ones(2)),
        ],
    ),
    (
        "`power(a, b)` in a",
        [
            (np.power, (0.0, b), 0, to)
            for b, to in ((0.0, 0.0), (1.0, 1.0), (2.0, 0.0), (1.5, 0.0), (0.5, INF))
        ],
    ),
    (
        "`power(a, b)` in b",
        each(np.power, args=(0.0, 2.0), at=1, to=0.0) + each(np.power, args=(0.0, 0.0), at=1, to=0.0),
    ),
    ("`power(a, b)` in b", each(np.power, args=(-2.0, 2.0), at=1, to=NAN)),
    ("`logaddexp(a, b)`", each(np.logaddexp, np.logaddexp2, args=(-INF, -INF), to=0.5)),
    (
        "`logsumexp`",
        [
            (pb.scipy.special.logsumexp, (array(0.0, -INF),), 0, array(1, 0)),
            (pb.scipy.special.logsumexp, (array(-INF, -INF),), 0, array(0, 0)),
            (lambda x: pb.scipy.special.softmax(x)[0], (array(0.0, -INF),), 0, array(0, 0)),
        ],
    ),
    (
        "`prod`",
        [
            (np.prod, (array(0.0, 2.0, 3.0),), 0, array(6, 0, 0)),
            (np.prod, (array(0.0, 2.0, 0.0),), 0, array(0, 0, 0)),
            (np.cumprod, (array(0.0, 2.0, 3.0),), 0, array(1 + 2 + 6, 0, 0)),
        ],
    ),
    ("`xlogy(0, y)`", each(special.xlogy, args=(0.0, 0.0), at=1, to=0.0)),
    ("`xlog1py(0, y)`", each(special.xlog1py, args=(0.0, -1.0), at=1, to=0.0)),
    (
        "`rel_entr`",
        [
            *each(special.kl_div, args=(0.0, 0.0), at=1, to=1.0),
            *each(special.rel_entr, args=(0.0, 0.0), at=1, to=0.0),
        ],
    ),
    (
        "`pseudo_huber(delta, r)`",
        [
            *each(special.pseudo_huber, args=(0.0, 0.0), to=0.0),
            *each(special.pseudo_huber, args=(0.0, 0.0), at=1, to=0.0),
            *each(special.pseudo_huber, args=(0.0, -2.0), to=2.0),
            *each(special.pseudo_huber, args=(0.0, -2.0), at=1, to=0.0),
        ],
    ),
    ("`huber`", each(special.huber, special.pseudo_huber, args=(-1.0, 1.0), at=1, to=NAN)),
    (
        "`max`, `min`, `median`",
        [
            *each(np.max, np.min, args=(array(1.0, NAN),), to=array(NAN, NAN)),
            *each(np.nanmax, np.nanmin, args=(array(1.0, NAN),), to=array(1.0, 0.0)),
        ],
    ),
    (
        "`maximum`, `minimum`",
        each(np.maximum, np.minimum, args=(NAN, 1.0), to=1.0)
        + each(np.maximum, np.minimum, args=(NAN, 1.0), at=1, to=1.0),
    ),
    (
        "`fmax`",
        each(np.fmax, np.fmin, args=(NAN, 1.0), to=0.0)
        + each(np.fmax, np.fmin, args=(NAN, 1.0), at=1, to=1.0),
    ),
]


def test_every_row_of_the_page_has_cases() -> None:
    assert len(ROWS) == len(CASES)
    for row, (name, cases) in zip(ROWS, CASES, strict=True):
        assert row.startswith(name)
        assert cases


@pytest.mark.parametrize("row", range(len(CASES)), ids=[name for name, _ in CASES])
def test_row(row: int) -> None:
    for function, args, at, expected in CASES[row][1]:
        of_one = of_argument(function, args, at)
        with np.errstate(all="ignore"):
            y, pull = pb.vjp(of_one, args[at])
            (reverse,) = pull(np.ones(np.shape(y))[()])
            assert same(reverse, expected), (function, args, at, reverse)
            if np.iscomplexobj(args[at]):
                forward = [pb.jvp(of_one, (args[at],), (tangent,))[1] for tangent in (1 + 0j, 1j)]
                assert forward == [expected.real, expected.imag]
                continue
            jacobian = pb.jacobian(of_one, mode="forward")(args[at])
            forward = np.sum(jacobian, axis=tuple(range(np.ndim(y))))
            assert same(forward, expected), (function, args, at, forward)


def same(found: Any, expected: Any) -> bool:
    return np.allclose(found, expected, rtol=0, atol=1e-15, equal_nan=True)


def of_argument(function: Callable[..., Any], args: tuple[Any, ...], at: int) -> Callable[[Any], Any]:
    return lambda x: function(*args[:at], x, *args[at + 1 :])


def kinks_of_numbers(x: Any) -> Any:
    entries = [
        np.abs(x[0]) + np.fabs(x[0]),
        np.hypot(x[0], x[1]),
        np.arctan2(x[0], x[1]),
        np.copysign(x[0], x[3]),
        np.maximum(x[2], x[3]),
        np.minimum(x[2], x[3]),
        np.fmax(x[2], x[3]),
        np.fmin(x[2], x[3]),
        np.clip(x[2], 2.0, 3.0),
        np.clip(x[2], x[3], 3.0),
        np.fmod(x[4], x[2]),
        np.remainder(x[4], x[2]),
        np.heaviside(x[0], x[2]),
        x[0] ** 0.0 + x[0] ** 1.0 + x[0] ** 2.0 + x[0] ** 1.5,
        np.power(x[0], x[2]),
        np.sign(x[0]) + np.floor(x[2]) + x[4] // x[2],
        np.nan_to_num(x[5]) + np.nan_to_num(x[6]),
        np.maximum(x[5], x[2]),
        np.fmax(x[5], x[2]),
        np.logaddexp(-x[6], -x[6]),
        special.xlogy(0.0, x[0]),
        max(x[2], x[3]),
        np.where(x[0] > 0, np.sqrt(x[0]), 0.0),
        x[0] ** 0.5,
    ]
    return np.stack(entries)


def kinks_of_arrays(ones: Any, tied: Any, zeros: Any) -> Any:
    weights = np.arange(1.0, 5.0)
    entries = [
        np.std(ones),
        np.linalg.norm(zeros),
        np.max(tied),
        np.min(-tied),
        np.ptp(tied),
        np.median(tied),
        np.sum(np.sort(tied) * weights),
        np.prod(zeros[:2]) + np.prod(tied),
        np.sum(np.maximum(zeros, 0.0) * weights),
        np.sum(np.abs(zeros) * weights),
        np.sum(np.clip(tied, 1.0, 3.0) * weights),
        np.sum(np.maximum.accumulate(tied) * weights),
        np.sum(np.cumprod(zeros + tied - 1.0) * weights),
        np.sum(np.where(zeros > 0, np.sqrt(zeros), zeros) * weights),
    ]
    return np.stack(entries)


def kinks_of_complex_numbers(z: Any) -> Any:
    entries = [
        np.abs(z[0]),
        np.angle(z[0]),
        np.linalg.norm(z),
        np.std(z),
        np.real(np.sign(z[0])),
        np.sum(np.abs(z) * np.arange(1.0, 4.0)),
    ]
    return np.stack(entries)


def test_kinks_in_compiled_source() -> None:
    x = array(0.0, 0.0, 2.0, 2.0, 4.0, NAN, INF)
    arrays = (np.ones(4), TIED, np.zeros(4))
    with np.errstate(all="ignore"):
        for function, args in (
            (kinks_of_numbers, (x,)),
            (kinks_of_arrays, arrays),
            (kinks_of_complex_numbers, (np.zeros(3, complex),)),
        ):
            argnums = tuple(range(len(args)))
            native = pb.jacobian(pb.compile(function), argnums=argnums)(*args)
            eager = pb.jacobian(function, argnums=argnums, engine="tape")(*args)
            for found, expected in zip(native, eager, strict=True):
                assert np.array_equal(found, expected, equal_nan=True), np.argwhere(found != expected)


def length(x: Any) -> Any:
    return np.sqrt(x * x)


def length_in_a_loop(x: Any) -> Any:
    total = 0.0
    for i in range(x.shape[0]):
        total += x[i] * x[i]
    return np.sqrt(total)


def length_at_once(x: Any) -> Any:
    return np.sqrt(np.sum(x * x)) + x[0] * np.log(x[1] * x[2])


def stored_first(x: Any) -> Any:
    y = pb.zeros(3)
    y[:] = x * x[::-1]
    y[1] = y[0] * y[2]
    return np.cbrt(y[1]) + np.sum(np.where(x > 0, 1 / y, 0.0))


def repeated(x: Any, n: int) -> Any:
    y = x * x
    for _ in range(n):
        y = y * x + y
    return np.sum(np.sqrt(y))


@pytest.mark.parametrize("engine", ["tape", "native"])
def test_an_infinite_cotangent_times_zero(engine: Any) -> None:
    assert pb.grad(length, engine=engine)(0.0) == 0
    for function in (length_in_a_loop, length_at_once, stored_first):
        for x in (np.zeros(3), array(0, 1, 0), array(2, 0, 1), array(0, 0, INF)):
            with np.errstate(all="ignore"):
                expected = pb.grad(function, engine="tape")(x)
                found = pb.grad(function, engine=engine)(x)
                assert np.array_equal(found, expected, equal_nan=True)
                _, pull = pb.vjp(pb.compile(function), x)
                assert np.array_equal(pull(1.0)[0], expected, equal_nan=True)


def grown(x: Any, n: int, branch: bool) -> Any:
    y = x * x
    if branch:
        for _ in range(n):
            y = y * x + y
    return y


def test_an_infinite_cotangent_times_zero_in_pieces_of_a_branch() -> None:
    x = np.linspace(0, 0.1, 200)
    whole = pb.grad(lambda x: np.sum(np.sqrt(grown(x, 30, True))), engine="tape")(x)
    bounded = pb.compile(grown, memory="30kB")
    with np.errstate(all="ignore"):
        found = pb.grad(lambda x: np.sum(np.sqrt(bounded(x, 30, True))))(x)
    assert found[0] == 0
    assert np.allclose(found, whole)


def test_an_infinite_cotangent_times_zero_in_pieces_and_from_outside() -> None:
    x = array(0, 1, -1)
    with np.errstate(all="ignore"):
        expected = pb.grad(repeated, engine="tape")(x, 50)
        assert expected[0] == 0
        assert np.allclose(pb.grad(pb.compile(repeated, memory="2kB"))(x, 50), expected, equal_nan=True)
        square = pb.compile(lambda x: x * x)
        assert pb.grad(lambda x: np.sqrt(square(x)))(0.0) == 0
        _, pull = pb.vjp(square, np.zeros(2))
        assert np.array_equal(pull(array(INF, 1))[0], [0, 0])
