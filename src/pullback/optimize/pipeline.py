"""The order of the passes."""

from __future__ import annotations

from dataclasses import replace

from pullback.ir.nodes import Block, Checkpoint, Program, Statement
from pullback.ir.walk import with_blocks
from pullback.optimize.cells import forward_cells
from pullback.optimize.checks import believe_checks
from pullback.optimize.contract import contract, contract_zeros
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
from pullback.optimize.unroll import scalars_for_arrays, unroll
from pullback.optimize.values import share_values


def simplify(program: Program) -> Program:
    """Cheaper, in the same language: of arrays or of scalars, before differentiation or after."""
    return remove_dead(share_values(fold_integers(share_values(hoist_values(forward_cells(program))))))


def optimize(program: Program) -> Program:
    """What differentiation takes: fused loops over scalars, simplified."""
    program = share_values(believe_checks(without_counters(lower(systems_for_inverses(program)))))
    fused = fuse(program)
    if fused is not program:
        program = share_values(remove_dead(contract(fused)))
    program = contract_zeros(program)
    unrolled = unroll(program)
    if unrolled is not program:
        program = share_values(unrolled)
    return simplify(hoist_loads(scalars_for_arrays(program)))


def finish(program: Program) -> Program:
    """What emission takes of an optimized program, differentiated or not.

    What is run again for a derivative is no block by itself any more, stacks are arrays, additions to
    several places are gathered or go in loops of their own, loops that were apart in the reverse sweep are
    one, and no memory is allocated in loops.
    """
    program = flat_stacks(replace(program, body=_opened(program.body)))
    program = simplify(split_additions(gather_additions(program)))
    fused = share_values(fuse(program))
    forwarded = remove_dead(share_values(forward_stores(fused)))
    together = interleave(simplify(contract(forwarded)))
    return hoist_memory(simplify(store_first(together)))


def _opened(block: Block) -> Block:
    """A block without its `Checkpoint`s: nothing will derive it any more."""
    made: list[Statement] = []
    for statement in block:
        statement = with_blocks(statement, _opened)
        made += statement.then if isinstance(statement, Checkpoint) else [statement]
    return tuple(made)
