"""What `no_grad` and `debug_nans` switch on, for the thread that switched it on.

`switch.on` counts the contexts open in any thread; the engines look at this one number before every operation
and at the thread's own `modes` only when it is not zero.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from pullback.base.levels import next_level


class Switch:
    """How many contexts are open."""

    __slots__ = ("lock", "on")

    def __init__(self) -> None:
        self.on = 0
        self.lock = threading.Lock()


class Modes(threading.local):
    """The modes of one thread.

    Attributes:
        paused: the level below which `no_grad` has paused what follows derivatives.
        watching: whether `debug_nans` is on.
    """

    paused = 0
    watching = False


switch = Switch()
modes = Modes()


@contextlib.contextmanager
def _mode(name: str, value: Callable[[], Any]) -> Iterator[None]:
    before = getattr(modes, name)
    setattr(modes, name, value())
    with switch.lock:
        switch.on += 1
    try:
        yield
    finally:
        with switch.lock:
            switch.on -= 1
        setattr(modes, name, before)


def no_grad() -> contextlib._GeneratorContextManager[None]:
    """Within it operations on a `Variable`, or on what a transform follows, give plain arrays, never views.

    Writing into one still works, and transforms that begin within it follow their arguments as ever. A
    context manager for one thread, usable as a decorator. As `torch.no_grad`, in forward mode too.

    Example:
        >>> import numpy as np, pullback as pb
        >>> w = pb.Variable(np.ones(2))
        >>> with pb.no_grad():
        ...     w -= 0.5
        >>> w.value
        array([0.5, 0.5])
    """
    return _mode("paused", next_level)


def debug_nans() -> contextlib.AbstractContextManager[None]:
    """Within it the first operation that yields a NaN or an infinity raises `NonFiniteError`.

    Forward and backward. The error names the operation and the line of the user's code that called it. Slow:
    every result is looked at.

    Example:
        >>> import numpy as np, pullback as pb
        >>> with pb.debug_nans(), np.errstate(all="ignore"):
        ...     pb.grad(lambda x: np.log(x))(0.0)
        Traceback (most recent call last):
        ...
        pullback.base.errors.NonFiniteError: ...
    """
    return _mode("watching", lambda: True)
