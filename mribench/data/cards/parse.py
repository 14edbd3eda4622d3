"""From a TOML file to a card: every field is typed and checked, and a message names file and field."""

from __future__ import annotations

import datetime
import re
import tomllib
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from mribench.data.cards import terms
from mribench.data.cards.card import (
    ACCESS,
    DIMENSIONS,
    FOREGROUND,
    NEAR_DUPLICATES,
    OTHER_READER,
    REPEATS,
    SAME_IDS,
    SUBJECT_RULES,
    UNITS,
    UNMATCHED,
    UNVERIFIED,
    CardField,
    CardFile,
    DatasetCard,
    Evidence,
    Masks,
    Overlap,
    check_template,
)
from mribench.errors import DataError
from mribench.plugins import lookup
from mribench.spec.field import SLICE

Table = Mapping[str, Any]
ADDRESS = ("https://", "http://")


def read_card(path: Path) -> DatasetCard:
    """One card. Raises DataError, naming file and field."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror}); give a card's TOML file.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} is not valid TOML ({error}); fix it.") from error
    try:
        card = _card(table)
        _check(card, path.stem)
    except ValueError as error:
        raise DataError(f"{path.name}: {error}") from error
    return card


def _card(table: Table) -> DatasetCard:
    """Raises ValueError, whose text begins with the field, as every function below does."""
    _only(table, {field.name for field in fields(DatasetCard)}, "")
    return DatasetCard(
        **{name: _text(table, name) for name in ("id", "title", "organ", "contrast", "licence", "format")},
        **{name: _text(table, name) for name in ("how_to_apply", "homepage", "citation")},
        **{name: _count(table, name) for name in ("subjects", "images")},
        **{name: _true_false_or_none(table, name) for name in ("redistributable", "commercial", "derived")},
        **{name: _flag(table, name) for name in ("manual", "publish_subjects")},
        **{name: _expression(table, name) for name in ("subject_pattern", "stratify_pattern")},
        access=_choice(table, "access", ACCESS),
        subject=_choice(table, "subject", SUBJECT_RULES),
        dimensions=_choice_or_none(table, "dimensions", DIMENSIONS),
        reader=_reader(table),
        repeat_scans=_choice_or_none(table, "repeat_scans", REPEATS),
        spacing_unit=_choice_or_none(table, "spacing_unit", UNITS),
        slices=_slices(table),
        foreground=_choice_or_first(table, "foreground", FOREGROUND),
        near_duplicates=_choice_or_first(table, "near_duplicates", NEAR_DUPLICATES),
        include=_text(table, "include") if "include" in table else None,
        other_organs=tuple(_list(table, "other_organs", str)),
        caveats=tuple(_list(table, "caveats", str)),
        files=_rows(table, "files", _file),
        overlaps=_rows(table, "overlaps", _overlap),
        masks=_rows(table, "masks", _masks),
        fields=_rows(table, "fields", _field),
        evidence=_rows(table, "evidence", _evidence),
    )


def _check(card: DatasetCard, stem: str) -> None:
    """Contradictions between fields."""
    if card.id != stem:
        raise ValueError(f"id is {card.id!r}; expected the file's name, {stem!r}.")
    if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", card.id):
        raise ValueError(f"id is {card.id!r}; expected lower-case letters, digits and single underscores.")
    if card.homepage != UNVERIFIED and not card.homepage.startswith(ADDRESS):
        raise ValueError(f"homepage is {card.homepage!r}; expected a http(s) address or {UNVERIFIED!r}.")
    if (card.subject == "pattern") != (card.subject_pattern is not None):
        raise ValueError(
            f"subject is {card.subject!r} and subject_pattern is {card.subject_pattern!r}; expected a "
            "subject_pattern with subject = 'pattern', and nowhere else."
        )
    if card.access == "agreement" and card.files:
        raise ValueError("files holds an address, but access is 'agreement'; leave files out.")
    for name, value in terms.flags_of_licence(card.licence).items():
        if getattr(card, name) is not value:
            raise ValueError(
                f"{name} is {getattr(card, name)}, but {card.licence} says {value}; correct one of them."
            )
    organs = [masks.organ for masks in card.masks]
    if len(set(organs)) < len(organs) or not set(organs) <= {card.organ, *card.other_organs}:
        raise ValueError(f"masks are given for {organs}; expected each organ of the card at most once.")
    named = [field.name for field in card.fields]
    if len(set(named)) < len(named):
        raise ValueError(f"fields are given for {named}; expected each name once.")
    if any(overlap.card == card.id for overlap in card.overlaps):
        raise ValueError(f"overlaps names the card itself ({card.id}); name the other card.")


def _only(table: Table, known: set[str], where: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        what = where or "a card"
        raise ValueError(f"{unknown[0]} is no field of {what}; expected {', '.join(sorted(known))}.")


def _text(table: Table, name: str) -> str:
    value = table.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is {value!r}; expected text, or {UNVERIFIED!r}.")
    return value


def _count(table: Table, name: str) -> int | None:
    value = table.get(name)
    if value == UNVERIFIED:
        return None
    if type(value) is not int or value <= 0:
        raise ValueError(f"{name} is {value!r}; expected a positive number or {UNVERIFIED!r}.")
    return value


def _true_false_or_none(table: Table, name: str) -> bool | None:
    value = table.get(name)
    if value != UNVERIFIED and not isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}; expected true, false or {UNVERIFIED!r}.")
    return None if value == UNVERIFIED else value


def _flag(table: Table, name: str) -> bool:
    value = table.get(name, False)
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}; expected true or false.")
    return value


def _choice(table: Table, name: str, known: Sequence[str]) -> str:
    value = table.get(name)
    if value not in known:
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(known)}.")
    return value


def _choice_or_none(table: Table, name: str, known: Sequence[str]) -> str | None:
    value = _choice(table, name, (*known, UNVERIFIED))
    return None if value == UNVERIFIED else value


def _reader(table: Table) -> str | None:
    known = lookup.names("readers")
    value = table.get("reader")
    if value not in (*known, OTHER_READER, UNVERIFIED):
        raise ValueError(
            f"reader is {value!r}, and no reader of that name is installed; expected one of {', '.join(known)}, "
            f"{OTHER_READER} or {UNVERIFIED}: correct it, or install the package that brings it."
        )
    return None if value == UNVERIFIED else value


def _choice_or_first(table: Table, name: str, known: Sequence[str]) -> str:
    return _choice({name: known[0], **table}, name, known)


def _expression(table: Table, name: str) -> str | None:
    value = table.get(name)
    if value is None:
        return None
    try:
        expression = re.compile(value)
    except (re.error, TypeError) as error:
        raise ValueError(f"{name} is {value!r}, no regular expression ({error}); fix it.") from error
    if expression.groups > 1 or not value:
        raise ValueError(f"{name} is {value!r}; expected at most one group: write the others as (?:...).")
    return value


def _slices(table: Table) -> str:
    value = table.get("slices")
    if value != "all" and not re.fullmatch(r"middle 0\.\d*[1-9]", str(value)):
        raise ValueError(f"slices is {value!r}; expected 'all' or, for the middle half, 'middle 0.5'.")
    return str(value)


def _list(table: Table, name: str, kind: type) -> list[Any]:
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
        raise ValueError(f"{name} is {value!r}; expected a list of {kind.__name__}.")
    return value


def _rows(table: Table, name: str, make: Callable[[Table], Any]) -> tuple[Any, ...]:
    rows = []
    for i, row in enumerate(_list(table, name, dict)):
        try:
            rows.append(make(row))
        except ValueError as error:
            raise ValueError(f"{name}[{i}].{error}") from error
    return tuple(rows)


def _file(row: Table) -> CardFile:
    _only(row, {field.name for field in fields(CardFile)}, "a file")
    addresses = [row.get("url"), *_list(row, "mirrors", str)]
    for name, url in zip(["url", *["mirrors"] * len(addresses)], addresses, strict=False):
        if not isinstance(url, str) or not url.startswith(ADDRESS):
            raise ValueError(f"{name} is {url!r}; expected a http(s) address.")
        address = urllib.parse.urlparse(url)
        if address.hostname in ("figshare.com", "www.figshare.com") and "ndownloader" in address.path:
            # figshare.com/ndownloader answers 202 and wants a browser
            raise ValueError(f"{name} is {url!r}; expected https://ndownloader.figshare.com/files/NUMBER.")
    return CardFile(
        url=addresses[0],
        sha256=_hex(row, "sha256", 64) or UNVERIFIED,
        bytes=_count({"bytes": UNVERIFIED, **row}, "bytes"),
        md5=_hex({"md5": UNVERIFIED, **row}, "md5", 32),
        mirrors=tuple(addresses[1:]),
    )


def _hex(row: Table, name: str, digits: int) -> str | None:
    value = row.get(name)
    if value == UNVERIFIED:
        return None
    if not isinstance(value, str) or not re.fullmatch(rf"[0-9a-f]{{{digits}}}", value):
        raise ValueError(f"{name} is {value!r}; expected {digits} hex digits or {UNVERIFIED!r}.")
    return value


def _overlap(row: Table) -> Overlap:
    _only(row, {field.name for field in fields(Overlap)}, "an overlap")
    note = _text(row, "note") if "note" in row else ""
    return Overlap(_text(row, "card"), _choice(row, "subjects", (SAME_IDS, UNMATCHED)), note)


def _masks(row: Table) -> Masks:
    _only(row, {field.name for field in fields(Masks)}, "masks")
    names = _list(row, "files", str)
    if not names or any(Path(name).is_absolute() or ".." in Path(name).parts for name in names):
        raise ValueError(f"files is {names!r}; expected names relative to the folder of an image.")
    return Masks(_text(row, "organ"), tuple(names))


def _field(row: Table) -> CardField:
    _only(row, {field.name for field in fields(CardField)}, "a field")
    name, frame = _text(row, "name"), row.get("frame", 0)
    if not re.fullmatch(r"[a-z0-9-]+", name) or name == SLICE:
        raise ValueError(
            f"name is {name!r}; expected lower-case letters, digits and hyphens, and not {SLICE!r}."
        )
    if type(frame) is not int or frame < 0:
        raise ValueError(f"frame is {frame!r}; expected a whole number from 0.")
    kind, names = _choice(row, "kind", ("image", "labels", "mask")), tuple(_list(row, "names", str))
    if len(names) not in {"image": (0,), "mask": (0, 2), "labels": range(2, 255)}[kind]:
        raise ValueError(f"names is {list(names)!r}; expected the name of every value of {kind}, from 0 on.")
    files = tuple(_list(row, "files", str))
    for file in files:
        check_template(file)
    if not files and "frame" not in row:
        raise ValueError(
            "files and frame are missing; expected files beside the image, a frame of it, or both."
        )
    values = tuple(_list(row, "values", int))
    if values and (len(values) != len(names) or values != tuple(sorted({0, *values}))):
        raise ValueError(f"values is {list(values)!r}; expected a rising number for each name, 0 first.")
    return CardField(name, kind, files, frame, names, values)


def _evidence(row: Table) -> Evidence:
    _only(row, {field.name for field in fields(Evidence)}, "evidence")
    facts = _list(row, "facts", str)
    known = {field.name for field in fields(DatasetCard)}
    if not facts or not set(facts) <= known:
        wrong = sorted(set(facts) - known)
        raise ValueError(
            f"facts is {facts!r}; {wrong or 'an empty list'} names no field of a card: name some."
        )
    day = row.get("checked")
    if type(day) is not datetime.date:
        raise ValueError(f"checked is {day!r}; expected a date like 2026-11-21, without quotes.")
    return Evidence(tuple(facts), _text(row, "source"), day.isoformat())
