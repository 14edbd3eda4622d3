"""From the words after ``--data`` to the folders that are read, and to the name on the board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mribench.data.cards import catalogue, rules
from mribench.data.cards.card import DatasetCard
from mribench.data.combine import families
from mribench.data.download.fetch import MB, Progress, fetch, home
from mribench.errors import DataError
from mribench.plugins import lookup
from mribench.spec import Modality


@dataclass(frozen=True)
class Part:
    """A file or folder to read. card: None for a user's own; family: what its subjects are called after, where
    several cards are combined.
    """

    path: Path
    card: DatasetCard | None = None
    family: str | None = None


def check_suits(modalities: Sequence[Modality], data: str) -> None:
    """Raise DataError where ``data`` (as ``prepare_data`` takes it) cannot be that of all these modalities.

    A card must show each of them, and a path must exist. A file, or a folder without one part per modality, can
    be that of one modality only: the same images under two names would stand on two boards. Looks at names
    alone: nothing is read or downloaded.
    """
    if data == "phantom":
        return
    for modality in modalities:
        named = _named(modality, data)
        if isinstance(named, Path) and len(modalities) > 1 and named == Path(data).expanduser():
            names = " and ".join(one.name for one in modalities)
            raise DataError(
                f"{data} has no part of its own for {modality.name}, so {names} would get the same "
                "images; give a folder with <modality>.npz or <modality>/ for each, or one of --modalities."
            )


def locate(modality: Modality, data: str, progress: Progress | None = None) -> tuple[str, list[Part]]:
    """(name on the board, what to read) for a card, for cards joined by ``+``, or for a file or folder.

    A card id wins over a folder of that name: write ./id. A card that may be downloaded is; progress is called
    with megabytes (here, in all), None shows a bar of its own. Raises DataError where the name is unknown, where
    the card or the file is another organ's, or where the files have to be asked for.
    """
    named = _named(modality, data)
    if isinstance(named, Path):
        return f"local:{Path(data).expanduser().resolve().name}", [Part(named)]
    return data, _fetched(named, progress)


def _named(modality: Modality, data: str) -> list[DatasetCard] | Path:
    """The cards, or the file or folder, that ``data`` names for one modality; DataError where they do not suit."""
    names = data.split("+")
    known = {entry.id for entry in catalogue.entries()}
    if not all(name in known for name in names):
        path = Path(data).expanduser()
        if not path.exists():
            raise DataError(_unknown(data, names))
        return _of_modality(path, modality.name)
    cards = [catalogue.find(name) for name in names]
    for card in cards:
        shown = (card.organ, *card.other_organs)
        if modality.name not in shown and card.id not in modality.cards:
            raise DataError(
                f"The card {card.id} shows {', '.join(shown)}, not {modality.name}; choose another card "
                f"(`mribench data list --organ {modality.name}`) or --modalities."
            )
    return cards


def _fetched(cards: list[DatasetCard], progress: Progress | None) -> list[Part]:
    family = families(cards)
    in_mb = progress and (lambda done, total: progress(done // MB, total // MB))
    folders = [fetch(card, home(), in_mb) for card in cards]
    parts = [
        Part(folder, card, family[card.id] if len(cards) > 1 else None)
        for folder, card in zip(folders, cards, strict=True)
    ]
    for part in parts:
        rules.check_metadata(part.path, part.card)
    return parts


def _unknown(data: str, names: list[str]) -> str:
    if len(names) > 1:
        known = [entry.id for entry in catalogue.entries()]
        first = next(name for name in names if name not in known)
        return f"{first!r} in {data!r} is no dataset card; see `mribench data list`."
    return (
        f"{data!r} is neither 'phantom', nor a dataset card (`mribench data list`), nor a file or folder; "
        f"check the name{catalogue.suggestion(data)}."
    )


def _of_modality(path: Path, name: str) -> Path:
    """The part of a folder that belongs to one modality, never another's: hearts must not pass as kidneys."""
    for inner in (path / f"{name}.npz", path / name):
        if inner.exists():
            return inner
    organs = lookup.names("modalities")
    inside = [] if path.is_file() else sorted(path.iterdir())
    stem = path.name.split(".")[0].lower()
    # what is prepared by hand for no modality in particular may be called after one
    if name in organs and stem in organs and stem != name:
        raise DataError(
            f"{path.name} is called after {stem}, not {name}; give the file of {name}, or rename it if it is one."
        )
    others = [p.name for p in inside if p.suffix == ".npz" or p.name in organs]
    if others:
        raise DataError(
            f"{path.name} holds {', '.join(others)} but neither {name}.npz nor {name}/; add one of them, "
            "or give the file or folder itself."
        )
    return path
