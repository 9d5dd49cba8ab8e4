"""The one family of errors: what went wrong, where in the user's code, why, and what to do instead.

Every error pullback raises on purpose is a `PullbackError`. Its message has up to four parts, each on a line
of its own: *what*, then ``at file:line:column`` with the source line and a caret, then ``because …``, then
``instead: …``. The parts are attributes too, so a program can read them.
"""

from __future__ import annotations

import numpy as np

from pullback.base.location import Location, user_location


class PullbackError(Exception):
    """The root of every error pullback raises on purpose.

    Attributes:
        what: one sentence that names the function or variable.
        where: the user's `Location`, or None where no user code is on the stack.
        why: the reason.
        remedy: what to do instead.
    """

    def __init__(
        self, what: str, *, why: str | None = None, remedy: str | None = None, where: Location | None = None
    ) -> None:
        self.what = what
        self.why = why
        self.remedy = remedy
        self.where = where or user_location()
        super().__init__(what)

    def __str__(self) -> str:
        parts = [self.what]
        if self.where is not None:
            parts.append(str(self.where))
        if self.why:
            parts.append(f"  because {self.why}")
        if self.remedy:
            parts.append(f"  instead: {self.remedy}")
        return "\n".join(parts)


class UnsupportedError(PullbackError, TypeError):
    """The program uses something pullback has no rule or no translation for."""


class NotDifferentiableError(PullbackError, ValueError):
    """A derivative was asked for where none exists, or of a type that has none."""


class ShapeError(PullbackError, ValueError):
    """A cotangent, tangent or output has another shape, dtype or structure than it must have."""


class OutOfRangeError(PullbackError, IndexError):
    """Compiled code was to look outside of an array."""


class SingularError(PullbackError, np.linalg.LinAlgError):
    """Compiled code came to a matrix that has no inverse or no such factors."""


class MutationError(PullbackError, RuntimeError):
    """A value was overwritten in a way that would make a derivative wrong."""


class ConventionError(PullbackError, TypeError):
    """The complex convention leaves the result undefined, so it has to be chosen."""


class NonFiniteError(PullbackError, FloatingPointError):
    """`pullback.debug_nans` found the first NaN or infinity."""


class ConvergenceError(PullbackError, RuntimeError):
    """An iteration did not arrive at a solution, which therefore has no derivative."""


class DependenceWarning(UserWarning):
    """An output does not depend on the input it is differentiated by; its derivative is zero."""
