"""The organ of images for which no modality need be installed: by its name, or by none."""

from __future__ import annotations

from mribench.data.cards import catalogue
from mribench.errors import InputError, unknown_name
from mribench.plugins import lookup
from mribench.spec import Modality

OWN_ORGAN = "local"  # of a path for which none is named


def modality(name: str, is_mri: bool = True) -> Modality:
    """The installed modality of an organ; for any other name one without a phantom."""
    if name in lookup.names("modalities"):
        installed: Modality = lookup.load("modalities", name)
        return installed
    return Modality(name=name, title=name, contrast="", phantom=_no_phantom, is_mri=is_mri)


def check_organ(name: str) -> None:
    """Raises InputError for an organ of which neither a modality is installed nor a card exists: a slip of the pen."""
    cards = catalogue.cards().values()
    organs = {OWN_ORGAN, *(organ for card in cards for organ in (card.organ, *card.other_organs))}
    names = dict.fromkeys([*lookup.names("modalities"), *sorted(organs)])
    if name not in names:
        advice = "install one (mribench plugin new modality NAME), or leave --modality out"
        raise InputError(unknown_name("modality", name, names, advice))


def _no_phantom(*args: object, **kwargs: object) -> None:
    raise InputError("no phantom is drawn for an organ without a modality; install one")
