"""Random programs with many forms: shapes, dtypes, indexing, closures, loops over arrays.

`wide(seed)` writes a function of a vector, a matrix, an array with an axis of length 1, a number, an array of
indices and a small integer. It returns a real number. Values stay bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from programs.arrays import Expressions, Shape

Statement = Callable[[int, str], None]
NEW_SHAPES: list[Shape] = [(4,), (4,), (4, 4), (3,), (2, 3), (4, 1), (1, 4), (2, 2), (0,), (2, 3, 4), (1,)]


class Wide(Expressions):
    """One random program: `text` is its source, `name` the function in it."""

    kind = "wide"
    dtypes = ("float64",) * 7 + ("float32",) + ("complex128",) * 2

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        r = self.random
        self.seed = seed
        self.name = f"{self.kind}_{seed}"
        self.dtype = r.choice(self.dtypes)
        self.complex = self.dtype.startswith("complex")
        self.b_shape: Shape = r.choice([(1, 4), (4, 1), (3, 4), (2, 1, 4)])
        self.arrays = {"x": (4,), "a": (4, 4), "b": self.b_shape}
        self.scalars = ["c"]
        self.lines: list[str] = []
        self.number = 0
        self.dead: list[str] = []
        self.loops = 0
        helper = self._helper()
        self.text = "import numpy as np\n\nFACTOR = 0.7\n\n\n" + helper + self._function()

    def arguments(self) -> list[Any]:
        """Fresh arguments, the same at each call."""
        rng = np.random.default_rng(self.seed)

        def draw(*shape: int) -> Any:
            value = 0.8 * rng.normal(size=shape)
            if self.complex:
                value = value + 0.8j * rng.normal(size=shape)
            return np.asarray(value, self.dtype)

        c = draw()[()]
        c = c.item() if self.dtype != "float32" and rng.random() < 0.5 else c
        return [draw(4), draw(4, 4), draw(*self.b_shape), c, np.array([0, 2, 2, 1]), 4]

    # -- statements ------------------------------------------------------------------------------------------

    def add(self, indent: str, text: str) -> None:
        self.lines.append(indent + text)

    def fresh(self, stem: str) -> str:
        """A new name, or one that is no longer used, for a value of another kind perhaps."""
        if self.dead and self.random.random() < 0.25:
            return self.dead.pop(self.random.randrange(len(self.dead)))
        self.number += 1
        return f"{stem}{self.number}"

    def block(self, depth: int, indent: str, count: int) -> None:
        known = (dict(self.arrays), list(self.scalars), list(self.counters), list(self.functions))
        for _ in range(count):
            self.statement(depth, indent)
        new = [n for n in [*self.arrays, *self.scalars] if n not in known[0] and n not in known[1]]
        self.arrays, self.scalars, self.counters, self.functions = known
        self.dead += new

    def statement(self, depth: int, indent: str) -> None:
        kinds: list[Statement] = [*self.simple(), *(self.nested() if depth else [])]
        self.random.choice(kinds)(depth, indent)

    def simple(self) -> list[Statement]:
        return [
            self.assign, self.store, self.store, self.region_store, self.region_store, self.rebind,
            self.new_array, self.new_array, self.swap, self.index_store, self.alias, self.unpack,
            self.closure, self.rebind_array,
        ]  # fmt: skip

    def nested(self) -> list[Statement]:
        return [self.branch, self.range_loop, self.array_loop, self.while_loop, self.exit]

    def assign(self, depth: int, indent: str) -> None:
        value = self.scalar()
        name = self.fresh("s")
        self.add(indent, f"{name} = {value}")
        self.scalars.append(name)

    def rebind(self, depth: int, indent: str) -> None:
        name = self.random.choice(self.scalars)
        form = self.random.choice(
            ["{0} = {1}", "{0} += 0.3 * {1}", "{0} *= 0.5 + 0.1 * {1}", "{0} -= {1} * 0.1"]
        )
        self.add(indent, form.format(name, self.squash(self.scalar(1))))

    def store(self, depth: int, indent: str) -> None:
        r = self.random
        name, shape = r.choice([(n, s) for n, s in self.arrays.items() if s and 0 not in s])
        target = f"{name}[{', '.join(self.index(n) for n in shape)}]"
        value = self.squash(self.scalar(1))
        self.add(indent, f"{target} {r.choice(['=', '=', '+=', '*=', '-='])} {value}")

    def region_store(self, depth: int, indent: str) -> None:
        """Into a part; the value is a fresh array, since NumPy copies overlapping views wrongly."""
        r = self.random
        shape = r.choice([(4,), (3,), (2,), (4, 4), (2, 3), (3, 1), (1, 4), (0,), (2, 2)])
        target = self.region(shape)
        if target is None or target in self.arrays:
            target = r.choice(["x[1:]", "a[:, 1:]", "x[::2]", "a[1]"])
            shape = {"x[1:]": (3,), "a[:, 1:]": (4, 3), "x[::2]": (2,), "a[1]": (4,)}[target]
        operator = r.choice(["=", "=", "+=", "-=", "*="])
        small = shape[r.choice([0, 0, 1]) :] if len(shape) > 1 else shape
        value = r.choice([self.array(small, 1), self.array(small, 2), self.scalar(1), self.array(small, 1)])
        value = f"0.5 * ({value})" if operator != "=" or r.random() < 0.8 else f"({value}) * 1.0"
        self.add(indent, f"{target} {operator} {value}")

    def index_store(self, depth: int, indent: str) -> None:
        """By integer arrays and masks, with duplicates."""
        r = self.random
        vectors = [n for n, s in self.arrays.items() if s == (4,)] or ["x"]
        v, w = r.choice(vectors), self.array((4,), 1)
        limit, s = f"{r.uniform(-0.5, 0.5):.2f}", self.scalar(0)
        mask = f"np.abs({v}) > {abs(float(limit)) + 0.2:.2f}" if self.complex else f"{v} > {limit}"
        self.add(indent, r.choice([
            f"{v}[idx] = 1.0 * {w}", f"{v}[idx] += 0.3 * {w}", f"np.add.at({v}, idx, 0.2 * ({w}))",
            f"{v}[idx] *= 0.7", f"{v}[idx[1:3]] -= {s}", f"a[idx, idx] += 0.1 * {w}",
            f"a[idx] *= {self.squash(s)}", f"a[:, idx] = 0.5 * {self.array((4, 1), 1)}",
            f"np.add.at(a, (idx, np.arange(4)), 0.3 * ({w}))", f"{v}[{mask}] = {s}", f"{v}[{mask}] *= 0.5",
            f"{v}[{mask}] += 0.2 * {s}", f"a[np.abs(a) > 0.9] = {s}", f"np.add.at({v}, [1, 1, 3], {s})",
            f"a[[0, 2], [1, 1]] += 0.1 * {s}", f"{v}[[3, 0]] = {self.array((2,), 1)} * 0.5",
        ]))  # fmt: skip

    def new_array(self, depth: int, indent: str) -> None:
        r = self.random
        shape = r.choice(NEW_SHAPES)
        value = self.array(shape)
        if value in self.arrays:
            value += ".copy()"
        name = self.fresh("v")
        if r.random() < 0.15 and shape:
            value = f"np.zeros({shape}, dtype=complex)" if self.complex else f"np.zeros({shape})"
        elif self.complex:
            value = f"({value}) + 0j"
        self.add(indent, f"{name} = {value}")
        self.arrays[name] = shape

    def rebind_array(self, depth: int, indent: str) -> None:
        """A name gets another array of its shape; at the top also of another."""
        r = self.random
        names = [n for n in self.arrays if n not in ("a", "x", "b")]
        if not names:
            return self.new_array(depth, indent)
        name = r.choice(names)
        shape = self.arrays[name]
        if indent == "    " and r.random() < 0.4:
            shape = r.choice(NEW_SHAPES)
        tail = " + 0j" if self.complex else " * 1.0"
        self.add(indent, f"{name} = ({self.array(shape)}){tail}")
        self.arrays[name] = shape
        return None

    def alias(self, depth: int, indent: str) -> None:
        """A second name, a view, a view of a view."""
        shape = self.random.choice([(4,), (3,), (2, 3), (4, 4), (2,), (1, 4)])
        value = self.region(shape)
        if value is None:
            return self.assign(depth, indent)
        if self.random.random() < 0.2 and shape == (4, 4):
            value = "a.T"
        name = self.fresh("w")
        self.add(indent, f"{name} = {value}")
        self.arrays[name] = shape
        return None

    def swap(self, depth: int, indent: str) -> None:
        r = self.random
        same = [n for n, s in self.arrays.items() if s == (4,)]
        pool = r.choice([self.scalars, same])
        if len(pool) > 1:
            a, b = r.sample(pool, 2)
            self.add(indent, f"{a}, {b} = {b}, {a}")
        else:
            self.assign(depth, indent)

    def unpack(self, depth: int, indent: str) -> None:
        r = self.random
        first, second = self.fresh("p"), self.fresh("q")
        if first == second:
            return
        s, t = self.scalar(1), self.scalar(1)
        self.add(indent, r.choice([
            f"{first}, {second} = {s}, {t}", f"({first}, {second}) = pair({s}, second={t})",
            f"{first}, {second} = {self.region((2,)) or 'x[:2]'}", f"{first} = {second} = {s}",
            f"{first}, *{second}_rest = ({s}, {t}, 1.0)\n{indent}{second} = {second}_rest[0]",
        ]))  # fmt: skip
        self.scalars += [first, second]

    def closure(self, depth: int, indent: str) -> None:
        """A local function that reads what is around it, and perhaps writes into an array."""
        r = self.random
        if indent != "    ":
            return self.assign(depth, indent)
        self.number += 1
        name = f"local{self.number}"
        if r.random() < 0.3:
            self.add(indent, f"{name} = lambda p, q=0.5: {self.squash('p * q')} + {r.choice(self.scalars)}")
        else:
            self.add(indent, f"def {name}(p, q=0.2):")
            if r.random() < 0.4:
                self.add(indent, f"    x[{self.index(4)}] += 0.1 * {self.squash('p')}")
            elif r.random() < 0.5:
                self.add(indent, f"    if abs(p) > 0.5:\n{indent}        return p * 0.5")
            self.add(indent, f"    return {self.squash('p')} + {r.choice(self.scalars)} * q * FACTOR")
        self.functions.append(name)
        return None

    # -- control ---------------------------------------------------------------------------------------------

    def branch(self, depth: int, indent: str) -> None:
        r = self.random
        self.add(indent, f"if {self.condition()}:")
        self.block(depth - 1, indent + "    ", r.randint(1, 3))
        if r.random() < 0.3:
            self.add(indent, f"elif {self.condition()}:")
            self.block(depth - 1, indent + "    ", r.randint(1, 2))
        if r.random() < 0.6:
            self.add(indent, "else:")
            self.block(depth - 1, indent + "    ", r.randint(1, 2))

    def _body(self, depth: int, indent: str) -> None:
        r = self.random
        inner = indent + "    "
        self.loops += 1
        self.block(depth - 1, inner, r.randint(1, 3))
        if r.random() < 0.35:
            self.add(inner, f"if {self.condition(0)}:")
            self.add(inner + "    ", r.choice(["break", "continue", "break"]))
            self.block(depth - 1, inner, r.randint(1, 2))
        self.loops -= 1
        if r.random() < 0.2:
            self.add(indent, "else:")
            self.block(depth - 1, inner, 1)

    def range_loop(self, depth: int, indent: str) -> None:
        r = self.random
        self.number += 1
        k = f"k{self.number}"
        limits = [
            "3", "n", "1, 4", "3, -1, -1", "0, 5, 2", "n - 2", "len(x)", "n, 0, -2", "2, 2", "a.shape[0] - 1",
            *self.counters,
        ]  # fmt: skip
        text = f"range({r.choice(limits)})"
        self.add(indent, f"for {k} in {text if r.random() < 0.8 else f'reversed({text})'}:")
        self.counters.append(k)
        self._body(depth, indent)
        self.counters.remove(k)

    def array_loop(self, depth: int, indent: str) -> None:
        """Over rows, elements, pairs of them, or with their numbers."""
        r = self.random
        self.number += 1
        k, e, f = f"k{self.number}", f"e{self.number}", f"f{self.number}"
        vectors = [n for n, s in self.arrays.items() if len(s) == 1] or ["x"]
        matrices = [n for n, s in self.arrays.items() if len(s) == 2] or ["a"]
        u, v, m = r.choice(vectors), r.choice(vectors), r.choice(matrices)
        row = self.arrays[m][1:]
        header, new_scalars, new_arrays, counters = r.choice([
            (f"for {e} in {u}:", [e], {}, []), (f"for {e} in {m}:", [], {e: row}, []),
            (f"for {k}, {e} in enumerate({u}):", [e], {}, [k]),
            (f"for {k}, {e} in enumerate({m}, 1):", [], {e: row}, [k]),
            (f"for {e}, {f} in zip({u}, {v}):", [e, f], {}, []),
            (f"for {e}, {f} in zip({m}, {u}):", [f], {e: row}, []),
            (f"for {e} in reversed({u}):", [e], {}, []),
            (f"for {k}, ({e}, {f}) in enumerate(zip({u}, range(3))):", [e], {}, [k, f]),
            (f"for {e} in (0.3, {self.scalar(0)}):", [e], {}, []),
        ])  # fmt: skip
        self.add(indent, header)
        before = (list(self.scalars), dict(self.arrays), list(self.counters))
        self.scalars += new_scalars
        self.arrays |= new_arrays
        self.counters += counters
        self._body(depth, indent)
        self.scalars, self.arrays, self.counters = before

    def while_loop(self, depth: int, indent: str) -> None:
        self.number += 1
        w, limit = f"w{self.number}", self.random.randint(1, 4)
        self.add(indent, f"{w} = 0")
        self.add(indent, f"while {w} < {limit} and {self.condition(0)}:")
        self.add(indent + "    ", f"{w} += 1")
        self.counters.append(w)
        self._body(depth, indent)
        self.counters.remove(w)

    def exit(self, depth: int, indent: str) -> None:
        """An early return, or an assertion that holds."""
        if self.random.random() < 0.4:
            self.add(indent, f"assert n > {self.random.choice([0, 2])}")
            return
        self.add(indent, f"if {self.condition()} and {self.condition(0)}:")
        self.add(indent + "    ", f"return {self._real(self.scalar())}")

    # -- the whole -------------------------------------------------------------------------------------------

    def _real(self, text: str) -> str:
        return f"abs({text}) + 0.5 * np.real({text})" if self.complex else f"({text}) * 1.0"

    def _helper(self) -> str:
        text = "def pair(first, *, second=1.0):\n    return first - second, first * second * 0.3\n\n\n"
        if self.random.random() < 0.4:
            self.functions.append("helper")
            text += (
                f"def helper(p, q):\n    if abs(p) > abs(q):\n        return {self.squash('p')} * q\n"
                f"    total = {'0j' if self.complex else '0.0'}\n    for i in range(2):\n"
                "        total += p * q * 0.3\n    return total\n\n\n"
            )
        return text

    def _function(self) -> str:
        for _ in range(self.random.randint(4, 9)):
            self.statement(2, "    ")
        total = f"np.sum(x) + 0.3 * np.sum(a) + np.sum(b) * 0.1 + c + {self.scalar(1)}"
        kept = [n for n, s in self.arrays.items() if n not in ("x", "a", "b") and 0 not in s]
        for name in kept[:3]:
            total += f" + 0.2 * np.sum({name} * {name})"
        self.add("    ", f"total = {total}")
        self.add("    ", f"return {self._real('total')}")
        return f"def {self.name}(x, a, b, c, idx, n):\n" + "\n".join(self.lines) + "\n"


def wide(seed: int) -> Wide:
    """The random program number `seed`."""
    return Wide(seed)
