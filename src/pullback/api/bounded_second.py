"""Second derivatives in bounded memory: the adjoint of a program, derived by deriving its tangent's adjoint.

A schedule walks back once, and is no program that could be derived again. But with the tangent of ``f``,
``T(x, x_dot) = (f(x), J(x) x_dot)``, all that the derivatives of ``x_bar = Jᴴ y_bar`` need is in one run of
the adjoint of `T`, which is bounded in the same way:

    along x_dot                   the cotangent of x for the seeds (0, y_bar)
    by the cotangent c of x_bar   the same for x_dot = c; that of y_bar is J c

(Christianson, *Automatic Hessians by reverse accumulation*, 1992, for the symmetry.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.rules.table import several

if TYPE_CHECKING:
    from pullback.api.bounded import Bounded
    from pullback.api.operation import Operation


class Again:
    """A bounded adjoint with a row in the table.

    Attributes:
        wrt: the arguments that have a derivative: parameters of the program, then cotangents of its results.
    """

    def __init__(self, operation: Operation, adjoint: Bounded, wrt: tuple[int, ...]) -> None:
        self.operation, self.adjoint, self.wrt = operation, adjoint, wrt
        self.params = len(operation.interface.params)
        self.results = len(operation.interface.results)
        self.__name__ = f"the adjoint of {operation.__name__}"
        several(self, self._vjp, self._jvp)

    def __call__(self, *leaves: Any) -> tuple[Any, ...]:
        return self.adjoint(*leaves)

    def _vjp(self, bars: Any, _: Any, *values: Any) -> tuple[Any, ...]:
        bars, count = list(bars), self.results
        of = self.adjoint.of
        tangent = self.operation.tangent(self.adjoint.wrt, of)
        given = (*values[: self.params], *bars[count:])
        seeds = {k: bars[k] for k in self.operation.inexact_results}
        seeds |= {count + k: values[self.params + k] for k in range(len(of))}
        wrt = tuple(k for k in self.wrt if k < self.params)
        found = _derived(tangent, wrt, seeds, given)
        cotangents: list[Any] = [None] * len(values)
        for k in range(len(of)):
            cotangents[self.params + k] = found[count + k]
        for k, x_bar in zip(wrt, found[count + len(of) :], strict=True):
            cotangents[k] = x_bar
        return tuple(cotangents)

    def _jvp(self, position: int, x_dot: Any, y: Any, *values: Any) -> Any:
        of, count, params = self.adjoint.of, self.results, self.params
        moved: list[Any] = [np.zeros(np.shape(part)) for part in y]
        if position >= params:
            # The cotangents are linear in those of the results.
            seeds = [np.zeros(np.shape(seed)) for seed in values[params:]]
            seeds[position - params] = x_dot
            moved[count:] = self.adjoint(*values[:params], *seeds)[count:]
            return tuple(moved)
        every = self.operation.inexact_results
        tangent = self.operation.tangent((position,), every)
        given = dict(zip(of, values[params:], strict=True))
        nothing = {k: np.zeros(np.shape(y[k])) for k in every}
        bars = {count + j: given.get(k, nothing[k]) for j, k in enumerate(every)}
        found = _derived(tangent, self.adjoint.wrt, nothing | bars, (*values[:params], x_dot))
        for j, k in enumerate(every):
            moved[k] = found[count + j]
        moved[count:] = found[count + len(every) :]
        return tuple(moved)


def _derived(
    tangent: Operation, wrt: tuple[int, ...], seeds: dict[int, Any], given: tuple[Any, ...]
) -> tuple[Any, ...]:
    """What a tangent gives, and its cotangents; `seeds` are by its results."""
    if not wrt:
        return tangent(*given)
    of = tangent.inexact_results
    return tangent.adjoint(wrt, of)(*given, *(seeds[k] for k in of))
