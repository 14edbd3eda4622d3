"""Fields of a TOML table, typed and checked; the text of every ValueError begins with the field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mribench.data.cards.card import UNVERIFIED

Table = Mapping[str, Any]


def only(table: Table, known: set[str], where: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        what = where or "a card"
        raise ValueError(f"{unknown[0]} is no field of {what}; expected {', '.join(sorted(known))}.")


def text(table: Table, name: str) -> str:
    value = table.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is {value!r}; expected text, or {UNVERIFIED!r}.")
    return value


def text_or_none(table: Table, name: str) -> str | None:
    return text(table, name) if name in table else None


def count(table: Table, name: str) -> int | None:
    value = table.get(name)
    if value == UNVERIFIED:
        return None
    if type(value) is not int or value <= 0:
        raise ValueError(f"{name} is {value!r}; expected a positive number or {UNVERIFIED!r}.")
    return value


def true_false_or_none(table: Table, name: str) -> bool | None:
    value = table.get(name)
    if value != UNVERIFIED and not isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}; expected true, false or {UNVERIFIED!r}.")
    return None if value == UNVERIFIED else value


def flag(table: Table, name: str) -> bool:
    value = table.get(name, False)
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}; expected true or false.")
    return value


def choice(table: Table, name: str, known: Sequence[str]) -> str:
    value = table.get(name)
    if value not in known:
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(known)}.")
    return value


def choice_or_none(table: Table, name: str, known: Sequence[str]) -> str | None:
    value = choice(table, name, (*known, UNVERIFIED))
    return None if value == UNVERIFIED else value


def choice_or_first(table: Table, name: str, known: Sequence[str]) -> str:
    return choice({name: known[0], **table}, name, known)


def positive(table: Table, name: str) -> int:
    value = table.get(name)
    if type(value) is not int or value <= 0:
        raise ValueError(f"{name} is {value!r}; expected a positive number.")
    return value


def pattern(table: Table, name: str) -> str | None:
    """A regular expression with any groups."""
    value = table.get(name)
    try:
        return value if value is None else re.compile(value).pattern
    except (re.error, TypeError) as error:
        raise ValueError(f"{name} is {value!r}, no regular expression ({error}); fix it.") from error


def expression(table: Table, name: str) -> str | None:
    """A regular expression with one group or none."""
    value = pattern(table, name)
    if value is None:
        return None
    expression = re.compile(value)
    if expression.groups > 1 or not value:
        raise ValueError(f"{name} is {value!r}; expected at most one group: write the others as (?:...).")
    return value


def items(table: Table, name: str, kind: type) -> list[Any]:
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
        raise ValueError(f"{name} is {value!r}; expected a list of {kind.__name__}.")
    return value


def rows(table: Table, name: str, make: Callable[[Table], Any]) -> tuple[Any, ...]:
    rows = []
    for i, row in enumerate(items(table, name, dict)):
        try:
            rows.append(make(row))
        except ValueError as error:
            raise ValueError(f"{name}[{i}].{error}") from error
    return tuple(rows)


def sha256(table: Table, name: str) -> str:
    value = hex_digits(table, name, 64)
    if value is None:
        raise ValueError(f"{name} is {UNVERIFIED!r}; expected 64 hex digits.")
    return value


def hex_digits(row: Table, name: str, digits: int) -> str | None:
    value = row.get(name)
    if value == UNVERIFIED:
        return None
    if not isinstance(value, str) or not re.fullmatch(rf"[0-9a-f]{{{digits}}}", value):
        raise ValueError(f"{name} is {value!r}; expected {digits} hex digits or {UNVERIFIED!r}.")
    return value
