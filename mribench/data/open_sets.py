"""``--data open``: for each organ the public set that mribench downloads without an account."""

from __future__ import annotations

from collections.abc import Iterable

from mribench.data.cards import catalogue
from mribench.data.cards.card import UNVERIFIED, DatasetCard
from mribench.data.cards.organ_masks import mask_names
from mribench.data.download import idc
from mribench.data.download.session import announced_size
from mribench.errors import DataError
from mribench.progress import say

OPEN = "open"
MB = 1e6
MOST_ASKED = 8  # files whose sizes are asked of their servers


def best(organ: str) -> DatasetCard | None:
    """The card that ``open`` stands for; None where mribench downloads none that shows the organ.

    Of the sets whose people can be told apart, with a stated licence and of this organ first of all, the one with most
    people; where all lack something, those that lack least. A set of other organs serves where masks choose the slices
    that show this one, series of an archive where its index is installed.
    """
    serving = [
        card
        for card in catalogue.cards().values()
        if card.fetchable
        and (card.organ == organ or mask_names(card, organ))
        and (card.query is None or idc.installed())
    ]
    return max(serving, key=lambda card: _worth(card, organ), default=None)


def _worth(card: DatasetCard, organ: str) -> tuple[bool, bool, bool, int, int]:
    stated = card.licence != UNVERIFIED
    return card.subjects_known, stated, card.organ == organ, card.subjects or 0, card.images or 0


def named(organ: str, data: str) -> str:
    """``data`` itself, or for ``open`` the id of the card. Raises DataError where there is none."""
    if data != OPEN:
        return data
    card = best(organ)
    if card is None:
        raise DataError(
            f"mribench downloads no open set that shows {organ}; leave it out of --modalities, or fetch one by hand "
            f"(`mribench data list --organ {organ}`) and name it with --data"
        )
    return card.id


def missing(organs: Iterable[str]) -> list[str]:
    """The organs that no open set shows."""
    return [organ for organ in organs if best(organ) is None]


def described(organ: str) -> str:
    """'kidney: amos22_mr (AMOS 2022, ...), 100 people, CC-BY-4.0, 22,900 MB'. Raises DataError as ``named``."""
    card = catalogue.find(named(organ, OPEN))
    people = f"{card.subjects:,} people" if card.subjects else "an unknown number of people"
    return f"{organ}: {card.id} ({card.title}), {people}, licence {card.licence}, {_size(card)}"


def say_described(organs: Iterable[str], data: str) -> None:
    """Of ``open`` a line for each organ says what is downloaded, before it is; of other data nothing."""
    if data == OPEN:
        # every server answers before the first line, so that bars do not stand between them
        for line in [described(organ) for organ in organs]:
            say(line)


def _size(card: DatasetCard) -> str:
    """As the card says it, or its servers."""
    if card.query:
        return f"{card.query.bytes / MB:,.0f} MB"
    if len(card.files) > MOST_ASKED:
        return f"{len(card.files)} files"
    sizes = [file.bytes or announced_size((file.url, *file.mirrors)) for file in card.files]
    known = [size for size in sizes if size is not None]
    return f"{sum(known) / MB:,.0f} MB" if len(known) == len(sizes) else "of unknown size"


def suggestion(organs: Iterable[str]) -> str | None:
    """What real images there are for a run on phantoms, in one line; None where there are none."""
    found = [f"{card.id} ({organ})" for organ in organs if (card := best(organ))]
    return f"phantoms show no patients; --data {OPEN} downloads {', '.join(found)}" if found else None
