"""A pulse of three qubits, where the search takes a fraction of a second."""

import grape
import numpy as np


def test_the_pulse_does_the_circuit() -> None:
    result = grape.main(qubits=3, slices=10, picture=False)
    assert result["fidelity"] >= 0.999
    assert min(result["stabilizers"]) >= 0.995
    assert result["unitarity"] < 1e-13


def test_the_circuit_is_that_of_gates() -> None:
    controlled = np.diag([1.0, 1.0, 1.0, -1.0])
    gates = np.kron(controlled, np.eye(2)) @ np.kron(np.eye(2), controlled)
    np.testing.assert_array_equal(grape.circuit(3), gates)
