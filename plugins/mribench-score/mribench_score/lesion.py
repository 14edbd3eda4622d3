"""A DDPM that is told whether the image shows a lesion: class labels within one organ.

Ho & Salimans, arXiv 2207.12598, algorithm 1, as ``joint``, with the classes of the fields ``abnormal`` and ``lesion``
in place of organs. It is trained on both at the budget of one training, and boards draw healthy images from it.
"""

from __future__ import annotations

from dataclasses import replace

from mribench_score.joint import JOINT

LESION = replace(
    JOINT,
    name="lesion-label",
    title="DDPM, told whether there is a lesion",
    conditions=("lesion",),
    fields=("abnormal", "lesion"),
)
