"""From a TOML file to a card: every field is typed and checked, and a message names file and field."""

from __future__ import annotations

import datetime
import re
import tomllib
import urllib.parse
from dataclasses import fields
from pathlib import Path

from mribench.data.cards import terms, values
from mribench.data.cards.card import (
    ACCESS,
    ARCHIVES,
    DIMENSIONS,
    FOREGROUND,
    MODALITIES,
    NEAR_DUPLICATES,
    OTHER_READER,
    RAW,
    REPEATS,
    SAME_IDS,
    SUBJECT_RULES,
    UNITS,
    UNMATCHED,
    UNVERIFIED,
    CardField,
    CardFile,
    Condition,
    DatasetCard,
    Evidence,
    Masks,
    Overlap,
    Query,
    check_template,
)
from mribench.errors import DataError
from mribench.plugins import lookup
from mribench.spec.field import COIL_MAPS, KSPACE, NOISE, SLICE

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


def _card(table: values.Table) -> DatasetCard:
    """Raises ValueError, whose text begins with the field, as every function below does."""
    values.only(table, {field.name for field in fields(DatasetCard)}, "")
    return DatasetCard(
        **{
            name: values.text(table, name)
            for name in ("id", "title", "organ", "contrast", "licence", "format")
        },
        **{name: values.text(table, name) for name in ("how_to_apply", "homepage", "citation")},
        **{name: values.count(table, name) for name in ("subjects", "images")},
        **{
            name: values.true_false_or_none(table, name)
            for name in ("redistributable", "commercial", "derived")
        },
        **{name: values.flag(table, name) for name in ("manual", "publish_subjects")},
        **{name: values.expression(table, name) for name in ("subject_pattern", "stratify_pattern")},
        access=values.choice(table, "access", ACCESS),
        subject=values.choice(table, "subject", SUBJECT_RULES),
        dimensions=values.choice_or_none(table, "dimensions", DIMENSIONS),
        reader=_reader(table),
        repeat_scans=values.choice_or_none(table, "repeat_scans", REPEATS),
        spacing_unit=values.choice_or_none(table, "spacing_unit", UNITS),
        slices=_slices(table),
        foreground=values.choice_or_first(table, "foreground", FOREGROUND),
        near_duplicates=values.choice_or_first(table, "near_duplicates", NEAR_DUPLICATES),
        **{name: values.text_or_none(table, name) for name in ("include", "version", "bibtex", "population")},
        official_split=values.text_or_none(table, "official_split"),
        modality=values.choice(table, "modality", MODALITIES) if "modality" in table else None,
        labels=tuple(values.items(table, "labels", str)),
        field_strength=_field_strength(table),
        defaced=values.true_false_or_none({"defaced": UNVERIFIED, **table}, "defaced"),
        other_organs=tuple(values.items(table, "other_organs", str)),
        caveats=tuple(values.items(table, "caveats", str)),
        files=values.rows(table, "files", _file),
        query=_query(table["query"]) if "query" in table else None,
        overlaps=values.rows(table, "overlaps", _overlap),
        masks=values.rows(table, "masks", _masks),
        fields=values.rows(table, "fields", _field),
        evidence=values.rows(table, "evidence", _evidence),
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
    if card.access == "agreement" and (card.files or card.query):
        named = "files holds an address" if card.files else "query chooses series of an archive"
        raise ValueError(f"{named}, but access is 'agreement'; leave {named.split()[0]} out.")
    for name, value in terms.flags_of_licence(card.licence).items():
        if getattr(card, name) is not value:
            raise ValueError(
                f"{name} is {getattr(card, name)}, but {card.licence} says {value}; correct one of them."
            )
    if card.query and (card.files or card.subject != "patient_id"):
        raise ValueError("query chooses DICOM series; leave files out, and say subject = 'patient_id'.")
    organs = [masks.organ for masks in card.masks]
    if len(set(organs)) < len(organs) or not set(organs) <= {card.organ, *card.other_organs}:
        raise ValueError(f"masks are given for {organs}; expected each organ of the card at most once.")
    named = [field.name for field in card.fields]
    if len(set(named)) < len(named):
        raise ValueError(f"fields are given for {named}; expected each name once.")
    if any(overlap.card == card.id for overlap in card.overlaps):
        raise ValueError(f"overlaps names the card itself ({card.id}); name the other card.")


def _reader(table: values.Table) -> str | None:
    known = lookup.names("readers")
    value = table.get("reader")
    if value not in (*known, OTHER_READER, UNVERIFIED):
        raise ValueError(
            f"reader is {value!r}, and no reader of that name is installed; expected one of {', '.join(known)}, "
            f"{OTHER_READER} or {UNVERIFIED}: correct it, or install the package that brings it."
        )
    return None if value == UNVERIFIED else value


def _slices(table: values.Table) -> str:
    value = table.get("slices")
    if value != "all" and not re.fullmatch(r"middle 0\.\d*[1-9]", str(value)):
        raise ValueError(f"slices is {value!r}; expected 'all' or, for the middle half, 'middle 0.5'.")
    return str(value)


def _file(row: values.Table) -> CardFile:
    values.only(row, {field.name for field in fields(CardFile)}, "a file")
    addresses = [row.get("url"), *values.items(row, "mirrors", str)]
    for name, url in zip(["url", *["mirrors"] * len(addresses)], addresses, strict=False):
        if not isinstance(url, str) or not url.startswith(ADDRESS):
            raise ValueError(f"{name} is {url!r}; expected a http(s) address.")
        address = urllib.parse.urlparse(url)
        if address.hostname in ("figshare.com", "www.figshare.com") and "ndownloader" in address.path:
            # figshare.com/ndownloader answers 202 and wants a browser
            raise ValueError(f"{name} is {url!r}; expected https://ndownloader.figshare.com/files/NUMBER.")
    return CardFile(
        url=addresses[0],
        sha256=values.hex_digits(row, "sha256", 64) or UNVERIFIED,
        bytes=values.count({"bytes": UNVERIFIED, **row}, "bytes"),
        md5=values.hex_digits({"md5": UNVERIFIED, **row}, "md5", 32),
        mirrors=tuple(addresses[1:]),
    )


def _overlap(row: values.Table) -> Overlap:
    values.only(row, {field.name for field in fields(Overlap)}, "an overlap")
    note = values.text(row, "note") if "note" in row else ""
    return Overlap(values.text(row, "card"), values.choice(row, "subjects", (SAME_IDS, UNMATCHED)), note)


def _masks(row: values.Table) -> Masks:
    values.only(row, {field.name for field in fields(Masks)}, "masks")
    names = values.items(row, "files", str)
    if not names or any(Path(name).is_absolute() or ".." in Path(name).parts for name in names):
        raise ValueError(f"files is {names!r}; expected names relative to the folder of an image.")
    return Masks(values.text(row, "organ"), tuple(names))


def _field(row: values.Table) -> CardField:
    values.only(row, {field.name for field in fields(CardField)}, "a field")
    name, frame = values.text(row, "name"), row.get("frame", 0)
    if not re.fullmatch(r"[a-z0-9-]+", name) or name == SLICE:
        raise ValueError(
            f"name is {name!r}; expected lower-case letters, digits and hyphens, and not {SLICE!r}."
        )
    if type(frame) is not int or frame < 0:
        raise ValueError(f"frame is {frame!r}; expected a whole number from 0.")
    kind, names = (
        values.choice(row, "kind", ("image", "labels", "mask", RAW)),
        tuple(values.items(row, "names", str)),
    )
    if (kind == RAW) != (name == KSPACE) or name in (COIL_MAPS, NOISE):
        raise ValueError(
            f"name is {name!r} and kind is {kind!r}; expected {KSPACE!r} for raw data, which give coil maps and noise "
            "too, and for nothing else."
        )
    if len(names) not in {"image": (0,), RAW: (0,), "mask": (0, 2), "labels": range(2, 255)}[kind]:
        raise ValueError(f"names is {list(names)!r}; expected the name of every value of {kind}, from 0 on.")
    files = tuple(values.items(row, "files", str))
    for file in files:
        check_template(file)
    if not files and "frame" not in row and kind != RAW:
        raise ValueError(
            "files and frame are missing; expected files beside the image, a frame of it, or both."
        )
    numbers = tuple(values.items(row, "values", int))
    if numbers and (len(numbers) != len(names) or numbers != tuple(sorted({0, *numbers}))):
        raise ValueError(f"values is {list(numbers)!r}; expected a rising number for each name, 0 first.")
    return CardField(name, kind, files, frame, names, numbers)


def _evidence(row: values.Table) -> Evidence:
    values.only(row, {field.name for field in fields(Evidence)}, "evidence")
    facts = values.items(row, "facts", str)
    known = {field.name for field in fields(DatasetCard)}
    if not facts or not set(facts) <= known:
        wrong = sorted(set(facts) - known)
        raise ValueError(
            f"facts is {facts!r}; {wrong or 'an empty list'} names no field of a card: name some."
        )
    day = row.get("checked")
    if type(day) is not datetime.date:
        raise ValueError(f"checked is {day!r}; expected a date like 2026-11-21, without quotes.")
    return Evidence(tuple(facts), values.text(row, "source"), day.isoformat())


def _field_strength(table: values.Table) -> tuple[float, ...]:
    found = table.get("field_strength", [])
    if not isinstance(found, list) or not all(type(tesla) in (int, float) and tesla > 0 for tesla in found):
        raise ValueError(f"field_strength is {found!r}; expected a list of tesla like [1.5, 3].")
    return tuple(map(float, found))


def _query(row: object) -> Query:
    try:
        if not isinstance(row, dict):
            raise ValueError(f"source is missing in {row!r}; expected a table.")
        values.only(row, {field.name for field in fields(Query)}, "a query")
        collections = tuple(values.items(row, "collections", str))
        if not collections:
            raise ValueError("collections is empty; expected the ids of collections of the archive.")
        return Query(
            source=values.choice(row, "source", ARCHIVES),
            index=values.text(row, "index"),
            collections=collections,
            where=values.rows(row, "where", _condition),
            **{name: values.positive(row, name) for name in ("series", "bytes")},
            sha256=values.sha256(row, "sha256"),
        )
    except ValueError as error:
        raise ValueError(f"query.{error}") from error


def _condition(row: values.Table) -> Condition:
    values.only(row, {field.name for field in fields(Condition)}, "a condition")
    least = row.get("at_least")
    if sum(name in row for name in ("matches", "lacks", "at_least")) != 1:
        raise ValueError(f"column has {sorted(row)} beside it; expected one of matches, lacks and at_least.")
    if least is not None and type(least) not in (int, float):
        raise ValueError(f"at_least is {least!r}; expected a number.")
    patterns = {name: values.pattern(row, name) for name in ("matches", "lacks")}
    return Condition(values.text(row, "column"), **patterns, at_least=least)
