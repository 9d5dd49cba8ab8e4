"""Names in emitted source: how NumPy's functions are spelled, and names for a program's variables."""

from __future__ import annotations

import builtins
import importlib
import keyword
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from pullback.base.errors import UnsupportedError

_RESERVED = {"np", "native", *dir(builtins), *keyword.kwlist}
_NAMESPACES = {"np": np, "np.linalg": np.linalg, "np.fft": np.fft}


def _spelled() -> dict[int, str]:
    found: dict[int, str] = {}
    for prefix, namespace in _NAMESPACES.items():
        for name in namespace.__all__:
            value = getattr(namespace, name)
            # `np.abs` is `np.absolute`; the shorter name reads better, but not `np.pow` and `np.acos`,
            # which older versions of NumPy do not have.
            if callable(value) and name not in _SYNONYMS:
                found.setdefault(id(value), f"{prefix}.{name}")
    return found


_SYNONYMS = set(
    "absolute conjugate pow acos acosh asin asinh atan atanh atan2 bitwise_invert bitwise_not concat mod "
    "bitwise_left_shift bitwise_right_shift permute_dims true_divide".split()
)
_SPELLED = _spelled()


def spelled(function: Callable[..., Any]) -> tuple[str, str]:
    """How source calls `function`, and the module to import for it where that is not NumPy.

    ``np.add.reduce`` is a method of a function. Other functions are called by the module they live in.
    """
    name = _SPELLED.get(id(function))
    if name is not None:
        return name, ""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"{spelled(owner)[0]}.{function.__name__}", ""
    if isinstance(function, np.ufunc):
        return _of_scipy(function)
    module = getattr(function, "__module__", "") or ""
    if module == "pullback.emit.native":
        return f"native.{function.__name__}", ""
    if module == "builtins":
        return function.__name__, ""
    if module.startswith("scipy."):
        module = _public(module, function.__name__)
    return f"{module}.{getattr(function, '__qualname__', function.__name__)}", module


def _public(module: str, name: str) -> str:
    """The part of SciPy in whose private modules a function lives, where it has the function too."""
    public = module.partition("._")[0]
    return public if hasattr(importlib.import_module(public), name) else module


def _of_scipy(function: np.ufunc) -> tuple[str, str]:
    """The spelling of a ufunc of SciPy's, which may be private."""
    for module in ("scipy.special", "scipy.special._ufuncs"):
        if getattr(importlib.import_module(module), function.__name__, None) is function:
            return f"{module}.{function.__name__}", module
    raise UnsupportedError(f"the ufunc {function.__name__} is neither NumPy's nor SciPy's")


def identifiers(wishes: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """A Python identifier for each wish, no two the same and none that means something else."""
    used = {*_RESERVED, *taken}
    names: dict[str, str] = {}
    for wish in wishes:
        if wish in names:
            continue
        name = stem = identifier(wish)
        number = 1
        while name in used:
            name, number = f"{stem}_{number}", number + 1
        used.add(name)
        names[wish] = name
    return names


def identifier(wish: str) -> str:
    """`wish` with an underscore for everything that cannot stand in a name."""
    name = re.sub(r"\W", "_", wish)
    return name if name.isidentifier() else f"_{name}"
