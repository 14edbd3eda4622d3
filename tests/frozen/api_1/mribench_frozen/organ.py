"""Frozen organ, an organ for mribench."""

from mribench.spec import Modality

from mribench_frozen.phantom import draw

FROZEN_ORGAN = Modality(
    name="frozen-organ",
    title="Frozen organ",
    contrast="T1w spin echo, axial",
    phantom=draw,
    # ids of dataset cards that show this organ, best first: mribench data list
    cards=(),
)
