"""Parts of SciPy that turn their arguments into plain arrays, in a form that keeps the derivative."""

from typing import Any


def __getattr__(name: str) -> Any:
    """`fft`, `linalg`, `sparse` and `special`, imported when first used."""
    if name in ("fft", "linalg", "sparse", "special"):
        import importlib

        return importlib.import_module(f"pullback.scipy.{name}")
    raise AttributeError(f"module 'pullback.scipy' has no attribute {name!r}")
