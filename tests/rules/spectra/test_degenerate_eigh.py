"""Equal and nearly equal eigenvalues: the right gradient, or an error, never a wrong one in silence.

The derivative of ``tr(C f(A))`` is known for any spectrum (Daleckii & Krein, 1965): in the eigenbasis that of
f's divided differences.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pullback as pb

GAPS = (0.0, 1e-15, 1e-13, 1e-11, 1e-9, 1e-7, 1e-5)
SPECTRA = ([1.3, 1.3, 2.0], [1.7, 1.7, 1.7], [0.6, 0.6, 2.1, 2.1], [-1.2, 2.2, 2.2, 2.2, 3.3])
Scalar = Callable[[Any], Any]
FUNCTIONS: dict[str, tuple[Scalar, Scalar]] = {
    "w": (lambda w: w, np.ones_like),
    "w cubed": (lambda w: w**3, lambda w: 3 * w**2),
    "exp": (np.exp, np.exp),
    "a constant": (np.ones_like, np.zeros_like),
}


def adjoint(a: Any) -> Any:
    return np.conj(np.swapaxes(a, -1, -2))


def hermitian(a: Any) -> Any:
    return (a + adjoint(a)) / 2


def drawn(size: int, complex: bool, seed: int = 0) -> Any:
    rng = np.random.default_rng([seed, size])
    a = rng.standard_normal((size, size))
    return a + 1j * rng.standard_normal((size, size)) if complex else a


def matrix(w: Any, complex: bool, structured: bool) -> tuple[Any, Any]:
    """A hermitian matrix with eigenvalues `w`, and its eigenvectors; diagonal if `structured`."""
    size = len(w)
    v = (
        np.eye(size, dtype="D" if complex else "d")
        if structured
        else np.linalg.qr(drawn(size, complex, 3))[0]
    )
    return hermitian((v * w) @ adjoint(v)), v


def function_of(f: Scalar, w: Any, v: Any) -> Any:
    return (v * f(w)[..., None, :]) @ adjoint(v)


def overlap(c: Any, a: Any) -> Any:
    return np.real(np.sum(np.conj(c) * a))


def exact(f: Scalar, slope: Scalar, w: Any, v: Any, c: Any) -> Any:
    """The gradient of ``Re tr(C^H f(A))``."""
    apart = np.abs(w[:, None] - w[None, :]) > 1e-4
    difference = np.where(apart, w[:, None] - w[None, :], 1)
    divided = np.where(
        apart, (f(w)[:, None] - f(w)[None, :]) / difference, slope((w[:, None] + w[None, :]) / 2)
    )
    return v @ (divided * (adjoint(v) @ hermitian(c) @ v)) @ adjoint(v)


def gradient(loss: Callable[[Any, Any], Any], a: Any) -> Any:
    """Of a loss of eigenvalues and eigenvectors, in the hermitian matrix they are of."""
    return pb.grad(lambda a: loss(*np.linalg.eigh(hermitian(a))))(a)


@pytest.mark.parametrize("structured", [False, True], ids=["any basis", "diagonal"])
@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("spectrum", SPECTRA, ids=str)
@pytest.mark.parametrize("gap", GAPS)
def test_matrix_functions(
    gap: float, spectrum: list[float], name: str, complex: bool, structured: bool
) -> None:
    f, slope = FUNCTIONS[name]
    w = np.array(spectrum) + gap * np.arange(len(spectrum))
    a, v = matrix(w, complex, structured)
    c = drawn(len(w), complex, 5)
    ours = gradient(lambda w, v: overlap(c, function_of(f, w, v)), a)
    wanted = exact(f, slope, w, v, c)
    np.testing.assert_allclose(ours, wanted, atol=3e-8 * np.max(np.abs(wanted), initial=1.0))


@pytest.mark.parametrize("structured", [False, True], ids=["any basis", "diagonal"])
@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("spectrum", SPECTRA, ids=str)
@pytest.mark.parametrize("gap", GAPS)
def test_projectors_and_truncated_densities(
    gap: float, spectrum: list[float], complex: bool, structured: bool
) -> None:
    w = np.array(spectrum) + gap * np.arange(len(spectrum))
    a, v = matrix(w, complex, structured)
    c = drawn(len(w), complex, 6)
    kept = slice(int(np.sum(w < 2.15)))
    first = (w < 2.15).astype(float)

    def of(f: Scalar, slope: Scalar) -> Any:
        return exact(lambda x: f(x) * (x < 2.15), lambda x: slope(x) * (x < 2.15), w, v, c)

    def projected(w: Any, v: Any) -> Any:
        return overlap(c, v[:, kept] @ adjoint(v[:, kept]))

    def truncated(w: Any, v: Any) -> Any:
        return overlap(c, function_of(lambda w: w, w[kept], v[:, kept]))

    def normalised(w: Any, v: Any) -> Any:
        return overlap(c, function_of(lambda w: w / np.sum(w), w[kept], v[:, kept]))

    density = of(lambda x: x, np.ones_like)
    trace, value = np.sum(w * first), overlap(c, (v * w * first) @ adjoint(v))
    np.testing.assert_allclose(gradient(projected, a), of(np.ones_like, np.zeros_like), atol=3e-8)
    np.testing.assert_allclose(gradient(truncated, a), density, atol=1e-7)
    wanted = density / trace - value / trace**2 * ((v * first) @ adjoint(v))
    np.testing.assert_allclose(gradient(normalised, a), wanted, atol=1e-7)


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("spectrum", SPECTRA, ids=str)
def test_functions_of_the_spectrum(spectrum: list[float], complex: bool) -> None:
    w = np.abs(np.array(spectrum))
    a, v = matrix(w, complex, True)
    for loss, slope in (
        (lambda w: np.sum(w**3), lambda w: 3 * w**2),
        (lambda w: -np.sum(w * np.log(w)), lambda w: -np.log(w) - 1),
        (np.max, lambda w: (w == w.max()) / np.sum(w == w.max())),
    ):
        wanted = (v * slope(w)) @ adjoint(v)
        np.testing.assert_allclose(gradient(lambda w, v, loss=loss: loss(w), a), wanted, atol=1e-13)
        values = pb.grad(lambda a, loss=loss: loss(np.linalg.eigvalsh(hermitian(a))))(a)
        np.testing.assert_allclose(values, wanted, atol=1e-13)


def test_entropy_is_stationary_at_equal_weights() -> None:
    a, _ = matrix(np.full(4, 0.25), True, False)

    def entropy(w: Any, v: Any) -> Any:
        p = w / np.sum(w)
        return -np.sum(p * np.log(p))

    np.testing.assert_allclose(gradient(entropy, a), 0, atol=1e-15)


DEPENDENT = {
    "an entry": lambda w, v: np.abs(v[0, 0]) ** 2,
    "a product of entries": lambda w, v: np.real(v[0, 0] * np.conj(v[1, 0])),
    "half of a projector": lambda w, v: np.abs(v[0, :1] @ np.conj(v[1, :1])),
    "one value": lambda w, v: w[0],
    "the middle one": lambda w, v: w[1] ** 2,
    "a difference": lambda w, v: w[1] - w[0] + w[2],
    "weights that differ": lambda w, v: overlap(np.ones((3, 3)), (v * np.arange(3.0)) @ adjoint(v)),
    "one value times one entry": lambda w, v: w[0] * np.abs(v[0, 0]) ** 2,
}


@pytest.mark.parametrize("structured", [False, True], ids=["any basis", "diagonal"])
@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("name", DEPENDENT)
def test_what_depends_on_the_basis_is_an_error_that_names_the_pair(
    name: str, complex: bool, structured: bool
) -> None:
    a, _ = matrix(np.array([1.0, 1.0, 2.0]), complex, structured)
    with pytest.raises(
        pb.NotDifferentiableError, match=r"eigenvalues 0 and 1 \((1\.0|0\.9+).* and (1\.0|0\.9)"
    ):
        gradient(DEPENDENT[name], a)


def test_the_matrix_of_a_stack_is_named() -> None:
    stack = np.stack([np.diag([1.0, 2.0, 3.0]), np.diag([1.0, 3.0, 3.0])])[None]
    with pytest.raises(
        pb.NotDifferentiableError, match=r"eigenvalues 1 and 2 of matrix \(0, 1\) \(3.0 and 3.0\)"
    ):
        pb.grad(lambda a: np.sum(np.linalg.eigh(a)[1][..., 1, 1] ** 2))(stack)
    ours = pb.grad(lambda a: np.sum(np.linalg.eigh(a)[0] ** 2))(stack)
    np.testing.assert_allclose(ours, 2 * stack, atol=1e-14)


def test_what_one_basis_does_not_tell_is_asked_for_in_others() -> None:
    c, identity = drawn(3, False, 7), np.eye(3)

    # f(w) vanishes: the vectors' cotangent, which would tell, is 0.
    def product(a: Any) -> Any:
        w, v = np.linalg.eigh(hermitian(a))
        return overlap(c, (v * w) @ v.T)

    np.testing.assert_allclose(pb.grad(product)(0 * identity), hermitian(c), atol=1e-14)

    # Two equal values, weights normalised by their sum and no power: two numbers for two equations.
    def gibbs(w: Any, v: Any) -> Any:
        p = np.exp(-w) / np.sum(np.exp(-w))
        return overlap(c, (v * p) @ v.T)

    w, weights = np.array([1.3, 1.3, 2.0]), np.exp([-1.3, -1.3, -2.0])
    trace, value = np.sum(weights), np.sum(c.diagonal() * weights)
    wanted = exact(lambda w: np.exp(-w), lambda w: -np.exp(-w), w, identity, c) / trace
    wanted += np.diag(weights) * value / trace**2
    np.testing.assert_allclose(gradient(gibbs, np.diag(w)), wanted, atol=1e-13)
    # Where there is no function to run again, both are errors.
    for loss, a in ((product, 0 * identity), (lambda a: gibbs(*np.linalg.eigh(a)), np.diag(w))):
        x = pb.Variable(a)
        with pytest.raises(
            pb.NotDifferentiableError, match=r"eigenvalues (0|1) and (1|2) .*\n(.*\n)*.*pb.grad"
        ):
            loss(x).backward()


@given(
    st.integers(0, 10**6),
    st.sampled_from([[2, 1], [2, 2], [3, 1], [4], [2, 1, 1]]),
    st.booleans(),
    st.lists(st.sampled_from(list(FUNCTIONS)), min_size=1, max_size=2),
    st.sampled_from([0.0, 1e-15, 1e-10]),
)
def test_sums_of_losses_are_right_or_refused(
    seed: int, multiplicities: list[int], complex: bool, names: list[str], gap: float
) -> None:
    rng = np.random.default_rng(seed)
    w = np.sort(np.repeat(rng.uniform(-2, 2, len(multiplicities)), multiplicities))
    w = w + gap * np.arange(len(w))
    a, v = matrix(w, complex, bool(seed % 2))
    parts = [(FUNCTIONS[name], drawn(len(w), complex, seed + k)) for k, name in enumerate(names)]

    def loss(w: Any, v: Any) -> Any:
        invariant = sum(overlap(c, function_of(f, w, v)) for (f, _), c in parts)
        return invariant + seed % 3 * np.sum(w**2)

    try:
        ours = gradient(loss, a)
    except pb.NotDifferentiableError:
        return
    wanted = sum(exact(f, slope, w, v, c) for (f, slope), c in parts) + 2 * (seed % 3) * a
    # Two matrix functions do not fit; then 1/gap amplifies rounding, as it does in any arithmetic.
    tolerance = 1e-6 if gap < 1e-12 else 1e-14 / gap
    np.testing.assert_allclose(ours, wanted, atol=tolerance * np.max(np.abs(wanted), initial=1.0))


# -- other orders and modes -------------------------------------------------------------------------------


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
def test_second_order_of_the_spectrum(complex: bool) -> None:
    a, _ = matrix(np.array([1.0, 1.0, 2.0]), complex, True)
    b = hermitian(drawn(3, complex, 8))

    def cubes(a: Any) -> Any:
        return np.sum(np.linalg.eigvalsh(hermitian(a)) ** 3)

    twice = pb.grad(lambda a: overlap(b, pb.grad(cubes)(a)))(a)
    np.testing.assert_allclose(twice, 3 * (a @ b + b @ a), atol=1e-12)


def test_second_order_of_the_vectors_is_an_error() -> None:
    a = np.diag([1.0, 1.0, 2.0])

    def projected(a: Any) -> Any:
        v = np.linalg.eigh(hermitian(a))[1]
        return (v[:, :2] @ v[:, :2].T)[0, 2]

    assert np.isfinite(pb.grad(projected)(a)).all()
    with pytest.raises(pb.NotDifferentiableError, match=r"no second derivative.*eigenvalues 0 and 1"):
        pb.grad(lambda a: np.sum(pb.grad(projected)(a) ** 2))(a)


def test_forward_mode_has_what_does_not_split() -> None:
    a = np.diag([1.0, 1.0, 2.0])
    shift = np.diag([1.0, 1.0, 5.0]) + np.array([[0, 0, 1], [0, 0, 2], [1, 2, 0]])

    def projected(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return w, v[:, :2] @ v[:, :2].T

    _, (w_dot, p_dot) = pb.jvp(projected, (a,), (shift,))
    np.testing.assert_allclose(w_dot, [1, 1, 5], atol=1e-14)
    np.testing.assert_allclose(p_dot, [[0, 0, -1], [0, 0, -2], [-1, -2, 0]], atol=1e-14)
    for function in (np.linalg.eigvalsh, lambda a: np.linalg.eigh(a)[1]):
        with pytest.raises(pb.NotDifferentiableError, match="eigenvalues 0 and 1 "):
            pb.jvp(function, (a,), (np.ones((3, 3)),))
    with pytest.raises(pb.NotDifferentiableError, match="eigenvalues 0 and 1 "):
        pb.jvp(lambda a: np.linalg.eigh(a)[1], (a,), (shift,))


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("spectrum", SPECTRA, ids=str)
@pytest.mark.parametrize("jit", [None, False], ids=["eager", "native"])
def test_forward_mode_by_reverse_mode_where_values_split(
    jit: bool | None, spectrum: list[float], complex: bool
) -> None:
    w = np.array(spectrum)
    a, v = matrix(w, complex, False)
    b = hermitian(drawn(len(w), complex, 14))

    def function(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return (v * np.exp(w)) @ np.conj(v.T), np.sum(np.exp(w))

    of = function if jit is None else pb.compile(function, jit=jit)
    _, (dot, sum_dot) = pb.jvp(of, (a,), (b,))
    np.testing.assert_allclose(dot, exact(np.exp, np.exp, w, v, b), atol=1e-12)
    np.testing.assert_allclose(sum_dot, overlap(function_of(np.exp, w, v), b), atol=1e-12)


@pytest.mark.parametrize("spectrum", SPECTRA, ids=str)
@pytest.mark.parametrize("engine", ["tape", "dual", "native"])
def test_hessians_of_the_spectrum(spectrum: list[float], engine: Any) -> None:
    w = np.array(spectrum)
    a, v = matrix(w, False, False)
    b, c = drawn(len(w), False, 15), drawn(len(w), False, 16)

    def loss(a: Any) -> Any:
        return np.sum(np.exp(np.linalg.eigvalsh((a + a.T) / 2)))

    wanted = exact(np.exp, np.exp, w, v, b)
    np.testing.assert_allclose(pb.hvp(loss, a, b), wanted, atol=1e-11)
    if len(w) == 3:
        matrix_of = pb.hessian(loss, engine=engine)(a)
        np.testing.assert_allclose(np.tensordot(matrix_of, b, 2), wanted, atol=1e-11)
    _, twice = pb.jvp(lambda a: pb.jvp(loss, (a,), (b,))[1], (a,), (c,))
    np.testing.assert_allclose(twice, overlap(wanted, c), atol=1e-11)


def test_a_linear_map_of_cotangents_is_an_error() -> None:
    """What one result's cotangents decide does not hold for others'."""
    a = np.diag([1.5, 1.5, 2.0])

    def two(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return (v * w) @ v.T, (v * w**3) @ v.T

    for function in (two, np.linalg.eigvalsh, np.linalg.svdvals):
        with pytest.raises(
            pb.NotDifferentiableError, match=r"linear map of cotangents.*(0|1) and (1|2) \(1\.5"
        ):
            pb.linearize(function, a)


# -- precision, values, near degeneracy -------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f", "F"])
def test_single_precision(dtype: str) -> None:
    a, _ = matrix(np.array([1.3, 1.3, 2.0]), dtype == "F", False)
    c = drawn(3, dtype == "F", 9)
    a, c = a.astype(dtype), c.astype(dtype)
    ours = gradient(lambda w, v: overlap(c, function_of(lambda w: w**2, w, v)), a)
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours, hermitian(a @ c + c @ a), atol=2e-5)
    with pytest.raises(pb.NotDifferentiableError, match="eigenvalues 0 and 1"):
        gradient(DEPENDENT["an entry"], a)


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
def test_the_recorded_vectors_are_eigenvectors(complex: bool) -> None:
    a, _ = matrix(np.array([1.0, 1.0, 2.0, 2.0, 2.0]), complex, True)
    results: Any = np.linalg.eigh(pb.Variable(a))
    w, v = (part.value for part in results)
    np.testing.assert_allclose(a @ v, v * w, atol=1e-14)
    np.testing.assert_allclose(adjoint(v) @ v, np.eye(5), atol=1e-14)
    assert np.array_equal(w, np.linalg.eigvalsh(a))


@pytest.mark.parametrize("gap", [1e-3, 1e-5, 1e-7])
def test_resolved_eigenvectors_next_to_fifty_digits(gap: float) -> None:
    a, _ = matrix(np.array([1.0, 1.0 + gap, 2.0]), False, False)

    def loss(w: Any, v: Any) -> Any:
        return v[0, 0] ** 2 * w[2] + v[0, 1] * v[1, 1]

    ours = gradient(loss, a)
    with mpmath.workdps(50):
        step = mpmath.mpf(10) ** -22
        wanted = np.zeros((3, 3))
        for i, j in np.ndindex(3, 3):
            sides = []
            for sign in (1, -1):
                moved = mpmath.matrix(a.tolist())
                moved[i, j] += sign * step / 2
                moved[j, i] += sign * step / 2
                w, v = mpmath.eigsy(moved)
                sides.append(loss(w, v))
            wanted[i, j] = float((sides[0] - sides[1]) / (2 * step))
    np.testing.assert_allclose(ours, wanted, rtol=1e-14 / gap, atol=1e-14 / gap**2)


@pytest.mark.parametrize("size", [1e-15, 1e-13, 1e-11])
def test_a_matrix_of_rounding_is_right_or_refused(size: float) -> None:
    """Its eigenvalues are apart, beside each other; a function that varies with 1 cannot tell them apart."""
    a, _ = matrix(size * np.arange(3.0), False, False)
    c = drawn(3, False, 17)

    def loss(f: Scalar) -> Scalar:
        return lambda a: overlap(c, function_of(f, *np.linalg.eigh(hermitian(a))))

    np.testing.assert_allclose(pb.grad(loss(lambda w: w))(a), hermitian(c), atol=1e-8)
    for f in (np.exp, lambda w: np.cos(w) + np.sin(w)):
        for gradient in (pb.grad(loss(f)), lambda a, f=f: pb.jacobian(loss(f), mode="forward")(a)):
            try:
                ours = gradient(a)
            except pb.NotDifferentiableError:
                continue
            np.testing.assert_allclose(ours, hermitian(c), atol=1e-4)


def test_an_empty_stack() -> None:
    assert pb.grad(lambda a: np.sum(np.abs(np.linalg.eigh(a)[1])))(np.zeros((0, 3, 3))).shape == (0, 3, 3)
    assert pb.grad(lambda a: np.sum(np.linalg.eigvalsh(a)))(np.zeros((2, 0, 0))).shape == (2, 0, 0)


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_matrix_functions_of_low_rank(rank: int, complex: bool) -> None:
    factor = drawn(5, complex, 12)[:, :rank]
    a, c = factor @ adjoint(factor), drawn(5, complex, 13)
    ours = gradient(lambda w, v: overlap(c, (v * w) @ adjoint(v)), a)
    np.testing.assert_allclose(ours, hermitian(c), atol=1e-8)
    kept = gradient(lambda w, v: overlap(c, (v[:, -rank:] * w[-rank:] ** 2) @ adjoint(v[:, -rank:])), a)
    np.testing.assert_allclose(kept, hermitian(a @ c + c @ a), atol=1e-10)
