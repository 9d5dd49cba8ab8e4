"""Random programs with what the wide ones lack: layouts, overlaps, augmented stores, convergence, and more.

`rich(seed)` writes a function of the arguments of `wide(seed)`, which may be strided or in Fortran order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from programs.wide import Statement, Wide


class Rich(Wide):
    """One random program: `text` is its source, `name` the function in it."""

    kind = "rich"
    dtypes = ("float64",) * 6 + ("float32", "complex64") + ("complex128",) * 2

    def arguments(self) -> list[Any]:
        """Fresh arguments, the same at each call."""
        rng = np.random.default_rng(self.seed)
        return [relaid(x, rng) if isinstance(x, np.ndarray) else x for x in super().arguments()]

    def simple(self) -> list[Statement]:
        new: list[Statement] = [
            self.overlap, self.augment, self.augment, self.nested_tuples, self.outer_write,
            self.dynamic_slice,
            self.dynamic_slice, self.counting, self.library, self.library, self.into, self.comprehension,
            self.extreme,
        ]  # fmt: skip
        return [*super().simple(), *new, *new]

    def nested(self) -> list[Statement]:
        return [*super().nested(), self.converge, self.countdown, self.found]

    # -- statements ------------------------------------------------------------------------------------------

    def vector(self) -> str:
        """A variable that is a vector of length 4."""
        return self.random.choice([n for n, s in self.arrays.items() if s == (4,)])

    def bounded(self) -> str:
        """A number that is not large."""
        return self.squash(self.scalar(0))

    def count(self) -> str:
        """An integer from 0 to 3, perhaps known at run time only."""
        r = self.random
        return f"{r.choice(self.counters)} % 4" if self.counters and r.random() < 0.7 else r.choice("0123")

    def overlap(self, depth: int, indent: str) -> None:
        """Views of one array on both sides."""
        v, s = self.vector(), self.scalar(0)
        self.add(indent, self.random.choice([
            f"{v}[1:] = {v}[:-1]", f"{v}[:-1] = {v}[1:]", f"{v}[:] = {v}[::-1]", f"{v}[1:] += 0.5 * {v}[:-1]",
            f"{v}[::-1] *= 0.7 + 0.1 * {v}", "a[...] = a.T", "a[1:] = a[:-1]", "a[:, 1:] -= 0.3 * a[:, :-1]",
            "a[1:, 1:] = 0.5 * (a[:-1, :-1] + a[1:, :-1])", f"a[0] = a[:, {self.index(4)}]", "a += 0.2 * a.T",
            f"{v}[1:3], {v}[3] = {v}[:2], {s}", f"{v}[0], {v}[2] = {v}[2], {v}[0]", "a[[0, 1]] = a[[1, 0]]",
            "a[1], a[2] = a[2].copy(), a[1].copy()", f"{v}[::2] += {v}[1::2]", f"{v} *= 0.5 * {v}[::-1]",
        ]))  # fmt: skip

    def augment(self, depth: int, indent: str) -> None:
        """Every operator, into elements, parts, rows, masks and whole arrays."""
        r = self.random
        v, k = self.vector(), self.index(4)
        target = r.choice([
            f"{v}[{k}]", f"{v}[1:3]", f"{v}[::-2]", v, f"a[{k}]", f"a[:, {k}]", f"a[{k}, ::2]",
            f"a[{k}, {k}]",
            "a[1:, :-1]", f"{v}[...]",
        ])  # fmt: skip
        if not self.complex and r.random() < 0.2:
            target = f"{v}[{v} > {r.uniform(-0.5, 0.5):.2f}]"
        value = self.bounded()
        self.add(indent, f"{target} " + r.choice([
            f"+= 0.3 * {value}", f"-= 0.3 * {value}", f"*= 0.5 + 0.2 * {value}", f"/= 1.5 + 0.3 * {value}",
            "**= 2", f"*= {value}", f"+= {self.count()}", f"/= {r.choice([2, 4])}",
        ]))  # fmt: skip

    def nested_tuples(self, depth: int, indent: str) -> None:
        r = self.random
        p, q, t = self.fresh("p"), self.fresh("q"), self.fresh("t")
        if len({p, q, t}) < 3:
            return
        one, two, three = (self.scalar(1) for _ in range(3))
        self.add(indent, r.choice([
            f"({p}, {q}), {t} = ({one}, {two}), {three}",
            f"{p}, ({q}, *_), {t} = {one}, ({two}, 1.0, 2.0), {three}",
            f"{p}, {q}, {t} = {self.vector()}[1:]",
            f"{p}, {q}, {t} = ({one}, 0.1, {two}) if n > 3 else ({three}, 0.2, {two})",
            f"both = ({one}, ({two}, {three}))\n{indent}{p}, ({q}, {t}) = both",
            f"both = [{one}, {two}]\n{indent}both[0] = both[1]\n{indent}{p}, {q} = {t}, _ = both",
            f"both = {{'u': {one}, 'v': {two}}}\n{indent}{p}, {q}, {t} = both['u'], both['v'], 0.4",
        ]))  # fmt: skip
        self.scalars += [p, q, t]

    def outer_write(self, depth: int, indent: str) -> None:
        """A local function that writes into an array around it."""
        r = self.random
        if indent != "    ":
            return self.assign(depth, indent)
        self.number += 1
        name, s = f"change{self.number}", r.choice(self.scalars)
        self.add(indent, f"def {name}(p, q=0.3):")
        self.add(
            indent,
            f"    {self.vector()}[{self.index(4)}] {r.choice(['=', '+=', '*='])} {self.squash('p - q')}",
        )
        self.add(indent, f"    return p * 0.5 + {s}")
        self.functions.append(name)
        return None

    def dynamic_slice(self, depth: int, indent: str) -> None:
        """Bounds and steps that are known at run time, empty ones included."""
        r = self.random
        v, k, j = self.vector(), self.count(), self.count()
        s = self.bounded()
        part = r.choice([
            f"{v}[{k}:]", f"{v}[:{k}]", f"{v}[{j}:{k}]", f"{v}[{k}::-1]", f"{v}[:{k}:-1]", f"{v}[-1 - {k}:]",
            f"a[{k}:, {j}]", f"a[{k}, :{j}]", f"{v}[::{r.choice([1, 2])} + {k} % 2]", f"{v}[{k} - 2:]",
        ])  # fmt: skip
        if r.random() < 0.5:
            self.add(indent, f"{part} {r.choice(['=', '+=', '*=', '-='])} {s}")
            return
        name = self.fresh("s")
        self.add(indent, f"{name} = " + r.choice([
            f"0.3 * np.sum({part})", f"0.2 * np.sum({part} * {part})", f"{part}.sum() * {s}",
            f"0.1 * np.sum({part} ** 2) + len({part}) * 0.05", f"0.2 * sum({part})",
            f"0.3 * np.dot({part}, {part})",
        ]))  # fmt: skip
        self.scalars.append(name)

    def counting(self, depth: int, indent: str) -> None:
        """Integers that are data: counts, places, and what is taken by them."""
        r = self.random
        self.number += 1
        c, s = f"count{self.number}", self.fresh("s")
        v = self.vector()
        size = f"np.abs({v})" if self.complex else v
        self.add(indent, f"{c} = np.zeros(4, dtype=int)")
        self.add(indent, r.choice([
            f"{c}[idx] += 1", f"np.add.at({c}, idx, 1)", f"{c}[:] = np.argsort({size})",
            f"{c} += np.arange(4) % 3",
            f"{c}[{self.index(4)}] = int(np.argmax({size}))", f"{c}[{size} > 0.2] = 2",
            f"{c}[:] = ({size} > 0.1) * 2", f"for i_ in range(4):\n{indent}    {c}[i_] = (i_ * 3 + 1) % 4",
        ]))  # fmt: skip
        self.add(indent, r.choice([
            f"{v}[{c}] += 0.2 * {self.bounded()}", f"{v} = {v}[{c}] * 1.0", f"a[{c}] *= 0.6",
            f"a[:, {c}] = a * 0.5",
            f"{v}[{c}[1]] = {self.bounded()}", f"{v} += 0.1 * {c}", f"np.add.at({v}, {c}, 0.3 * {v}[::-1])",
        ]))  # fmt: skip
        self.add(indent, f"{s} = {v}[{c}[{self.index(4)}]] * 0.5")
        self.scalars.append(s)

    def library(self, depth: int, indent: str) -> None:
        """Functions that stay whole."""
        r = self.random
        name, v, w = self.fresh("v"), self.array((4,), 0), self.array((4,), 0)
        m = self.array((4, 4), 0)
        forms = [
            f"np.einsum('ij,j->i', {m}, {v}) * 0.3", f"np.einsum('ij,ij->j', {m}, {m}) * 0.1",
            f"np.linalg.solve({m} + 9.0 * np.eye(4), {v})", f"np.cumsum({v})[::-1] * 0.3",
            f"np.diag({m}) * 0.5", f"np.diag(np.diag({v}) @ {m}) * 0.3", f"np.cumprod(0.5 * {v})",
            f"np.linalg.inv({m} + 8.0 * np.eye(4))[{self.index(4)}]", f"np.convolve({v}, {w})[1:5] * 0.3",
            f"np.append({v}[1:], {self.scalar(0)})", f"np.repeat({v}[:2], 2)", f"np.tile({v}[2:], 2)",
            f"({m} @ {m} @ {v}) * 0.1", f"np.tensordot({m}, {v}, 1) * 0.3", f"np.kron({v}[:2], {w}[2:])",
            f"np.linalg.multi_dot([{m}, {m}, {v}]) * 0.1", f"np.real({v}) * 1.0",
            f"np.cross({v}[:3], {w}[1:]).sum() * {v}",
            f"np.trapezoid({v}, dx=0.5) * {w}", f"np.prod({m} * 0.6, axis=0)",
            f"np.where({m} != 0, {m}, 1.0).mean(axis=1)",
        ]  # fmt: skip
        if not self.complex:
            forms += [
                f"np.sort({v})", f"np.sort({m}, axis=0)[{self.index(4)}]", f"np.max({m}, axis=1)",
                f"np.sort({v})[::-1] * {w}",
                f"np.maximum.accumulate({v})",
                f"np.linalg.cholesky({m} @ ({m}).T + 2.0 * np.eye(4))[{self.index(4)}]",

                f"np.interp({v}, np.array([-1.0, 0.0, 1.5]), {w}[:3])", f"np.std({m} + np.eye(4), axis=0)",
            ]  # fmt: skip
        self.add(indent, f"{name} = {r.choice(forms)}" + (" + 0j" if self.complex else " * 1.0"))
        self.arrays[name] = (4,)

    def into(self, depth: int, indent: str) -> None:
        """Methods and functions that write into an array."""
        v, w, s = self.vector(), self.vector(), self.bounded()
        forms = [
            f"{v}.fill({s})", f"np.copyto({v}, 0.5 * {w}[::-1])", f"np.add({v}, {w}, out={v})",
            f"np.multiply({w}, 0.5, out={v})", f"{v}[:] = {s}",
            f"a[...] = 0.4 * {v}",
            f"{v}.T[1:] *= 0.5", f"a.T[{self.index(4)}] += 0.2 * {v}", f"a[:2][1] = {w}",
        ]  # fmt: skip
        if not self.complex:
            forms += [f"np.tanh({w}, out={v})", f"np.minimum({v}, 0.5, out={v})"]
        self.add(indent, self.random.choice(forms))

    def comprehension(self, depth: int, indent: str) -> None:
        r = self.random
        name, v = self.fresh("v"), self.vector()
        form = r.choice([
            f"np.array([{self.squash(f'{v}[j] * {self.scalar(0)}')} for j in range(4)])",
            f"np.array([p * 0.5 + j for j, p in enumerate(({self.scalar(0)}, {self.scalar(0)}, 0.1, 0.2))])",
            f"np.array([{self.scalar(0)} if j % 2 == 0 else {v}[j] for j in range(4)])",
            f"np.stack([{v} * (0.1 * j) for j in range(3)]).sum(axis=0)",
            f"np.array([p * q for p, q in zip(({self.scalar(0)}, 0.5, 0.25), (1.0, 2.0, 0.3))] + [0.1])",
            f"np.concatenate([{v}[j:j + 1] * 0.5 for j in (3, 1, 0, 2)])",
            f"np.array([0.3 * sum([{v}[j] for j in range(i + 1)]) for i in range(4)])",
        ])  # fmt: skip
        self.add(indent, f"{name} = {form}" + (" + 0j" if self.complex else " * 1.0"))
        self.arrays[name] = (4,)

    def extreme(self, depth: int, indent: str) -> None:
        """The element that is the largest, or the first that passes a test."""
        r = self.random
        name, v = self.fresh("s"), self.vector()
        size = f"np.abs({v})" if self.complex else v
        self.add(indent, f"{name} = " + r.choice([
            f"{v}[np.argmax({size})]", f"{v}[int(np.argmin({size}))] * 0.5",
            f"0.3 * {v}[({size} > 0.3).sum() % 4]",
            f"{v}[np.argsort({size})[{self.index(4)}]]", f"0.2 * np.sum({v}[np.argsort({size})[:2]])",
            f"0.2 * np.sum({v}[np.flatnonzero({size} > 0.4)])",
            f"0.2 * np.sum({v}[np.nonzero({size} > 0.2)[0]])",
        ]))  # fmt: skip
        self.scalars.append(name)

    # -- control ---------------------------------------------------------------------------------------------

    def converge(self, depth: int, indent: str) -> None:
        """A fixed point: a `while` that ends when little changes."""
        r = self.random
        y, old, it = self.fresh("y"), self.fresh("old"), self.fresh("it")
        if len({y, old, it}) < 3:
            return
        s = self.scalar(0)
        self.add(indent, f"{y} = {self.bounded()}")
        self.add(indent, f"{old} = {y} + 1.0")
        self.add(indent, f"{it} = 0")
        self.add(
            indent, f"while abs({y} - {old}) > {r.choice(['1e-3', '1e-7'])} and {it} < {r.choice([3, 30])}:"
        )
        self.add(indent, f"    {old} = {y}")
        self.add(indent, f"    {y} = 0.3 * {self.squash(y)} + 0.4 * {self.squash(s)}")
        if r.random() < 0.4:
            self.add(indent, f"    {self.vector()}[{it} % 4] += 0.1 * {y}")
        self.add(indent, f"    {it} += 1")
        self.scalars += [y, old]
        self.counters.append(it)

    def countdown(self, depth: int, indent: str) -> None:
        """`while True` with `break`, counting down."""
        self.number += 1
        k = f"down{self.number}"
        self.add(indent, f"{k} = {self.random.choice(['3', 'n', 'len(x) - 1'])}")
        self.add(indent, "while True:")
        self.add(indent, f"    {k} -= 1")
        self.add(indent, f"    if {k} < {self.random.choice([0, 1])}:\n{indent}        break")
        self.counters.append(k)
        self._body(depth, indent)
        self.counters.remove(k)

    def found(self, depth: int, indent: str) -> None:
        """A search with `break`, and what follows if nothing is found."""
        self.number += 1
        i, v = f"i{self.number}", self.vector()
        size = f"abs({v}[{i}])" if self.complex else f"{v}[{i}]"
        self.add(indent, f"for {i} in range(4):")
        self.add(indent, f"    if {size} > {self.random.uniform(0, 1.5):.2f}:")
        self.add(indent, f"        {v}[{i}] *= 0.5\n{indent}        break")
        self.add(indent, f"    {v}[{i}] += 0.1 * {self.bounded()}")
        self.add(indent, "else:")
        self.block(depth - 1, indent + "    ", 1)
        self.counters.append(i)


def relaid(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same entries in C order, in Fortran order, reversed in memory, or with gaps."""
    form = rng.integers(4)
    if form == 0 or x.dtype.kind == "i":
        return x
    if form == 1:
        return np.asfortranarray(x)
    room = np.zeros(tuple(2 * n for n in x.shape), x.dtype)
    view = room[(slice(None, None, -2 if form == 2 else 2),) * x.ndim]
    view[...] = x
    return view


def rich(seed: int) -> Rich:
    """The random program number `seed`."""
    return Rich(seed)
