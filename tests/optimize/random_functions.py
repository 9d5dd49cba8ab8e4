"""Random programs over arrays that alias, with loops, branches and variables assigned again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Shape = tuple[str, ...]


class Writer:
    """Writes one program into a recorder; arrays are combined where their shapes are the same symbols."""

    def __init__(self, recorder: Any, seed: int) -> None:
        self.r = recorder
        self.rng = np.random.default_rng(seed)
        self.pool: list[tuple[Any, Shape]] = []
        self.cells: list[tuple[Any, Shape]] = []
        self.index: list[Any] = []
        self.total: Any = None

    def chosen(self, options: list[Any]) -> Any:
        return options[self.rng.integers(len(options))]

    def array(self, shape: Shape | None = None) -> tuple[Any, Shape]:
        """An array of the pool, of this shape."""
        fitting = [entry for entry in self.pool + self.cells if shape is None or entry[1] == shape]
        return self.chosen(fitting)

    def number(self) -> Any:
        kind = self.rng.integers(4)
        if kind == 0:
            return float(np.round(self.rng.normal(), 2))
        if kind == 1:
            return self.total * 0.125
        array, shape = self.array()
        if kind == 2 and self.index:
            return array[tuple(self.chosen([0, -1, self.chosen(self.index)]) for _ in shape)]
        return self.chosen([np.sum, np.max, np.mean])(array)

    def expression(self, shape: Shape, depth: int = 2) -> Any:
        """Elements of this shape, some of them read through other index maps."""
        kind = self.rng.integers(9) if depth else 0
        if kind == 0:
            return self.array(shape)[0]
        if kind == 1:
            return self.expression(shape, depth - 1) * self.number()
        if kind == 2:
            return np.sin(self.expression(shape, depth - 1))
        if kind == 3:
            return self.expression(shape, depth - 1)[tuple(slice(None, None, -1) for _ in shape)]
        if kind == 4 and len(shape) == 2:
            first = self.expression(shape[:1], depth - 1)
            return np.multiply(first[:, None], self.expression(shape[1:], depth - 1))
        if kind == 5 and len(shape) == 1:
            other = [s for _, s in self.pool if len(s) == 2 and shape[0] in s]
            if other:
                pair = self.chosen(other)
                axis = 1 - pair.index(shape[0])
                return self.chosen([np.sum, np.max, np.mean])(self.expression(pair, depth - 1), axis=axis)
        if kind == 6:
            left = self.expression(shape, depth - 1)
            return np.where(left > 0.1, self.expression(shape, depth - 1), left * 0.5)
        if kind == 7 and len(shape) == 1:
            return np.cumsum(self.expression(shape, depth - 1)) * 0.25
        return self.expression(shape, depth - 1) - 0.5 * self.expression(shape, depth - 1)

    def statements(self, count: int, depth: int) -> None:
        for _ in range(count):
            self.statement(depth)

    def statement(self, depth: int) -> None:
        kind = self.rng.integers(12)
        if kind < 2:
            shape = self.array()[1]
            self.pool.append((self.expression(shape), shape))
        elif kind == 2:
            self.pool.append(self.view())
        elif kind < 6:
            self.store()
        elif kind == 6:
            array, shape = self.array()
            self.cells.append((self.r.cell(self.chosen([array, array * 1.0]), "c"), shape))
        elif kind == 7 and self.cells:
            cell, shape = self.chosen(self.cells)
            self.r.set(cell, self.chosen([self.array(shape)[0] * 1, self.expression(shape) + 0.0]))
        elif kind == 8:
            self.r.set(self.total, self.total * 0.5 + np.sum(self.expression(self.array()[1])))
        elif kind == 9 and depth:
            self.block(depth, self.r.range(self.chosen([0, 1, 2, 3, 6])))
        elif kind == 10 and depth:
            self.block(depth, self.r.when(self.number() > 0.0))
        else:
            self.mask()

    def view(self) -> tuple[Any, Shape]:
        array, shape = self.array()
        if len(shape) == 2:
            if self.rng.integers(2):
                return array.T, shape[::-1]
            row = self.chosen(self.index) if self.index else 1
            return self.chosen([(array[row], shape[1:]), (array[:, row], shape[:1]), (array[:, ::-1], shape)])
        cut = self.chosen(["1:", ":-1", "::2", ":2"])
        start, stop, step = ([int(p) if p else None for p in (*cut.split(":"), "")] + [None])[:3]
        return array[slice(start, stop, step)], (f"{shape[0]} {'-1' if cut in ('1:', ':-1') else cut}",)

    def store(self) -> None:
        array, shape = self.array()
        kind = self.rng.integers(4)
        whole = tuple(slice(None) for _ in shape)
        if kind == 0:
            array[whole] = self.expression(shape)
        elif kind == 1:
            array.add_at(whole, self.expression(shape))
        elif kind == 2:
            array[tuple(self.chosen([0, -1, *self.index[-1:]]) for _ in shape)] = self.number() * 1.0
        else:
            shifted = f"{shape[0]} -1"
            target, source = self.chosen(
                [(slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))]
            )
            known = [entry for entry in self.pool if entry[1] == (shifted, *shape[1:])]
            value = (
                self.chosen(known)[0] if known and self.rng.integers(2) else self.expression(shape)[source]
            )
            array[target] = value + 0.25 * array[target]

    def mask(self) -> None:
        array, shape = self.array()
        positive = array > self.number()
        if len(shape) == 1 and self.rng.integers(2):
            array[positive] = self.chosen([array[positive] * 0.5, self.number() * 1.0])
        else:
            array[(positive, *(slice(None),) * (len(shape) - len(shape)))] = self.number() * 1.0

    def block(self, depth: int, context: Any) -> None:
        """A loop or a branch; what is made in it is not seen outside."""
        sizes = len(self.pool), len(self.cells), len(self.index)
        with context as index:
            if index is not None:
                self.index.append(index)
            self.statements(int(self.rng.integers(1, 4)), depth - 1)
        self.pool, self.cells, self.index = (
            part[:size] for part, size in zip((self.pool, self.cells, self.index), sizes, strict=True)
        )


def program(seed: int) -> Callable[..., Any]:
    """A random function of a recorder and of arrays of shapes (n,), (n,), (m,), (n, m)."""

    def written(r: Any, u: Any, v: Any, w: Any, a: Any) -> Any:
        writer = Writer(r, seed)
        writer.pool = [(u, ("n",)), (v, ("n",)), (w, ("m",)), (a, ("n", "m"))]
        writer.total = r.cell(0.5, "total")
        writer.statements(7, 2)
        returned = [array for array, _ in writer.cells[-2:] + writer.pool[-2:]]
        return writer.total, *returned

    return written
