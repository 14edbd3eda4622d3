"""Is this image of my organ? Held-out images against phantoms of other organs, told by a prior.

At most two images of a test subject are asked, and 64 in all; 64 validation images say what is usual. Real images are
not asked: phantoms would be told from them by their texture alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mribench.figures import captioned_rows
from mribench.spec import DenoisingLoss, Metric, Model, Prepared, Profile, Score, Split, Task
from mribench.tasks import equal_by_subject
from mribench.tasks.scores import blank_score, mean_score
from mribench_anomaly.strangeness import by_components, by_grey, by_losses
from mribench_anomaly.strangers import ORGANS, strangers

LEVELS = (0.97102, 0.89702, 0.52409, 0.07859, 0.00335)  # alpha_bar, as the audit asks for losses
MAX_IMAGES = 64
OF_A_SUBJECT = 2
NO_STRANGERS = "other organs are at hand as phantoms only, and real images differ from these by their texture"
SHOWN = 8  # in a row of the picture


def produce(model: Model, data: Prepared, profile: Profile, seed: int) -> dict[str, np.ndarray]:
    """Losses of held-out, validation and strange images, (levels, n) each, which rows, and the strange images.

    Nothing where the data are real.
    """
    assert isinstance(model, DenoisingLoss)  # every model with a denoiser has one
    if data.kind != "phantom":
        return {}
    rows, usual = _rows(data.test), _rows(data.validation)
    images, organs = strangers(data.modality, data.test.images.shape[1])
    asked = np.concatenate([data.test.images[rows], data.validation.images[usual], images])
    losses = np.stack([model.losses(asked.astype(np.float32) / 255, level, seed) for level in LEVELS])
    own, validation, strange = np.split(losses, [len(rows), len(rows) + len(usual)], axis=1)
    return {
        "rows": rows,
        "validation_rows": usual,
        "own_loss": own,
        "validation_loss": validation,
        "strange_loss": strange,
        "strange": images,
        "organs": organs,
    }


def _rows(split: Split) -> np.ndarray:
    return equal_by_subject(split.subjects, min(MAX_IMAGES, OF_A_SUBJECT * split.n_subjects), "ood")


def score(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    metrics: Mapping[str, Metric],
    extract: Any,
    seed: int,
) -> list[Score]:
    """Areas with 95 % intervals over test subjects; the strange images are fixed."""
    if not outputs:
        return [blank_score(metric, NO_STRANGERS, data.test.subjects) for metric in metrics.values()]
    subjects = [data.test.subjects[row] for row in outputs["rows"]]
    numbers = _numbers(outputs, data)
    organs = outputs["organs"]
    scores = []
    for metric in metrics.values():
        own, strange = numbers[metric.name]
        if metric.name == "ood_auroc_least":
            each = [metric.compute(own, strange[organs == organ]) for organ in np.unique(organs)]
            values = min(each, key=np.mean)
        else:
            values = metric.compute(own, strange)
        scores.append(mean_score(metric, values, subjects, n_reference=len(strange)))
    return scores


def _numbers(outputs: Mapping[str, np.ndarray], data: Prepared) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """How strange own and other images look, by the name of the metric."""
    own, strange = data.test.images[outputs["rows"]], outputs["strange"]
    usual = data.validation.images[outputs["validation_rows"]]
    n = len(own)
    losses = np.concatenate([outputs["own_loss"], outputs["strange_loss"]], axis=1)
    images = np.concatenate([own, strange])
    unusual, large = by_losses(losses, outputs["validation_loss"])
    found = {
        "ood_auroc": unusual,
        "ood_auroc_least": unusual,
        "ood_auroc_error": large,
        "ood_auroc_pca": by_components(images, usual, data.train.images),
        "ood_auroc_grey": by_grey(images, usual),
    }
    return {name: (values[:n], values[n:]) for name, values in found.items()}


def draw(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    model: Callable[[], Any] | None,
    caption: str,
) -> dict[str, np.ndarray]:
    """The own organ's and each other organ's images, those that look least strange first."""
    if not outputs:
        return {}
    own, strange = _numbers(outputs, data)["ood_auroc"]
    held_out = data.test.images[outputs["rows"]]
    rows = {"held out": held_out[np.argsort(own)[:SHOWN]]}
    for organ in np.unique(outputs["organs"]):
        of_organ = np.flatnonzero(outputs["organs"] == organ)
        rows[ORGANS[organ]] = outputs["strange"][of_organ[np.argsort(strange[of_organ])[:SHOWN]]]
    shown = min(map(len, rows.values()))
    rows = {name: images[:shown] for name, images in rows.items()}
    return {"strangers": captioned_rows(rows, f"{caption}, least strange first")}


OOD = Task(
    name="ood",
    title="is this image of the organ?",
    version=1,
    metrics=("ood_auroc", "ood_auroc_least", "ood_auroc_error", "ood_auroc_pca", "ood_auroc_grey"),
    produce=produce,
    score=score,
    draw=draw,
    primary="ood_auroc",
    needs=("denoiser",),
)
