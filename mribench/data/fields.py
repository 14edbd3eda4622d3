"""Named fields of a prepared set: made once, when something asks for them, and stored beside the set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from mribench.data import phantom_fields
from mribench.data.phantom_fields import Arrays, Progress
from mribench.data.source import Source
from mribench.data.store import fields as store
from mribench.progress import say
from mribench.spec import Field, Modality, Prepared

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
    files: Sequence[list[Path]],
    organ: str,
    progress: Progress | None = None,
) -> Prepared:
    return store.attach(prepared, names)
