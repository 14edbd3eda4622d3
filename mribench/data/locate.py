"""From the words after ``--data`` to the folders that are read, and to the name on the board."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mribench import plugins
from mribench.data import catalogue, policy
from mribench.data.cards import DatasetCard
from mribench.data.combine import families
from mribench.data.fetch import MB, Progress, fetch, home
from mribench.errors import DataError


@dataclass(frozen=True)
class Part:
    """A file or folder to read. card: None for a user's own; family: what its subjects are called after, where
    several cards are combined.
    """

    path: Path
    card: DatasetCard | None = None
    family: str | None = None


def locate(organ: str, data: str, progress: Progress | None = None) -> tuple[str, list[Part]]:
    """(name on the board, what to read) for a card, for cards joined by ``+``, or for a file or folder.

    A card id wins over a folder of that name: write ./id. A card that may be downloaded is; progress is called
    with megabytes (here, in all), None shows a bar of its own. Raises DataError where the name is unknown, where
    the card shows another organ, or where the files have to be asked for.
    """
    names = data.split("+")
    known = {entry.id for entry in catalogue.entries()}
    if all(name in known for name in names):
        return data, _cards(organ, names, progress)
    path = Path(data).expanduser()
    if not path.exists():
        raise DataError(_unknown(data, names))
    return f"local:{path.resolve().name}", [Part(_of_modality(path, organ))]


def _cards(organ: str, names: list[str], progress: Progress | None) -> list[Part]:
    cards = [catalogue.find(name) for name in names]
    for card in cards:
        if organ not in (card.organ, *card.other_organs):
            shown = ", ".join((card.organ, *card.other_organs))
            raise DataError(
                f"The card {card.id} shows {shown}, not {organ}; choose another card (`mribench data list "
                f"--organ {organ}`) or --modalities."
            )
    family = families(cards)
    in_mb = progress and (lambda done, total: progress(done // MB, total // MB))
    folders = [fetch(card, home(), in_mb) for card in cards]
    parts = [
        Part(folder, card, family[card.id] if len(cards) > 1 else None)
        for folder, card in zip(folders, cards, strict=True)
    ]
    for part in parts:
        policy.check_metadata(part.path, part.card)
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
    organs = plugins.names("modalities")
    inside = [] if path.is_file() else sorted(path.iterdir())
    others = [p.name for p in inside if p.suffix == ".npz" or p.name in organs]
    if others:
        raise DataError(
            f"{path.name} holds {', '.join(others)} but neither {name}.npz nor {name}/; add one of them, "
            "or give the file or folder itself."
        )
    return path
