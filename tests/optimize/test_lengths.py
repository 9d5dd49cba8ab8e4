"""Short axes are numbers in compiled code, for the first lengths that come; what comes then takes any."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.api.compiled import Compiled
from pullback.ir.lengths import known_lengths, with_lengths
from pullback.ir.nodes import Assign, For, If, Return
from pullback.ir.run import run
from pullback.ir.verify import verify
from pullback.ir.walk import walk
from pullback.optimize.pipeline import finish, optimize
from pullback.transform.adjoint import adjoint


def spread(points, weights):
    centre = np.sum(weights[:, None] * points, axis=0)
    apart = points - centre
    return np.sum(weights * np.sqrt(np.sum(apart * apart, axis=1) + 1.0))


def drawn(rows, columns):
    rng = np.random.default_rng(rows * columns)
    return rng.random((rows, columns)), rng.random(rows)


def specialised(function, *arguments):
    return Compiled(function).specialise(arguments, {})[1]


def by_hand(points, weights):
    return pb.grad(spread, (0, 1))(points, weights)


def lengths_of(program):
    return {place: known.length for place, known in known_lengths(program).items()}


def test_rows_of_three_are_written_out():
    program = specialised(spread, *drawn(7, 3)).lowered
    loops = [s for s in walk(program.body) if isinstance(s, For)]
    assert loops
    assert not any(isinstance(inner, For) for loop in loops for inner in walk(loop.body))


@pytest.mark.parametrize(
    ("shape", "lengths"),
    [
        ((7, 3), {1: 3}),
        ((7, 5, 2), {2: 2}),
        ((9, 4, 2), {1: 4, 2: 2}),
        ((3, 7, 2), {2: 2}),
        ((7, 1, 3), {2: 3}),
    ],
)
def test_axes_after_a_longer_one(shape, lengths):
    made = specialised(lambda a: np.sum(a * a), np.ones(shape))
    assert made.lengths == {(0, axis): n for axis, n in lengths.items()}


@pytest.mark.parametrize("shape", [(), (3,), (3, 3), (4, 2), (2, 9), (7, 5), (7, 0), (7, 1)])
def test_other_axes_are_of_any_length(shape):
    assert specialised(lambda a: np.sum(a * a), np.ones(shape)).lengths == {}


def test_the_check_lasts_through_all_passes():
    """The lengths are known wherever a program is lowered; other arguments are an error."""
    points, weights = drawn(7, 3)
    captured = specialised(spread, points, weights).captured.program
    lowered = optimize(captured)
    derived = optimize(adjoint(lowered, (0, 1), (0,)))
    for program in (captured, lowered, derived, finish(derived)):
        verify(program)
        assert lengths_of(program) == {("points", 1): 3}
        assert sum(isinstance(s, If) for s in program.body) >= 1
        seed = (1.0,) * (len(program.params) - 2)
        np.testing.assert_allclose(run(program, [points, weights, *seed])[0], spread(points, weights))
        with pytest.raises(ValueError, match="compiled for an array with an axis of length 3"):
            run(program, [*drawn(7, 2), *seed])


def test_what_a_program_assigns_is_of_any_length():
    program = specialised(spread, *drawn(4, 3)).captured.program
    (points, _) = program.params
    checked = with_lengths(program, {(0, 1): 3})
    assert lengths_of(checked) == {("points", 1): 3}
    again = Assign((points,), np.copy, (points,))
    assert known_lengths(type(program)(program.name, program.params, (*checked.body[:-1], again))) == {}


def test_a_check_that_comes_too_late_is_not_believed():
    program = specialised(spread, *drawn(4, 3)).captured.program
    loops = tuple(s for s in optimize(program).body if not isinstance(s, Return))
    late = with_lengths(type(program)(program.name, program.params, ()), {(0, 1): 3})
    assert known_lengths(type(program)(program.name, program.params, (*loops, *late.body))) == {}


@pytest.mark.parametrize("jit", [False, True])
def test_all_lengths_are_right_and_two_codes_do_for_them(jit):
    function = pb.compile(spread, jit=jit)
    gradient = pb.grad(function, (0, 1))
    for rows, columns in [(7, 3), (7, 2), (9, 3), (7, 6), (2, 3), (3, 2), (8, 4), (7, 3), (7, 2), (6, 3)]:
        given = drawn(rows, columns)
        for _ in range(2):
            np.testing.assert_allclose(function(*given), spread(*given))
            for found, wanted in zip(gradient(*given), by_hand(*given), strict=True):
                np.testing.assert_allclose(found, wanted, rtol=1e-12)
    ((first, second),) = function._specialised.values()
    assert (first.lengths, second.lengths) == ({(0, 1): 3}, {})


def test_lengths_in_a_tree_of_arguments():
    def total(pair, scale):
        return np.sum(pair[1] * scale) + np.sum(pair[0])

    function = pb.compile(total, jit=False)
    for columns in (2, 3, 2, 4):
        given = (np.ones(3), drawn(6, columns)[0]), 2.0
        for _ in range(2):
            np.testing.assert_allclose(function(*given), total(*given))
            np.testing.assert_allclose(pb.grad(function)(*given)[1], np.full((6, columns), 2.0))


def test_what_is_stored_into_rows():
    def turned(points):
        for i in range(points.shape[0]):
            points[i] = points[i, ::-1] * points[i]
        points[:, 0] += points[:, -1]
        return np.sum(points**2)

    function = pb.compile(turned, jit=False)
    for columns in (3, 2, 4, 5):
        points = drawn(6, columns)[0]
        found, wanted = points.copy(), points.copy()
        np.testing.assert_allclose(function(found), turned(wanted))
        np.testing.assert_allclose(found, wanted)
        np.testing.assert_allclose(pb.grad(function)(points), pb.grad(_turned)(points))


def _turned(points):
    points = points[:, ::-1] * points
    first = points[:, 0] + points[:, -1]
    return np.sum(points[:, 1:] ** 2) + np.sum(first**2)
