"""The half of the audit that needs the network: its denoising loss on images it was trained on and on held-out ones.

This file alone names the stage on disk; what is made of the losses is in ``membership``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mribench.seeds import numpy_rng
from mribench.spec import DenoisingLoss, Model, Prepared, Profile

# abar at t = 50, 100, 250, 500 and 750 of the linear schedule of Ho et al.: fixed by abar, so that schedules compare
LEVELS = (0.97102, 0.89702, 0.52409, 0.07859, 0.00335)
MOST = 256


def produce(model: Model, data: Prepared, profile: Profile, seed: int) -> dict[str, np.ndarray]:
    """Of train and of test: ``<split>_rows`` int64 (n,), images of the split, and ``<split>_loss`` float32 (levels, n).

    n is at most 256 a split. Empty for a model that has no loss, such as a control.
    """
    if not isinstance(model, DenoisingLoss):
        return {}
    splits = {"train": data.train, "test": data.test}
    rows = {name: equal_by_subject(split.subjects, MOST, name, seed) for name, split in splits.items()}
    images = np.concatenate([splits[name].images[rows[name]] for name in splits]).astype(np.float32) / 255
    losses = np.stack([model.losses(images, level, seed) for level in LEVELS])
    n = len(rows["train"])
    return {
        "train_rows": rows["train"],
        "train_loss": losses[:, :n],
        "test_rows": rows["test"],
        "test_loss": losses[:, n:],
    }


def equal_by_subject(subjects: Sequence[str], most: int, *address: int | str) -> np.ndarray:
    """int64 (min(most, N),), ascending: rows drawn so that no subject has two more than another that has more to give.

    Every subject's rows are shuffled; first all first ones are taken, then all second ones, and so on.
    """
    rng = numpy_rng("equal by subject", *address)
    shuffled = rng.permutation(len(subjects))
    seen: dict[str, int] = {}
    turns = np.empty(len(subjects), dtype=np.int64)
    for row in shuffled:
        turns[row] = seen[subjects[row]] = seen.get(subjects[row], -1) + 1
    order = shuffled[np.argsort(turns[shuffled], kind="stable")]
    return np.sort(order[:most])
