"""Every way to the gradient of a scenario's loss: the tape's, the dual's, and their compositions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import optree
from run import Packed, is_inexact, own_args, weighted
from scenarios.scenario import Scenario

import pullback as pb

Engine = Callable[[Scenario], np.ndarray[Any, Any]]


def _split(scenario: Scenario) -> tuple[list[Any], Callable[[Any], Any]]:
    """The inexact leaves of the arguments, and the scenario's loss as a function of a list of them."""
    leaves, structure = optree.tree_flatten(own_args(scenario))
    places = [i for i, leaf in enumerate(leaves) if is_inexact(leaf)]

    def loss(inexact: Any) -> Any:
        full = list(leaves)
        for i, leaf in zip(places, inexact, strict=True):
            full[i] = leaf
        return weighted(scenario.function(*optree.tree_unflatten(structure, full)))

    return [leaves[i] for i in places], loss


def grad(scenario: Scenario) -> np.ndarray[Any, Any]:
    """`pb.grad` of all inexact leaves at once."""
    leaves, loss = _split(scenario)
    return Packed(scenario).packed(pb.grad(loss)(leaves))


def argnums(scenario: Scenario) -> np.ndarray[Any, Any]:
    """`pb.value_and_grad` with the arguments in their own pytrees, for those that hold no integers."""
    inexact = tuple(i for i, arg in enumerate(scenario.args) if all(map(is_inexact, optree.tree_leaves(arg))))
    gradients = pb.value_and_grad(lambda *args: weighted(scenario.function(*args)), argnums=inexact)(
        *own_args(scenario)
    )[1]
    return Packed(scenario).packed(optree.tree_leaves(gradients))


def vjp(scenario: Scenario) -> np.ndarray[Any, Any]:
    """`pb.vjp`, pulled back twice: the second time gives the same."""
    leaves, loss = _split(scenario)
    pull = pb.vjp(loss, leaves)[1]
    first = Packed(scenario).packed(pull(1.0)[0])
    np.testing.assert_array_equal(Packed(scenario).packed(pull(1.0)[0]), first)
    return first


def backward(scenario: Scenario) -> np.ndarray[Any, Any]:
    """Explicit variables, written into as the program does; `Variable.grad` is by what they were before."""
    leaves, loss = _split(scenario)
    variables = [pb.Variable(leaf) for leaf in leaves]
    loss(variables).backward()
    gradients = [
        np.zeros_like(x) if v.grad is None else v.grad for v, x in zip(variables, leaves, strict=True)
    ]
    return Packed(scenario).packed(gradients)


def tape(scenario: Scenario) -> np.ndarray[Any, Any]:
    """An explicit `pb.Tape`. To it a variable that was written into is the new value: so copies are."""
    leaves, loss = _split(scenario)
    with pb.Tape() as recorded:
        variables = [pb.Variable(leaf) for leaf in leaves]
        y = loss([v * 1.0 for v in variables])
    return Packed(scenario).packed(recorded.gradient(y, variables))


def checkpoint(scenario: Scenario) -> np.ndarray[Any, Any]:
    """`pb.checkpoint`: the sweep runs the program again."""
    leaves, loss = _split(scenario)
    again = pb.checkpoint(lambda *inexact: loss([x * 1.0 for x in inexact]))
    return Packed(scenario).packed(pb.grad(lambda inexact: again(*inexact))(leaves))


def forward(scenario: Scenario) -> np.ndarray[Any, Any]:
    """Forward mode with all seeds at once."""
    packed = Packed(scenario)
    return pb.jacobian(packed, mode="forward")(packed.point)


def forward_in_chunks(scenario: Scenario) -> np.ndarray[Any, Any]:
    """Forward mode, three seeds at a time."""
    packed = Packed(scenario)
    return pb.jacobian(packed, mode="forward", chunk_size=3)(packed.point)


def jvp(scenario: Scenario) -> np.ndarray[Any, Any]:
    """Forward mode, one seed after the other, on the leaves as they are."""
    leaves, loss = _split(scenario)
    gradients = []
    for place, leaf in enumerate(leaves):
        entries = np.zeros(np.size(leaf), np.result_type(leaf))
        for i in range(np.size(leaf)):
            for unit in (1.0, 1j) if np.iscomplexobj(leaf) else (1.0,):
                seed = np.zeros(np.size(leaf), entries.dtype)
                seed[i] = unit
                tangents = [np.zeros_like(x) for x in leaves]
                tangents[place] = seed.reshape(np.shape(leaf))[()]
                entries[i] += unit * pb.jvp(loss, (leaves,), (tangents,))[1]
        gradients.append(entries.reshape(np.shape(leaf))[()])
    return Packed(scenario).packed(gradients)


def linearized(scenario: Scenario) -> np.ndarray[Any, Any]:
    """`pb.linearize`, pushed along every unit vector."""
    packed = Packed(scenario)
    push = pb.linearize(packed, packed.point)[1]
    return np.array([push(e) for e in np.eye(len(packed.point))])


def reverse_over_forward(scenario: Scenario) -> np.ndarray[Any, Any]:
    """A directional derivative is linear in its direction: its reverse derivative there is the gradient."""
    packed = Packed(scenario)
    v = np.ones_like(packed.point)
    return pb.grad(lambda v: pb.jvp(packed, (packed.point,), (v,))[1])(v)


ENGINES: dict[str, Engine] = {
    engine.__name__: engine
    for engine in (
        grad,
        argnums,
        vjp,
        backward,
        tape,
        checkpoint,
        forward,
        forward_in_chunks,
        jvp,
        linearized,
        reverse_over_forward,
    )
}


def hessians(scenario: Scenario, direction: Any) -> dict[str, np.ndarray[Any, Any]]:
    """The Hessian of the loss times `direction`, by every composition of the two modes."""
    packed = Packed(scenario)
    z = packed.point

    def along(x: Any) -> Any:
        return pb.jvp(packed, (x,), (direction,))[1]

    return {
        "forward over reverse": pb.jvp(pb.grad(packed), (z,), (direction,))[1],
        "hessian": pb.hessian(packed)(z) @ direction,
        "hvp": pb.hvp(packed, z, direction),
        "reverse over reverse": pb.grad(lambda x: np.sum(pb.grad(packed)(x) * direction))(z),
        "reverse over forward": pb.grad(along)(z),
        "forward over forward": pb.jacobian(along, mode="forward")(z),
    }
