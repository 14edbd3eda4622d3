"""The values of fields, and what they may be."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

# a variance of scores, and its square, stay finite
LARGEST = 1e30

Number = Annotated[float, Meta(ge=-LARGEST, le=LARGEST)]
Positive = Annotated[float, Meta(ge=0, le=LARGEST)]
Count = Annotated[int, Meta(ge=0, le=1 << 53)]
Seed = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Side = Annotated[int, Meta(ge=1, le=1 << 16)]  # of an image, in pixels
Text = Annotated[str, Meta(max_length=20_000)]
Word = Annotated[str, Meta(min_length=1, max_length=200)]
# what becomes part of a path is a name: no separator, no dot in front; brackets, for what was redacted is "[removed]"
Name = Annotated[str, Meta(pattern=r"\A[\w\[][\w.+@\[\]-]{0,199}\Z")]
# a file below the folder of the record
Inside = Annotated[str, Meta(pattern=r"\A[\w\[][\w.+@\[\]-]{0,249}(/[\w\[][\w.+@\[\]-]{0,249}){0,9}\Z")]
Digits = Annotated[str, Meta(max_length=1 << 24)]  # many numbers with spaces between them
Direction = Literal["up", "down", "zero"]
Place = Literal["last", "behind real", "like real", "ahead of last"]
Access = Literal["open", "registration", "agreement"]
CHOICES = {"direction": Direction, "place": Place, "access": Access}


class Interval(Struct, gc=False):
    low: Number | None = None
    high: Number | None = None

    def __post_init__(self) -> None:
        check_bounds("low", self.low, "high", self.high)


class Term(Struct, gc=False):
    data: Text
    title: Text
    licence: Text
    redistributable: bool | None
    derived: bool | None
    commercial: bool | None
    attribution: bool | None
    share_alike: bool | None
    access: Access | None
    homepage: Text
    citation: Text


def numbers(text: str, field: str) -> tuple[float, ...]:
    """Numbers with spaces between them. Raises ValueError where one is none, or too large."""
    try:
        found = tuple(map(float, text.split()))
    except ValueError:
        found = (float("nan"),)
    # also False where one of them is NaN
    if not sum(map(abs, found)) <= LARGEST:
        raise ValueError(f"{field} is {short(text)}, expected finite numbers with spaces between them")
    return found


# many records of a board share their floors
known_numbers = lru_cache(maxsize=256)(numbers)


def check_bounds(low_name: str, low: float | None, high_name: str, high: float | None) -> None:
    if (low is None) != (high is None) or (low is not None and high is not None and low > high):
        raise ValueError(f"{low_name} is {low} and {high_name} is {high}, expected low <= high, or neither")


def short(value: Any) -> str:
    """At most 60 characters of a value, for a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
