"""What samples are scored against: a card, a folder, a prepared set, or ``phantom:ORGAN``, prepared at their side."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from mribench import files, signals
from mribench.data import load
from mribench.data.cards import catalogue
from mribench.data.globs import ALL_FILES, Globs
from mribench.data.organ import OWN_ORGAN, check_organ
from mribench.data.prepare import in_one_line, prepare_target
from mribench.data.source import check_globs
from mribench.data.store.dataset import MANIFEST, read_manifest
from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.progress import progress, say
from mribench.spec import Modality, Prepared, Profile

PHANTOM = "phantom:"


def is_prepared(data: str) -> bool:
    """Whether it is the folder of a prepared set."""
    return (Path(data).expanduser() / MANIFEST).is_file()


def organ_of(data: str, asked: str | None) -> str:
    """The name of the modality: as asked, of the phantom, card or prepared set, or ``local``. Raises InputError."""
    organ = data.removeprefix(PHANTOM) if data.startswith(PHANTOM) else None
    if data == "phantom" or organ == "":
        raise InputError(
            f"a phantom of what? write phantom:ORGAN, one of {', '.join(lookup.names('modalities'))}"
        )
    if organ is not None and asked not in (None, organ):
        raise InputError(f"--modality is {asked} and the data are {data}; leave --modality out")
    card = catalogue.cards().get(data.split("+")[0]) if organ is None and not Path(data).exists() else None
    if asked is not None:
        check_organ(asked)
    return asked or organ or (card.organ if card else _organ_of_folder(data))


def _organ_of_folder(data: str) -> str:
    """A prepared set lies in a folder that is named after its organ: brain-4f53cda1aa8b."""
    organ, _, key = Path(data).name.rpartition("-")
    known = is_prepared(data) and organ in lookup.names("modalities") and key
    return organ if known else OWN_ORGAN


def prepared(
    data: str,
    organ: str,
    profile: Profile,
    out: Path,
    name: str | None = None,
    skip_broken: bool = False,
    globs: Globs = ALL_FILES,
) -> Prepared:
    """The prepared set below ``out``, where ``verify`` finds it; a set that is prepared already is copied there.

    Args:
        data: as at the head of this module.
        organ: ``organ_of(data)``.
        profile: size and largest number of the images.
        out: the folder of the run.
        name: what boards call the user's own files.
        skip_broken: leave out those that cannot be read.
        globs: which of them are read.

    Raises:
        InputError: the data cannot be used, or are prepared at another size.
    """
    if is_prepared(data):
        if name is not None:
            raise InputError(f"{data} is prepared and has its name; leave --data-name out")
        check_globs(globs, data, is_prepared=True)
        return _copied(Path(data).expanduser(), profile.size, out)
    is_phantom = data.startswith(PHANTOM)
    own_organ = organ if is_phantom or organ in lookup.names("modalities") else None
    with progress(f"prepare {organ}", 0) as advance:

        def prepared_so_far(done: int, total: int) -> None:
            signals.raise_if_stopped()
            advance(done, total=total)

        target = "phantom" if is_phantom else data
        found = prepare_target(target, own_organ, profile, out, prepared_so_far, name, skip_broken, globs)
    _check_splits(found)
    if found.kind == "real":
        say(in_one_line(found))
    return found


def _copied(folder: Path, size: int, out: Path) -> Prepared:
    manifest = read_manifest(folder)
    if manifest["size"] != size:
        raise InputError(
            f"{folder.name} was prepared at {manifest['size']}x{manifest['size']} pixels and the samples have "
            f"{size}x{size}; give the source of the data in its place, or samples of that side"
        )
    home = out / "data" / folder.name
    if folder.resolve() != home.resolve() and not home.exists():
        found = load(folder)
        with files.new_folder(home) as temporary:
            shutil.copytree(folder, temporary, dirs_exist_ok=True)
        _check_splits(found)
    return load(home)


def _check_splits(found: Prepared) -> None:
    for split in ("train", "validation", "test"):
        if not len(getattr(found, split)):
            raise InputError(
                f"the {split} split of {found.name} is empty, expected images; give more subjects"
            )


def with_organ(found: Prepared, organ: Modality) -> Prepared:
    """The set as its modality says: whether it is MRI."""
    return replace(found, is_mri=organ.is_mri)
