"""Memorisation audit: are generated images, or the network, nearer to the training or test subjects than others are?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mribench.audit import losses
from mribench.audit.examine import MAX_GENERATED, SPACE, HeldOut, examine, held_out
from mribench.audit.match import Neighbours, neighbours
from mribench.audit.membership import membership_inference
from mribench.audit.poses import unposed
from mribench.audit.verdict import VERSION, verdict
from mribench.features import Extractor
from mribench.figures import captioned, grid
from mribench.spec import Model, Prepared, Profile, Score, Task

PAIRS = 16  # in the picture: those of smallest neighbour ratio
PAIRS_PER_ROW = 4


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
    return verdict(found, membership_inference(outputs, data), data)


def draw(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    model: Callable[[], Model] | None,
    words: str,
) -> dict[str, np.ndarray]:
    """``neighbours``: generated images beside what they may be copies of. Of real data it shows patients."""
    images = outputs["images"][:MAX_GENERATED]
    near = neighbours(images, data.train.images, data.train.subjects)
    return {"neighbours": pairs(images, data.train.images, near, words)}


def pairs(images: np.ndarray, train: np.ndarray, near: Neighbours, caption: str) -> np.ndarray:
    """The generated images of smallest neighbour ratio, each with its nearest training image and their difference.

    Args:
        images: generated, uint8 (n, H, W).
        train: uint8 (m, H, W).
        near: the training images nearest to the generated ones.
        caption: of the model.

    Returns:
        uint8 (height, width), one picture.
    """
    suspects = np.argsort(near.ratio, kind="stable")[:PAIRS]
    scale = max(1, min(images.shape[1:]) // 64)
    strips = []
    for i in suspects:
        twin = train[near.nearest[i]]
        shift = scale * near.shift[i]
        strips += [images[i], twin, _difference(images[i], twin, int(near.symmetry[i]), shift)]
    title = f"generated | nearest in train | difference, smallest neighbour ratio first: {caption}"
    return captioned(grid(np.stack(strips), 3 * PAIRS_PER_ROW), title)


def _difference(image: np.ndarray, twin: np.ndarray, symmetry: int, shift: np.ndarray) -> np.ndarray:
    """uint8 (H, W): |image - twin|, the twin placed as it was matched, with the best gain and bias."""
    # the turned query was matched to the training image as it is, so the way back turns last
    placed = unposed(np.roll(twin, tuple(-shift), axis=(0, 1)), symmetry).astype(np.float64)
    centred = placed - placed.mean()
    gain = (centred * image).mean() / max(np.square(centred).mean(), 1e-9)
    return np.clip(np.abs(image - image.mean() - gain * centred), 0, 255).astype(np.uint8)


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
    needs=("samples",),
)
