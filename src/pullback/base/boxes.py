"""Boxes: constants of one level that hold what a higher level tracks.

``a = pb.zeros(3); a[0] = x`` makes one where `x` belongs to a transform that began after `a`'s. An engine
applies a function to what is in the boxes, and puts a view of it into a box of its own, linked to the first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback.base.mutable import Mutable
from pullback.base.operands import rebuilt
from pullback.base.overwrite import derivation
from pullback.base.tracked import Tracked


def is_box(value: Any) -> bool:
    """Whether `value` is a constant that holds what a higher level tracks."""
    return isinstance(value, Mutable) and value.is_box


def opened(value: Any) -> Any:
    """`value` with what boxes hold in their place. All else stays itself, so that its views find it."""
    return rebuilt(value, lambda x: x.frozen() if is_box(x) else x)


def unboxed(function: Callable[..., Any], view: bool, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`function` of what is in boxes; if it may give views, they are linked to the boxes they look into."""
    y = function(*map(opened, args), **kwargs)
    if not view:
        return y

    def boxed(part: Any, pick: int | None) -> Any:
        place, step = derivation(function, args, kwargs, pick)
        source = args[place]
        if not (isinstance(part, Tracked) and is_box(source)):
            return part
        made = source.boxed(part)
        made.link(source, step)
        return made

    if isinstance(y, tuple | list):
        return type(y)(boxed(part, i) for i, part in enumerate(y))
    return boxed(y, None)
