"""How many iterations of a loop LLVM takes at a time, where it would choose another number.

A loop without sums has one vector at a time, where LLVM would have two or four, and one iteration: several
save steps of the counter, which are few beside the loads, leave the numbers of up to three vectors to
be done one by one at the end of each row, and take half as much again of LLVM's time. What hides latency is
the processor; only sums need several at a time.

Of a processor's vectors of 512 bits LLVM uses half, which short rows need: what is left over at the end of
one costs more than wide vectors save. But a loop in no other loop is long, or takes no time at all; where it
computes functions that are written out, its vectors are whole.
(LLVM Language Reference, "'llvm.loop.interleave.count' Metadata", "'llvm.loop.unroll.runtime.disable'
Metadata", "'llvm.loop.vectorize.width' Metadata".)
"""

import ast

from llvmlite import ir

from pullback.emit.direct.syntax import names_in

ONCE_AT_A_TIME = (
    ("llvm.loop.interleave.count", ir.IntType(32)(1)),
    ("llvm.loop.unroll.runtime.disable",),
)
WIDE = ("llvm.loop.vectorize.width", ir.IntType(32)(8))


def is_flat(loop, alone):
    """Whether an iteration leaves nothing to the next: no sum in a name, none in an element.

    Args:
        loop: a `for` statement.
        alone: names that are assigned once.
    """
    changing = {loop.target.id}
    for statement in loop.body:
        if type(statement) not in (ast.Assign, ast.AugAssign):
            return False
        target = statement.targets[0] if type(statement) is ast.Assign else statement.target
        if type(target) is ast.Name and type(statement) is ast.Assign and target.id in alone:
            changing.add(target.id)
        elif type(target) is not ast.Subscript or changing.isdisjoint(names_in(target.slice)):
            return False
    return True


def has_wide_vectors(context):
    """Whether code is for a processor with vectors of 512 bits."""
    _, _, features = context.codegen().magic_tuple()
    return "+avx512f" in features.split(",")


def metadata(module, properties):
    """The metadata of a loop with these properties, which begins with itself."""
    name = f"loop {len(module.metadata)}"
    found = module.add_metadata([name, *map(module.add_metadata, properties)])
    found.operands = (found, *found.operands[1:])
    return found
