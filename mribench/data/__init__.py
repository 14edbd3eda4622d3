"""From files to a prepared set: find and read them, window, resize, split by subject, store. Nothing imports torch.

``prepare_data`` is what a run calls and ``load`` reads what it made. Rooms: ``cards`` (what is known of a dataset),
``readers`` (file formats), ``download``, ``store`` (the set on disk). A new format or card needs no edit here.
"""

from mribench.data.cards.card import DatasetCard
from mribench.data.cards.catalogue import load_cards
from mribench.data.cards.parse import read_card
from mribench.data.prepare import describe, prepare_data
from mribench.data.readers.folder import read_volumes
from mribench.data.source import check_name, check_suits
from mribench.data.store.dataset import load
from mribench.spec import Volume

__all__ = [
    "DatasetCard",
    "Volume",
    "check_name",
    "check_suits",
    "describe",
    "load",
    "load_cards",
    "prepare_data",
    "read_card",
    "read_volumes",
]
