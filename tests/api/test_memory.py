"""`memory=` of `pb.compile`: the same gradient to the last bit, in bounded memory, at the schedule's cost."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.api import schedule
from pullback.api.bounded import Bounded, Spent


def heat_in_place(u, steps, alpha):
    for _ in range(steps):
        u[1:-1] += alpha * (u[2:] - 2 * u[1:-1] + u[:-2]) ** 2
    return np.sum(u**2)


def heat_with_new_arrays(u, steps, alpha):
    for _ in range(steps):
        v = u.copy()
        v[1:-1] = u[1:-1] + alpha * np.tanh(u[2:] - 2 * u[1:-1] + u[:-2])
        u = v
    return np.sum(u**2)


def slope(x, y, z, rate):
    return 10 * (y - x), x * (rate - z) - y, x * y - 8 / 3 * z


def runge_kutta(x, y, z, rate, steps):
    h = 0.005
    for _ in range(steps):
        a, b, c = slope(x, y, z, rate)
        d, e, f = slope(x + h / 2 * a, y + h / 2 * b, z + h / 2 * c, rate)
        p, q, r = slope(x + h / 2 * d, y + h / 2 * e, z + h / 2 * f, rate)
        s, t, u = slope(x + h * p, y + h * q, z + h * r, rate)
        x = x + h / 6 * (a + 2 * d + 2 * p + s)
        y = y + h / 6 * (b + 2 * e + 2 * q + t)
        z = z + h / 6 * (c + 2 * f + 2 * r + u)
    return x * x + y * z


def until_settled(u, rate):
    change = 1.0
    while change > 1e-3:
        v = u - rate * np.sin(u)
        change = np.sum(np.abs(v - u))
        u = v
    return np.sum(u**2) + change


def rotation(z, steps, w):
    for _ in range(steps):
        z = z + w * z * z
    return np.sum(np.abs(z) ** 2)


def two_loops(u, steps, alpha):
    for _ in range(steps):
        u = u + alpha * np.sin(u)
    scale = np.sum(u)
    for _ in range(steps):
        u = u - alpha * np.sin(scale * u)
    return np.sum(u * u) + scale


def two_buffers(u, steps, alpha):
    v = np.zeros(u.shape[0])
    w = u.copy()
    for _ in range(steps):
        v[:] = w + alpha * np.sin(w)
        v, w = w, v
    return np.sum(w * w)


def backwards_with_index(u, steps, alpha):
    total = 0.0
    k = u[0]
    for t in range(steps, 0, -2):
        k = k * np.cos(alpha * t * k)
        total = total + k
    return total + k


U = np.linspace(0.0, 1.0, 12) ** 2
CASES = [
    (heat_in_place, (U, 200, 0.1), (0, 2)),
    (heat_with_new_arrays, (U, 200, 0.1), (0, 2)),
    (heat_in_place, (U.astype(np.float32), 200, np.float32(0.1)), (0, 2)),
    (runge_kutta, (1.0, 2.0, 3.0, 28.0, 600), (0, 1, 2, 3)),
    (until_settled, (U, 0.02), (0, 1)),
    (rotation, (U * 0.5j + 0.1, 150, 0.002 + 0.001j), (0, 2)),
    (two_loops, (U, 150, 0.01), (0, 2)),
    (two_buffers, (U, 150, 0.01), (0, 2)),
    (backwards_with_index, (U, 601, 0.01), (0, 2)),
]
by_case = pytest.mark.parametrize(
    ("function", "arguments", "argnums"), CASES, ids=[f"{c[0].__name__}-{k}" for k, c in enumerate(CASES)]
)


def bounded_of(function: Any, arguments: Any, argnums: Any, jit: bool) -> tuple[Bounded, list[Any]]:
    """The bounded adjoint for these arguments, and all that it takes."""
    leaves, specialised = pb.compile(function, memory=1, jit=jit).specialise(arguments, {})
    bounded = specialised.pure.adjoint(argnums, (0,))
    assert isinstance(bounded, Bounded)
    one = specialised.pure.program.results[0].type.dtype.type(1)
    return bounded, [*specialised.values(leaves), one]


def least(bounded: Bounded, values: list[Any]) -> int:
    """A bound that just suffices, from the errors of bounds that do not."""
    bounded.memory = 64
    for _ in range(20):
        larger = asked_for(bounded, values)
        if not larger:
            return bounded.memory
        assert larger > bounded.memory
        bounded.memory = larger
    raise AssertionError("the errors lead to no bound that suffices")


def asked_for(bounded: Bounded, values: list[Any]) -> int:
    """The bound that the error asks for; 0 if there is none."""
    try:
        bounded.run(*values)
    except pb.UnsupportedError as error:
        return int(str(error.remedy).split("memory=")[1].split(")")[0])
    return 0


def same(a: Any, b: Any) -> bool:
    return all(type(x) is type(y) and np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def check(function: Any, arguments: Any, argnums: Any, jit: bool) -> None:
    plain = pb.compile(function, jit=jit).specialise(arguments, {})[1]
    bounded, values = bounded_of(function, arguments, argnums, jit)
    whole = plain.pure.adjoint(argnums, (0,)).run(*values)
    bound = least(bounded, values)
    cut = 0
    for memory in (bound, 2 * bound, 4 * bound, 10**9):
        bounded.memory = memory
        assert same(bounded.run(*values), whole)
        spent = bounded.spent
        assert spent.peak <= memory
        if spent.plan is not None:
            cut += 1
            assert spent.reversed == spent.plan.portions
            # The last portion runs once more, for what comes after the loop.
            assert spent.portions == spent.plan.again + 1
    assert cut


@by_case
def test_the_gradient_is_the_same_to_the_last_bit(function: Any, arguments: Any, argnums: Any) -> None:
    check(function, arguments, argnums, jit=False)


@pytest.mark.parametrize("case", [0, 3], ids=["in_place", "runge_kutta"])
def test_compiled_code_gives_the_same_bits(case: int) -> None:
    check(*CASES[case], jit=True)


def test_a_loop_of_no_trips_is_no_loop() -> None:
    compiled = pb.compile(heat_in_place, memory=10_000, jit=False)
    assert np.array_equal(pb.grad(compiled)(U, 0, 0.1), 2 * U)


def test_the_arguments_stay_as_they_are() -> None:
    u = U.copy()
    pb.grad(pb.compile(heat_in_place, memory=12_000, jit=False))(u, 200, 0.1)
    assert np.array_equal(u, U)


def test_a_vector_of_results() -> None:
    def final(u, steps):
        for _ in range(steps):
            u = u + 0.1 * np.sin(u)
        return u

    u = U[:5]
    whole, bounded = (pb.compile(final, jit=False, memory=m) for m in (None, 6000))
    assert np.array_equal(
        pb.jacobian(bounded, mode="reverse")(u, 100), pb.jacobian(whole, mode="reverse")(u, 100)
    )
    seed = np.arange(5.0)
    kept = seed.copy()
    cotangents = [pb.vjp(lambda u, f=f: f(u, 100), u)[1](seed) for f in (whole, bounded)]
    assert np.array_equal(*cotangents)
    assert np.array_equal(seed, kept)


def test_a_singular_function_before_the_loop_is_remembered() -> None:
    def guarded(x, steps):
        root = np.sqrt(x)
        total = 0.0
        for _ in range(steps):
            total = total * 0.5 + np.sin(total) * (root if x > 0 else 0.0)
        return total

    whole, bounded = (pb.grad(pb.compile(guarded, jit=False, memory=m)) for m in (None, 2500))
    assert bounded(0.0, 300) == whole(0.0, 300)
    assert bounded(2.0, 300) == whole(2.0, 300)


def test_what_does_not_fit_is_an_error_with_the_numbers() -> None:
    compiled = pb.compile(heat_in_place, memory=500, jit=False)
    with pytest.raises(pb.UnsupportedError, match="does not fit into 500 bytes") as caught:
        pb.grad(compiled)(U, 200, 0.1)
    assert caught.value.why is not None
    assert "are needed" in caught.value.why
    assert "memory=" in str(caught.value.remedy)


def test_without_a_loop_there_is_nothing_to_cut() -> None:
    compiled = pb.compile(lambda u: np.sum(u * u), memory=100, jit=False)
    with pytest.raises(pb.UnsupportedError, match="no loop is left to cut"):
        pb.grad(compiled)(U)


def of_two(u, v, steps):
    for k in range(steps):
        u[1:-1] += 0.05 * np.tanh(u[2:] - 2.0 * u[1:-1] + v[:-2] * u[:-2])
        v = v + 0.01 * np.sin(u) * k
    return np.sum(u * u * v)


SECOND = [
    (heat_in_place, (U, 60, 0.1), (0, 2), 8_000),
    (rotation, (U * 0.5j + 0.1, 60, 0.002 + 0.001j), (0, 2), 9_000),
    (of_two, (U, 1.0 - U, 60), (0, 1), 12_000),
]


@pytest.mark.parametrize(("function", "arguments", "argnums", "memory"), SECOND)
def test_second_derivatives_are_bounded_too(function, arguments, argnums, memory) -> None:
    whole, bounded = (pb.compile(function, memory=m, jit=False) for m in (None, memory))
    rng = np.random.default_rng(3)
    primals = tuple(arguments[k] for k in argnums)
    directions = tuple(np.asarray(rng.normal(size=np.shape(x)), np.asarray(x).dtype)[()] for x in primals)

    def gradient_of(compiled):
        def gradient(*moving):
            given = list(arguments)
            for k, x in zip(argnums, moving, strict=True):
                given[k] = x
            return pb.grad(compiled, argnums)(*given)

        return gradient

    wanted, found = (pb.jvp(gradient_of(c), primals, directions) for c in (whole, bounded))
    close(found, wanted)
    wanted, found = (pb.vjp(gradient_of(c), *primals)[1](directions) for c in (whole, bounded))
    close(found, wanted)
    ((specialised,),) = bounded._specialised.values()
    runs = [b for op in operations(specialised.operation) for b in op._bounded.values()]
    assert len(runs) >= 3
    assert all(b.spent.peak <= memory for b in runs)
    assert all(b.spent.plan is not None for b in runs)


def operations(operation):
    yield operation
    for derived in operation._derived.values():
        yield from operations(derived)


def close(found, wanted) -> None:
    pairs = zip(parts(found), parts(wanted), strict=True)
    for a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


def parts(tree) -> list[Any]:
    return [leaf for part in tree for leaf in parts(part)] if isinstance(tree, tuple) else [tree]


def test_third_derivatives_and_those_by_a_seed() -> None:
    whole, bounded = (pb.compile(heat_in_place, memory=m, jit=False) for m in (None, 20_000))

    def third(compiled):
        def second(u):
            return np.sum(pb.grad(lambda v: np.sum(pb.grad(compiled)(v, 20, 0.1) ** 2))(u) ** 2)

        return pb.grad(second)(U)

    np.testing.assert_allclose(third(bounded), third(whole), rtol=1e-9)

    def by_seed(compiled):
        return pb.grad(lambda s: np.sum(pb.vjp(lambda u: compiled(u, 20, 0.1), U)[1](s)[0] ** 2))(1.5)

    np.testing.assert_allclose(by_seed(bounded), by_seed(whole), rtol=1e-9)


def test_a_second_derivative_that_does_not_fit() -> None:
    bound = least(*bounded_of(heat_in_place, (U, 60, 0.1), (0,), jit=False))
    compiled = pb.compile(heat_in_place, memory=bound, jit=False)
    pb.grad(compiled)(U, 60, 0.1)
    with pytest.raises(pb.UnsupportedError, match="does not fit into"):
        pb.grad(lambda u: np.sum(pb.grad(compiled)(u, 60, 0.1) ** 2))(U)


def test_two_names_for_one_array_that_is_written_into() -> None:
    def tangled(u, steps, alpha):
        old = u if alpha > 0 else 2 * u
        for _ in range(steps):
            u[1:] = u[1:] + alpha * np.sin(old[:-1] * u[:-1])
        return np.sum(u * old)

    plain, bounded = (pb.grad(pb.compile(tangled, memory=m, jit=False)) for m in (None, 4000))
    assert np.array_equal(bounded(U, 100, -0.1), plain(U, 100, -0.1))
    with pytest.raises(pb.UnsupportedError, match="are one array") as caught:
        bounded(U, 100, 0.1)
    assert "copy" in str(caught.value.remedy)


def test_sizes_are_numbers_or_texts() -> None:
    assert schedule.bytes_of("200MB") == 200_000_000
    assert schedule.bytes_of("1.5 GiB") == 3 * 2**29
    assert schedule.bytes_of(1000) == schedule.bytes_of("1000") == schedule.bytes_of("1kb") == 1000
    for wrong in ("", "MB", "-1MB", 0, True, "1XB", 1.5):
        with pytest.raises(pb.UnsupportedError, match="is no size"):
            pb.compile(heat_in_place, memory=wrong)  # type: ignore[arg-type]


def test_the_cost_is_what_the_schedule_says() -> None:
    package = schedule.schedules()
    for portions in range(2, 14):
        for snapshots in range(1, portions):
            found = portions + schedule.runs(portions, snapshots)
            assert found == package.optimal_steps_binomial(portions, snapshots)


def test_plans_fit_their_room() -> None:
    for room in range(200, 20_000, 333):
        plan = schedule.planned(1000, room, 100, 30)
        assert plan is not None
        assert plan.portion * 30 + plan.snapshots * 100 <= room
    assert schedule.planned(1000, 129, 100, 30) is None


def test_the_package_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    schedule.schedules.cache_clear()
    monkeypatch.setitem(sys.modules, "checkpoint_schedules", None)
    with pytest.raises(pb.UnsupportedError, match="checkpoint-schedules") as caught:
        pb.grad(pb.compile(heat_in_place, memory=12_000, jit=False))(U, 200, 0.1)
    assert "pip install" in str(caught.value.remedy)
    monkeypatch.undo()
    schedule.schedules.cache_clear()


def test_nothing_is_spent_before_the_first_run() -> None:
    program = pb.compile(heat_in_place, jit=False).specialise((U, 3, 0.1), {})[1].pure.program
    assert Bounded(program, (0,), (0,), 10**6, jit=False).spent == Spent(10**6)


MEASURED = """
    import ctypes, gc, sys
    import numpy as np
    import pullback as pb

    def {name}(u, steps, alpha):
    {body}

    def status(word):
        with open("/proc/self/status") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(word))

    u = np.linspace(0.0, 1.0, 100_000) ** 2
    gradient = pb.grad(pb.compile({name}, memory={memory!r}), argnums=(0, 2))
    gradient(u, {steps}, 0.1)
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as reset:
        reset.write("5")
    before = status("VmRSS")
    gradient(u, {steps}, 0.1)
    print(status("VmHWM") - before)
"""


BODIES = {
    "heat_in_place": """
        for _ in range(steps):
            u[1:-1] += alpha * (u[2:] - 2 * u[1:-1] + u[:-2]) ** 2
        return np.sum(u**2)
    """,
    "heat_with_new_arrays": """
        for _ in range(steps):
            v = u.copy()
            v[1:-1] = u[1:-1] + alpha * np.tanh(u[2:] - 2 * u[1:-1] + u[:-2])
            u = v
        return np.sum(u**2)
    """,
}


@pytest.mark.parametrize("name", BODIES)
def test_the_memory_of_the_process_stays_under_the_bound(name: str, tmp_path: Any) -> None:
    """As the system counts it, since Python does not see what compiled code allocates."""
    script = tmp_path / "measured.py"
    body = textwrap.indent(textwrap.dedent(BODIES[name]), "    " * 2)
    text = MEASURED.replace("    {body}", body)
    found = {}
    for memory in ("24MB", None) if name == "heat_with_new_arrays" else ("24MB",):
        filled = text.format(name=name, memory=memory, steps=200)
        script.write_text(textwrap.dedent(filled.replace("\n        \n", "\n")))
        done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found[memory] = int(done.stdout)
    assert found["24MB"] <= 24_000_000
    assert found.get(None, 10**9) > 100_000_000
