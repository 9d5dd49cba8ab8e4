"""The order of the passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pullback.ir.nodes import Block, Checkpoint, Program, Statement
from pullback.ir.walk import with_blocks
from pullback.optimize.associate import associated
from pullback.optimize.cells import forward_cells
from pullback.optimize.checks import believe_checks
from pullback.optimize.contract import contract, contract_zeros
from pullback.optimize.covered import store_products_first
from pullback.optimize.dce import remove_dead
from pullback.optimize.first import store_first
from pullback.optimize.forward import forward_stores
from pullback.optimize.fuse import fuse
from pullback.optimize.gather import gather_additions
from pullback.optimize.hoist import hoist_memory, hoist_values
from pullback.optimize.induction import without_counters
from pullback.optimize.integers import fold_integers
from pullback.optimize.interleave import interleave
from pullback.optimize.inverses import systems_for_inverses
from pullback.optimize.loads import hoist_loads
from pullback.optimize.lower import lower
from pullback.optimize.split import split_additions
from pullback.optimize.stacks import flat_stacks
from pullback.optimize.systems import with_factors, without_factors
from pullback.optimize.unroll import scalars_for_arrays, unroll
from pullback.optimize.values import share_values


def simplify(program: Program) -> Program:
    """Cheaper, in the same language: of arrays or of scalars, before differentiation or after."""
    return _through(
        program, forward_cells, hoist_values, share_values, fold_integers, share_values, remove_dead
    )


def optimize(program: Program) -> Program:
    """What differentiation takes: fused loops over scalars, simplified."""
    program = _through(program, systems_for_inverses, associated, with_factors, store_products_first)
    program = _through(program, lower, without_counters)
    program = _through(program, believe_checks, share_values)
    fused = _through(program, fuse)
    if fused is not program:
        program = _through(fused, contract, remove_dead, share_values)
    program = _through(program, contract_zeros)
    unrolled = _through(program, unroll)
    if unrolled is not program:
        program = _through(unrolled, share_values)
    return simplify(_through(program, scalars_for_arrays, hoist_loads))


def finish(program: Program) -> Program:
    """What emission takes of an optimized program, differentiated or not.

    What is run again for a derivative is no block by itself any more, stacks are arrays, additions to
    several places are gathered or go in loops of their own, loops that were apart in the reverse sweep are
    one, and no memory is allocated in loops.
    """
    program = _through(replace(program, body=_opened(program.body)), flat_stacks)
    program = simplify(_through(program, gather_additions, split_additions))
    program = _through(program, fuse, share_values, forward_stores, share_values, remove_dead, contract)
    program = simplify(program)
    program = simplify(_through(program, interleave, store_first))
    return _through(program, without_factors, hoist_memory)


Pass = Callable[[Program], Program]

_unchanged: dict[Pass, Program] = {}
"""The last program that each pass has left as it is: it would again."""


def _through(program: Program, *passes: Pass) -> Program:
    """What passes, one after the other, make of a program; the program itself if they leave it as it is."""
    for one in passes:
        if _unchanged.get(one) is program:
            continue
        made = one(program)
        if made is program:
            _unchanged[one] = program
        program = made
    return program


def _opened(block: Block) -> Block:
    """A block without its `Checkpoint`s: nothing will derive it any more."""
    made: list[Statement] = []
    for statement in block:
        statement = with_blocks(statement, _opened)
        made += statement.then if isinstance(statement, Checkpoint) else [statement]
    return tuple(made)
