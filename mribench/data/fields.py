"""Named fields of a prepared set: made once, when something asks for them, and stored beside the set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from mribench.data import file_fields, kspace_fields, phantom_fields
from mribench.data.cards.card import RAW, CardField, DatasetCard, check_template
from mribench.data.file_fields import Beside
from mribench.data.phantom_fields import Arrays, Progress
from mribench.data.source import Source
from mribench.data.store import fields as store
from mribench.data.store.identity import digests
from mribench.errors import InputError
from mribench.hashing import json_hash
from mribench.progress import say
from mribench.spec import Field, Modality, Prepared
from mribench.spec.field import KSPACE

Make = Callable[[list[str]], Mapping[str, tuple[Field, Arrays]]]


def of_phantom(
    modality: Modality, prepared: Prepared, names: Iterable[str], seed: int, progress: Progress | None = None
) -> Prepared:
    """The set of a phantom with those of the fields that its modality draws.

    Raises:
        DataError: Where a drawing breaks the contract.
    """
    drawn = {field.name for field in modality.fields} if modality.draw_fields else set()
    wanted = [name for name in names if name in drawn]
    if not wanted:
        return store.attach(prepared, names)
    origin = phantom_fields.made_from(modality, int(prepared.manifest["size"]), seed)

    def make(missing: list[str]) -> Mapping[str, tuple[Field, Arrays]]:
        return phantom_fields.draw(modality, prepared, missing, seed, progress)

    _make_missing(prepared, dict.fromkeys(wanted, origin), make)
    return store.attach(prepared, [name for name in names if name in drawn or name == store.SLICE])


def _make_missing(prepared: Prepared, origins: Mapping[str, str], make: Make) -> None:
    """Put fields in use, and make those that are not there as they were written. origins: What each is made from."""
    missing = []
    for name, origin in origins.items():
        folder = store.folder(prepared, name, origin)
        damaged = store.damages_of(folder) if folder.is_dir() else []
        for damage in damaged:
            say(f"{damage}; it is made again")
        if damaged or not folder.is_dir():
            missing.append(name)
        else:
            store.use(prepared, name, folder)
    for name, (field, arrays) in (make(missing) if missing else {}).items():
        store.save(prepared, field, arrays, origins[name])


def of_files(
    prepared: Prepared,
    names: Sequence[str],
    sources: Sequence[Source],
    files: Sequence[Sequence[Path]],
    organ: str,
    cache: Path,
    masks: str | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """The set of cards, or of a user's own files, with those of the fields that it has.

    Args:
        prepared: The set.
        names: Fields that are wanted. Cards say where theirs are; those of own files were named once by ``masks``.
        sources: What the set was made of.
        files: The images of each source.
        organ: The modality that was asked for.
        cache: Folder for remembered digests.
        masks: Where the label map of an image of one's own lies, see ``CardField.file``: it becomes ``labels``.
        progress: Called with (volumes done, files in all).

    Raises:
        DataError: Where a file of a field is missing or does not fit its image.
        InputError: Where ``masks`` is no such pattern.
    """
    is_own = any(source.card is None for source in sources)
    rows = [_own(masks)] if masks is not None else _of_all([source.card for source in sources])
    rows += [CardField(KSPACE, RAW)] if is_own else []
    parts = {
        row.name: [
            Beside(source, found, _of_card(source, row), organ)
            for source, found in zip(sources, files, strict=True)
        ]
        for row in rows
        if (masks is not None and row.kind != RAW) or not set(_made_of(row)).isdisjoint(names)
    }
    # of an archive that was not fetched there is no field
    parts = {
        name: found
        for name, found in parts.items()
        if (name != KSPACE and masks is not None) or any(map(_is_there, found))
    }
    origins = {
        name: _made_from(beside, cache) for beside in parts.values() for name in _made_of(beside[0].field)
    }

    def make(missing: list[str]) -> Mapping[str, tuple[Field, Arrays]]:
        found: dict[str, tuple[Field, Arrays]] = {}
        for beside in parts.values():
            if beside[0].field.kind == RAW and not set(kspace_fields.FIELDS).isdisjoint(missing):
                found |= kspace_fields.read(prepared, beside, progress)
            elif beside[0].field.name in missing:
                found[beside[0].field.name] = file_fields.read(prepared, beside, progress)
        return found

    _make_missing(prepared, origins, make)
    known = [name for name in names if is_own or name in origins or name == store.SLICE]
    return store.attach(prepared, dict.fromkeys([*known, *origins]))


def _made_of(row: CardField) -> tuple[str, ...]:
    """Names of the fields that a rule gives."""
    return tuple(kspace_fields.FIELDS) if row.kind == RAW else (row.name,)


def _is_there(part: Beside) -> bool:
    if part.field.kind == RAW and part.source.card is None:
        return kspace_fields.has_kspace(part)
    return any(part.file(image).is_file() for image in part.files)


def _own(masks: str) -> CardField:
    try:
        check_template(masks)
    except ValueError as error:
        raise InputError(f"--masks: {error}".replace("files names", "the pattern is")) from error
    return CardField("labels", "labels", (masks,))


def _of_all(cards: Sequence[DatasetCard | None]) -> list[CardField]:
    """The fields that every one of the cards has, with one meaning."""
    first, *others = [{(f.name, f.kind, f.names): f for f in card.fields} if card else {} for card in cards]
    return [field for meaning, field in first.items() if all(meaning in other for other in others)]


def _of_card(source: Source, field: CardField) -> CardField:
    """The rule of the source's own card for a field of that name."""
    own = source.card.fields if source.card else ()
    return next((one for one in own if one.name == field.name), field)


def _made_from(parts: Sequence[Beside], cache: Path) -> str:
    """A hash of the rules, and of every file that is read."""
    is_raw = parts[0].field.kind == RAW
    found: list[object] = [file_fields.VERSION, *([kspace_fields.VERSION] if is_raw else [])]
    for part in parts:
        beside = [part.file(image) for image in part.annotated]
        found.append([asdict(part.field), digests([*part.files, *beside], cache)])
    return json_hash(found)
