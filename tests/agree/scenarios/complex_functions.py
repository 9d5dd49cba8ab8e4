"""Functions of complex arrays, family by family: powers, logarithms, products, norms, order, signals."""

import numpy as np

from scenarios.scenario import COMPLEX, Scenario


def complex_powers(z):
    """Base, exponent, both; negative and fractional."""
    return [z**2.5, z**-1, z**3, 2.0**z, (1 + 1j) ** z, z**z, np.abs(z) ** z]


def quotients(z):
    """Conjugates and constants above and below."""
    return z / np.conj(z) + 1 / z + z / 2j + np.reciprocal(z)


def logarithms(z):
    """And the exponentials near them."""
    return [np.log(z), np.log2(z), np.log10(z), np.log1p(z), np.sqrt(z), np.expm1(z), np.exp2(z)]


def inverse_functions(z):
    """Inverses of the trigonometric and hyperbolic functions."""
    return np.arcsin(z) + np.arccos(z) * np.arctan(z) + np.arcsinh(z) + np.arccosh(z) + np.arctanh(z)


def trigonometric(z):
    """And hyperbolic functions."""
    return np.tan(z) * np.tanh(z) + np.sinh(z) / np.cosh(z) + np.sinc(z)


def modulus_and_angle(z):
    """Polar coordinates, and back."""
    return np.abs(z) * np.angle(z) + np.abs(z - z[0] + 0.1), np.abs(z) * np.exp(1j * np.angle(z) * 2)


def parts_by_parts(z):
    """Real and imaginary parts in complex formulas."""
    return np.real(z) * z + np.imag(z) * 1j * np.conj(z) + np.hypot(np.real(z), np.imag(z))


def inner_products(z):
    """Those that conjugate the left operand and those that do not."""
    return [np.vdot(z, z**2), np.vecdot(z, z**3), np.inner(z, z), np.outer(z, np.conj(z)), np.dot(z, z)]


def complex_matrices(z):
    """Inverse, determinants and solutions."""
    a = np.outer(z, np.conj(z)) + np.diag(z)
    sign, logarithm = np.linalg.slogdet(a)
    return [np.linalg.inv(a), np.linalg.det(a), sign, logarithm, np.linalg.solve(a, z)]


def norms(z):
    """Of vectors and matrices, of several orders."""
    a = np.outer(z, z[::-1])
    vectors = np.linalg.norm(z) + np.linalg.norm(z, 1) + np.linalg.norm(z, 3)
    return vectors + np.linalg.norm(a) + np.linalg.norm(a, np.inf)


def statistics(z):
    """Means, variances, running sums and products."""
    return np.mean(z) + np.var(z) + np.std(z) + np.cumsum(z) * np.cumprod(z) + np.prod(z)


def lexicographic_order(z):
    """Complex numbers are ordered by their real parts first."""
    return np.sort(z) * np.arange(4.0) + np.max(z) - np.min(z) * np.maximum(z, z[::-1])


def directions(z):
    """``sign`` of a complex number is its direction."""
    return np.sign(z) * z[::-1]


def filtered(z):
    """Convolution, correlation, which conjugates, differences and integrals."""
    y = np.convolve(z, np.conj(z)), np.correlate(z, z[:2])
    return y, np.trapezoid(z, dx=0.2), np.diff(z, 2), np.gradient(z), np.interp(0.4, [0.0, 0.3, 0.6, 1.0], z)


def contracted(z):
    """Sums over indices with conjugates in them."""
    return np.einsum("i,j,i->j", z, np.conj(z), z), np.kron(z, np.conj(z)), np.tensordot(z, z, 0)


def selected(z):
    """Choices between complex formulas."""
    return np.where(np.abs(z) > 0.6, z * z, np.conj(z)) + np.nan_to_num(z) * z


def matrix_products(z):
    """Powers of a matrix and a chain with its conjugate."""
    a = np.outer(z, z[::-1]) + np.eye(4)
    return np.linalg.matrix_power(a, 3), np.linalg.multi_dot([a, np.conj(a), a])


Z = np.array([0.3 - 0.1j, 0.9 - 0.15j, 0.7 - 0.41j, 1.4 - 0.13j])
WITHOUT = "it has no rule for one of the functions, or another convention"

SCENARIOS = [
    Scenario(function, (Z,), not_analytic=COMPLEX, beyond_autograd=WITHOUT)
    for function in (
        complex_powers,
        quotients,
        logarithms,
        inverse_functions,
        trigonometric,
        modulus_and_angle,
        parts_by_parts,
        inner_products,
        complex_matrices,
        norms,
        statistics,
        lexicographic_order,
        directions,
        filtered,
        contracted,
        selected,
        matrix_products,
    )
]
