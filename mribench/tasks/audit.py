"""Memorisation audit: are generated images, or the network, nearer to the training subjects than others are?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mribench.audit import losses, membership
from mribench.features import Extractor
from mribench.spec import Prepared, Profile, Score, Task


def score(*_: Any) -> list[Score]:
    """None: the audit has a verdict, and a verdict is no metric to rank by."""
    return []


def judge(
    outputs: Mapping[str, np.ndarray], data: Prepared, profile: Profile, extract: Extractor, seed: int
) -> dict[str, Any]:
    found = membership.of_losses(outputs, data)
    return {"verdict": "cannot say", "reasons": ["only the network was asked"], "membership": found}


AUDIT = Task(
    name="audit",
    title="memorisation audit",
    version=1,
    metrics=(),
    produce=losses.produce,
    score=score,
    reads="generation",
    features=("hc85-v1",),
    judge=judge,
)
