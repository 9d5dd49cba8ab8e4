"""`Dual`: a value together with its tangents (Griewank & Walther, *Evaluating Derivatives*, 2008, §3.1)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from pullback.base.errors import UnsupportedError
from pullback.base.levels import next_level
from pullback.base.mutable import Cell, Mutable
from pullback.base.tracked import Tracked, bare


class Sweep:
    """One forward sweep.

    Attributes:
        level: its place among the transforms under way (see `Tracked.level`).
        seeds: how many tangents are carried at once, along a leading axis; None for one without such an axis.
        finished: whether the transform it belongs to has returned.
        nested: whether a later transform has differentiated by a value of this sweep (see `tape.Recording`).
    """

    __slots__ = ("finished", "level", "nested", "seeds")

    def __init__(self, seeds: int | None = None) -> None:
        self.level = next_level()
        self.seeds = seeds
        self.finished = False
        self.nested = False

    def check(self) -> None:
        """Refuse to go on after the end: nobody would collect the tangent."""
        if self.finished:
            raise UnsupportedError(
                "a value that belongs to a finished forward transform is used after it",
                why="the function kept it in a global, an attribute or a list, "
                "and its tangent can no longer be read",
                remedy="return it from the function (has_aux=True gives back its plain value), "
                "or keep pb.stop_gradient(x).",
            )


class Dual(Mutable):
    """A value of a forward sweep and its tangents.

    Attributes:
        primal: the value one level down.
        tangent: its tangent, of the shape of `primal` (behind an axis of seeds, if the sweep has one); None
            for a constant, which holds what a higher level tracks.
    """

    __slots__ = ("_cell", "primal", "sweep", "tangent")
    kind: ClassVar[str] = "Dual"
    carries_tangent: ClassVar[bool] = True
    _cell: Cell | None

    def __init__(self, primal: Any, tangent: Any, sweep: Sweep) -> None:
        self.primal = primal
        self.tangent = tangent
        self.sweep = sweep
        self._cell = None

    @property
    def level(self) -> int:
        if self.tangent is None and isinstance(self.primal, Tracked):
            return self.primal.level
        return self.sweep.level

    def peel(self) -> Any:
        self.settle()
        return self.primal

    def adopt(self, result: Any) -> None:
        if isinstance(result, Dual) and result.sweep is self.sweep:
            self.primal, self.tangent = result.primal, result.tangent
        else:
            self.primal, self.tangent = result, None

    def frozen(self) -> Any:
        self.settle()
        return self.primal if self.tangent is None else Dual(self.primal, self.tangent, self.sweep)

    @property
    def is_box(self) -> bool:
        return self.tangent is None and isinstance(self.primal, Tracked)

    def boxed(self, part: Any) -> Dual:
        return Dual(part, None, self.sweep)

    def __copy__(self) -> Any:
        return np.copy(self)

    def __deepcopy__(self, memo: Any) -> Any:
        return self.__copy__()

    def __reduce__(self) -> Any:
        raise UnsupportedError("a Dual cannot be pickled", remedy="pickle pb.stop_gradient(x).")

    def __repr__(self) -> str:
        return f"Dual({np.array2string(np.asarray(bare(self)), separator=', ')})"

    def __format__(self, spec: str) -> str:
        return format(bare(self), spec) if spec else repr(self)
