"""``nonlocal``: names of one function that functions defined in it assign.

What a function shares in this way is lent to each function that it calls, and to each that is called from
there: it stands in the frame of the callee, under its own name where the callee declares it ``nonlocal``, and
under a name that no source has elsewhere, and is given back in the end. So each function's branches and loops
know of every name that changes in them. (Landin's copy-in, copy-out; sound, as a name has one holder.)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pullback.capture.context import Context
from pullback.capture.frame import Frame
from pullback.capture.liveness import declared_nonlocal
from pullback.capture.names import holder_of
from pullback.capture.values import BOTTOM, DROPPED, Closure, Lent, Maybe, Poison, is_lent


@contextmanager
def called(context: Context, frame: Frame, closure: Closure | None = None) -> Iterator[None]:
    """Have `frame` on top, with what its caller shares."""
    caller = context.frame
    places = _shared(caller, len(context.frames)) | _declared(context, closure)
    lent = {key: caller.env[key] for key in places if key in caller.env}
    context.keep(tuple(lent.values()))
    for key, place in places.items():
        if key in lent:
            frame.env[place] = lent[key]
        caller.env[key] = Lent(frame, place)
    context.frames.append(frame)
    try:
        yield
        lent = {key: frame.env[place] for key, place in places.items() if place in frame.env}
    finally:
        context.frames.pop()
        for key, place in places.items():
            del caller.env[key]
            frame.env[place] = Lent(caller, key)
        caller.env.update(lent)


def _shared(caller: Frame, depth: int) -> dict[str, str]:
    """What a frame lends, and under which name."""
    unsettled = (Maybe, Poison, type(BOTTOM), type(DROPPED))
    return {
        key: key if is_lent(key) else f"{key} {depth}"
        for key, value in caller.env.items()
        if (is_lent(key) or key in caller.liveness.shared) and not isinstance(value, unsettled)
    }


def _declared(context: Context, closure: Closure | None) -> dict[str, str]:
    """The names in the caller's frame of what `closure` declares ``nonlocal``."""
    found: dict[str, str] = {}
    for name in sorted(declared_nonlocal(closure.node)) if closure is not None else ():
        assert closure is not None
        owner: Frame | None = closure.frame
        while owner is not None and (owner.inner or name not in owner.local_names):
            owner = owner.parent
        if owner is None:
            context.fail(
                f"{closure.name} assigns {name}, which is outside the captured function",
                "it would outlive the call",
                "return the value",
            )
        holder, key = holder_of(owner, name)
        if holder is not context.frame:
            context.fail(
                f"{closure.name} assigns the nonlocal {name}, whose function has returned or not assigned it",
                "what is left of it is known to no function that runs",
                "assign it first, or return the value",
            )
        found[key] = name
    return found
