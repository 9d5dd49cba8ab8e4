"""The way out of a function with an error, on which it lets go of the arrays that live.

Each array that something owns has a slot on the stack, which says so while it lives. An error that comes from
anywhere has nothing to know but that:

    slots[3] = array          if test:                       leaving:
    …                             branch to leaving    →         release each of slots
    release; slots[3] = 0                                        return
"""

from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import callconv, cgutils

from pullback.emit.direct.elements import WORD, part_of
from pullback.emit.direct.references import POINTER, count, release_each


class Owned(NamedTuple):
    """An array that is let go of: the reference to its memory, and its slot."""

    memory: Any
    slot: Any


class Leaving:
    """What the places of a function that raise have in common.

    Args:
        builder: of the function, at its start. Whatever has it return an error goes this way.
        name: of the function, for tracebacks.
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
        self.block, self.code = _joined(builder, "leaving", callconv.errcode_t)
        self.raising, self.known = _joined(builder, "raising", callconv.excinfo_ptr_t)

    def own(self, array):
        """Let errors from here on let go of an array, a structure."""
        memory = part_of(self.builder, array, 0)
        slot = self.free.pop() if self.free else self._slot()
        self.builder.store(memory, slot)
        return Owned(memory, slot)

    def _slot(self):
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
        self.builder.store(ir.Constant(POINTER, None), owned.slot)

    def forget(self, owned):
        """Give its slot to others: on all ways the array has been let go of, or left to another."""
        self.free.append(owned.slot)

    def _return(self, code):
        if isinstance(code, ir.Constant) and code.constant == callconv.RETCODE_OK.constant:
            return self.returned(code)
        self.code.add_incoming(code, self.builder.block)
        return self.builder.branch(self.block)

    def failed(self):
        """The block that this one has to branch to where an exception is in its place already."""
        self.code.add_incoming(callconv.RETCODE_USEREXC, self.builder.block)
        return self.block

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
            builder.branch(self.failed())
        else:
            blocks.remove(self.raising)
        builder.position_at_end(self.block)
        if self.code.incomings:
            release_each(builder, self.slots, self.count)
            let_go()
            self.returned(self.code)
        else:
            blocks.remove(self.block)


def _joined(builder, name, kind):
    """A new block, and the value that those branching to it bring."""
    block = builder.append_basic_block(name)
    with builder.goto_block(block):
        return block, builder.phi(kind)
