"""Checks for metrics: a direction, a range, a fixed point, and a reason where there is too little."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mribench.errors import Unavailable
from mribench.plugins import lookup
from mribench.runner.runspec import FEATURES
from mribench.spec import FeatureSpace, Metric
from mribench.spec.metric import Pairs
from mribench.testing.checking import Case, Check, require
from mribench.testing.fixtures import images_in_air

KINDS = ("paired", "distribution", "images", "likelihood", "detection", "posterior", "lesion")


def it_says_what_it_is(case: Case) -> None:
    metric = case.plugin
    low, high = metric.range
    require(low < high, f"the range is {metric.range}", "give (lowest, highest); infinity is allowed")
    require(
        metric.direction in ("up", "down", "zero") and metric.kind in KINDS,
        f"direction {metric.direction!r}, kind {metric.kind!r}",
        f"direction is up, down or zero, kind is {', '.join(KINDS[:-1])} or {KINDS[-1]}",
    )
    require(
        metric.paper.strip() and metric.version >= 1 and metric.scale > 0,
        "paper is empty, version below 1, or scale not positive",
        "cite the paper that defines it, and count versions from 1",
    )
    require(
        metric.kind == "distribution" or not metric.features,
        f"kind {metric.kind}, feature spaces {metric.features}",
        "only a distribution metric is taken in feature spaces; without any, in those that a run names",
    )
    absent = set(metric.features) - set(lookup.names("features"))
    require(not absent, f"feature spaces {sorted(absent)} are not installed", "see mribench list features")


def it_prefers_the_truth(case: Case) -> None:
    """Identical is best, a little worse is worse, much worse is worse still; all in the range."""
    metric = case.plugin
    values = [value * metric.scale for value in _three(metric)]
    means = [float(np.mean(value)) for value in values]
    every = np.concatenate([np.ravel(value) for value in values])
    require(
        np.isfinite(every).all(), f"values are {means}", "no NaN and no infinity: cap, or raise Unavailable"
    )
    low, high = metric.range
    require(
        every.min() >= low and every.max() <= high,
        f"values run from {every.min():.4g} to {every.max():.4g}, the range says {metric.range}",
        "correct `range` (it speaks of values times `scale`), or clip",
    )
    up = metric.direction == "up"
    badness = [abs(mean) for mean in means] if metric.direction == "zero" else means
    require(
        badness == sorted(badness, reverse=up) and len(set(means)) == 3,
        f"identical, nearly so, far off: {', '.join(f'{m:.4g}' for m in means)}, direction {metric.direction}",
        "correct `direction`, or the metric does not tell worse from better",
    )
    # sets that are near 0 where they are equal need not be at 0: pairs of them are drawn
    best = math.inf if metric.direction == "zero" else high if up else low
    require(
        math.isinf(best) or math.isclose(means[0], best, rel_tol=1e-6, abs_tol=1e-6),
        f"identical images score {means[0]:.6g}, the best of the range is {best:g}",
        "let the range end at the value of identical images",
    )


def a_pair_is_measured_by_itself(case: Case) -> None:
    """Six pairs at once have the values of six pairs one by one: means over subjects are made of them."""
    if case.plugin.kind != "paired":
        return
    y = images_in_air(6, 0.01)
    # each pair at another distance and of another brightness
    y = y * np.linspace(0.5, 1, 6, dtype=y.dtype)[:, None, None]
    noise = np.random.default_rng(0).standard_normal(y.shape) * np.linspace(0.02, 0.2, 6)[:, None, None]
    x = np.clip(y + noise, 0, 1).astype(np.float32)
    together = case.plugin.compute(x, y)
    alone = np.concatenate([np.atleast_1d(case.plugin.compute(x[i : i + 1], y[i : i + 1])) for i in range(6)])
    worst = int(np.abs(together - alone).argmax())
    require(
        np.allclose(together, alone, rtol=1e-5, atol=1e-8),
        f"a pair has the value {alone[worst]:.6g} alone and {together[worst]:.6g} beside five others",
        "measure each pair by itself: no largest value, mean or scale of all images",
    )


def it_does_not_grow_with_the_number_of_images(case: Case) -> None:
    """A score of all images, on twice as many of the same kind, is about the same: a sum over images is not."""
    metric, found = case.plugin, []
    if metric.kind not in ("images", "distribution"):
        return
    for n in (100, 200):
        try:
            found.append(float(_of_all(metric, n)))
        except Unavailable:
            return
    few, many = found
    require(
        abs(many - few) <= 0.3 * max(abs(few), abs(many)),
        f"on 100 images it is {few:.4g}, on twice as many of the same kind {many:.4g}",
        "divide by the number of images, or of pairs",
    )


def _of_all(metric: Metric, n: int) -> float:
    """The value of n images that are far off."""
    if metric.kind == "images":
        return metric.compute(images_in_air(n, 0.15), images_in_air(n, 0.01), [str(i // 2) for i in range(n)])
    reference, train = np.random.default_rng(0).standard_normal((2, n, 6))
    return metric.compute(reference + 1, reference, train, _space(metric))


def black_images_have_a_finite_value(case: Case) -> None:
    """A model that has collapsed gives black images, and the board needs a number or a reason."""
    metric = case.plugin
    low, high = metric.range
    for what, compute in _of_black(metric).items():
        try:
            values = np.ravel(compute()) * metric.scale
        except Unavailable:
            continue
        if metric.pooled:
            values = np.array([metric.pooled(np.mean(values) / metric.scale)]) * metric.scale
        require(
            np.isfinite(values).all() and values.min() >= low and values.max() <= high,
            f"{what} score {values.min():.4g} to {values.max():.4g}, the range is {metric.range}",
            "cap the value, or raise mribench.errors.Unavailable with the reason",
        )


def _of_black(metric: Metric) -> dict[str, Callable[[], Any]]:
    """Ways to ask for the value of black images, by what is asked."""
    y = images_in_air(60, 0.01)
    black, subjects = np.zeros_like(y), [str(i // 2) for i in range(60)]
    if metric.kind == "paired":
        return {
            "black images against real ones": lambda: metric.compute(black, y),
            "real images against black ones": lambda: metric.compute(y, black),
            "black images against black ones": lambda: metric.compute(black, black),
        }
    if metric.kind == "images":
        return {
            "black images against real ones": lambda: metric.compute(black, y, subjects),
            "black images against black ones": lambda: metric.compute(black, black, subjects),
        }
    if metric.kind == "distribution":
        reference, train = np.random.default_rng(0).standard_normal((2, 80, 6))
        alike = np.zeros((80, 6))
        return {
            "features that are all alike": lambda: metric.compute(alike, reference, train, _space(metric)),
        }
    return {}


def it_says_when_there_is_too_little(case: Case) -> None:
    """One image against one: a distance between distributions has nothing to say."""
    if case.plugin.kind != "distribution":
        return
    few = np.random.default_rng(0).standard_normal((1, 6))
    try:
        value = case.plugin.compute(few, few, np.vstack([few] * 8), _space(case.plugin))
    except Unavailable:
        return
    require(
        False, f"one image against one gives {value}", "raise mribench.errors.Unavailable with the reason"
    )


def _three(metric: Metric) -> list:
    """Values for identical, slightly and strongly different images or feature sets."""
    rng = np.random.default_rng(0)
    if metric.kind == "distribution":
        return _of_features(metric, rng)
    if metric.kind == "images":
        y, subjects = images_in_air(60, 0.01), [str(i // 2) for i in range(60)]
        return [metric.compute(x, y, subjects) for x in (y, images_in_air(60, 0.05), images_in_air(60, 0.15))]
    if metric.kind == "likelihood":
        return [metric.compute(np.full(6, nats), 64) for nats in (0.0, -50.0, -200.0)]
    if metric.kind == "posterior":
        return [_of_answers(metric, rng, error) for error in (1.0, 2.0, 8.0)]
    if metric.kind == "lesion":
        return [_of_lesions(metric, share) for share in (0.0, 0.5, 1.0)]
    if metric.kind == "detection":
        own = rng.standard_normal(6)
        return [metric.compute(own, rng.standard_normal(40) + shift) for shift in (8.0, 2.0, 0.0)]
    y = images_in_air(6, 0.01)
    noise = rng.standard_normal(y.shape)
    values = [metric.compute(np.clip(y + s * noise, 0, 1), y) for s in (0, 0.05, 0.3)]
    for value in values:
        require(
            getattr(value, "shape", None) == (6,) and value.dtype == np.float64,
            f"six pairs give {type(value).__name__} {getattr(value, 'dtype', '')}",
            "return float64 (N,), one value per pair",
        )
    return [metric.pooled(value.mean()) for value in values] if metric.pooled else values


def _of_answers(metric: Metric, rng: np.random.Generator, error: float) -> np.ndarray:
    """Eight answers to each of 6 measurements, and a truth that is so much farther from their centre than they are."""
    centre = rng.uniform(0.3, 0.7, (6, 64, 64))
    answers = centre[:, None] + 0.02 * rng.standard_normal((6, 8, 64, 64))
    truth = centre + 0.02 * error * rng.standard_normal(centre.shape)
    return metric.compute(np.clip(answers, 0, 1), np.clip(truth, 0, 1), np.full((6, 8), error))


def _of_lesions(metric: Metric, share: float) -> np.ndarray:
    """Of 6 pairs of answers that share has lost 0.8 of its lesion, and the healthy twin shows a false one."""
    twin = images_in_air(6, 0.01) / 2 + 0.25
    row, column = np.ogrid[:64, :64]
    lesion, false = ((row - 32) ** 2 + (column - at) ** 2 < 20 for at in (20, 44))
    image, wrong = twin + 0.2 * lesion, (np.arange(6) < 6 * share)[:, None, None]
    answer, of_twin = image - 0.16 * lesion * wrong, twin + 0.2 * false * wrong
    return metric.compute(Pairs(answer, of_twin, image, twin, np.broadcast_to(lesion, image.shape)))


def _of_features(metric: Metric, rng: np.random.Generator) -> list:
    """With 80 vectors a side, or with 5,000 where that is too few."""
    for n in (80, 5000):
        reference, train = rng.standard_normal((2, n, 6))
        shifted = (reference, reference + 1, reference + 3)
        try:
            return [metric.compute(generated, reference, train, _space(metric)) for generated in shifted]
        except Unavailable:
            continue
    require(False, "5,000 images a side are too few for it", "let it have a value on sets of that size")
    return []


def _space(metric: Metric) -> FeatureSpace:
    return lookup.load("features", (metric.features or FEATURES)[0])


CHECKS = (
    Check("compute", it_says_what_it_is),
    Check("compute", it_prefers_the_truth),
    Check("compute", a_pair_is_measured_by_itself),
    Check("compute", it_does_not_grow_with_the_number_of_images),
    Check("compute", black_images_have_a_finite_value),
    Check("compute", it_says_when_there_is_too_little),
)
