"""The half of the audit that needs the network: its denoising loss on training images and on held-out ones.

The stage on disk is named by the code of this file alone. ``membership`` evaluates the losses.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mribench.seeds import numpy_rng
from mribench.spec import DenoisingLoss, Model, Prepared, Profile

# alpha_bar at t = 50, 100, 250, 500 and 750 of the linear schedule of Ho et al.; by level, so that schedules compare
LEVELS = (0.97102, 0.89702, 0.52409, 0.07859, 0.00335)
MAX_IMAGES = 256  # of each split


def produce(model: Model, data: Prepared, profile: Profile, seed: int) -> dict[str, np.ndarray]:
    """Losses of at most 256 images of each split, equally many of each subject.

    Args:
        model: any model; only one with a denoising loss has losses.
        data: the prepared set.
        profile: not used; every task takes it.
        seed: of the rows and of the noise.

    Returns:
        Of train and of test, ``<split>_rows`` int64 (n,), which images, and ``<split>_loss`` float32 (levels, n).
        Empty for a model without a loss, such as a control.
    """
    if not isinstance(model, DenoisingLoss):
        return {}
    splits = {"train": data.train, "test": data.test}
    rows = {name: equal_by_subject(split.subjects, MAX_IMAGES, name, seed) for name, split in splits.items()}
    images = np.concatenate([splits[name].images[rows[name]] for name in splits]).astype(np.float32) / 255
    losses = np.stack([model.losses(images, level, seed) for level in LEVELS])
    n = len(rows["train"])
    return {
        "train_rows": rows["train"],
        "train_loss": losses[:, :n],
        "test_rows": rows["test"],
        "test_loss": losses[:, n:],
    }


def equal_by_subject(subjects: Sequence[str], limit: int, *address: int | str) -> np.ndarray:
    """Rows drawn equally from all subjects, as far as each has so many.

    Every subject's rows are shuffled. First one row of each subject is taken, then a second one of each, and so on.

    Args:
        subjects: subject of each of N rows.
        limit: how many rows to draw.
        *address: names the random stream.

    Returns:
        int64 (min(limit, N),), ascending.
    """
    rng = numpy_rng("equal by subject", *address)
    shuffled = rng.permutation(len(subjects))
    seen: dict[str, int] = {}
    rounds = np.empty(len(subjects), dtype=np.int64)
    for row in shuffled:
        rounds[row] = seen[subjects[row]] = seen.get(subjects[row], -1) + 1
    order = shuffled[np.argsort(rounds[shuffled], kind="stable")]
    return np.sort(order[:limit])
