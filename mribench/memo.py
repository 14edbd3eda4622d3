"""Keeps the results of pure functions by the content of their arguments.

Scores of many cells have their real images in common, and metrics of one cell their generated ones; the functions that
look at them are pure and know nothing of each other. Results are shared, so a caller must not change them.
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


def memoize(maxsize: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A decorator like ``functools.lru_cache``, whose keys are the contents of the arguments.

    Arrays are told apart by shape, type and bytes, sequences by their items, anything else by its own hash. The
    ``maxsize`` results used last are kept. An exception is not kept.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        results: OrderedDict[Hashable, T] = OrderedDict()

        @wraps(function)
        def memoized(*args: P.args, **kwargs: P.kwargs) -> T:
            key = tuple(map(content_key, (*args, *sorted(kwargs.items()))))
            try:
                results.move_to_end(key)
                return results[key]
            except KeyError:
                pass
            result = results[key] = function(*args, **kwargs)
            while len(results) > maxsize:
                results.popitem(last=False)
            return result

        memoized.cache_clear = results.clear
        return memoized

    return decorate


def content_key(value: Any) -> Hashable:
    """Something hashable that two values share where their content is the same."""
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            return content_key(value.tolist())
        return value.shape, value.dtype.str, hashlib.sha256(np.ascontiguousarray(value)).digest()
    if isinstance(value, partial):
        return value.func, content_key(value.args), content_key(sorted(value.keywords.items()))
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return tuple(map(content_key, value))
    return value
