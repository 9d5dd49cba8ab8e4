"""Loads and stores by every kind of index, and views that alias."""

import numpy as np
import pytest

X = np.array([0.5, -1.5, 2.5, 3.5])
A = np.arange(12.0).reshape(3, 4) + 0.5
B = np.arange(24.0).reshape(2, 3, 4)
PLACES = np.array([2, 0, 2])
M = np.array([True, False, True, True])


def elements(a, i, j):
    return a[i, j] + a[-1, 0] + a[i][j] + a[0, -2]


def slices(a):
    return a[1:], a[:, ::2], a[-2:, 1:-1], a[::-1], a[..., 0], a[None, :, 1], a[1, ...], a[0, :, None]


def dynamic_slices(a, n, m):
    return a[n:m], a[:m, n:], a[-m:], a[::n]


def arrays(a, index):
    return a[index], a[:, index], a[index, 1], a[index, index], a[index][:, 0]


def masks(x, mask):
    return x[mask], x[x > 0], np.sum(x[~mask])


def mask_2d(a):
    return a[a > 3]


def stores(a, i):
    a[i, 0] = 1.0
    a[1] = 2.0
    a[:, 2] = a[:, 1]
    a[..., -1] = 7
    a[:] = a * 2
    a[0, 1:3] = [5.0, 6.0]
    return a


def store_by_array(x, index, mask):
    x[index] = 2.0
    x[index] += 1.0
    x[mask] *= 3.0
    x[x > 4] = 0.0
    np.add.at(x, index, 0.25)
    np.subtract.at(x, index, 1.0)
    return x


def overlapping(x):
    x[1:] = x[:-1]
    x[1:] += x[:-1]
    x[::-1] -= x
    return x


def view_is_written(a):
    row = a[1]
    part = row[1:3]
    part[0] = 100.0
    part += 1.0
    t = a.T
    t[0, 2] = -5.0
    flat = a.reshape(-1)
    flat[3] = 55.0
    r = np.ravel(a)
    r[4] = 66.0
    return a.sum() + row[1]


def views_by_function(b):
    s = np.squeeze(b[:1], axis=0)
    s[0, 0] = 5.0
    e = np.expand_dims(b, (0, 2))
    e[0, 1, 0, 1, 1] = 6.0
    w = np.swapaxes(b, 0, 2)
    w[3, 2, 1] = 7.0
    m = np.moveaxis(b, -1, 0)
    m[0, 0, 0] = 8.0
    f = np.flip(b, 1)
    f[0, 0, 0] = 9.0
    p = np.transpose(b, (1, 2, 0))
    p[0, 0, 1] = 10.0
    q = b.transpose(2, 0, 1)
    q[1, 1, 1] = 11.0
    first, second = np.split(b, [1], axis=1)
    second[0, 0] = 12.0
    return b, e.shape, w.shape, first


def alias(x):
    y = x
    z = np.asarray(y)
    z[0] = 3.0
    w = np.array(z)
    w[0] = 4.0
    return x + y + w


def zero_d(x):
    return x[()] + 1.0, x + 2.0


def shape_things(b):
    n, m, k = b.shape
    return np.zeros((b.shape[0], n)), b.ndim * b.size, len(b), m * k, b[0].shape, np.shape(b), np.size(b, 1)


def list_index(x):
    return x[[0, 2]] + x[[1, -1]]


def integer_dtypes(x, k):
    i = np.int32(1)
    j = int(x[2]) - 1
    return x[i] + x[j] + x[k[0]] + x[np.argmax(x)]


def nested_store(a, i):
    a[i][1] = 5.0
    a[i][1:] += 2.0
    return a


def augmented_slices(a, v):
    a[0] += v
    a[:, 0] *= 2.0
    a[1:] /= a[:1] + 1
    a[..., 1] **= 2
    a[0, 0] -= 1
    a[-1] //= 2
    a += a[:, ::-1]
    a -= 1
    return a


def out(a):
    r = np.empty_like(a)
    np.multiply(a, 2.0, out=r)
    np.sin(r, r)
    s = np.zeros(a.shape[1])
    np.sum(a, axis=0, out=s)
    np.dot(a, a.T, out=(t := np.empty((a.shape[0], a.shape[0]))))
    return r, s, t


def length_one(a, x):
    return a * x[:1], np.squeeze(x[None, :]), (a + x[:, None][:1]).shape


def strided(a):
    b = a[::2, 1:]
    return b.reshape(-1), b.copy(), np.ravel(b), b.T.reshape((-1, 1))


def fill(a):
    a.fill(3.0)
    a[0].fill(1.0)
    return a.flatten()


def where_index(x):
    (places,) = np.where(x > 0)
    return x[places], np.nonzero(x)[0], x[np.argsort(x)], np.flatnonzero(x > 1)


def diagonal_then_store(a):
    s = 0.0
    for k in range(3):
        d = np.diagonal(a)
        s += d.sum() + np.ravel(a[:, 1:])[k]
        a[k, k] = s
    return a


CASES = [
    (diagonal_then_store, [(A,)]),
    (elements, [(A, 1, 2), (A, -1, 3)]),
    (slices, [(A,)]),
    (dynamic_slices, [(A, 1, 2), (A, 2, 3)]),
    (arrays, [(A, PLACES)]),
    (masks, [(X, M)]),
    (mask_2d, [(A,)]),
    (stores, [(A, 1), (A.T.copy(), -1)]),
    (store_by_array, [(X, PLACES, M)]),
    (overlapping, [(X,)]),
    (view_is_written, [(A,)]),
    (views_by_function, [(B,)]),
    (alias, [(X,)]),
    (zero_d, [(np.array(2.0),)]),
    (shape_things, [(B,)]),
    (list_index, [(X,)]),
    (integer_dtypes, [(X, np.array([3]))]),
    (nested_store, [(A, 1)]),
    (augmented_slices, [(A, 2.0)]),
    (out, [(A,)]),
    (length_one, [(A, X)]),
    (strided, [(A,), (np.asfortranarray(A),)]),
    (fill, [(A,)]),
    (where_index, [(X,)]),
]


@pytest.mark.parametrize(("function", "cases"), CASES, ids=lambda c: getattr(c, "__name__", ""))
def test_index(agrees, function, cases):
    for case in cases:
        agrees(function, *case)
