"""Remember what a pure function gave, by the content of its arguments.

Scores of many cells have their real images in common, and metrics of one cell their generated ones; the functions that
look at them are pure and know nothing of each other. Results are shared: whoever gets one must not change it.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
T = TypeVar("T")


def by_content(most: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A decorator: of the last ``most`` different arguments of a function the results are kept, in this process.

    Arguments are told apart by content: arrays by shape, type and bytes, sequences by what is in them, anything else
    by its own hash. What is raised is not kept.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        kept: OrderedDict[Hashable, T] = OrderedDict()

        @wraps(function)
        def remembering(*args: P.args, **given: P.kwargs) -> T:
            key = tuple(map(content, (*args, *sorted(given.items()))))
            try:
                kept.move_to_end(key)
                return kept[key]
            except KeyError:
                pass
            result = kept[key] = function(*args, **given)
            while len(kept) > most:
                kept.popitem(last=False)
            return result

        remembering.forget = kept.clear
        return remembering

    return decorate


def content(value: Any) -> Hashable:
    """Something hashable that two values share where their content is the same."""
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            return content(value.tolist())
        return value.shape, value.dtype.str, hashlib.sha256(np.ascontiguousarray(value)).digest()
    if isinstance(value, partial):
        return value.func, content(value.args), content(sorted(value.keywords.items()))
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return tuple(map(content, value))
    return value
