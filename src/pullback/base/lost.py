"""The errors for what would drop a derivative without a word: ``float(x)``, ``np.asarray(x)``, ``a[0] = x``.

NumPy and Python ask such things of a value without saying what for. The instruction that the user's frame is
at tells: a write into a plain array, an index, or a call.
"""

from __future__ import annotations

import dis
import importlib
import sys
from types import FrameType
from typing import Any

from pullback.base.errors import UnsupportedError
from pullback.base.location import frame_location, user_frame

_WRITES = ("STORE_SUBSCR", "STORE_SLICE")
_READS = ("BINARY_SUBSCR", "BINARY_SLICE")


def lost_number(x: Any, name: str) -> UnsupportedError:
    """The error for ``name(x)``, where `name` makes a plain number."""
    caller = _caller()
    if caller.startswith("scipy"):
        return UnsupportedError(
            f"{caller} would turn a {x.kind} into a plain number and lose its derivative",
            why=f"it calls {name}() of it, and a plain number holds no derivative",
            remedy=_in_place_of(caller),
        )
    return _at_subscript(x) or UnsupportedError(
        f"{name}() would turn a {x.kind} into a plain number and lose its derivative",
        why="a plain number holds no derivative",
        remedy="use it as it is, with NumPy's functions in place of math's, and arrays made with pb.zeros or "
        "pb.zeros_like in place of plain ones; for its value alone, pb.stop_gradient(x).",
    )


def lost_array(x: Any) -> UnsupportedError:
    """The error for a plain array of `x`, which NumPy asks for."""
    written = _at_subscript(x)
    if written is not None:
        return written
    caller = _caller()
    return UnsupportedError(
        f"{caller} would turn a {x.kind} into a plain array and lose its derivative",
        why="it asked for the bare numbers, which NumPy's protocols for other array types would not need",
        remedy=_in_place_of(caller)
        if caller.startswith("scipy")
        else "join values with np.stack or pb.array instead of np.array; write into pb.zeros, pb.zeros_like "
        "or pb.full instead of NumPy's; for the value alone use pb.stop_gradient(x).",
    )


_INSTEAD = {
    "solve_ivp": "pb.ode.solve", "odeint": "pb.ode.solve", "RK45": "pb.ode.solve",
    "root": "pb.implicit.root", "fsolve": "pb.implicit.root", "newton": "pb.implicit.root",
    "brentq": "pb.implicit.root", "root_scalar": "pb.implicit.root", "least_squares": "pb.implicit.minimize",
    "minimize": "pb.implicit.minimize", "minimize_scalar": "pb.implicit.minimize",
    "fixed_point": "pb.implicit.fixed_point",
}  # fmt: skip
"""What differentiates the solutions that SciPy's solvers find."""


def instead_of_solver(caller: str) -> str | None:
    """What to call in place of a solver of SciPy's; None if `caller` is none."""
    solver = _INSTEAD.get(caller.rpartition(".")[2])
    if solver is None or not caller.startswith(("scipy.integrate", "scipy.optimize")):
        return None
    return f"call {solver}, which is differentiable, with what the function depends on in args=(...)."


def _in_place_of(caller: str) -> str:
    solver = instead_of_solver(caller)
    if solver is not None:
        return solver
    module, _, name = caller.rpartition(".")
    ours = _ours(module, name)
    if ours is not None:
        return getattr(ours, "remedy", None) or f"call pullback.{caller}."
    if module == "scipy.sparse":
        return "use A @ x or x @ A, A.toarray(), or pullback.scipy.sparse for tracked entries."
    return "write it with NumPy's functions, or make it a pb.primitive and give it a rule."


def _ours(module: str, name: str) -> Any:
    """The namesake in `pullback.scipy` of a function of SciPy's, if it is another."""
    try:
        ours = getattr(importlib.import_module(f"pullback.{module}"), name)
    except (ImportError, AttributeError):
        return None
    return None if ours is getattr(sys.modules.get(module), name, None) else ours


def lost_index(kind: str = "tracked value") -> UnsupportedError:
    """The error for an index that is tracked."""
    return UnsupportedError(
        f"a {kind} is used as an index",
        why="an index is a whole number, and there is no derivative by it",
        remedy="index with plain integers: int(pb.stop_gradient(i)); to look values up at a tracked point, "
        "np.interp.",
    )


def offered_by_sparse() -> bool:
    """Whether a sparse matrix on the left of a product asks.

    It leaves the product to the other factor, which knows it, if that is no array of numbers.
    """
    frame = sys._getframe(2)
    module = frame.f_globals.get("__name__", "")
    return frame.f_code.co_name == "_matmul_dispatch" and module.startswith("scipy.sparse")


def _at_subscript(x: Any) -> UnsupportedError | None:
    """The error where the user's frame writes into something by subscript, or reads it; None elsewhere."""
    frame = user_frame()
    if frame is None:
        return None
    instruction = _instruction(frame)
    if instruction is None:
        return None
    if instruction.opname in _READS or (instruction.opname == "BINARY_OP" and instruction.argrepr == "[]"):
        return lost_index(x.kind)
    if instruction.opname not in _WRITES:
        return None
    target = frame_location(frame).snippet
    name, _, index = target.partition("[")
    if frame.f_locals.get(index.removesuffix("]").strip()) is x:
        return lost_index(x.kind)
    array, it = (f"the plain array {name}", name) if name.isidentifier() else ("a plain array", "it")
    return UnsupportedError(
        f"{target or 'an item assignment'} = … writes a {x.kind} into {array} and would lose its derivative",
        why="a plain array holds bare numbers",
        remedy=f"make {it} with pb.zeros or pb.zeros_like instead of NumPy's (pb.empty, pb.ones and pb.full "
        "do too); for the value alone write pb.stop_gradient(x).",
    )


def _instruction(frame: FrameType) -> dis.Instruction | None:
    found = (i for i in dis.get_instructions(frame.f_code) if i.offset == frame.f_lasti)
    return next(found, None)


def _caller() -> str:
    """The function that asked for a plain array: SciPy's outermost, as the user called it, or just NumPy."""
    frame = user_frame(outside=("numpy",))
    name = "numpy"
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "scipy":
        # What SciPy has decorated runs in a wrapper, whose `f` or `fun` it is.
        wrapped = frame.f_locals if frame.f_code.co_name == "wrapper" else {}
        inner: Any = wrapped.get("f", wrapped.get("fun"))
        own = getattr(inner, "__name__", frame.f_code.co_name)
        module = getattr(inner, "__module__", frame.f_globals["__name__"])
        if not own.startswith("_"):
            public = module.partition("._")[0]
            if not hasattr(sys.modules.get(public), own):
                public = ".".join(part for part in module.split(".") if not part.startswith("_"))
            name = f"{public}.{own}"
        frame = frame.f_back
    return name
