"""A set prepared because somebody asked for it by hand, and not for a run."""

from __future__ import annotations

from pathlib import Path

from mribench.data import prepare_data
from mribench.data.build import Progress
from mribench.data.cards import catalogue
from mribench.data.store.dataset import MANIFEST, load
from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.spec import Modality, Prepared, Profile


def prepare(
    target: str, organ: str | None, profile: Profile, out: Path, progress: Progress | None = None
) -> Prepared:
    """The prepared set of a card, of joined cards, of a file or folder; a prepared folder is read as it is.

    organ: a modality's name; None takes the card's own organ, and ``local`` for a path. Cards of organs for which
    no modality is installed can be prepared too. Raises DataError or InputError.
    """
    if (Path(target) / MANIFEST).is_file():
        return load(Path(target))
    if target == "phantom" and organ is None:
        raise InputError(
            f"a phantom of what? give --modality, one of {', '.join(lookup.names('modalities'))}"
        )
    first = catalogue.cards().get(target.split("+")[0])
    name = organ or (first.organ if first else "local")
    return prepare_data(_modality(name, target), target, profile, out, progress=progress)


def _modality(name: str, target: str) -> Modality:
    if name in lookup.names("modalities") or target == "phantom":
        return lookup.load("modalities", name)
    return Modality(name=name, title=name, contrast="", phantom=_no_phantom)


def _no_phantom(*_: object, **__: object) -> None:
    raise InputError("no phantom is drawn for an organ without a modality; install one")
