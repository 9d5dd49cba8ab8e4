"""A `Scenario`: a program, the arguments it is run at, and what the references cannot do with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Scenario:
    """A program and its example.

    Attributes:
        function: takes arrays, numbers and pytrees; returns a number, an array or a pytree of them.
        args: a tuple, all inexact leaves of which are differentiated; the program may write into them.
        not_analytic: why the complex step cannot judge it; empty if it can.
        beyond_autograd: why HIPS autograd cannot run it; empty if it can.
        hessian: whether it is smooth enough to be differentiated twice at `args`.
    """

    function: Callable[..., Any]
    args: Any
    not_analytic: str = ""
    beyond_autograd: str = ""
    hessian: bool = True

    @property
    def name(self) -> str:
        return self.function.__name__


WRITES = "it has no in-place updates"
COMPLEX = "its arguments or intermediate values are complex already"
MODULUS = "it takes a modulus or a conjugate"
