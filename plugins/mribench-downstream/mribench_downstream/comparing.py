"""Networks held against each other on the same test subjects: scores and pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from mribench.figures import captioned_rows, evenly_spaced
from mribench.metrics.uncertainty import round_for_record
from mribench.spec import NOT_ANNOTATED, Metric, Prepared, Profile, Score
from mribench.tasks.scores import blank_score
from mribench_downstream import dice, hausdorff
from mribench_downstream.intervals import mean_over_both
from mribench_downstream.labelled import FIELD, classes, labelled_subjects, why_not, with_structure
from mribench_downstream.references import TRAININGS

SHOWN = 8  # in a row of a picture
# of each metric the network whose number it is, and the one whose number is taken off
Compared = Mapping[str, tuple[str, str | None]]
# of each structure of a subject, by what the metric computes of a pair of masks
BY_SUBJECT = {dice.dice: dice.by_subject, hausdorff.hd95: hausdorff.by_subject}


def score(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    metrics: Mapping[str, Metric],
    extract: Any,
    seed: int,
    *,
    compared: Compared,
) -> list[Score]:
    """Means over the structures of a subject, with 95 % intervals over test subjects and trainings.

    Blank where too few subjects have label maps. What stands here is asked; the rest is as in ``Task.score``.

    Args:
        outputs: NETWORK_TRAINING: label maps of the test images, uint8 (n, H, W). ``rows`` int64 (n,), which test
            images; without it all with structures.
        data: What they were found in.
        metrics: By name.
        compared: The networks of each metric. A blank where outputs lack one.
    """
    if reason := why_not(data):
        return [blank_score(metric, reason, data.test.subjects) for metric in metrics.values()]
    rows = _rows(outputs, data)
    subjects, truth = [data.test.subjects[row] for row in rows], data.test.fields[FIELD][rows]

    @cache
    def of(network: str, compute: Callable[..., np.ndarray]) -> np.ndarray:
        """Float64 (trainings, subjects)."""
        maps = (outputs[f"{network}_{training}"] for training in range(TRAININGS))
        return np.stack(
            [np.nanmean(BY_SUBJECT[compute](one, truth, subjects, classes(data)), 1) for one in maps]
        )

    about, made = {"n": len(rows), "subjects": len(set(subjects))}, []
    for metric in metrics.values():
        network, other = compared[metric.name]
        if f"{network}_0" not in outputs:
            found = len(labelled_subjects(data.train))
            reason = f"{found} training subjects have a label map, fewer than are asked for"
            made.append(blank_score(metric, reason, subjects))
            continue
        values = of(network, metric.compute) - (of(other, metric.compute) if other else 0)
        mean, low, high = mean_over_both(values, metric.range)
        per_subject = round_for_record(values.mean(0))
        made.append(Score(metric.name, mean, low=low, high=high, per_subject=per_subject, **about))
    return made


def _rows(outputs: Mapping[str, np.ndarray], data: Prepared) -> np.ndarray:
    """Which test images the label maps are of."""
    return outputs["rows"] if "rows" in outputs else with_structure(data.test)


def levels(maps: np.ndarray, top: int) -> np.ndarray:
    """Grey levels of label maps with values up to ``top``, uint8; white where nobody has drawn."""
    return np.where(maps == NOT_ANNOTATED, 255, maps.astype(int) * 220 // top).astype(np.uint8)


def draw(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    model: Callable[[], Any] | None,
    caption: str,
    *,
    networks: Sequence[str],
) -> dict[str, np.ndarray]:
    """Test images over their true structures and those that ``networks`` of the first training found, a row each."""
    if not outputs:
        return {}
    rows, top = _rows(outputs, data), classes(data) - 1
    shown = evenly_spaced(len(rows), SHOWN)
    images, truth = data.test.images[rows[shown]], data.test.fields[FIELD][rows[shown]]
    lines = {"test images": images, "truth": levels(truth, top)}
    lines |= {network: levels(outputs[f"{network}_0"][shown], top) for network in networks}
    return {"structures": captioned_rows(lines, caption)}
