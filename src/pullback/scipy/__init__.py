"""Parts of SciPy that turn their arguments into plain arrays, in a form that keeps the derivative."""

from typing import Any


def __getattr__(name: str) -> Any:
    """`special`, imported when first used."""
    if name == "special":
        import importlib

        return importlib.import_module("pullback.scipy.special")
    raise AttributeError(f"module 'pullback.scipy' has no attribute {name!r}")
