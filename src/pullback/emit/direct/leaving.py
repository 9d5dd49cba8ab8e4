"""The ways out of a function with an error, on which it lets go of the arrays that live.

An error goes down from the array that came to be last, and those that live at several are let go of in one
place:

    leaving ── array 1 ── array 2 ── array 3
                       └─ array 4 ── array 5
"""

from llvmlite import ir
from numba.core import callconv

from pullback.emit.direct.references import release


class _Step:
    """Where an array is let go of.

    Attributes:
        block, code: where errors come to, and the code that the caller is to be told.
        above: the arrays that came to be next, each with the step that goes on here.
        raising: where the exception is known that leaves from here, and which it is.
    """

    def __init__(self, builder):
        self.block, self.code = _joined(builder, "leaving", callconv.errcode_t)
        self.above = {}
        self.raising = None


class Leaving:
    """What the places of a function that raise have in common.

    Args:
        builder: of the function. Whatever has it return an error leaves by these ways.
        name: of the function, for tracebacks.
        owned: gives the arrays that live where the builder is, in the order they came to be.
    """

    def __init__(self, context, builder, name, owned):
        self.context, self.builder, self.name, self.owned = context, builder, name, owned
        self.last = _Step(builder)
        self.returned = builder.ret
        builder.ret, builder.leaving = self._return, self

    def _return(self, code):
        if isinstance(code, ir.Constant) and code.constant == callconv.RETCODE_OK.constant:
            return self.returned(code)
        return self._leave(self._step(), code)

    def _leave(self, step, code):
        step.code.add_incoming(code, self.builder.block)
        return self.builder.branch(step.block)

    def _step(self):
        """Where an error goes from here."""
        here = self.last
        for array in self.owned():
            if id(array) not in here.above:
                step = _Step(self.builder)
                with self.builder.goto_block(step.block):
                    release(self.builder, array)
                    self._leave(here, step.code)
                # The array is kept lest another gets its `id`.
                here.above[id(array)] = step, array
            here = here.above[id(array)][0]
        return here

    def failed(self):
        """The block that this one has to branch to where an exception is in its place already."""
        step = self._step()
        step.code.add_incoming(callconv.RETCODE_USEREXC, self.builder.block)
        return step.block

    def raised(self, exception):
        """The block that this one has to branch to for an exception to be raised."""
        step = self._step()
        if step.raising is None:
            place = self.context.call_conv._get_excinfo_argument(self.builder.function)
            step.raising = _joined(self.builder, "raising", place.type.pointee)
            block, known = step.raising
            with self.builder.goto_block(block):
                self.builder.store(known, place)
                self._leave(step, callconv.RETCODE_USEREXC)
        block, known = step.raising
        known.add_incoming(exception, self.builder.block)
        return block

    def end(self, let_go):
        """Write what is done last: `let_go` of what lives at every error."""
        block, code = self.last.block, self.last.code
        if not code.incomings:
            self.builder.function.blocks.remove(block)
            return
        self.builder.position_at_end(block)
        let_go()
        self.returned(code)


def _joined(builder, name, kind):
    """A new block, and the value that those branching to it bring."""
    block = builder.append_basic_block(name)
    with builder.goto_block(block):
        return block, builder.phi(kind)
