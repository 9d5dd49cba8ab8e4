"""Complex arrays: holomorphic functions, conjugates and moduli, parts, signals."""

import numpy as np

from scenarios.scenario import COMPLEX, WRITES, Scenario


def holomorphic(z):
    """No conjugate anywhere."""
    return np.sin(z) * np.exp(1j * z) / (2.0 + z * z)


def energy(z):
    """The modulus of a polynomial."""
    return np.sum(np.abs(z**2 + 1j * z - 0.5) ** 2)


def phases(x):
    """Real arguments, complex on the way, real at the end."""
    wave = np.sum(np.exp(1j * x) * np.arange(1.0, len(x) + 1))
    return np.real(wave) * np.imag(wave) + np.angle(wave) + np.abs(wave)


def expectation(psi, h):
    """The Rayleigh quotient of a Hermitian matrix made of a complex one."""
    hermitian = h + np.conj(h.T)
    return np.real(np.vdot(psi, hermitian @ psi)) / np.real(np.vdot(psi, psi))


def mandelbrot(c):
    """An iteration in the complex plane and how far it escapes."""
    z = 0.0 * c
    for _ in range(5):
        z = z * z + c
    return np.log(np.abs(z) + 1.0)


def mixed_parts(x, y):
    """Two real arrays that become one complex array."""
    z = x + 1j * y
    w = np.conj(z) * z[::-1] + np.sqrt(z + 2.0)
    return np.stack([np.real(w), np.imag(w)])


def fourier_sum(x):
    """A discrete Fourier transform by its matrix, and the power spectrum."""
    n = len(x)
    k = np.arange(n)
    spectrum = np.exp(-2j * np.pi * np.outer(k, k) / n) @ x
    return np.abs(spectrum) ** 2 * np.arange(1.0, n + 1)


def impedance(r, c, frequency):
    """An electrical filter: the gain at a frequency."""
    z = 1.0 / (1j * frequency * c)
    return np.abs(z / (r + z))


def complex_buffer(z):
    """A complex buffer, written by slices and multiplied in place."""
    y = np.zeros(4, complex)
    y[:2] = z
    y[2:] = np.conj(z) * 1j
    y *= y[0] + 2.0
    return y


VECTOR = np.array([0.4, -0.7, 1.1])
Z = np.array([0.4 + 0.3j, -0.7 + 0.2j])
H = np.array([[0.5 + 0.1j, -0.2j], [1.3 - 0.4j, 0.1 + 0.8j]])

SCENARIOS = [
    Scenario(holomorphic, (Z,), not_analytic=COMPLEX),
    Scenario(energy, (Z,), not_analytic=COMPLEX),
    Scenario(phases, (VECTOR,), not_analytic=COMPLEX),
    Scenario(expectation, (Z, H), not_analytic=COMPLEX, beyond_autograd="it has no rule for vdot"),
    Scenario(mandelbrot, (-0.4 + 0.55j,), not_analytic=COMPLEX),
    Scenario(mixed_parts, (VECTOR, VECTOR[::-1]), not_analytic=COMPLEX),
    Scenario(fourier_sum, (VECTOR,), not_analytic=COMPLEX),
    Scenario(impedance, (1.2, 0.4, 1.7), not_analytic=COMPLEX),
    Scenario(complex_buffer, (Z,), not_analytic=COMPLEX, beyond_autograd=WRITES),
]
