"""Where is the lesion? Reconstructions of images with a planted lesion, and of the same people without it.

The prior, or the baseline, has seen healthy people. What it makes of an image is held against the image, and the
difference is the map of anomaly. Of each subject the slice with the largest lesion is asked, and its healthy twin.
Settings of the solver and the smoothing of the map are chosen by average precision, and the threshold by the Dice
coefficient, all on validation subjects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mribench.figures import captioned_columns
from mribench.spec import (
    Answers,
    Draws,
    Measurement,
    Metric,
    Model,
    Prepared,
    Problem,
    Profile,
    Score,
    Task,
)
from mribench.tasks import to_uint8
from mribench.tasks.scores import blank_score, mean_score
from mribench_anomaly.baselines import BRIGHTNESS, DARKNESS, HEALTHY_TWIN, PCA, UNCHANGED
from mribench_anomaly.lesions import LEAST_LESION, Asked, asked, strata
from mribench_anomaly.methods import KIND
from mribench_anomaly.pixels import WIDTHS, anomaly_map, average_precision, best_threshold

if TYPE_CHECKING:
    import torch

VALIDATION_SUBJECTS = 16
HIGHEST = 0.01  # share of the body's pixels whose mean says how strange an image is
LEVEL = 0.0  # of the problem: nothing is added to an image
ROWS = 8  # of the picture
WHITE = 0.995  # quantile of its maps that is shown white
NO_LESION = f"no {{split}} subject has a lesion of {LEAST_LESION} pixels or more"


@dataclass(frozen=True)
class Whole:
    """The operator of an image that is seen as it is."""

    def __call__(self, x: torch.Tensor, /) -> torch.Tensor:
        return x

    def adjoint(self, y: torch.Tensor, /) -> torch.Tensor:
        return y


def seen(x: torch.Tensor, level: float, draws: Draws) -> Measurement:
    """The image as it is."""
    return Measurement(x, Whole(), 0.0, (x.shape[-2], x.shape[-1]))


def produce(model: Model, data: Prepared, profile: Profile, seed: int) -> dict[str, np.ndarray]:
    """What was asked and what was answered; empty where no subject has a lesion.

    ``rows`` int64 (n,), which test images. ``answers`` and ``twin_answers`` uint8 (n, H, W), reconstructions of the
    image with the lesion and of its healthy twin. ``setting`` int64 (1,), the place in ``Solver.search``, -1 without
    one. ``width`` and ``threshold`` float64 (1,), of the map.
    """
    assert isinstance(model, Answers)  # the runner gives a solver to a task that poses a problem
    validation, test = asked(data.validation), asked(data.test)
    if not len(validation.rows) or not len(test.rows):
        return {}
    few = np.unique(np.linspace(0, len(validation.rows) - 1, VALIDATION_SUBJECTS).round().astype(int))
    setting, width, threshold = chosen(model, asked(data.validation, validation.rows[few]), seed)
    return {
        "rows": test.rows,
        "answers": answered(model, test.images, test.twins, seed, setting),
        "twin_answers": answered(model, test.twins, test.twins, seed, setting),
        "setting": np.array([setting]),
        "width": np.array([width]),
        "threshold": np.array([threshold]),
    }


def chosen(model: Answers, validation: Asked, seed: int) -> tuple[int, float, float]:
    """Setting, width of the smoothing and threshold: the first two of the highest mean average precision."""
    best: tuple[float, int, float, np.ndarray] | None = None
    for setting in range(len(model.solver.search)) or (-1,):
        answers = answered(model, validation.images, validation.twins, seed, setting)
        for width in WIDTHS:
            maps = anomaly_map(validation.images, answers, validation.inside, width)
            found = float(np.mean(_of_pixels(average_precision, maps, validation)))
            if best is None or found > best[0]:
                best = found, setting, width, maps
    assert best is not None  # there is a setting, and a width
    _, setting, width, maps = best
    parts = [
        (one[inside], lesion[inside])
        for one, inside, lesion in zip(maps, validation.inside, validation.lesions, strict=True)
    ]
    return setting, width, best_threshold(*zip(*parts, strict=True))


def answered(model: Answers, images: np.ndarray, twins: np.ndarray, seed: int, setting: int) -> np.ndarray:
    """Reconstructions, uint8 (n, H, W). That of the ceiling is the twin, which no other solver is shown."""
    if model.solver.name == HEALTHY_TWIN.name:
        return twins
    taken = model.solver.search[setting] if setting >= 0 else {}
    return to_uint8(model.answer(LEVEL, images, seed, setting=taken))


def score(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    metrics: Mapping[str, Metric],
    extract: Any,
    seed: int,
) -> list[Score]:
    """Means over test subjects with 95 % intervals over them."""
    if not outputs:
        lacking = "validation" if not len(asked(data.validation).rows) else "test"
        reason = NO_LESION.format(split=lacking)
        return [blank_score(metric, reason, data.test.subjects) for metric in metrics.values()]
    test = asked(data.test, outputs["rows"])
    subjects = np.array([data.test.subjects[row] for row in test.rows])
    maps, twin_maps = _maps(outputs, test)
    groups = strata(test)
    scores = []
    for metric in metrics.values():
        values = _values(metric, maps, twin_maps, test, float(outputs["threshold"][0]))
        kept = groups.get(metric.name.rpartition("_")[2], np.ones(len(values), dtype=bool))
        scores.append(mean_score(metric, values[kept], subjects[kept].tolist()))
    return scores


def _maps(outputs: Mapping[str, np.ndarray], test: Asked) -> tuple[np.ndarray, np.ndarray]:
    """Of the images with the lesion, and of their healthy twins."""
    width = float(outputs["width"][0])
    return (
        anomaly_map(test.images, outputs["answers"], test.inside, width),
        anomaly_map(test.twins, outputs["twin_answers"], test.inside, width),
    )


def _values(
    metric: Metric, maps: np.ndarray, twin_maps: np.ndarray, test: Asked, threshold: float
) -> np.ndarray:
    """A number of each subject, float64 (n,)."""
    if metric.name == "anomaly_image_auroc":
        return _told_apart(metric, _strangeness(maps, test.inside), _strangeness(twin_maps, test.inside))
    if metric.kind == "detection":
        return _of_pixels(metric.compute, maps, test)
    healthy = metric.name == "anomaly_false_area"
    flagged = (twin_maps if healthy else maps) >= threshold
    truth = np.zeros_like(test.lesions) if healthy else test.lesions
    # the body's pixels alone, as images of one line
    return np.concatenate(
        [
            metric.compute(one[inside][None, None].astype(float), mask[inside][None, None].astype(float))
            for one, mask, inside in zip(flagged, truth, test.inside, strict=True)
        ]
    )


def _of_pixels(compute: Callable[..., np.ndarray], maps: np.ndarray, test: Asked) -> np.ndarray:
    """A number of each map by its pixels in the body, float64 (n,)."""
    return np.array(
        [
            compute(one[inside & ~lesion], one[lesion]).mean()
            for one, inside, lesion in zip(maps, test.inside, test.lesions, strict=True)
        ]
    )


def _strangeness(maps: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """How strange each image looks, float64 (n,): the mean of the highest hundredth of its map."""
    found = []
    for one, body_of_one in zip(maps, inside, strict=True):
        values = np.sort(one[body_of_one])
        found.append(values[-max(1, round(HIGHEST * len(values))) :].mean())
    return np.array(found)


def _told_apart(metric: Metric, abnormal: np.ndarray, healthy: np.ndarray) -> np.ndarray:
    """A number of each subject whose mean is the area, float64 (n,).

    A subject brings two images: its number is the sum of both placements less the area, as in the variance of DeLong et
    al. 1988, doi:10.2307/2531595, with a subject as one cluster (Obuchowski 1997, doi:10.2307/2533957).
    """
    of_healthy = metric.compute(healthy, abnormal)
    of_abnormal = 1 - metric.compute(abnormal, healthy)
    return of_healthy + of_abnormal - of_healthy.mean()


def draw(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    model: Callable[[], Any] | None,
    caption: str,
) -> dict[str, np.ndarray]:
    """For subjects with a lesion: image, lesion, reconstruction, map, what is flagged, healthy twin and its map."""
    if not outputs:
        return {}
    shown = np.unique(np.linspace(0, len(outputs["rows"]) - 1, ROWS).round().astype(int))
    test = asked(data.test, outputs["rows"][shown])
    part = {**outputs, **{name: outputs[name][shown] for name in ("answers", "twin_answers")}}
    maps, twin_maps = _maps(part, test)
    flagged = (maps >= float(outputs["threshold"][0])) & test.inside
    white = max(float(np.quantile(np.concatenate([maps, twin_maps]), WHITE)), 1 / 255)
    columns = {
        "image": test.images,
        "lesion": test.lesions * np.uint8(255),
        "reconstruction": part["answers"],
        f"map, white at {white:.2g}": _shown(maps, white),
        "flagged": flagged * np.uint8(255),
        "healthy twin": test.twins,
        "its map": _shown(twin_maps, white),
    }
    return {"lesions": captioned_columns(columns, caption)}


def _shown(maps: np.ndarray, white: float) -> np.ndarray:
    return np.rint(np.clip(maps / white, 0, 1) * 255).astype(np.uint8)


PROBLEM = Problem(
    name="anomaly",
    title="lesions found by reconstruction",
    measure=seen,
    levels=(LEVEL,),
    level_name="",
    kind=KIND,
    track="anomaly",
    restores=False,
    version=2,
    controls=tuple(one.name for one in (UNCHANGED, HEALTHY_TWIN, DARKNESS, BRIGHTNESS, PCA)),
)
ANOMALY = Task(
    name=PROBLEM.name,
    title=PROBLEM.title,
    version=PROBLEM.version,
    metrics=(
        "anomaly_ap",
        "anomaly_auroc",
        "anomaly_dice",
        "anomaly_dice_best",
        "anomaly_image_auroc",
        "anomaly_false_area",
        "anomaly_ap_small",
        "anomaly_ap_large",
        "anomaly_ap_faint",
        "anomaly_ap_strong",
    ),
    produce=produce,
    score=score,
    draw=draw,
    primary="anomaly_ap",
    needs=("process",),
    fields=("abnormal", "lesion", "healthy"),
    track=PROBLEM.track,
    problem=PROBLEM,
)
