"""Random programs in the language of the native engine, as Python source.

`program(seed)` writes a function of a vector, a matrix, a number and a small integer. It stores into arrays
and takes views of them, branches on values, loops with `for` and `while`, leaves loops early, calls a helper,
and returns a number. Values stay bounded, so that finite differences can check its gradient.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np

HEADER = "import numpy as np\n\n\n"


class Program:
    """One random program: `text` is its source, `name` the function in it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.seed = seed
        self.dtype = "float64"
        self.name = f"program_{seed}"
        self.lines: list[str] = []
        self.scalars = ["c"]
        self.vectors = ["x"]
        self.matrices = ["a"]
        self.counters: list[str] = []
        self.number = 0
        self.has_helper = self.random.random() < 0.4
        self.text = HEADER + self._helper() + self._function()

    def arguments(self) -> list[Any]:
        """Fresh arguments, the same at each call."""
        rng = np.random.default_rng(self.seed)
        return [rng.normal(size=4), rng.normal(size=(4, 4)), float(rng.normal()), 4]

    # -- expressions -----------------------------------------------------------------------------------------

    def fresh(self, stem: str) -> str:
        self.number += 1
        return f"{stem}{self.number}"

    def index(self) -> str:
        """A valid index of an axis of length 4."""
        choices = ["0", "1", "2", "3", "-1", "-2"] + [f"{k} % 4" for k in self.counters] * 2
        if self.counters:
            choices.append(f"({self.random.choice(self.counters)} + 1) % 4")
        return self.random.choice(choices)

    def scalar(self, depth: int = 2) -> str:
        """A bounded expression of numbers."""
        r = self.random
        leaves = [
            r.choice(self.scalars),
            f"{r.choice(self.vectors)}[{self.index()}]",
            f"{r.choice(self.matrices)}[{self.index()}, {self.index()}]",
            f"{r.uniform(-1, 1):.2f}",
        ]
        if depth == 0:
            return r.choice(leaves)
        a, b = self.scalar(depth - 1), self.scalar(depth - 1)
        forms = [
            *leaves, f"np.sin({a})",
            f"np.tanh({a} * {b})", f"({a} + {b})", f"({a} - {b})", f"0.5 * {a} * {b}",
            f"np.exp(-({a}) ** 2)", f"{a} / (1.5 + ({b}) ** 2)", f"np.sqrt(1.0 + ({a}) ** 2)",
            f"({a} if {self.condition(0)} else {b})", f"abs({a})", f"max({a}, {b})",
            f"np.log(2.0 + np.cos({a}))",
        ]  # fmt: skip
        if self.has_helper:
            forms += [f"helper({a}, {b})"] * 2
        return r.choice(forms)

    def condition(self, depth: int = 1) -> str:
        r = self.random
        simple = f"{self.scalar(0)} {r.choice(['<', '>', '<=', '>='])} {r.uniform(-0.7, 0.7):.3f}"
        if depth == 0:
            return simple
        forms = [
            simple,
            f"{simple} and {self.condition(0)}",
            f"{simple} or {self.condition(0)}",
            f"not {simple}",
        ]
        if self.counters:
            forms.append(f"{r.choice(self.counters)} % {r.choice([2, 3])} == 0")
        return r.choice(forms)

    def vector(self, depth: int = 1) -> str:
        """A bounded expression of vectors of length 4."""
        r = self.random
        v, m = r.choice(self.vectors), r.choice(self.matrices)
        leaves = [
            v,
            f"{m}[{self.index()}]",
            f"{m}[:, {self.index()}]",
            f"{v}[::-1]",
            f"{m}.T[{self.index()}, :]",
        ]
        if depth == 0:
            return r.choice(leaves)
        a, b = self.vector(depth - 1), self.vector(depth - 1)
        return r.choice([
            *leaves, f"np.sin({a})",
            f"np.tanh({a} * {b})", f"({a} + {b})", f"{self.scalar(0)} * {a}",
            f"0.3 * ({m} @ {a})", f"np.where({a} > {r.uniform(-0.5, 0.5):.2f}, {a}, 0.5 * {b})",
            f"np.tanh(np.sum({m}, axis={r.choice([0, 1])}))", f"np.maximum({a}, {b})",
        ])  # fmt: skip

    # -- statements ------------------------------------------------------------------------------------------

    def block(self, depth: int, indent: str, count: int) -> None:
        known = (list(self.scalars), list(self.vectors), list(self.matrices), list(self.counters))
        for _ in range(count):
            self.statement(depth, indent)
        self.scalars, self.vectors, self.matrices, self.counters = known

    def statement(self, depth: int, indent: str) -> None:
        simple = [
            self.assign,
            self.store,
            self.store,
            self.slice_store,
            self.rebind,
            self.new_array,
            self.swap,
        ]
        nested = [self.branch, self.loop, self.loop, self.while_loop] if depth else []
        self.random.choice([*simple, *nested])(depth, indent)

    def add(self, indent: str, text: str) -> None:
        self.lines.append(indent + text)

    def assign(self, depth: int, indent: str) -> None:
        value = self.scalar()
        name = self.fresh("s")
        self.add(indent, f"{name} = {value}")
        self.scalars.append(name)

    def rebind(self, depth: int, indent: str) -> None:
        name = self.random.choice(self.scalars)
        form = self.random.choice(["{0} = {1}", "{0} += 0.3 * {1}", "{0} *= np.cos({1})", "{0} -= {1} * 0.1"])
        self.add(indent, form.format(name, self.scalar()))

    def store(self, depth: int, indent: str) -> None:
        r = self.random
        target = r.choice([
            f"{r.choice(self.vectors)}[{self.index()}]",
            f"{r.choice(self.matrices)}[{self.index()}, {self.index()}]",
        ])  # fmt: skip
        op = r.choice(["=", "=", "+=", "*=", "-="])
        self.add(indent, f"{target} {op} np.tanh({self.scalar()})")

    def slice_store(self, depth: int, indent: str) -> None:
        r = self.random
        v, w = r.choice(self.vectors), r.choice(self.vectors)
        m = r.choice(self.matrices)
        text = r.choice([
            f"{v}[:] = 1.0 * {self.vector()}", f"{v}[1:] = np.tanh({w}[:-1])", f"{v}[:-1] += 0.2 * {w}[1:]",
            f"{v}[::2] *= {self.scalar(0)}", f"{m}[{self.index()}] = 1.0 * {self.vector()}",
            f"{m}[1:-1, 1:-1] += 0.1 * ({m}[2:, 1:-1] - {m}[:-2, 1:-1])", f"{m}[:, {self.index()}] *= 0.5",
            f"{v} += 0.1 * {self.vector()}", f"{m}[...] = 0.5 * {m}.T",
        ])  # fmt: skip
        self.add(indent, text)

    def new_array(self, depth: int, indent: str) -> None:
        r = self.random
        name = self.fresh("v")
        text = r.choice([
            "np.zeros(4)", f"{self.vector()} * 1.0", "np.empty(4)",
            f"{r.choice(self.matrices)}[{self.index()}]",
            f"{r.choice(self.vectors)}.copy()", f"np.ones(4) * {self.scalar(0)}",
        ])  # fmt: skip
        self.add(indent, f"{name} = {text}")
        if "empty" in text:
            self.add(indent, f"{name}[:] = {self.vector()}")
        self.vectors.append(name)

    def swap(self, depth: int, indent: str) -> None:
        pool = self.random.choice([self.scalars, self.vectors])
        if len(pool) > 1:
            a, b = self.random.sample(pool, 2)
            self.add(indent, f"{a}, {b} = {b}, {a}")
        else:
            self.assign(depth, indent)

    def branch(self, depth: int, indent: str) -> None:
        self.add(indent, f"if {self.condition()}:")
        self.block(depth - 1, indent + "    ", self.random.randint(1, 3))
        if self.random.random() < 0.3:
            self.add(indent, f"elif {self.condition()}:")
            self.block(depth - 1, indent + "    ", self.random.randint(1, 2))
        if self.random.random() < 0.6:
            self.add(indent, "else:")
            self.block(depth - 1, indent + "    ", self.random.randint(1, 2))

    def loop(self, depth: int, indent: str) -> None:
        r = self.random
        k = self.fresh("k")
        limits = ["3", "n", "1, 4", "3, -1, -1", "0, 5, 2", "n - 2"] + [f"{c}" for c in self.counters]
        self.add(indent, f"for {k} in range({r.choice(limits)}):")
        self.counters.append(k)
        self.block(depth - 1, indent + "    ", r.randint(1, 3))
        if r.random() < 0.3:
            self.add(indent + "    ", f"if {self.condition(0)}:")
            self.add(indent + "        ", r.choice(["break", "continue"]))
            self.add(indent + "    ", f"{r.choice(self.scalars)} = {self.scalar()}")
        self.counters.remove(k)

    def while_loop(self, depth: int, indent: str) -> None:
        w, limit = self.fresh("w"), self.random.randint(1, 4)
        self.add(indent, f"{w} = 0")
        self.add(indent, f"while {w} < {limit} and {self.condition(0)}:")
        self.add(indent + "    ", f"{w} += 1")
        self.counters.append(w)
        self.block(depth - 1, indent + "    ", self.random.randint(1, 3))
        self.counters.remove(w)

    # -- the whole -------------------------------------------------------------------------------------------

    def _helper(self) -> str:
        if not self.has_helper:
            return ""
        return (
            "def helper(p, q):\n    if p > q:\n        return np.sin(p) * q\n    total = 0.0\n"
            "    for i in range(2):\n        total += p * q * 0.3\n    return total\n\n\n"
        )

    def _function(self) -> str:
        for _ in range(self.random.randint(4, 9)):
            self.statement(2, "    ")
            if self.random.random() < 0.05:
                self.add("    ", f"if {self.condition(0)}:")
                self.add("        ", f"return {self.scalar()}")
        result = f"{self.scalar(1)} + np.sum(x) + 0.3 * np.sum(a) + c"
        self.add("    ", f"return {result}")
        return f"def {self.name}(x, a, c, n):\n" + "\n".join(self.lines) + "\n"


def program(seed: int) -> Program:
    """The random program number `seed`."""
    return Program(seed)
