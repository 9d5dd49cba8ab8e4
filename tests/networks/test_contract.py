"""Contractions of tensors against opt_einsum, finite differences, and the same contraction done at once."""

import importlib
import sys
from typing import Any

import numpy as np
import opt_einsum
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullback as pb
from pullback.base.errors import ShapeError, UnsupportedError
from pullback.rules.networks import path
from pullback.rules.networks.plan import Plan
from pullback.rules.networks.slices import Sliced

RNG = np.random.default_rng(0)


def drawn(*shape: int, dtype: Any = np.float64) -> Any:
    rng = np.random.default_rng(sum(shape) + len(shape))
    x = rng.standard_normal(shape)
    return (x + 1j * rng.standard_normal(shape) if np.dtype(dtype).kind == "c" else x).astype(dtype)


CASES: dict[str, tuple[str, list[tuple[int, ...]]]] = {
    "chain": ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 2)]),
    "number": ("ij,jk,ki->", [(2, 3), (3, 4), (4, 2)]),
    "implicit": ("ij,jk,kl", [(2, 3), (3, 4), (4, 2)]),
    "trace": ("iij,jk,kl->l", [(2, 2, 3), (3, 4), (4, 2)]),
    "diagonal kept": ("iij,jk->ik", [(2, 2, 3), (3, 4)]),
    "lone index": ("ij,jk,lm->ik", [(2, 3), (3, 4), (2, 2)]),
    "hyperedge": ("ai,bi,ci->abc", [(2, 3), (3, 3), (4, 3)]),
    "hyperedge kept": ("ai,bi,ci->abci", [(2, 3), (3, 3), (4, 3)]),
    "hyperedge twice in one": ("aii,bi,ci->abc", [(2, 3, 3), (3, 3), (4, 3)]),
    "outer": ("a,b,c->bca", [(2,), (3,), (4,)]),
    "numbers": (",a,->a", [(), (3,), ()]),
    "batch": ("bij,bjk,bkl->bil", [(5, 2, 3), (5, 3, 4), (5, 4, 2)]),
    "ellipsis": ("...ij,...jk,kl->...il", [(5, 2, 3), (3, 4), (4, 2)]),
    "ellipsis broadcasts": ("...i,...ij,j->...", [(5, 1, 2), (6, 2, 3), (3,)]),
    "axis of length 1": ("ij,jk,kl->il", [(2, 1), (3, 4), (4, 2)]),
    "axis of length 1 kept": ("ij,ij,j->ij", [(1, 3), (2, 1), (3,)]),
    "one tensor": ("ij->ji", [(2, 3)]),
    "one traced tensor": ("iij->j", [(2, 2, 3)]),
    "as it is": ("ij->ij", [(2, 3)]),
    "empty sum": ("ij,jk,kl->il", [(2, 0), (0, 4), (4, 2)]),
    "empty result": ("ij,jk,kl->il", [(0, 3), (3, 4), (4, 2)]),
}


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
@pytest.mark.parametrize("name", CASES)
def test_value_and_derivatives(name: str, dtype: Any) -> None:
    subscripts, shapes = CASES[name]
    tensors = [drawn(*shape, dtype=dtype) for shape in shapes]
    value = pb.contract(subscripts, *tensors)
    np.testing.assert_allclose(value, opt_einsum.contract(subscripts, *tensors), rtol=1e-12, atol=1e-13)
    assert np.shape(value) == np.einsum(subscripts, *tensors).shape
    assert pb.testing.gradcheck(lambda *xs: pb.contract(subscripts, *xs), *tensors)


@pytest.mark.parametrize("name", CASES)
def test_numpy_einsum_with_a_path(name: str) -> None:
    subscripts, shapes = CASES[name]
    tensors = [drawn(*shape) for shape in shapes]
    y = np.einsum(subscripts, *tensors, optimize=True)
    y_bar = drawn(*np.shape(y))
    plain = pb.vjp(lambda *xs: np.einsum(subscripts, *xs), *tensors)[1](y_bar)
    along = pb.vjp(lambda *xs: np.einsum(subscripts, *xs, optimize=True), *tensors)[1](y_bar)
    for a, b in zip(along, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)
    assert pb.testing.gradcheck(lambda *xs: np.einsum(subscripts, *xs, optimize="greedy"), *tensors)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_single_precision_stays_single(dtype: Any) -> None:
    a, b, c = drawn(2, 3, dtype=dtype), drawn(3, 4, dtype=dtype), drawn(4, 2, dtype=dtype)
    value, pull = pb.vjp(lambda *xs: pb.contract("ij,jk,kl->il", *xs), a, b, c)
    assert value.dtype == dtype
    assert [bar.dtype for bar in pull(value)] == [dtype] * 3


def test_a_real_tensor_among_complex_ones_has_a_real_gradient() -> None:
    a, b = drawn(2, 3), drawn(3, 2, dtype=complex)
    found = pb.grad(lambda a: np.real(pb.contract("ij,jk,ki->", a, b, drawn(2, 2))))(a)
    assert found.dtype == float
    np.testing.assert_allclose(found, np.real(b @ drawn(2, 2)).T, rtol=1e-13)


def test_the_interleaved_form() -> None:
    a, b, c = drawn(2, 3), drawn(3, 4), drawn(4, 2)
    wanted = a @ b @ c
    np.testing.assert_allclose(pb.contract(a, [0, 1], b, [1, 2], c, [2, 3], [0, 3]), wanted)
    np.testing.assert_allclose(pb.contract(a, "xy", b, "yz", c, ["z", "w"], "xw"), wanted)
    assert pb.testing.gradcheck(lambda a, b, c: pb.contract(a, [9, 70], b, [70, 2], c, [2, 1]), a, b, c)


def test_more_than_52_indices() -> None:
    tensors = [drawn(2, 2) for _ in range(60)]
    given = [x for i, t in enumerate(tensors) for x in (t, [i, i + 1])]
    x_bar = pb.grad(lambda x: np.sum(pb.contract(x, [0, 1], *given[2:], [0, 60])))(tensors[0])
    product = np.linalg.multi_dot(tensors[1:])
    np.testing.assert_allclose(x_bar, np.ones((2, 2)) @ product.T, rtol=1e-10)


def test_numbers_and_lists_are_tensors_too() -> None:
    assert pb.contract(",i,i->", 2.0, [1.0, 2.0], np.array([3.0, 4.0])) == 22.0


@pytest.mark.parametrize("options", [{}, {"memory_limit": 1}, {"slice_to": 4}])
def test_a_tracked_number_of_python(options: Any) -> None:
    a = np.arange(4.0).reshape(2, 2)

    def loss(s: Any) -> Any:
        return np.sum(pb.contract("ab,,bc,->ac", a, s, a, s, **options))

    assert pb.grad(loss)(2.0) == 88.0
    assert pb.jvp(loss, (2.0,), (1.0,))[1] == 88.0


def test_mixed_constant_and_tracked_tensors() -> None:
    a, b, c = drawn(2, 3), drawn(3, 4), drawn(4, 2)
    np.testing.assert_allclose(
        pb.grad(lambda b: np.sum(pb.contract("ij,jk,kl->il", a, b, c)))(b),
        a.sum(0)[:, None] * c.sum(1),
        rtol=1e-13,
    )


@pytest.mark.parametrize("subscripts", ["ij,jk,kl->il", "jj,jj,jj->j", "ii,ik,kk->"])
def test_what_was_contracted_may_be_overwritten(subscripts: str) -> None:
    """The matrices that are kept for the reverse sweep may be views of a tensor."""

    def program(x: Any, change: bool) -> Any:
        x, plain = x * 1.0, drawn(3, 3)
        y = pb.contract(subscripts, x, plain, x)
        if change:
            x[...] = 7.0
            plain[...] = 5.0
        return np.sum(y)

    x = np.arange(9.0).reshape(3, 3)
    np.testing.assert_array_equal(pb.grad(program)(x, True), pb.grad(program)(x, False))


@pytest.mark.parametrize("subscripts", ["ij->ij", "ij->ji", "ii->i"])
def test_the_result_shares_no_memory(subscripts: str) -> None:
    x: Any = np.arange(9.0).reshape(3, 3)
    assert not np.may_share_memory(pb.contract(subscripts, x), x)

    def program(x: Any) -> Any:
        y = pb.contract(subscripts, x)
        y[0] = 3.0
        return np.sum(x * x)

    np.testing.assert_array_equal(pb.grad(program)(x), 2 * x)


def test_one_tensor_in_several_places() -> None:
    a = drawn(3, 3, dtype=complex)
    assert pb.testing.gradcheck(lambda a: pb.contract("ij,jk,kl,lm->im", a, a, a, np.conj(a)), a)


def test_second_order_against_the_trace_of_a_power() -> None:
    a, v = drawn(3, 3), RNG.standard_normal((3, 3))
    by_path = pb.hvp(lambda a: pb.contract("ij,jk,kl,li->", a, a, a, a), a, v)
    by_power = pb.hvp(lambda a: np.trace(a @ a @ a @ a), a, v)
    np.testing.assert_allclose(by_path, by_power, rtol=1e-12)


def test_reverse_over_reverse() -> None:
    a, b = drawn(3, 3), drawn(3, 3)

    def norm_of_gradient(a: Any, contract: Any) -> Any:
        return np.sum(pb.grad(lambda a: contract("ij,jk,kl->", a, b, a))(a) ** 2)

    np.testing.assert_allclose(
        pb.grad(norm_of_gradient)(a, pb.contract), pb.grad(norm_of_gradient)(a, np.einsum), rtol=1e-12
    )


def test_a_graph_walked_twice() -> None:
    a, b, c = drawn(2, 3), drawn(3, 4), drawn(4, 2)
    y, pull = pb.vjp(lambda *xs: pb.contract("ij,jk,kl->il", *xs), a, b, c)
    first, second = pull(y), pull(2 * y)
    for x, z in zip(first, second, strict=True):
        np.testing.assert_allclose(z, 2 * x, rtol=1e-13)


# -- paths ----------------------------------------------------------------------------------------------


def ring(count: int, size: int) -> tuple[str, list[Any]]:
    letters = [opt_einsum.get_symbol(i) for i in range(count)]
    terms = [letters[i] + letters[(i + 1) % count] for i in range(count)]
    return ",".join(terms) + "->", [RNG.standard_normal((size, size)) for _ in range(count)]


@pytest.mark.parametrize(
    "options",
    [
        {"optimize": "optimal"},
        {"optimize": "dp"},
        {"optimize": "greedy"},
        {"optimize": True},
        {"optimize": False},
        {"optimize": [(0, 1), (0, 2), (0, 1)]},
        {"optimize": [(0, 1, 2), (0, 1)]},
        {"optimize": opt_einsum.RandomGreedy(max_repeats=4)},
        {"memory_limit": 4},
        {"memory_limit": "max_input"},
        {"memory_limit": -1},
        {"optimize": ["einsum_path", (0, 1), (0, 2), (0, 1)]},
        {"optimize": ("greedy", 9)},
        {"use_blas": False},
        {"backend": "numpy"},
    ],
    ids=lambda options: " ".join(f"{key} {type(value).__name__}" for key, value in options.items()),
)
def test_every_way_to_choose_a_path_gives_the_same(options: Any) -> None:
    subscripts, tensors = ring(4, 3)
    wanted = np.trace(np.linalg.multi_dot(tensors))
    np.testing.assert_allclose(pb.contract(subscripts, *tensors, **options), wanted, rtol=1e-12)
    assert pb.testing.gradcheck(lambda *xs: pb.contract(subscripts, *xs, **options), *tensors)


def test_the_result_may_be_written_into_an_array() -> None:
    a, b, out = drawn(2, 3), drawn(3, 4), np.empty((2, 4))
    assert pb.contract("ij,jk->ik", a, b, out=out) is out
    np.testing.assert_allclose(out, a @ b)

    def program(a: Any) -> Any:
        y = pb.zeros((2, 4))
        return np.sum(y[1]) + np.sum(pb.contract("ij,jk->ik", a, b, out=y) ** 2) + np.sum(y)

    np.testing.assert_allclose(pb.grad(program)(a), (2 * (a @ b) + 1) @ b.T)
    with pytest.raises(pb.MutationError, match="into a plain array"):
        pb.grad(lambda a: np.sum(pb.contract("ij,jk->ik", a, b, out=out)))(a)
    with pytest.raises(ShapeError, match="out has the shape"):
        pb.contract("ij,jk->ik", a, b, out=np.empty((1, 2, 4)))


def test_opt_einsum_itself_contracts_what_is_tracked() -> None:
    a, b, c = drawn(2, 3), drawn(3, 4), drawn(4, 2)
    expression: Any = opt_einsum.contract_expression("ij,jk,kl->il", (2, 3), b, c, constants=[1, 2])
    for function in (expression, lambda a: opt_einsum.contract("ij,jk,kl->il", a, b, c)):
        assert pb.testing.gradcheck(function, a)


def test_a_path_is_chosen_once() -> None:
    searched: list[int] = []

    def search(inputs: Any, output: Any, sizes: Any, limit: Any) -> Any:
        searched.append(len(inputs))
        return opt_einsum.paths.greedy(inputs, output, sizes, limit)

    subscripts, tensors = ring(5, 2)
    f = pb.grad(lambda x: pb.contract(subscripts, x, *tensors[1:], optimize=search))
    for _ in range(3):
        f(tensors[0])
    assert searched == [5]


def test_the_intermediates_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full set of gradients takes two products for each of the forward sweep's."""
    subscripts, tensors = ring(8, 2)
    counted: list[Any] = []
    matmul = np.matmul

    def counting(*args: Any) -> Any:
        counted.append(args)
        return matmul(*args)

    monkeypatch.setattr(np, "matmul", counting)
    pb.contract(subscripts, *tensors)
    forward = len(counted)
    pb.grad(lambda *xs: pb.contract(subscripts, *xs), argnums=tuple(range(8)))(*tensors)
    assert forward == 7
    assert len(counted) - forward == 3 * forward
    counted.clear()
    pb.grad(lambda x: pb.contract(subscripts, x, *tensors[1:]))(tensors[0])
    assert len(counted) < 2 * forward


def test_forward_mode_is_reverse_mode_transposed() -> None:
    subscripts, tensors = ring(8, 2)
    tangents = tuple(RNG.standard_normal((2, 2)) for _ in tensors)
    y, y_dot = pb.jvp(lambda *xs: pb.contract(subscripts, *xs), tuple(tensors), tangents)
    bars = pb.grad(lambda *xs: pb.contract(subscripts, *xs), argnums=tuple(range(8)))(*tensors)
    np.testing.assert_allclose(
        y_dot, sum(np.sum(a * b) for a, b in zip(bars, tangents, strict=True)), rtol=1e-11
    )
    np.testing.assert_allclose(y, np.trace(np.linalg.multi_dot(tensors)), rtol=1e-12)


# -- slices ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_slices_add_up(dtype: Any) -> None:
    subscripts = "abc,bde,cdf,aefg->g"
    shapes = [(3, 3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3, 2)]
    tensors = [drawn(*shape, dtype=dtype) for shape in shapes]
    plan = path.plan_for(subscripts, tuple(shapes), slice_to=20)
    assert isinstance(plan, Sliced)
    assert np.prod(plan.sizes) > 1
    np.testing.assert_allclose(
        pb.contract(subscripts, *tensors, slice_to=20), np.einsum(subscripts, *tensors), rtol=1e-12
    )
    assert pb.testing.gradcheck(lambda *xs: pb.contract(subscripts, *xs, slice_to=20), *tensors)


def test_slices_of_hyperedges_and_axes_of_length_1() -> None:
    subscripts, shapes = "ai,bi,ci,ca->b", [(3, 4), (2, 4), (3, 1), (3, 3)]
    tensors = [drawn(*shape) for shape in shapes]
    for limit in (4, 8):
        sliced = pb.contract(subscripts, *tensors, slice_to=limit)
        np.testing.assert_allclose(sliced, np.einsum(subscripts, *tensors), rtol=1e-12)
        assert pb.testing.gradcheck(lambda *xs, n=limit: pb.contract(subscripts, *xs, slice_to=n), *tensors)


def test_what_fits_is_not_sliced() -> None:
    assert isinstance(path.plan_for("ij,jk,kl->il", ((2, 3), (3, 4), (4, 2)), slice_to=1000), Plan)


def test_slicing_without_cotengra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cotengra", None)
    path._plans.clear()
    with pytest.raises(UnsupportedError, match=r"(?s)needs cotengra.*because .*pullback\[networks\]"):
        pb.contract("ij,jk,kl->il", drawn(2, 3), drawn(3, 4), drawn(4, 2), slice_to=5)


def test_slices_that_cannot_be_found() -> None:
    with pytest.raises(UnsupportedError, match="no slices"):
        pb.contract("ij,jk->ik", drawn(4, 2), drawn(2, 5), slice_to=3)


# -- errors ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "match"),
    [
        (
            ("ij,jk->ik", drawn(2, 3), drawn(4, 2)),
            "'j' is 4 long on axis 0 of tensor 1, and 3 on axis 1 of tensor 0",
        ),
        (("ij,jk->ik", drawn(2, 3, 4), drawn(3, 2)), "tensor 0 has 3 axes and 2 indices"),
        (("ij,jk->iz", drawn(2, 3), drawn(3, 2)), "one that no tensor has|cannot be read"),
        (("ij,jk->ii", drawn(2, 3), drawn(3, 2)), "twice|cannot be read"),
        (("ij,jk,kl->il", drawn(2, 3), drawn(3, 2)), "terms|cannot be read"),
    ],
)
def test_subscripts_that_do_not_fit(args: Any, match: str) -> None:
    with pytest.raises(ShapeError, match=match):
        pb.contract(*args)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"optimize": "quickest"}, "is no way to choose a path"),
        ({"memory_limit": 0}, "memory_limit=0"),
        ({"memory_limit": "all"}, "memory_limit='all'"),
        ({"slice_to": 5, "memory_limit": 5}, "slice_to= and"),
        ({"optimize": [(0, 1)]}, "the path leaves 2 tensors"),
        ({"backend": "torch"}, "backend='torch'"),
    ],
)
def test_options_that_are_none(options: Any, match: str) -> None:
    with pytest.raises(UnsupportedError, match=match):
        pb.contract("ij,jk,kl->il", drawn(2, 3), drawn(3, 4), drawn(4, 2), **options)


def test_objects_are_no_tensors() -> None:
    with pytest.raises(UnsupportedError, match="as a tensor"):
        pb.contract("i,i->", object(), drawn(2))


def test_opt_einsum_is_loaded_late() -> None:
    assert importlib.import_module("pullback.rules.networks.path")
    names = vars(path)
    assert "opt_einsum" not in names


# -- at random ------------------------------------------------------------------------------------------


@st.composite
def networks(draw: st.DrawFn) -> tuple[str, list[tuple[int, ...]]]:
    """Up to five tensors over five indices, some repeated, some axes of length 1 or 0."""
    lengths = {label: draw(st.sampled_from([0, 1, 2, 3, 2, 3])) for label in "abcde"}
    terms = [
        "".join(draw(st.lists(st.sampled_from("abcde"), min_size=0, max_size=3)))
        for _ in range(draw(st.integers(1, 5)))
    ]
    known = sorted(set("".join(terms)))
    output = "".join(draw(st.permutations(known))[: draw(st.integers(0, len(known)))])
    shapes = []
    for term in terms:
        short = draw(st.booleans()) and draw(st.booleans())
        shapes.append(tuple(1 if short and term.count(x) == 1 and lengths[x] else lengths[x] for x in term))
    return f"{','.join(terms)}->{output}", shapes


@settings(max_examples=150)
@given(networks(), st.booleans(), st.sampled_from(["auto", "greedy", False]))
def test_random_networks(network: tuple[str, list[tuple[int, ...]]], is_complex: bool, optimize: Any) -> None:
    subscripts, shapes = network
    tensors = [drawn(*shape, dtype=complex if is_complex else float) for shape in shapes]
    y, pull = pb.vjp(lambda *xs: pb.contract(subscripts, *xs, optimize=optimize), *tensors)
    np.testing.assert_allclose(y, np.einsum(subscripts, *tensors), rtol=1e-11, atol=1e-12)
    y_bar = np.ones_like(y)
    wanted = pb.vjp(lambda *xs: np.einsum(subscripts, *xs), *tensors)[1](y_bar)
    for ours, theirs in zip(pull(y_bar), wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-11)
