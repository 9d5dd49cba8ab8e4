"""Physics: equations of motion, heat, spins, tensor networks."""

import numpy as np

from scenarios.scenario import COMPLEX, WRITES, Scenario


def runge_kutta(parameters, state):
    """Lotka and Volterra's equations by the classical method of Runge and Kutta."""

    def rate(s):
        a, b, c, d = parameters
        return np.stack([a * s[0] - b * s[0] * s[1], c * s[0] * s[1] - d * s[1]])

    h = 0.1
    for _ in range(4):
        k1 = rate(state)
        k2 = rate(state + 0.5 * h * k1)
        k3 = rate(state + 0.5 * h * k2)
        k4 = rate(state + h * k3)
        state = state + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return state


def planets(position, velocity, mass):
    """Three bodies by leapfrog; what is left is the energy's change."""
    for _ in range(3):
        distance = position[:, None] - position
        square = np.sum(distance**2, axis=2) + 0.1
        force = -np.sum(mass[:, None] * distance / square[:, :, None] ** 1.5, axis=1)
        velocity = velocity + 0.05 * force
        position = position + 0.05 * velocity
    return 0.5 * np.sum(mass * np.sum(velocity**2, axis=1))


def heat(u, conductivity):
    """Explicit steps of the heat equation, fluxes written into slices."""
    flux = np.zeros(len(u) + 1)
    for _ in range(4):
        flux[1:-1] = conductivity * (u[1:] - u[:-1])
        u = u + 0.2 * (flux[1:] - flux[:-1])
    return u**2


def pendulum(angle, velocity, damping):
    """A damped pendulum by the symplectic Euler method, scalars only."""
    work = 0.0
    for _ in range(12):
        velocity = velocity - 0.1 * (np.sin(angle) + damping * velocity)
        angle = angle + 0.1 * velocity
        work = work + damping * velocity * velocity
    return work


def lennard_jones(position):
    """The energy of all pairs in a plane."""
    energy = 0.0
    for i in range(len(position)):
        for j in range(i):
            inverse = 1.0 / np.sum((position[i] - position[j]) ** 2)
            energy = energy + inverse**6 - 2.0 * inverse**3
    return energy


def ring_of_matrices(tensors):
    """A periodic matrix product state: its norm by transfer matrices, ``tr(E1 @ E2 @ …)``."""
    transfer = np.eye(tensors[0].shape[1] ** 2)
    for a in tensors:
        e = np.einsum("sij,skl->ikjl", a, np.conj(a))
        transfer = transfer @ np.reshape(e, (a.shape[1] ** 2, a.shape[2] ** 2))
    return np.log(np.real(np.trace(transfer)))


def ising_chain(coupling, field):
    """The free energy of a chain of spins by powers of its transfer matrix."""
    spins = np.array([1.0, -1.0])
    exponent = coupling * np.outer(spins, spins) + 0.5 * field * (spins[:, None] + spins)
    return np.log(np.trace(np.linalg.matrix_power(np.exp(exponent), 6))) / 6.0


def schroedinger(potential, psi):
    """Steps of Crank and Nicolson for a wave packet; where it is found."""
    n = len(potential)
    laplace = 2.0 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    h = laplace + np.diag(potential)
    forward = np.eye(n) - 0.05j * h
    backward = np.eye(n) + 0.05j * h
    for _ in range(2):
        psi = np.linalg.solve(backward, forward @ psi)
    return np.abs(psi) ** 2 * np.arange(1.0, n + 1)


def rotated_gate(angle, state):
    """A quantum circuit of two qubits: rotations, an entangling gate, an expectation value."""
    c, s = np.cos(angle / 2), np.sin(angle / 2)
    rotation = np.stack([np.stack([c, -s]), np.stack([s, c])])
    signs = np.array([1.0, 1.0, 1.0, -1.0])
    for k in range(2):
        gate = np.kron(rotation[:, :, k], rotation[:, :, k + 1])
        state = signs * (gate @ state)
    return np.real(np.sum(np.conj(state) * np.array([1.0, -1.0, -1.0, 1.0]) * state))


TENSORS = [
    (np.linspace(-1.0, 1.0, 8) ** 3 + 0.4j * np.cos(k + np.arange(8.0))).reshape(2, 2, 2) for k in range(2)
]
PLANE = np.array([[0.0, 0.1], [1.1, -0.1], [0.4, 0.9]])

SCENARIOS = [
    Scenario(runge_kutta, (np.array([1.1, 0.4, 0.1, 0.4]), np.array([2.0, 1.5]))),
    Scenario(planets, (PLANE, PLANE[::-1] * 0.3, np.array([1.0, 0.5, 0.2]))),
    Scenario(heat, (np.array([0.3, 1.2, -0.4, 0.8]), np.array([0.5, 0.8, 0.6])), beyond_autograd=WRITES),
    Scenario(pendulum, (0.8, 0.1, 0.3)),
    Scenario(lennard_jones, (PLANE,)),
    Scenario(ring_of_matrices, (TENSORS,), not_analytic=COMPLEX),
    Scenario(ising_chain, (0.4, 0.3), beyond_autograd="it has no rule for matrix_power"),
    Scenario(
        schroedinger, (np.array([0.1, 0.5, 0.2]), np.array([0.6, 0.7 + 0.3j, 0.2j])), not_analytic=COMPLEX
    ),
    Scenario(
        rotated_gate, (np.array([0.3, 0.9, -0.5]), np.array([0.9, 0.1j, 0.3, 0.2])), not_analytic=COMPLEX
    ),
]
