"""How many labelled subjects does a prior save?

A small network learns to segment from the labels of 1, 5 and 20 subjects, with the prior's view of every image beside
the image (``inputs``). It is held against the same network that sees the image alone, and one that sees blurs of it:
for what those do no prior is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from mribench.spec import Metric, Model, Prepared, Profile, Score, Task
from mribench_downstream import comparing
from mribench_downstream.comparing import Compared
from mribench_downstream.inputs import blurred, denoised
from mribench_downstream.labelled import (
    FIELD,
    Labelled,
    classes,
    grey,
    labelled_subjects,
    rows_of_some,
    why_not,
    with_structure,
)
from mribench_downstream.references import TRAININGS, Setting
from mribench_downstream.segmenter import predict, steps_of, train

COUNTS = (1, 5, 20)  # labelled subjects
COMPARED: Compared = {
    **{f"segmentation_{count}": (f"prior-{count}", None) for count in COUNTS},
    **{f"segmentation_gain_{count}": (f"prior-{count}", f"image-{count}") for count in COUNTS},
    **{f"segmentation_over_blur_{count}": (f"prior-{count}", f"blur-{count}") for count in COUNTS},
    **{f"segmentation_image_{count}": (f"image-{count}", None) for count in COUNTS},
    "segmentation_hd95_5": ("prior-5", None),
    "segmentation_hd95_image_5": ("image-5", None),
}
NETWORKS = ("image-1", "blur-1", "prior-1")  # of the picture


def produce(model: Model, data: Prepared, profile: Profile, seed: int) -> dict[str, np.ndarray]:
    """Label maps of the test images by every network: uint8 (n, H, W).

    Nothing where too few subjects have label maps.
    """
    if why_not(data):
        return {}
    drawn = {(n, k): rows_of_some(data.train, n, k) for n in _counts(data) for k in range(TRAININGS)}
    used = np.unique(np.concatenate(list(drawn.values())))
    seen = dict(
        zip(used.tolist(), denoised(model, data.train.images[used], profile.sample_batch), strict=True)
    )
    test = denoised(model, data.test.images[with_structure(data.test)], profile.sample_batch)
    found = dict(_without_prior(Setting.of(data, steps_of(profile), 0)))
    for (count, training), rows in drawn.items():
        labelled = Labelled(np.stack([seen[row] for row in rows.tolist()]), data.train.fields[FIELD][rows])
        net = train([labelled], classes(data), steps_of(profile), training)
        found[f"prior-{count}_{training}"] = predict(net, test)
    return found


def _counts(data: Prepared) -> list[int]:
    """Those for which there are subjects enough."""
    return [count for count in COUNTS if count <= len(labelled_subjects(data.train))]


@lru_cache(maxsize=1)
def _without_prior(setting: Setting) -> dict[str, np.ndarray]:
    """Label maps by the networks that are the same for every prior on the same data."""
    data, found = setting.data, {}
    images = data.test.images[with_structure(data.test)]
    for name, see in {"image": grey, "blur": blurred}.items():
        test = see(images)
        for count in _counts(data):
            for training in range(TRAININGS):
                rows = rows_of_some(data.train, count, training)
                labelled = Labelled(see(data.train.images[rows]), data.train.fields[FIELD][rows])
                net = train([labelled], classes(data), setting.steps, training)
                found[f"{name}-{count}_{training}"] = predict(net, test)
    return found


def score(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    metrics: Mapping[str, Metric],
    extract: Any,
    seed: int,
) -> list[Score]:
    """As ``comparing.score``."""
    return comparing.score(outputs, data, profile, metrics, extract, seed, compared=COMPARED)


def draw(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    model: Callable[[], Any] | None,
    caption: str,
) -> dict[str, np.ndarray]:
    """As ``comparing.draw``."""
    return comparing.draw(outputs, data, profile, model, caption, networks=NETWORKS)


SEGMENTATION = Task(
    name="segmentation",
    title="how many labelled subjects does a prior save?",
    version=1,
    metrics=tuple(COMPARED),
    produce=produce,
    score=score,
    draw=draw,
    primary="segmentation_5",
    needs=("denoiser",),
    fields=(FIELD,),
)
