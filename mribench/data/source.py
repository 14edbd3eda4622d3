"""From the value of ``--data`` to the folders that are read, and to the name on the board."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mribench import files
from mribench.data import open_sets
from mribench.data.cards import catalogue, rules
from mribench.data.cards.card import UNMATCHED, DatasetCard
from mribench.data.download.fetch import MB, Progress, fetch, home
from mribench.data.globs import Globs
from mribench.errors import DataError, InputError
from mribench.plugins import lookup
from mribench.spec import Modality

# beside the prepared sets of a run folder: the path that each of a user's own sets was read from. Never published.
SOURCES = "sources.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
NAME_BY_CONTENT = re.compile(r"local-[0-9a-f]{8}")


@dataclass(frozen=True)
class Source:
    """A file or folder to read."""

    path: Path
    card: DatasetCard | None = None
    """None for a user's own files"""
    family: str | None = None
    """put before its subjects where several cards are combined; see ``families``"""

    @property
    def reader(self) -> str | None:
        """The reader that the card names; None where the suffix of each file decides."""
        return self.card.chosen_reader if self.card else None


def check_suits(modalities: Sequence[Modality], data: str) -> None:
    """Check that ``data`` (as ``prepare_data`` takes it) can be that of all these modalities.

    Looks at names alone: nothing is read or downloaded.

    Raises:
        DataError: Where a card does not show one of them or a path does not exist. Also for a file, or a folder
            without a part for each modality, given for several: the same images under two names would be on two boards.
    """
    if data == "phantom":
        return
    for modality in modalities:
        named = _named(modality, open_sets.named(modality.name, data))
        if isinstance(named, Path) and len(modalities) > 1 and named == Path(data).expanduser():
            names = " and ".join(one.name for one in modalities)
            raise DataError(
                f"{data} has no part of its own for {modality.name}, so {names} would get the same "
                "images; give a folder with <modality>.npz or <modality>/ for each, or one of --modalities."
            )


def check_name(name: str | None, data: str) -> None:
    """Check a name that the user chose for ``data``; None is no name.

    Raises:
        InputError: Where it is no plain name, is taken, or ``data`` has a name of its own.
    """
    if name is None:
        return
    if not is_own_files(data):
        raise InputError(
            f"--data-name names a file or folder of yours, and {data} has its name; leave it out"
        )
    if not NAME.fullmatch(name):
        raise InputError(
            "--data-name takes up to 64 letters, digits, dots, underscores and hyphens, and begins with a letter or "
            "a digit; it is published with every result, so name no person and no address"
        )
    if name in ("phantom", open_sets.OPEN) or name in catalogue_ids() or NAME_BY_CONTENT.fullmatch(name):
        raise InputError(f"--data-name {name} is the name of other data; choose another name")


def check_globs(globs: Globs, data: str, is_prepared: bool = False) -> None:
    """Check that patterns of files can apply to ``data``.

    Raises:
        InputError: Where it is no file or folder of the user's, or a set that is prepared already.
    """
    if globs and (is_prepared or not is_own_files(data) or Path(data).expanduser().is_file()):
        raise InputError(
            f"--include and --exclude choose files of a folder of yours, and {data} is none; leave them out"
        )


def is_own_files(data: str) -> bool:
    """Whether ``data`` (as ``prepare_data`` takes it) names a file or folder, and no phantom or card."""
    return data not in ("phantom", open_sets.OPEN) and not all(
        name in catalogue_ids() for name in data.split("+")
    )


def catalogue_ids() -> set[str]:
    """The ids of all dataset cards, also of those that cannot be read."""
    return {entry.id for entry in catalogue.entries()}


def label(data: str) -> str:
    """What tells two folders of one content apart in the identity of a set; holds the folder's name."""
    return f"local:{Path(data).expanduser().resolve().name}"


def note_source(root: Path, name: str, data: str) -> None:
    """Note in ``root``, the ``data`` folder of a run, which path a set of the user's own files was read from."""
    known, path = noted_sources(root), str(Path(data).expanduser().resolve())
    if known.get(name) != path:
        files.write_json(root / SOURCES, {**known, name: path})


def noted_sources(root: Path) -> dict[str, str]:
    """Name -> path of the user's own sets below ``root``; empty where nothing was noted."""
    try:
        return dict(files.read_json(root / SOURCES))
    except (OSError, ValueError, TypeError):
        return {}


def locate(
    modality: Modality, data: str, progress: Progress | None = None
) -> tuple[str | None, list[Source]]:
    """The name on the board and what to read, for a card, cards joined by ``+``, or a file or folder.

    A file or folder has no name here: its own may be a patient's, and never leaves this machine.

    A card's id wins over a folder of that name: write ./id. A card that may be downloaded is.

    Args:
        modality: Decides which part of a folder is taken.
        data: As ``prepare_data`` takes it, but not ``phantom``.
        progress: Called with megabytes (here, in all); None shows a bar of its own.

    Raises:
        DataError: Where the name is unknown, the card or file is another organ's, or the files have to be asked for.
    """
    named = _named(modality, data)
    if isinstance(named, Path):
        return None, [Source(named)]
    return data, _fetched(named, progress)


def families(cards: Sequence[DatasetCard]) -> dict[str, str]:
    """card id -> name that its subjects carry: cards with ``same ids``, directly or through a third, share one.

    Raises DataError where two of the cards show the same people and nobody can tell who is who, or where a card
    is named twice.
    """
    ids = [card.id for card in cards]
    twice = next((name for name in ids if ids.count(name) > 1), None)
    if twice:
        raise DataError(f"The card {twice} is named twice in {'+'.join(ids)}; name it once.")
    family = {name: name for name in ids}
    for card in cards:
        for overlap in card.overlaps:
            if overlap.card not in family:
                continue
            if overlap.subjects == UNMATCHED:
                why = f" ({overlap.note})" if overlap.note else ""
                raise DataError(
                    f"{card.id} and {overlap.card} show some of the same people and their ids cannot be "
                    f"matched{why}, so one person could be in train and in test; use one of them."
                )
            one, other = sorted((family[card.id], family[overlap.card]))
            family = {name: one if known == other else known for name, known in family.items()}
    return family


def _named(modality: Modality, data: str) -> list[DatasetCard] | Path:
    """The cards, or the file or folder, that ``data`` names for one modality; DataError where they do not suit."""
    names = data.split("+")
    if is_own_files(data):
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


def _fetched(cards: list[DatasetCard], progress: Progress | None) -> list[Source]:
    family = families(cards)
    in_mb = progress and (lambda done, total: progress(done // MB, total // MB))
    sources = [
        Source(fetch(card, home(), in_mb), card, family[card.id] if len(cards) > 1 else None)
        for card in cards
    ]
    for source in sources:
        rules.check_metadata(source.path, source.card)
    return sources


def _unknown(data: str, names: list[str]) -> str:
    if len(names) > 1:
        first = next(name for name in names if name not in catalogue_ids())
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
    # a set that is prepared for no installed modality may be called after one
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
