"""Networks held against each other on the same test subjects: scores and pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np

from mribench.figures import captioned, grid
from mribench.metrics.uncertainty import round_for_record
from mribench.spec import NOT_ANNOTATED, Metric, Prepared, Score
from mribench_downstream import dice, hausdorff
from mribench_downstream.intervals import mean_over_both
from mribench_downstream.labelled import FIELD, classes, labelled_subjects, why_not, with_structure
from mribench_downstream.references import TRAININGS

SHOWN = 8  # in a row of a picture
# of each metric the network whose number it is, and the one whose number is taken off
Compared = Mapping[str, tuple[str, str | None]]
# of each structure of a subject, by what the metric computes of a pair of masks
BY_SUBJECT = {dice.dice: dice.by_subject, hausdorff.hd95: hausdorff.by_subject}


def scores(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    metrics: Mapping[str, Metric],
    compared: Compared,
    rows: np.ndarray | None = None,
) -> list[Score]:
    """Means over the structures of a subject, with 95 % intervals over test subjects and trainings.

    Args:
        outputs: NETWORK_TRAINING: label maps of the test images, uint8 (n, H, W).
        data: What they were found in.
        metrics: By name.
        compared: The networks of each metric. A blank where outputs lack one.
        rows: Which test images; None: all with structures.
    """
    if reason := why_not(data):
        about = {"n": len(data.test), "subjects": data.test.n_subjects}
        return [Score(name, None, reason=reason, **about) for name in metrics]
    rows = with_structure(data.test) if rows is None else rows
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
            made.append(Score(metric.name, None, reason=reason, **about))
            continue
        values = of(network, metric.compute) - (of(other, metric.compute) if other else 0)
        mean, low, high = mean_over_both(values, metric.range)
        per_subject = round_for_record(values.mean(0))
        made.append(Score(metric.name, mean, low=low, high=high, per_subject=per_subject, **about))
    return made


def levels(maps: np.ndarray, top: int) -> np.ndarray:
    """Grey levels of label maps with values up to ``top``, uint8; white where nobody has drawn."""
    return np.where(maps == NOT_ANNOTATED, 255, maps.astype(int) * 220 // top).astype(np.uint8)


def evenly(n: int, count: int) -> np.ndarray:
    """At most ``count`` of n places, far from each other: the first images of a set are of one subject."""
    return np.linspace(0, n - 1, min(n, count)).astype(int)


def picture(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    rows: np.ndarray,
    networks: Sequence[str],
    caption: str,
) -> np.ndarray:
    """Test images over their true structures and those that networks of the first training found, uint8 (H, W).

    Args:
        outputs: NETWORK_TRAINING: label maps of the test images, uint8 (n, H, W).
        data: What they were found in.
        rows: Which test images they are of.
        networks: One line each.
        caption: Before the names of the lines.
    """
    shown = evenly(len(rows), SHOWN)
    top = classes(data) - 1
    lines = [data.test.images[rows[shown]], levels(data.test.fields[FIELD][rows[shown]], top)]
    lines += [levels(outputs[f"{network}_0"][shown], top) for network in networks]
    told = " | ".join(("test images", "truth", *networks))
    return captioned(grid(np.concatenate(lines), len(shown)), f"{caption}: {told}")
