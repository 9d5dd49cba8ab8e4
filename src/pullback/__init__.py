"""pullback: derivatives of the NumPy code you already have, exact or an error that says why.

Data flows downward; a folder imports only from those above it:

    base/      errors, locations, pytrees, and what every tracked value can do
    rules/     what each function's derivative is: one table, read by every engine
    tape/      eager reverse mode: Variable, recording, views and writes, the reverse sweep
    dual/      eager forward mode: Dual, and how tangents move
    ir/        the native engine's program: a small typed language
    capture/   Python source to a program
    transform/ adjoint and tangent of a program
    optimize/  array statements to fused loops
    emit/      a program to Python source, compiled by Numba and kept on disk
    api/       the transforms: grad, vjp, jvp, jacobian, hessian, and how to add an operator
    networks/  contractions of tensors: contract, ncon
    implicit/  roots, fixed points and minima, by the implicit function theorem
    ode/       initial value problems
    scipy/     SciPy's functions that are no ufuncs, under their own names
    testing/   gradcheck, and the check of a rule
    cli/       python -m pullback
"""

from typing import TYPE_CHECKING, Any

from pullback.api.arrays import (
    array,
    empty,
    empty_like,
    full,
    full_like,
    ones,
    ones_like,
    stop_gradient,
    zeros,
    zeros_like,
)  # fmt: skip
from pullback.api.compile import compile, purify, source  # noqa: A004
from pullback.api.gradient import elementwise_grad, grad, value_and_grad
from pullback.api.hvp import hvp
from pullback.api.jacobian import hessian, jacobian
from pullback.api.linearize import linearize
from pullback.api.operators import checkpoint, jvp_rule, partials, primitive, vjp_rule
from pullback.api.products import jvp, vjp
from pullback.base.errors import (
    ConventionError,
    DependenceWarning,
    MutationError,
    NonFiniteError,
    NotDifferentiableError,
    PullbackError,
    ShapeError,
    UnsupportedError,
)  # fmt: skip
from pullback.base.modes import debug_nans, no_grad
from pullback.tape.backward import Tape, zero_grad
from pullback.tape.variable import Variable

if TYPE_CHECKING:
    from pullback import implicit, ode, testing
    from pullback.networks import contract, ncon

_FOLDERS = ("implicit", "networks", "ode", "scipy", "testing")
_LATE = {"contract": "pullback.networks.contract", "ncon": "pullback.networks.ncon"}


def __getattr__(name: str) -> Any:
    """What is imported when first used."""
    import importlib

    if name in _FOLDERS:
        return importlib.import_module(f"pullback.{name}")
    if name in _LATE:
        found = globals()[name] = getattr(importlib.import_module(_LATE[name]), name)
        return found
    raise AttributeError(f"module 'pullback' has no attribute {name!r}")


__all__ = [
    "ConventionError", "DependenceWarning", "MutationError", "NonFiniteError", "NotDifferentiableError",
    "PullbackError", "ShapeError", "Tape", "UnsupportedError", "Variable",
    "array", "checkpoint", "compile", "contract", "debug_nans", "elementwise_grad", "empty", "empty_like",
    "full", "full_like", "grad", "hessian", "hvp", "implicit", "jacobian", "jvp", "jvp_rule", "linearize",
    "ncon", "no_grad", "ode", "ones", "ones_like", "partials", "primitive", "purify", "source",
    "stop_gradient", "testing", "value_and_grad", "vjp", "vjp_rule", "zero_grad", "zeros", "zeros_like",
]  # fmt: skip
