"""Memorisation audit: are generated images, or the network, nearer to the training subjects than others are?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mribench.audit import losses
from mribench.audit.examine import MOST_GENERATED, SPACE, HeldOut, examine, held_out
from mribench.audit.match import neighbours
from mribench.audit.membership import of_losses
from mribench.audit.pairs import picture
from mribench.audit.verdict import VERSION, verdict
from mribench.features import Extractor
from mribench.spec import Model, Prepared, Profile, Score, Task


def score(*_: Any) -> list[Score]:
    """None: the audit has a verdict, and a verdict is no metric to rank by."""
    return []


def calibration(data: Prepared, extract: Extractor) -> HeldOut:
    """What the audit says of real images of held-out subjects: made once for every model on the same data."""
    return extract.once(f"held out of {data.key}", lambda: held_out(data))


def judge(
    outputs: Mapping[str, np.ndarray], data: Prepared, profile: Profile, extract: Extractor, seed: int
) -> dict[str, Any]:
    """``verdict.verdict`` of the generated images and of the network's losses."""
    found = examine(outputs["images"], data, extract, calibration(data, extract))
    return verdict(found, of_losses(outputs, data), data)


def draw(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    model: Callable[[], Model] | None,
    words: str,
) -> dict[str, np.ndarray]:
    """``neighbours``: generated images beside what they may be copies of. Of real data it shows patients."""
    images = outputs["images"][:MOST_GENERATED]
    near = neighbours(images, data.train.images, data.train.subjects)
    return {"neighbours": picture(images, data.train.images, near, words)}


AUDIT = Task(
    name="audit",
    title="memorisation audit",
    version=VERSION,
    metrics=(),
    produce=losses.produce,
    score=score,
    draw=draw,
    reads="generation",
    features=(SPACE,),
    judge=judge,
)
