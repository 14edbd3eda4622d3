"""Unconditional generation: samples against held-out subjects, by distances between distributions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mribench.errors import Unavailable
from mribench.features import Extractor
from mribench.figures import captioned, evenly_spaced, forward_process, grid, side_by_side
from mribench.metrics.distribution import least_images
from mribench.metrics.floor import noise_floor
from mribench.metrics.subsets import resamples, spaces_of, subset_statistic, with_subjects
from mribench.metrics.uncertainty import interval_around, round_for_record, subsamples
from mribench.seeds import numpy_rng
from mribench.spec import Metric, Model, Prepared, Profile, Score, Task
from mribench.tasks import to_uint8


def produce(model: Model, data: Prepared, profile: Profile, seed: int) -> dict[str, np.ndarray]:
    """``images``: uint8 (profile.n_generated, H, W)."""
    return {"images": to_uint8(model.generate(range(profile.n_generated), seed))}


def score(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    metrics: Mapping[str, Metric],
    extract: Extractor,
    seed: int,
) -> list[Score]:
    """Generated images against the test split: distances in every feature space, and metrics on the images."""
    return [
        _score(metric, space, outputs["images"], data, extract)
        for metric in metrics.values()
        for space in spaces_of(metric)
    ]


def _score(
    metric: Metric, space: str | None, images: np.ndarray, data: Prepared, extract: Extractor
) -> Score:
    about = {
        "metric": metric.name,
        "space": space,
        "n": len(images),
        "n_reference": len(data.test),
        "subjects": data.test.n_subjects,
    }
    try:
        sets = _compared(metric, space, images, data, extract)
        value = with_subjects(metric, metric.compute, data.test.subjects)(*sets) * metric.scale
    except Unavailable as reason:
        return Score(**about, value=None, reason=str(reason))
    try:
        statistic = subset_statistic(metric, *sets, reference_subjects=data.test.subjects)
        drawn = subsamples(statistic, len(images), data.test.subjects, resamples(metric, sets[0]))
    except Unavailable:
        # halves of the test subjects can be too few where all of them are enough
        drawn = None
    drawn = None if drawn is None else drawn * metric.scale
    low, high = interval_around(value, drawn, data.test.n_subjects, metric.range)
    return Score(**about, value=value, low=low, high=high, subsamples=round_for_record(drawn))


def _compared(
    metric: Metric, space: str | None, images: np.ndarray, data: Prepared, extract: Extractor
) -> tuple[Any, ...]:
    """What the metric takes: images and the subjects of the real ones, or features, those of train, and the space."""
    if metric.mri_only and not data.is_mri:
        raise Unavailable("the images are not MRI: their noise is not Rician")
    if space is None:
        return images.astype(np.float32) / 255, data.test.unit(), data.test.subjects
    where = extract.spaces[space]
    # before the space is loaded: weights are not fetched for a score that cannot be given
    least = least_images(metric, where)
    if min(len(images), len(data.test)) < least:
        raise Unavailable(
            f"{len(images)} generated and {len(data.test)} reference images are too few: "
            f"at least {least} of each are needed"
        )
    # only the rbf kernel takes its scale from the training images
    train = extract(space, data.train.images) if where.kernel == "rbf" else None
    return extract(space, images), extract(space, data.test.images), train, where


def floor(
    metric: Metric, space: str | None, data: Prepared, profile: Profile, extract: Extractor
) -> dict[str, Any]:
    """What real images score in a model's place."""
    return noise_floor(metric, space, data, profile.n_generated, extract)


def draw(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    model: Callable[[], Model] | None,
    words: str,
) -> dict[str, np.ndarray]:
    """Sample grid, real beside generated; of a trained variant also the forward and the reverse process."""
    samples, test = outputs["images"], data.test.images
    sides = (("held out", test[evenly_spaced(len(test), 32)]), ("generated", samples[:32]))
    pictures = {
        "samples": captioned(grid(samples[:64], 8), f"generated: {words}"),
        "beside": side_by_side(*(captioned(grid(images, 4), side) for side, images in sides)),
    }
    if model is not None:
        trained = model()
        strips = {}
        # drawn on pixels
        if trained.variant.denoises_pixels:
            shown = test[evenly_spaced(len(test), 4)]
            strips["forward"] = forward_process(shown, trained.alpha_bars, 10, numpy_rng("forward"))
        strips["reverse"] = to_uint8(trained.trajectory(range(4), 0, 10))
        for kind, strip in strips.items():
            flat = strip.reshape(-1, *test.shape[1:])
            pictures[kind] = captioned(grid(flat, strip.shape[1]), f"{kind} process: {words}")
    return pictures


METRICS = (
    "kd", "fid", "fd", "fd_inf",
    "precision", "recall", "density", "coverage",
    "diversity", "spectrum", "histogram", "background_offset", "background_sigma",
)  # fmt: skip
GENERATION = Task(
    name="generation",
    title="unconditional generation",
    version=2,
    metrics=METRICS,
    produce=produce,
    score=score,
    draw=draw,
    floor=floor,
    needs=("samples",),
)
