"""A program without effects: parameters it would write into are copied first.

With ``returned=True`` the contents they have at the end come back as further results, for the caller to
put where the effects would have been.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pullback.ir.nodes import Assign, Block, Program, Return, Var
from pullback.ir.types import Array
from pullback.transform.alias import alias_classes
from pullback.transform.canonical import cells_of, names_of


def written(program: Program) -> tuple[int, ...]:
    """The positions of the parameters whose memory the program may write into."""
    classes = alias_classes(program, cells_of(program))
    return tuple(
        k
        for k, param in enumerate(program.params)
        if isinstance(param.type, Array) and classes[param.name].stores
    )


def purified(program: Program, *, returned: bool = False) -> Program:
    """The program on copies of what it writes into (see the module's docstring)."""
    names, positions = names_of(program), written(program)
    params, copies = list(program.params), []
    for k in positions:
        param = program.params[k]
        params[k] = Var(names.fresh(f"{param.name}_in"), param.type)
        copies.append(Assign((param,), np.copy, (params[k],)))
    if not positions:
        return program
    body: Block = (*copies, *program.body)
    if returned:
        results = (*program.results, *(program.params[k] for k in positions))
        body = (*body[:-1], Return(results))
    return replace(program, params=tuple(params), body=body)
