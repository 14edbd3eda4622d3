"""The kernel distance of a board while a model is trained, with the methods of a metric of torchmetrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mribench import profiles
from mribench.errors import InputError
from mribench.features import Extractor
from mribench.plugins import lookup
from mribench.results import metric_label
from mribench.runner import runspec
from mribench.sampling.pretrained import grey_images
from mribench.scoring import data as real_data
from mribench.scoring.placing import PROFILE
from mribench.spec import Prepared
from mribench.tasks.generation import distance


class KernelDistance:
    """Kernel distance x 1000 between generated and held-out real images, in several feature spaces.

    By default the validation subjects are held out: who chooses a checkpoint by the test subjects has no test left.
    ``split="test"`` gives the value that ``mribench.score`` records for the same images.

    >>> metric = mribench.KernelDistance("runs/mine/data/heart-0123456789ab")
    >>> metric.update(images)  # (N, 1, H, W) or (N, H, W), uint8 or float in [0, 1]; as often as there are batches
    >>> log(metric.compute())  # {"kd[hc85-v1]": 103.2, "kd[gist208-v1]": 31.9, "kd[shape156-v1]": 64.0}
    >>> metric.reset()

    Args:
        against: as for ``mribench.score``: a card's id, a file or folder, a prepared set, or ``phantom:ORGAN``.
        size: side of the images in pixels; of a prepared set its own.
        split: ``validation`` or ``test``.
        features: names of feature spaces.
        out: where the data are prepared, once.

    Raises:
        InputError: the data or a feature space cannot be used.
    """

    def __init__(
        self,
        against: str | Path | Prepared,
        size: int = 64,
        split: Literal["validation", "test"] = "validation",
        features: Sequence[str] = runspec.FEATURES,
        out: str | Path = "runs/score",
    ):
        if split not in ("validation", "test"):
            raise InputError(f"split is {split!r}, expected validation or test")
        found = against if isinstance(against, Prepared) else _prepared(str(against), size, Path(out))
        self._data = found if split == "test" else replace(found, test=found.validation)
        self._extract = Extractor(lookup.load_all("features", features))
        self._metric = lookup.load("metrics", "kd")
        self._batches: list[np.ndarray] = []

    def update(self, images: Any) -> None:
        """Add a batch, an array or a torch tensor. Raises InputError for another side, colour or range."""
        batch, side = grey_images(images, "update"), self._data.test.images.shape[1]
        if batch.shape[1:] != (side, side):
            found = f"{batch.shape[1]}x{batch.shape[2]}"
            raise InputError(
                f"update got images of {found} pixels, expected {side}x{side} as the real ones have"
            )
        self._batches.append(batch)

    def compute(self) -> dict[str, float]:
        """By label. Raises InputError before the first ``update``, Unavailable where a space has no value."""
        if not self._batches:
            raise InputError("no image was given, expected some; call update before compute")
        images = np.concatenate(self._batches)
        found = {
            metric_label("kd", space): distance(self._metric, space, images, self._data, self._extract)
            for space in self._extract.spaces
        }
        self._extract.forget(images)
        return found

    def reset(self) -> None:
        """Begin anew; the features of the real images stay."""
        self._batches.clear()

    def __repr__(self) -> str:
        n, real = sum(map(len, self._batches)), self._data.test
        return f"KernelDistance({n} images against {len(real)} of {real.n_subjects} subjects of {self._data.name})"


def _prepared(against: str, size: int, out: Path) -> Prepared:
    if real_data.is_prepared(against):
        return real_data.load(Path(against).expanduser())
    profile = replace(profiles.get(PROFILE), size=size)
    return real_data.prepared(against, real_data.organ_of(against, None), profile, out)
