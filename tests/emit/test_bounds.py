"""An index out of range is NumPy's IndexError, and checks are only where they are needed."""

import random

import numpy as np
import pytest
from accesses import accesses
from three_engines import record

from pullback.emit import load
from pullback.emit.source import source, write
from pullback.ir.nodes import Raise
from pullback.ir.run import run
from pullback.ir.verify import verify

x, m = np.zeros(5), np.zeros((4, 5))


@pytest.mark.parametrize("seed", [*range(150), 1575, 1882, 2045])
def test_checks_raise_when_numpy_would(seed: int) -> None:
    chooser = random.Random(seed)
    program = accesses(chooser)
    verify(program)
    namespace: dict = {}
    exec(write(program, checked=True).text, namespace)
    for _ in range(5):
        n = chooser.randint(0, 4)
        arguments = [
            np.zeros(n),
            np.zeros(chooser.choice([n, chooser.randint(0, 4)])),
            np.zeros((chooser.choice([n, 2]), chooser.choice([n, 3]))),
            chooser.choice([-1, 1, 2, 3]),
        ]
        ours, theirs = ([np.copy(a) if np.ndim(a) else a for a in arguments] for _ in range(2))
        try:
            run(program, theirs)
        except (IndexError, ValueError) as error:
            # NumPy's own message would mean that an access was not checked.
            text = "out of range" if isinstance(error, IndexError) else "lengths"
            with pytest.raises(type(error), match=text):
                namespace["accesses"](*ours)
        else:
            namespace["accesses"](*ours)
            for a, b in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(a, b)


def test_loops_over_an_axis_have_no_checks() -> None:
    def f(r, u, a):
        n = u.shape[0]
        with r.range(1, n - 1) as i:
            u[i] = u[i - 1] + u[i + 1]
        with r.range(n - 1, -1, -1) as i:
            u[i] = 2 * u[i]
        with r.range(a.shape[0]) as i, r.range(a.shape[0]) as j:
            a[i, 0] = a[j, 0] + a[i, -1]
        copy = r.call(np.empty, n)
        with r.range(n) as i, r.when(i + 1 < n):
            copy[i + 1] = u[i]
        return u

    text = source(record(f, x, m), checked=True)
    # All but the first and last column, which need one column.
    assert text.count("check_index") == 0
    assert text.count("IndexError") == 1


def test_other_lengths_are_checked_before_the_loop() -> None:
    def f(r, u, v):
        with r.range(u.shape[0]) as i:
            v[i] = u[i]
        return v

    program = record(f, x, x)
    text = source(program, checked=True)
    assert text.index("IndexError") < text.index("for ")
    function = load(program)
    with pytest.raises(IndexError):
        function(x, x[:3].copy())
    function(x[:3].copy(), x)


def test_an_inner_loop_is_checked_for_where_the_outer_one_may_raise() -> None:
    def f(r, u, v):
        total = r.cell(np.float64(0.0))
        with r.range(u.shape[0]) as i:
            with r.when(i > 5):
                r.builder.add(Raise(ValueError, "too large"))
            with r.range(u.shape[1]) as j:
                r.set(total, total + u[i, j] * v[j] * v[i])
        return total

    program = record(f, m, x)
    text = source(program, checked=True)
    assert "check_index" not in text
    assert text.count("IndexError") == 1
    assert text.index("too large") < text.index("IndexError") < text.index(" in range(", text.index("too"))
    function, u = load(program), np.ones((2, 3))
    np.testing.assert_array_equal(function(u, np.ones(3))[0], 6.0)
    np.testing.assert_array_equal(function(u[:, :0], np.ones(3))[0], 0.0)
    with pytest.raises(IndexError):
        function(u, np.ones(2))
    with pytest.raises(ValueError, match="too large"):
        function(np.ones((7, 3)), np.ones(6))
    with pytest.raises(IndexError):
        function(np.ones((7, 3)), np.ones(5))


def test_an_access_does_not_vouch_for_itself() -> None:
    """In steps of two the last index is not the first but one, so it is not sure that the loop fails."""

    def f(r, u, v):
        n = u.shape[0]
        with r.range(n, n - 2, -2) as i:
            v[i] = 2.0
        return v

    function = load(record(f, x, x))
    with pytest.raises(IndexError):
        function(np.zeros(3), np.zeros(3))
    np.testing.assert_array_equal(function(np.zeros(3), np.zeros(4))[0], [0, 0, 0, 2])


def test_conditional_accesses_are_checked_where_they_are() -> None:
    def f(r, u, v):
        with r.range(u.shape[0]) as i, r.when(u[i] > 0):
            v[i] = u[i]
        return v

    program = record(f, x, x)
    function = load(program)
    values = np.array([1.0, 1.0, 0.0, 0.0])
    np.testing.assert_array_equal(function(values, np.zeros(2))[0], [1, 1])
    with pytest.raises(IndexError):
        function(values[::-1].copy(), np.zeros(2))


def test_arrays_of_indices_are_checked() -> None:
    program = record(lambda r, u, i: u[i], x, np.array([0, 1]))
    function = load(program)
    np.testing.assert_array_equal(function(np.arange(5.0), np.array([4, -5]))[0], [4, 0])
    with pytest.raises(IndexError):
        function(x, np.array([0, 5]))
