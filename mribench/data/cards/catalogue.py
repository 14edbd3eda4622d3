"""Every card that is installed: the registry's own, a user's folder, and those that plugins bring.

A plugin brings cards by an entry point in the group ``mribench.datasets`` whose value names a package that holds TOML
files, as package data: ``my-cards = "my_package.cards"``. The package is looked up, never imported. Cards of one's own,
not yet published, are read from the folder that ``MRIBENCH_CARDS`` names.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from mribench.data.cards import parse
from mribench.data.cards.card import ACCESS, MODALITIES, DatasetCard
from mribench.errors import DataError, InputError, nearest_name
from mribench.plugins import lookup

GROUP = "datasets"
OWN_FOLDER = "MRIBENCH_CARDS"


@dataclass(frozen=True)
class Entry:
    """One card as found."""

    id: str
    owner: str
    """the distribution, or the folder, that it comes from"""
    card: DatasetCard | None = None
    """None where there is a problem"""
    problem: str | None = None


def registry() -> Path:
    """The folder of mribench's own cards: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[2]
    installed = package / "registry"
    return installed if installed.is_dir() else package.parent / "registry"


def entries() -> list[Entry]:
    """Every card, sorted by id; one that is broken, or claimed twice, carries its problem and harms no other."""
    found = [entry for folder, owner in _folders() for entry in _read(folder, owner)]
    owners: dict[str, list[str]] = {}
    for entry in found:
        owners.setdefault(entry.id, []).append(entry.owner)
    claims = Counter(entry.id for entry in found)
    # mribench's own card is never displaced by a plugin's of the same name
    checked = [
        replace(entry, card=None, problem=f"{entry.id} is claimed by {' and '.join(owners[entry.id])}")
        if claims[entry.id] > 1 and entry.owner != "mribench"
        else entry
        for entry in found
    ]
    return sorted([*checked, *_absent()], key=lambda entry: (entry.id, entry.owner))


def cards() -> dict[str, DatasetCard]:
    """id -> card of every card without a problem, sorted by id."""
    return {entry.id: entry.card for entry in entries() if entry.card}


def load_cards(folder: Path | None = None) -> dict[str, DatasetCard]:
    """id -> card, sorted by id: every installed one, or those of one folder.

    Of a folder every card must be sound: raises DataError, naming file and field. Of the installed cards, one
    that is broken is left out (``entries`` names it).
    """
    if folder is None:
        return cards()
    return {path.stem: parse.read_card(path) for path in sorted(folder.glob("*.toml"))}


def find(name: str) -> DatasetCard:
    """The card of an id. Raises DataError for an unknown one (with a suggestion) and for a broken one."""
    found = entries()
    card = next((entry.card for entry in found if entry.id == name and entry.card), None)
    if card:
        return card
    for entry in found:
        if entry.id == name:
            raise DataError(f"The card {name} of {entry.owner} cannot be used: {entry.problem}")
    raise DataError(f"{name!r} is no dataset card; see `mribench data list`{suggestion(name)}.")


def choose(
    known: Iterable[DatasetCard],
    organ: str | None = None,
    licence: str | None = None,
    access: str | None = None,
    *,
    modality: str | None = None,
    labels: str | None = None,
    population: str | None = None,
    field_strength: float | None = None,
    defaced: bool | None = None,
    fetchable: bool = False,
) -> list[DatasetCard]:
    """The cards that suit these filters; None does not filter. A card that is silent about a fact does not suit it.

    Args:
        known: The cards to choose from.
        organ: Shown by the card.
        licence: Part of the licence's name, in any case.
        access: One of ``ACCESS``.
        modality: One of ``MODALITIES``, in any case.
        labels: Part of the name of one of the labels, in any case.
        population: Part of the words about the people, in any case.
        field_strength: Tesla; one of those of the card.
        defaced: Whether faces are taken out.
        fetchable: Only cards that mribench downloads.

    Raises:
        InputError: For an organ, an access or a modality that no card has, and where no card is left.
    """
    cards = list(known)
    organs = sorted({name for card in cards for name in (card.organ, *card.other_organs)})
    if organ is not None and organ not in organs:
        raise InputError(f"no card shows {organ!r}; the organs are {', '.join(organs)}.")
    if access is not None and access not in ACCESS:
        raise InputError(f"access {access!r} is unknown; expected one of {', '.join(ACCESS)}.")
    if modality is not None and modality.lower() not in map(str.lower, MODALITIES):
        raise InputError(f"no card is of {modality!r}; expected one of {', '.join(MODALITIES)}.")
    left = [
        card
        for card in cards
        if (organ is None or organ in (card.organ, *card.other_organs))
        and (licence is None or _holds(card.licence, licence))
        and (access is None or access == card.access)
        and (modality is None or modality.lower() == (card.modality or "").lower())
        and (labels is None or any(_holds(label, labels) for label in card.labels))
        and (population is None or _holds(card.population or "", population))
        and (field_strength is None or field_strength in card.field_strength)
        and (defaced is None or defaced is card.defaced)
        and (card.fetchable or not fetchable)
    ]
    if not left:
        names = sorted({card.licence for card in cards})
        raise InputError(f"no card is left by these filters; the licences are {', '.join(names)}.")
    return left


def _holds(text: str, part: str) -> bool:
    return part.lower() in text.lower()


def suggestion(name: str) -> str:
    """' (did you mean ...?)' where a card is called nearly so, else nothing."""
    near = nearest_name(name, cards())
    return f" (did you mean {near!r}?)" if near else ""


def _folders() -> Iterator[tuple[Path, str]]:
    yield registry(), "mribench"
    if os.environ.get(OWN_FOLDER):
        yield Path(os.environ[OWN_FOLDER]).expanduser(), f"${OWN_FOLDER}"
    for point in lookup.entries(GROUP):
        for folder in package_folders(point.value):
            yield folder, point.distribution


def package_folders(package: str) -> list[Path]:
    """The folders of a package, without importing it; empty where it is not there (or inside a zip)."""
    top, *inner = package.split(".")
    try:
        found = find_spec(top) if all(map(str.isidentifier, (top, *inner))) else None
    except (ImportError, ValueError):
        return []
    # a folder without __init__.py is a package too: only the top one is looked up by the import system
    places = (found.submodule_search_locations if found else None) or []
    return [folder for place in places if (folder := Path(place).joinpath(*inner)).is_dir()]


def _absent() -> list[Entry]:
    """Entry points, and a user's folder, without any card."""
    found = []
    for point in lookup.entries(GROUP):
        if not any(path for folder in package_folders(point.value) for path in folder.glob("*.toml")):
            reason = (
                f"{point.value!r} is no package with *.toml files; correct the entry point mribench.{GROUP}."
            )
            found.append(Entry(point.name, point.distribution, problem=reason))
    own = os.environ.get(OWN_FOLDER)
    if own and not Path(own).expanduser().is_dir():
        reason = f"{OWN_FOLDER} names {own}, which is no folder; correct or unset it."
        found.append(Entry("-", f"${OWN_FOLDER}", problem=reason))
    return found


def _read(folder: Path, owner: str) -> Iterator[Entry]:
    readers = tuple(lookup.names("readers"))
    for path in sorted(folder.glob("*.toml")):
        yield _parsed(path, owner, _version_of(path), readers)


def _version_of(path: Path) -> tuple[int, ...]:
    """Changes with every edit; empty where the file cannot be read."""
    try:
        state = path.stat()
    except OSError:
        return ()
    return state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino


@lru_cache(maxsize=1024)
def _parsed(path: Path, owner: str, version: tuple[int, ...], readers: tuple[str, ...]) -> Entry:
    """version, readers: what the outcome depends on beside the path, so that an edit is seen."""
    try:
        return Entry(path.stem, owner, parse.read_card(path))
    except DataError as error:
        return Entry(path.stem, owner, problem=str(error))
