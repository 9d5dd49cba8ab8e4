"""Reverse mode: a program that runs the original and then walks it backwards.

`adjoint(program, wrt, of)` takes the original's parameters and one cotangent for each result in `of`, and
returns the original's results and one cotangent for each parameter in `wrt`. The **forward sweep** is the
original with values kept; the **reverse sweep** mirrors it statement by statement:

    y = f(x)          x_bar += conj(∂f/∂x) y_bar          the row of the table
    t = a[i]          a_bar[i] += t_bar
    a[i] = t          t_bar += a_bar[i]; a_bar[i] = 0
    a[i] += t         t_bar += a_bar[i]
    t = cell          cell_bar += t_bar
    cell = t          t_bar += cell_bar; cell_bar = 0
    for, while, if    the same ones in reverse order, with the trips and tests of the forward sweep

A loop of independent iterations runs in the reverse sweep alone, forward and backward (`transform.joint`).
An array's cotangent is another array in which a view has the same view (`transform.shadow`). What the
reverse sweep reads of the past is always a local, kept or computed again by `transform.keep`.
(Griewank & Walther, *Evaluating Derivatives*, 2008, ch. 4 and 6; Hascoët & Pascual, *Tapenade*, 2013.)
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence

from pullback.base.errors import UnsupportedError
from pullback.ir.build import names_of
from pullback.ir.nodes import Program
from pullback.transform.canonical import canonical
from pullback.transform.count import counted
from pullback.transform.local import local_loops, with_checkpoints
from pullback.transform.sweeps import Sweeps
from pullback.transform.undo import Undoing, with_old


def adjoint(
    program: Program,
    wrt: Sequence[int],
    of: Sequence[int],
    *,
    in_place: bool = False,
    singular: Iterable[str] = (),
    steep: Iterable[int] = (),
) -> Program:
    """The reverse-mode derivative of a program (see the module's docstring).

    Args:
        wrt: positions of the parameters to differentiate by, floating-point ones.
        of: positions of the results to take cotangents for, floating-point ones.
        in_place: an array that is a parameter and a result has one cotangent array, which is that of the
            result at the start and that of the parameter at the end. It may be written into.
        singular: parameters that come from where derivatives may be infinite, as in `Activity`.
        steep: positions of the results whose cotangents may be infinite.
    """
    given = counted(program)

    def derived(program: Program) -> tuple[Program, Sweeps]:
        sweeps = Sweeps(program, wrt, of, Undoing(), in_place, singular, steep, adjoint)
        found = sweeps.program()
        undone = sweeps.undoing.chosen(sweeps.order)
        if undone:
            # What the first attempt kept tells what is worth undoing.
            before, undoing = with_old(program, undone, names_of(program))
            sweeps = Sweeps(before, wrt, of, undoing, in_place, singular, steep, adjoint)
            found = sweeps.program()
        return found, sweeps

    found, sweeps = derived(canonical(given))
    local = local_loops(
        sweeps.original, sweeps.keeper.kept, sweeps.classes, sweeps.order, sweeps.independence
    )
    if local:
        # What cannot run from copies stays as it is.
        with contextlib.suppress(UnsupportedError):
            found, _ = derived(canonical(with_checkpoints(given, local)))
    return found
