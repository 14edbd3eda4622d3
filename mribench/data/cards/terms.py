"""Licence, access and citation of data: they travel with every set, checkpoint, sample and result made from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mribench import files, results
from mribench.data.cards.card import ACCESS, UNVERIFIED, DatasetCard
from mribench.data.store.dataset import MANIFEST, load
from mribench.spec import Prepared

Row = dict[str, Any]
# permissive licences of repositories whose data come with the code
PERMISSIVE = ("MIT", "Apache-2.0", "BSD-3-Clause", "BSD-2-Clause", "CC0-1.0", "PDDL-1.0")
CREATIVE = re.compile(r"CC-BY(-NC)?(-SA|-ND)?-\d\.\d")
# the file of terms beside whatever was made from data
TERMS = "terms.json"
OWN_FILES = "files of the user"
# what a licence can allow (True is free) or ask for (False is free); None, unverified, is never free
ALLOWS = {
    "redistributable": "pass the data on",
    "derived": "pass on what is made from it (prepared sets, checkpoints, samples)",
    "commercial": "use it commercially",
}
ASKS = {"attribution": "name the source", "share_alike": "give what is made from it the same licence"}


@dataclass(frozen=True)
class Answer:
    """One question over several data sets."""

    question: str
    free: bool | None
    """None where it is unverified"""
    because: tuple[str, ...]
    """the data sets that decide it; empty where all agree that it is free"""


def licence_ids(licence: str) -> tuple[str, ...]:
    """The ids of an SPDX expression ``A AND B`` (parts of the data under each of them), or the one id."""
    return tuple(licence.split(" AND "))


def flags_of_licence(licence: str) -> dict[str, bool]:
    """redistributable, commercial and derived of an SPDX id, or of several joined by AND: what all of them allow.

    Empty for any other name, which has to be read.
    """
    each = [_flags(name) for name in licence_ids(licence)]
    return {flag: all(flags[flag] for flags in each) for flag in each[0]} if all(each) else {}


def _flags(licence: str) -> dict[str, bool]:
    if licence in PERMISSIVE:
        return {"redistributable": True, "commercial": True, "derived": True}
    found = CREATIVE.fullmatch(licence)
    if not found:
        return {}
    return {"redistributable": True, "commercial": not found[1], "derived": found[2] != "-ND"}


def share_alike(licence: str) -> bool | None:
    """Whether what is made from the data has to carry the same licence; None where the id does not tell."""
    return bool(re.search(r"-SA-", licence)) if flags_of_licence(licence) else None


def attribution(licence: str) -> bool | None:
    """Whether the source has to be named; None where the id does not tell."""
    free = ("CC0-1.0", "PDDL-1.0")
    return not set(licence_ids(licence)) <= set(free) if flags_of_licence(licence) else None


def by_licence(row: Row) -> list[Row]:
    """A row for each licence of a data set, with what that licence alone allows and asks."""
    names = licence_ids(row["licence"])
    if len(names) == 1:
        return [row]
    asks = [{"attribution": attribution(name), "share_alike": share_alike(name)} for name in names]
    return [row | _flags(name) | asked | {"licence": name} for name, asked in zip(names, asks, strict=True)]


def of_card(card: DatasetCard) -> Row:
    """The part of a card that is kept with everything made from the data, JSON-serialisable; None is unverified."""
    return {
        "data": card.id,
        "title": card.title,
        "licence": card.licence,
        "redistributable": card.redistributable,
        "derived": card.derived,
        "commercial": card.commercial,
        "attribution": attribution(card.licence),
        "share_alike": share_alike(card.licence),
        "access": card.access,
        "how_to_apply": card.how_to_apply,
        "homepage": card.homepage,
        "citation": card.citation,
    }


def of_phantom(package: str = "mribench") -> Row:
    """Drawn by software and free. package: the distribution, with its version, that drew it."""
    free = {"redistributable": True, "derived": True, "commercial": True, "attribution": False}
    return {
        "data": "phantom",
        "title": f"drawn by {package}, no patient's data",
        "licence": "CC0-1.0",
        **free,
        "share_alike": False,
        "access": "open",
        "how_to_apply": "nothing to ask for",
        "homepage": "none",
        "citation": package,
    }


def of_local(name: str) -> Row:
    """A user's own files, whose terms only the user knows."""
    unknown = dict.fromkeys((*ALLOWS, *ASKS))
    return {
        "data": name,
        "title": OWN_FILES,
        "licence": UNVERIFIED,
        **unknown,
        "access": None,
        "how_to_apply": UNVERIFIED,
        "homepage": UNVERIFIED,
        "citation": UNVERIFIED,
    }


def is_own(row: Row) -> bool:
    """Whether a row is of a user's own files."""
    return row.get("title") == OWN_FILES


def of_prepared(prepared: Prepared) -> list[Row]:
    """The rows of a prepared set; where its manifest has none (a user's own files), what follows from its name."""
    if prepared.manifest.get("terms"):
        return list(prepared.manifest["terms"])
    return [of_phantom() if prepared.kind == "phantom" else of_local(prepared.name)]


def of_run(folder: Path) -> list[Row]:
    """The rows behind a run folder, a prepared set, or any folder that carries terms.json; each data set once.

    Raises InputError where the folder holds none of these.
    """
    if (folder / MANIFEST).is_file():
        return of_prepared(load(folder))
    if (folder / TERMS).is_file():
        return distinct(files.read_json(folder / TERMS))
    rows = [row for path in sorted(folder.glob(f"*/*/{TERMS}")) for row in files.read_json(path)]
    if rows and not results.holds(folder):
        return distinct(rows)
    return distinct([*rows, *(row for result in results.read_all([folder]) for row in of_result(result))])


def of_result(result: results.Result) -> list[Row]:
    """The rows of a record; of one without terms (earlier versions), what follows from the name of its data."""
    if result.data.get("terms"):
        return list(result.data["terms"])
    name = result.comparability["data"]
    return [of_phantom() if result.comparability["data_kind"] == "phantom" else of_local(name)]


def strictest(rows: Sequence[Row]) -> list[Answer]:
    """For each thing one may want to do, or has to do, the strictest answer over all rows."""
    allowed = [_answer(rows, field, question, free=True) for field, question in ALLOWS.items()]
    asked = [_answer(rows, field, question, free=False) for field, question in ASKS.items()]
    return allowed + asked


def access(rows: Iterable[Row]) -> str | None:
    """The hardest access among the rows; None where that of one is unknown."""
    found = [row["access"] for row in rows]
    return None if None in found else max(found, key=ACCESS.index)


def distinct(rows: Iterable[Row]) -> list[Row]:
    """Each data set once, by name."""
    return [row for _, row in sorted({row["data"]: row for row in rows}.items())]


def _answer(rows: Sequence[Row], field: str, question: str, free: bool) -> Answer:
    """free: the value of the field that asks nothing of the user."""
    bound = tuple(row["data"] for row in rows if row[field] is (not free))
    open_question = tuple(row["data"] for row in rows if row[field] is None)
    if bound:
        return Answer(question, not free, bound)
    return Answer(question, None if open_question else free, open_question)
