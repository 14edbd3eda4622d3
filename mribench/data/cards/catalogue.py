"""Every card that is installed: the registry's own, a user's folder, and those that plugins bring.

A plugin brings cards by an entry point in the group ``mribench.datasets`` whose value names a package that holds TOML
files, as package data: ``my-cards = "my_package.cards"``. The package is looked up, never imported. Cards of one's own,
not yet published, lie in the folder that ``MRIBENCH_CARDS`` names.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

from mribench.data.cards import parse
from mribench.data.cards.card import ACCESS, DatasetCard
from mribench.errors import DataError, InputError
from mribench.plugins import lookup

GROUP = "datasets"
OWN_FOLDER = "MRIBENCH_CARDS"


@dataclass(frozen=True)
class Entry:
    """One card as found. owner: the distribution (or folder) it comes from; card: None where there is a problem."""

    id: str
    owner: str
    card: DatasetCard | None = None
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


def cards_of(folder: Path) -> dict[str, DatasetCard]:
    """id -> card of one folder. Raises DataError, naming file and field, for a card that is not sound."""
    return {path.stem: parse.read(path) for path in sorted(folder.glob("*.toml"))}


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
) -> list[DatasetCard]:
    """The cards that show an organ, whose licence holds the words (in any case), with that access; None asks nothing.

    Raises InputError for a word that no card knows, and where no card is left.
    """
    cards = list(known)
    organs = sorted({name for card in cards for name in (card.organ, *card.other_organs)})
    if organ is not None and organ not in organs:
        raise InputError(f"no card shows {organ!r}; the organs are {', '.join(organs)}.")
    if access is not None and access not in ACCESS:
        raise InputError(f"access {access!r} is unknown; expected one of {', '.join(ACCESS)}.")
    left = [
        card
        for card in cards
        if (organ is None or organ in (card.organ, *card.other_organs))
        and (licence is None or licence.lower() in card.licence.lower())
        and (access is None or access == card.access)
    ]
    if not left:
        names = sorted({card.licence for card in cards})
        raise InputError(f"no card is left by these filters; the licences are {', '.join(names)}.")
    return left


def suggestion(name: str) -> str:
    """' (did you mean ...?)' where a card is called nearly so, else nothing."""
    close = get_close_matches(name, cards(), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _folders() -> Iterator[tuple[Path, str]]:
    yield registry(), "mribench"
    if os.environ.get(OWN_FOLDER):
        yield Path(os.environ[OWN_FOLDER]).expanduser(), f"${OWN_FOLDER}"
    for point in lookup.entries(GROUP):
        for folder in package_folders(point.value):
            yield folder, point.distribution


def package_folders(package: str) -> list[Path]:
    """The folders of a package, without importing it; empty where it is not there (or lies in a zip)."""
    top, *inner = package.split(".")
    try:
        found = find_spec(top) if all(map(str.isidentifier, (top, *inner))) else None
    except (ImportError, ValueError):
        return []
    # a folder of files without __init__.py is a package too: only the top one is asked of the import system
    places = (found.submodule_search_locations if found else None) or []
    return [folder for place in places if (folder := Path(place).joinpath(*inner)).is_dir()]


def _absent() -> list[Entry]:
    """Entry points, and a user's folder, in which there is no card."""
    said = []
    for point in lookup.entries(GROUP):
        if not any(path for folder in package_folders(point.value) for path in folder.glob("*.toml")):
            reason = (
                f"{point.value!r} is no package with *.toml files; correct the entry point mribench.{GROUP}."
            )
            said.append(Entry(point.name, point.distribution, problem=reason))
    own = os.environ.get(OWN_FOLDER)
    if own and not Path(own).expanduser().is_dir():
        reason = f"{OWN_FOLDER} names {own}, which is no folder; correct or unset it."
        said.append(Entry("-", f"${OWN_FOLDER}", problem=reason))
    return said


def _read(folder: Path, owner: str) -> Iterator[Entry]:
    for path in sorted(folder.glob("*.toml")):
        try:
            yield Entry(path.stem, owner, parse.read(path))
        except DataError as error:
            yield Entry(path.stem, owner, problem=str(error))
