"""Writes whose places overlap, repeat, cross or vanish: what NumPy's buffering and order decide."""

import numpy as np

from scenarios.scenario import COMPLEX, WRITES, Scenario


def running_products(x):
    """Each entry from the one before, in place."""
    for i in range(1, len(x)):
        x[i] += x[i - 1] * x[i]
    return x


def swapped_numbers(x):
    """Two entries change places: they are numbers, not views."""
    x[0], x[1] = x[1], x[0]
    return x


def swapped_rows(x):
    """Two rows do not, in a tuple assignment: they are views. By integer indices they do."""
    y = np.outer(x, x**2)
    y[0], y[1] = y[1], y[0]
    y[[2, 3]] = y[[3, 2]]
    return y


def reversed_in_place(x):
    """The source overlaps the target."""
    x[:] = x[::-1]
    x[1:] += x[:-1]
    x[:-1] *= x[1:]
    return x


def broadcast_updates(x):
    """Rows and columns, numbers and powers, into one block."""
    y = np.outer(x, x)
    y += x
    y -= x[:, None]
    y *= x[0]
    y /= x[1] + y[0]
    y **= 2
    return y


def masked_rows(x):
    """Masks along either axis."""
    y = np.outer(x, x)
    y[x > 0.4] = x * 2
    y[:, x < 0.6] *= 3
    y[y > 100.0] = 0.0
    return y


def repeated_pairs(x):
    """Pairs of indices with duplicates, and an open mesh."""
    y = np.outer(x, x)
    y[[0, 1, 0], [1, 2, 1]] += x[:3]
    y[np.ix_([0, 2], [1, 3])] *= x[0]
    np.add.at(y, ([0, 1, 0], [1, 2, 1]), x[:3])
    np.multiply.at(y[0], [1, 1], x[1])
    return y


def last_one_counts(x):
    """Duplicates in an assignment."""
    y = np.zeros(3)
    y[[0, 1, 0]] = x[:3] ** 2
    y[np.array([[2, 2], [1, 0]])] += x.reshape(2, 2)
    return y


def mixed_axes(x):
    """New axes, an ellipsis, integers and slices in one index."""
    y = np.outer(x, x)
    y[:, None, 1] = x[:, None] ** 2
    y[..., 0] = 1.0
    y[[0, 2], 1:3] = x[:2]
    return y


def into_columns(x):
    """``out=`` views of rows and columns."""
    y = np.outer(x, x)
    np.multiply(x, 2.0, out=y[1])
    np.sin(y[:, 2], out=y[:, 2])
    np.multiply(y[0], x[0], out=y[0], where=x > 0.4)
    return y


def reduced_into(x):
    """``out=`` of reductions and products."""
    y = np.zeros(4)
    np.sum(np.outer(x, x), axis=0, out=y)
    np.cumsum(y, out=y)
    z = np.zeros((4, 4))
    np.matmul(np.outer(x, x), np.outer(y, x), out=z)
    return z


def rows_in_turn(x):
    """Loops over the rows, then over the columns, each written into."""
    y = np.outer(x, x)
    for row in y:
        row *= x[1]
    for column in y.T:
        column += x
    return y


def parts_of_complex(x):
    """The parts of a complex array, assigned, scaled and copied to each other."""
    z = 0j * x
    z.real = x
    z.imag[1:] = x[:-1]
    z.imag *= 2.0
    z[2:].real += z.imag[:2]
    z.imag[[0, 0, 3]] = x[:3]
    return z * z


def diagonals(x):
    """A diagonal that can be written into, and two by pairs of indices."""
    y = np.outer(x, x)
    diagonal = np.einsum("ii->i", y)
    diagonal *= x
    i = np.arange(4)
    y[i, i] += 1.0
    y[i, (i + 1) % 4] = x
    return y


def halves(x):
    """Split, and the halves written into each other."""
    y = np.outer(x, x)
    upper, lower = np.split(y, 2)
    upper[0] = lower[1]
    lower *= upper
    return y


def long_chain(x):
    """A view of a view of a view."""
    y = np.outer(x, x).reshape(2, 2, 4)
    v = np.moveaxis(y, 2, 0)[1:3, 0]
    v += x[:2]
    w = y.swapaxes(0, 1)[1]
    w *= v[0, 1]
    return y


def growing_symmetric(x):
    """Triangles, and an array added to its own transpose."""
    y = np.zeros((4, 4))
    y[np.triu_indices(4)] = np.concatenate([x, x * 2, x[:2]])
    y += y.T
    return y @ y


def until_large(x):
    """In place until a value is reached."""
    y = x * 1.0
    while np.max(y) < 10:
        y *= 1.0 + x
    return y


def changed_by_a_call(x):
    """A function changes its argument; its caller sees it."""

    def clear(a):
        a[0] = a[1] * 2
        return np.sum(a)

    return clear(x) * x[0]


def copies(x):
    """Copies of transposes, in both orders, flattened and written into."""
    y = np.outer(x, x**2)
    a, b = y.T.copy(), np.copy(y.T)
    a.reshape(-1)[1:] *= 2.0
    b.reshape(-1)[1:] *= 3.0
    a.conj()[0] = 1.0
    return a - b


POSITIVE = np.array([0.3, 0.5, 0.7, 1.1])

SCENARIOS = [
    *(
        Scenario(function, (POSITIVE,), beyond_autograd=WRITES)
        for function in (
            running_products,
            swapped_rows,
            reversed_in_place,
            broadcast_updates,
            repeated_pairs,
            last_one_counts,
            mixed_axes,
            reduced_into,
            rows_in_turn,
            diagonals,
            halves,
            long_chain,
            growing_symmetric,
            until_large,
            changed_by_a_call,
            masked_rows,
            into_columns,
        )
    ),
    Scenario(swapped_numbers, (POSITIVE,), beyond_autograd=WRITES, hessian=False),
    Scenario(parts_of_complex, (POSITIVE,), not_analytic=COMPLEX, beyond_autograd=WRITES),
    Scenario(copies, (POSITIVE,), not_analytic="conj copies complex numbers", beyond_autograd=WRITES),
]
