"""Licence, access and citation of data: they travel with every set, checkpoint, sample and result made from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mribench import files, results
from mribench.data import licences
from mribench.data.cards.card import ACCESS, UNVERIFIED, DatasetCard
from mribench.data.store.dataset import MANIFEST, load
from mribench.spec import Prepared

Row = dict[str, Any]
# lies beside whatever was made from data
TERMS = "terms.json"
# what a licence can allow (True is free) or ask for (False is free); None, unverified, is never free
ALLOWS = {
    "redistributable": "pass the data on",
    "derived": "pass on what is made from it (prepared sets, checkpoints, samples)",
    "commercial": "use it commercially",
}
ASKS = {"attribution": "name the source", "share_alike": "give what is made from it the same licence"}


@dataclass(frozen=True)
class Answer:
    """The answer to one question over several data sets."""

    question: str
    free: bool | None  # None where nobody checked
    because: tuple[str, ...]  # the data sets that decide it; empty where all agree that it is free


def of_card(card: DatasetCard) -> Row:
    """What of a card travels, JSON-serialisable; None is unverified."""
    return {
        "data": card.id,
        "title": card.title,
        "licence": card.licence,
        "redistributable": card.redistributable,
        "derived": card.derived,
        "commercial": card.commercial,
        "attribution": licences.attribution(card.licence),
        "share_alike": licences.share_alike(card.licence),
        "access": card.access,
        "how_to_apply": card.how_to_apply,
        "homepage": card.homepage,
        "citation": card.citation,
    }


def of_phantom(package: str = "mribench") -> Row:
    """Drawn by software: nobody's data. package: the distribution, with its version, that drew it."""
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
    """A user's own files: only the user knows what they may be used for."""
    unknown = dict.fromkeys((*ALLOWS, *ASKS))
    return {
        "data": name,
        "title": "files of the user",
        "licence": UNVERIFIED,
        **unknown,
        "access": None,
        "how_to_apply": UNVERIFIED,
        "homepage": UNVERIFIED,
        "citation": UNVERIFIED,
    }


def of_prepared(prepared: Prepared) -> list[Row]:
    """The rows of a prepared set; for one that was made before terms travelled, what its name tells."""
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
    """Of a record from before terms travelled: what the name of its data tells."""
    if result.data.get("terms"):
        return list(result.data["terms"])
    name = result.comparability["data"]
    return [of_phantom() if result.comparability["data_kind"] == "phantom" else of_local(name)]


def strictest(rows: Sequence[Row]) -> list[Answer]:
    """For each thing one may want to do, or has to do, the strictest word over all rows."""
    allowed = [_answer(rows, field, words, free=True) for field, words in ALLOWS.items()]
    asked = [_answer(rows, field, words, free=False) for field, words in ASKS.items()]
    return allowed + asked


def access(rows: Iterable[Row]) -> str | None:
    """The hardest access among the rows; None where that of one is unknown."""
    found = [row["access"] for row in rows]
    return None if None in found else max(found, key=ACCESS.index)


def distinct(rows: Iterable[Row]) -> list[Row]:
    """Each data set once, by name."""
    return [row for _, row in sorted({row["data"]: row for row in rows}.items())]


def _answer(rows: Sequence[Row], field: str, words: str, free: bool) -> Answer:
    """free: the value of the field that asks nothing of the user."""
    bound = tuple(row["data"] for row in rows if row[field] is (not free))
    open_question = tuple(row["data"] for row in rows if row[field] is None)
    if bound:
        return Answer(words, not free, bound)
    return Answer(words, None if open_question else free, open_question)
