"""Random expressions of arrays of a given shape, and of numbers, with values that stay bounded."""

from __future__ import annotations

import random

Shape = tuple[int, ...]


class Expressions:
    """Expressions over the variables in scope.

    Attributes:
        arrays: the arrays in scope and their shapes.
        scalars: the numbers in scope; `counters`: the integers.
        functions: local functions of two numbers.
        complex: whether the numbers are complex.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.arrays: dict[str, Shape] = {}
        self.scalars: list[str] = []
        self.counters: list[str] = []
        self.functions: list[str] = []
        self.complex = False

    # -- indices ---------------------------------------------------------------------------------------------

    def index(self, length: int) -> str:
        """A valid index of an axis."""
        r = self.random
        choices = [str(r.randrange(length)), str(r.randrange(-length, 0))]
        if self.counters:
            k = r.choice(self.counters)
            choices += [f"{k} % {length}", f"-1 - {k} % {length}", f"({k} + 1) % {length}"]
        return r.choice(choices)

    def part(self, have: int, want: int) -> str:
        """A slice that takes `want` of `have`."""
        r = self.random
        if want == have == 1:
            return ":"
        if want == have:
            return r.choice([":", ":", ":", "::-1", "0:", f":{have}", f"-{have}:", f":{have + 3}"])
        if want == 0:
            return r.choice(["1:1", "2:0", f"{have}:", ":0", f"{have + 2}:"])
        start = r.randrange(have - want + 1)
        stop = start + want
        choices = [
            f"{start}:{stop}", f"{start - have}:{stop}",
            f"{start}:{stop - have}" if stop < have else f"{start}:",
            f"{stop - 1}:{start - 1 if start else -have - 1}:-1",
        ]  # fmt: skip
        if (want - 1) * 2 + 1 <= have:
            start = r.randrange(have - 2 * (want - 1))
            choices.append(f"{start}:{start + 2 * want - 1}:2")
        return r.choice(choices)

    def region(self, shape: Shape) -> str | None:
        """A variable indexed so that a part of this shape is left; None where there is none."""
        r = self.random
        candidates = [(name, s) for name, s in self.arrays.items() if embed(shape, s) is not None]
        if not candidates:
            return None
        name, have = r.choice(candidates)
        places = embed(shape, have)
        assert places is not None
        entries = [
            self.part(length, shape[places.index(axis)]) if axis in places else self.index(length)
            for axis, length in enumerate(have)
        ]
        while entries and entries[-1] == ":" and r.random() < 0.7:
            entries.pop()
        if not entries:
            return r.choice([name, f"{name}[:]", f"{name}[...]"]) if have else name
        if len(entries) == 1 and r.random() < 0.1:
            entries.append("...")
        return f"{name}[{', '.join(entries)}]"

    # -- numbers ---------------------------------------------------------------------------------------------

    def leaf(self) -> str:
        r = self.random
        forms = [r.choice(self.scalars), f"{r.uniform(-1, 1):.2f}"]
        usable = [(n, s) for n, s in self.arrays.items() if s and 0 not in s]
        for name, shape in r.sample(usable, min(2, len(usable))):
            forms.append(f"{name}[{', '.join(self.index(length) for length in shape)}]")
        if self.counters and r.random() < 0.3:
            k = r.choice(self.counters)
            forms.append(r.choice([f"0.1 * {k}", f"{k} / 4", f"{k} // 2 * 0.2", f"float({k}) * 0.1"]))
        return r.choice(forms)

    def squash(self, text: str) -> str:
        """A bounded function of a number or an array."""
        if self.complex:
            return f"({text}) / (1.0 + np.abs({text}) ** 2)"
        return f"np.tanh({text})"

    def scalar(self, depth: int = 2) -> str:
        r = self.random
        if depth == 0 or r.random() < 0.15:
            return self.leaf()
        a, b = self.scalar(depth - 1), self.scalar(depth - 1)
        forms = [
            f"({a} + {b})", f"({a} - {b})", f"0.5 * {a} * {b}", f"-{self.leaf()}", self.squash(self.leaf()),
            f"np.sin({self.squash(self.leaf())})", f"({a} if {self.condition(0)} else {b})",
            f"{a} / (1.5 + abs({b}))", f"0.3 * ({a}) ** 2", f"0.1 * ({self.leaf()}) ** 3", self.reduction(),
        ]  # fmt: skip
        if self.complex:
            forms += [
                f"np.conj({a})", f"({a}).real", f"1j * ({b}).imag", f"np.exp(1j * ({a}).real)",
                f"({a}) * 0.5j", f"abs({a})", f"np.sqrt(2.0 + {self.squash(self.leaf())})",
            ]  # fmt: skip
        else:
            forms += [
                f"np.exp(-({a}) ** 2)", f"np.sqrt(1.0 + ({a}) ** 2)", f"max({a}, {b})", f"min({a}, {b}, 0.4)",
                f"abs({a})", f"np.log(2.0 + np.cos({a}))", f"np.minimum({a}, {b})",
                f"np.arctan2({a}, 2.0 + {b} * {b})", f"np.where({a} > {b}, {a}, 0.3)",
                f"np.float64({a})" if r.random() < 0.1 else f"np.abs({a})", f"np.hypot({a}, 1.0)",
                f"np.clip({a}, -0.5, {abs(r.uniform(0, 1)):.2f})",
            ]  # fmt: skip
        if self.functions:
            forms += [f"{r.choice(self.functions)}({a}, {b})"] * 2
        return r.choice(forms)

    def reduction(self) -> str:
        """A number made of an array."""
        r = self.random
        u = self.region(r.choice([(4,), (3,), (4, 4), (2, 3), (0,), (2,)])) or "x"
        forms = [
            f"0.3 * np.sum({u})", f"0.2 * {u}.sum()", f"0.1 * np.sum({u} * {u})", f"0.1 * np.vdot({u}, {u})",
        ]  # fmt: skip
        v, w = self.region((3,)) or "x[:3]", self.region((3,)) or "x[1:]"
        forms += [f"0.2 * np.dot({v}, {w})", f"0.2 * ({v} @ {w})", f"np.mean({v})", f"0.1 * np.prod({v})"]
        m = self.region((3, 3)) or "a[:3, :3]"
        forms += [
            f"0.3 * np.trace({m})", f"0.1 * np.linalg.det({m})", f"len({v}) * 0.1", f"{m}.shape[0] * 0.05",
            f"0.1 * {m}.size", f"np.abs({v}).max()" if r.random() < 0.5 else f"np.sum(np.abs({v}))",
        ]  # fmt: skip
        if not self.complex:
            forms += [
                f"np.max({v})", f"{v}.min()", f"np.std({v} + 2.0 * np.arange(3))", f"np.linalg.norm({v})",
                f"0.3 * np.sum({v}[{v} > {r.uniform(-0.5, 0.5):.2f}])", f"0.1 * float(np.argmax({v}))",
                f"np.sum(np.where({m} > 0.1, {m}, 0.0)) * 0.1", f"0.2 * sum({v})",
            ]  # fmt: skip
        return r.choice(forms)

    def condition(self, depth: int = 1) -> str:
        r = self.random
        limit = f"{r.uniform(-0.7, 0.7):.3f}"
        leaf = self.leaf()
        if self.complex:
            leaf = r.choice([f"abs({leaf})", f"np.real({leaf})", f"np.imag({leaf})"])
        simple = f"{leaf} {r.choice(['<', '>', '<=', '>='])} {limit}"
        if depth == 0:
            return simple
        forms = [
            simple, f"{simple} and {self.condition(0)}", f"{simple} or {self.condition(0)}",
            f"not {simple}", f"-0.6 < {leaf} <= {abs(float(limit)):.2f}", f"not ({simple} and n > 2)",
        ]  # fmt: skip
        if self.counters:
            k = r.choice(self.counters)
            forms += [f"{k} % {r.choice([2, 3])} == 0", f"{k} == 1", f"0 < {k} < 3", f"{k} in (0, 2)"]
        return r.choice(forms)

    # -- arrays ----------------------------------------------------------------------------------------------

    def array(self, shape: Shape, depth: int = 2) -> str:
        """An expression of this shape."""
        r = self.random
        if depth == 0 or r.random() < 0.2:
            return self.region(shape) or self.made(shape)
        forms = [self.elementwise, self.elementwise, self.broadcast, self.reduced, self.joined, self.moved]
        if len(shape) in (1, 2) and 0 not in shape:
            forms += [self.product, self.picked]
        return r.choice(forms)(shape, depth - 1)

    def made(self, shape: Shape) -> str:
        """A new array."""
        r = self.random
        size = str(shape) if len(shape) != 1 else r.choice([str(shape), str(shape[0])])
        s = self.scalar(0)
        forms = [f"np.zeros({size})", f"np.ones({size}) * {s}", f"np.full({size}, 0.3) * {s}"]
        if len(shape) == 1:
            forms += [f"np.linspace(-0.5, 0.5, {shape[0]}) * {s}", f"0.1 * np.arange({shape[0]}) + {s}"]
            if 0 < shape[0] < 5:
                values = ", ".join(self.scalar(0) for _ in range(shape[0]))
                forms += [
                    f"np.array([{values}])",
                    f"np.array([{self.scalar(0)} * 0.1 * (j + 1) for j in range({shape[0]})])",
                ]
        if len(shape) == 2 and shape[0] == shape[1]:
            forms += [f"np.eye({shape[0]}) * {s}"]
        return r.choice(forms)

    def elementwise(self, shape: Shape, depth: int) -> str:
        r = self.random
        a, b = self.array(shape, depth), self.array(shape, depth)
        forms = [
            f"({a} + {b})", f"({a} - {b})", f"0.5 * {a} * {b}", f"{self.scalar(0)} * {a}", f"-({a})",
            self.squash(self.region(shape) or a), f"{a} / (1.5 + np.abs({b}))", f"0.2 * ({a}) ** 2",
            f"np.where(np.abs({b}) > 0.4, {a}, 0.5 * {b})", f"np.multiply({a}, 0.3)", f"abs({a})",
        ]  # fmt: skip
        if self.complex:
            forms += [f"np.conj({a})", f"({a}).real * 1.0", f"{a} * 0.5j", f"({a}).imag + {b}"]
        else:
            forms += [
                f"np.sin({a})", f"np.exp(-({a}) ** 2)", f"np.maximum({a}, {b})", f"np.minimum({a}, 0.3)",
                f"np.clip({a}, -0.8, 0.6)", f"np.sqrt(1.0 + ({a}) ** 2)", f"np.sign({a}) * {b}",
                f"np.where({a} > {r.uniform(-0.5, 0.5):.2f}, {a}, {self.scalar(0)})",
                f"({a}) * ({b} > 0.1)",
            ]  # fmt: skip
        return r.choice(forms)

    def broadcast(self, shape: Shape, depth: int) -> str:
        """Two arrays of which one has fewer or shorter axes."""
        r = self.random
        small = tuple(1 if r.random() < 0.4 else n for n in shape)[r.choice([0, 0, 1]) :]
        a, b = self.array(shape, depth), self.array(small, depth)
        operator = r.choice(["+", "-", "* 0.5 *"])
        forms = [f"({a} {operator} {b})", f"({b} {operator} {a})"]
        if len(shape) == 2:
            u, v = self.array(shape[:1], 0), self.array(shape[1:], 0)
            forms += [f"({u}[:, None] * {v})", f"np.outer({u}, {v})", f"np.add.outer({u}, {v})"]
        forms.append(f"np.broadcast_to({b}, {shape}) * 0.7")
        return r.choice(forms)

    def reduced(self, shape: Shape, depth: int) -> str:
        """A reduction of an array with one more axis, or with a longer one."""
        r = self.random
        function = r.choice(["sum", "mean", "sum", "cumsum", "prod"] + ["max", "min"] * (not self.complex))
        if function == "cumsum":
            if not shape:
                return self.array(shape, depth)
            return f"0.3 * np.cumsum({self.array(shape, depth)}, axis={r.randrange(len(shape))})"
        if len(shape) == 3:
            return self.elementwise(shape, depth)
        axis = r.randrange(len(shape) + 1)
        longer = (*shape[:axis], r.choice([2, 3, 4]), *shape[axis:])
        if 1 in shape and r.random() < 0.5:
            axis = shape.index(1)
            longer = (*shape[:axis], 3, *shape[axis + 1 :])
            return f"0.4 * np.{function}({self.array(longer, depth)}, axis={axis}, keepdims=True)"
        inner = self.array(longer, depth)
        if inner[0] not in "-0123456789" and " " not in inner and r.random() < 0.3:
            return f"0.4 * {inner}.{function}(axis={axis})"
        return f"0.4 * np.{function}({inner}, axis={r.choice([axis, axis - len(longer)])})"

    def joined(self, shape: Shape, depth: int) -> str:
        r = self.random
        if not shape:
            return self.elementwise(shape, depth)
        axis = r.randrange(len(shape))
        if 1 in shape:
            return self.elementwise(shape, depth)
        first = r.randrange(shape[axis] + 1)
        cut = [(*shape[:axis], k, *shape[axis + 1 :]) for k in (first, shape[axis] - first)]
        parts = ", ".join(self.array(s, depth - 1 if depth else 0) for s in cut)
        forms = [f"np.concatenate(({parts}), axis={axis})"]
        if axis == 0 and len(shape) == 1:
            forms.append(f"np.hstack([{parts}])")
        rest = (*shape[:axis], *shape[axis + 1 :])
        if rest and 0 < shape[axis] <= 3:
            parts = ", ".join(self.array(rest, 0) for _ in range(shape[axis]))
            forms.append(f"np.stack(({parts},), axis={axis})")
        return r.choice(forms)

    def moved(self, shape: Shape, depth: int) -> str:
        """Transposed, reshaped, rolled, flipped."""
        r = self.random
        a = self.array(shape, depth)
        if not shape:
            return a
        axis = r.randrange(len(shape))
        forms = [f"np.roll({a}, {r.choice([1, -1, 2])}, axis={axis})", f"np.flip({a}, {axis})"]
        if len(shape) == 2:
            b = self.array((shape[1], shape[0]), depth)
            forms += [f"({b}).T", f"np.transpose({b})", f"np.tril({a})", f"np.triu({a}, 1)"]
        if len(shape) == 1 and shape[0] == 4:
            forms += [f"({self.array((2, 2), depth)}).ravel()", f"np.reshape({self.array((2, 2), 0)}, 4)"]
        if shape == (2, 2):
            forms += [f"({self.array((4,), depth)}).reshape(2, 2)"]
        if 1 not in shape:
            longer = (*shape[:axis], shape[axis] + 1, *shape[axis + 1 :])
            forms.append(f"np.diff({self.array(longer, depth)}, axis={axis})")
        return r.choice(forms)

    def product(self, shape: Shape, depth: int) -> str:
        r = self.random
        k = r.choice([1, 2, 3, 4])
        a = self.array((*shape[:1], k), depth)
        b = self.array((k, *shape[1:]), depth)
        forms = [f"0.3 * ({a} @ {b})", f"0.3 * np.dot({a}, {b})", f"0.3 * np.matmul({a}, {b})"]
        if len(shape) == 1:
            row = self.array((k,), 0)
            forms += [f"0.3 * ({row} @ {self.array((k, *shape), depth)})"]
        n = shape[0]
        m = self.array((n, n), 0)
        forms.append(f"np.linalg.solve({m} + {8 * n}.0 * np.eye({n}), {self.array(shape, depth)})")
        return r.choice(forms)

    def picked(self, shape: Shape, depth: int) -> str:
        """By integer arrays; `idx` has 4 entries with duplicates, all less than 3."""
        r = self.random
        if shape[0] == 4:
            forms = [
                f"({self.array((3, *shape[1:]), 0)})[idx]",
                f"np.take({self.array((3, *shape[1:]), 0)}, idx, axis=0)",
            ]
            if len(shape) == 1:
                forms += [f"a[idx, {self.index(4)}]", "a[idx, idx]", "a[np.arange(4), idx]"]
            return r.choice(forms)
        if len(shape) == 2 and shape[1] == 4:
            return f"({self.array((shape[0], 3), 0)})[:, idx]"
        return self.elementwise(shape, depth)


def embed(shape: Shape, have: Shape) -> list[int] | None:
    """The axes of `have` that can be cut to `shape`, the others taken away by integers."""
    places: list[int] = []
    axis = len(have) - 1
    for length in reversed(shape):
        # Whether an axis has length 1 is known when a program is compiled, or it is not stretched.
        while axis >= 0 and (have[axis] < length or (length == 1 and have[axis] != 1)):
            axis -= 1
        if axis < 0:
            return None
        places.insert(0, axis)
        axis -= 1
    left = [n for k, n in enumerate(have) if k not in places]
    return None if 0 in left else places
