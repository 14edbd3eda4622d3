"""Several cards as one set (``--data a+b``): who is the same person, and which cards must not go together."""

from __future__ import annotations

from collections.abc import Sequence

from mribench.data.cards.card import UNMATCHED, DatasetCard
from mribench.errors import DataError


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
                    f"matched{why}, so one person could stand in train and in test; use one of them."
                )
            one, other = sorted((family[card.id], family[overlap.card]))
            family = {name: one if known == other else known for name, known in family.items()}
    return family
