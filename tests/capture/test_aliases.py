"""Where NumPy may give a view and the program copies, a store that could tell is refused."""

import numpy as np
import pytest

from pullback.ir.types import Array

A = Array(np.dtype(float), 2)


def stores_into_diagonal(a):
    d = np.diagonal(a)
    d[0] = 1.0
    return a


def stores_below_diagonal(a):
    d = np.diagonal(a)
    a[0, 0] = 1.0
    return d


def stores_into_ravel(a):
    r = np.ravel(a[:, 1:])
    r[0] = 1.0
    return a


def keeps_a_diagonal(a):
    d = a[0]
    for _ in range(3):
        a[0, 0] += 1.0
        a[1] = d
        d = np.diagonal(a)
    return a


def stores_and_returns(a):
    a[0, 0] = 1.0
    return a


def stores_while_a_diagonal_waits(a):
    return np.diagonal(a) + stores_and_returns(a)


def stores_in_the_index(a):
    a[int(stores_and_returns(a)[0, 0])] = np.diagonal(a)


def stores_and_names(a):
    a[0, 0], d = 1.0, np.diagonal(a)
    return d


@pytest.mark.parametrize(
    ("function", "caret", "what"),
    [
        (stores_into_diagonal, "d[0]", "shares memory"),
        (stores_below_diagonal, "a[0, 0]", "shares memory"),
        (stores_into_ravel, "r[0]", "shares memory"),
        (keeps_a_diagonal, "for _ in range(3):", "kept from turn to turn"),
        (stores_while_a_diagonal_waits, "a[0, 0]", "shares memory"),
        (stores_in_the_index, "a[0, 0]", "shares memory"),
        (stores_and_names, "a[0, 0]", "shares memory"),
    ],
)
def test_store_that_could_tell(is_refused, function, caret, what):
    is_refused(function, (A,), caret, what)


def stores_what_it_reads(a):
    a[0] += np.reshape(a[:2, ::2], 4)
    a[1] = np.diagonal(a) + np.broadcast_to(a[2, 1], 4)
    d = np.diagonal(a)
    a[2] -= d
    a[:, 3] *= np.diff(a[:, 2:], axis=1)[:, 0]
    a += np.ravel(a[:, 1])
    return a


def test_store_that_ends_the_copy(agrees):
    agrees(stores_what_it_reads, np.arange(16.0).reshape(4, 4) / 7)
