"""What never changes is looked at once: programs, their blocks and their statements."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def once(most: int) -> Callable[[Callable[[Any], T]], Callable[[Any], T]]:
    """Have a function of one thing, which never changes, remember up to `most` answers."""

    def remembering(find: Callable[[Any], T]) -> Callable[[Any], T]:
        # The thing is kept with its answer lest another gets its `id`.
        answers: dict[int, tuple[Any, T]] = {}

        @functools.wraps(find)
        def found(thing: Any) -> T:
            known = answers.get(id(thing))
            if known is not None and known[0] is thing:
                return known[1]
            answer = find(thing)
            if len(answers) >= most:
                answers.clear()
            answers[id(thing)] = thing, answer
            return answer

        return found

    return remembering
