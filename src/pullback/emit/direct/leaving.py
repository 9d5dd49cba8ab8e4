"""The way out of a function, on which it lets go of the arrays that live.

Each array that something owns has a slot on the stack, which says so while it lives. Whatever leaves the
function, with an error or with a result, has nothing to know but that:

    slots[3] = array          if test:                       leaving:
    …                             branch to leaving    →         release each of slots
    release; slots[3] = 0                                        return
"""

from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import callconv, cgutils

from pullback.emit.direct.elements import WORD
from pullback.emit.direct.references import POINTER, count, note, release_each


class Owned(NamedTuple):
    """An array that is let go of: the reference to its memory, and its slot."""

    memory: Any
    slot: Any


class Leaving:
    """What the places that leave a function have in common.

    Args:
        builder: of the function, at its start. Whatever has it return goes this way.
        name: of the function, for tracebacks.

    Attributes:
        failing: the block to branch to where an exception is in its place already.
    """

    def __init__(self, context, builder, name):
        self.context, self.builder, self.name = context, builder, name
        self.returned = builder.ret
        builder.ret, builder.leaving = self._return, self
        # How many slots there are is known in the end.
        self.count, self.bytes = WORD(0), WORD(0)
        # Arguments may have taken the builder out of the first block.
        with builder.goto_entry_block():
            self.slots = builder.alloca(POINTER, self.count)
            cgutils.memset(builder, self.slots, self.bytes, 0)
        self.free = []
        self.code = cgutils.alloca_once(builder, callconv.errcode_t)
        self.block, self.failing, self.raising = (
            builder.append_basic_block(name) for name in ("leaving", "failing", "raising")
        )
        with builder.goto_block(self.raising):
            self.known = builder.phi(callconv.excinfo_ptr_t)

    def own(self, array):
        """Let whatever leaves the function from here on let go of an array, a `View`."""
        slot = self.free.pop() if self.free else self.slot()
        note(self.builder, array.memory, slot)
        return Owned(array.memory, slot)

    def slot(self):
        """A new place for a reference, which is none at the function's start."""
        with self.builder.goto_entry_block():
            slot = self.builder.gep(self.slots, [WORD(self.count.constant)])
        self.count.constant += 1
        self.bytes.constant += WORD.width // 8
        return slot

    def release(self, owned):
        """Let go of an array on one of the ways that its owner goes."""
        count(self.builder, "NRT_decref", owned.memory)
        self.disown(owned)

    def disown(self, owned):
        """Leave it to another to let go of an array."""
        note(self.builder, ir.Constant(POINTER, None), owned.slot)

    def forget(self, owned):
        """Give its slot to others: on all ways the array has been let go of, or left to another."""
        self.free.append(owned.slot)

    def _return(self, code):
        self.builder.store(code, self.code)
        return self.builder.branch(self.block)

    def raised(self, exception):
        """The block that this one has to branch to for an exception to be raised."""
        self.known.add_incoming(exception, self.builder.block)
        return self.raising

    def end(self, let_go):
        """Write the way, at whose end `let_go` releases what has no slot."""
        builder, blocks = self.builder, self.builder.function.blocks
        builder.position_at_end(self.raising)
        if self.known.incomings:
            builder.store(self.known, self.context.call_conv._get_excinfo_argument(builder.function))
            builder.branch(self.failing)
        else:
            blocks.remove(self.raising)
        # A store that stays keeps this block from being copied into all that branch to it.
        builder.position_at_end(self.failing)
        note(builder, callconv.RETCODE_USEREXC, self.code)
        builder.branch(self.block)
        builder.position_at_end(self.block)
        if self.count.constant:
            release_each(builder, self.slots, self.count)
        let_go()
        self.returned(builder.load(self.code))
