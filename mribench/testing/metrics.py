"""Checks for metrics: a direction, a range, a fixed point, and a reason where there is too little."""

from __future__ import annotations

import math

import numpy as np

from mribench.errors import Unavailable
from mribench.plugins import lookup
from mribench.runner.runspec import FEATURES
from mribench.spec import FeatureSpace, Metric
from mribench.testing.checking import Case, Check, require
from mribench.testing.fixtures import images_in_air


def it_says_what_it_is(case: Case) -> None:
    metric = case.plugin
    low, high = metric.range
    require(low < high, f"the range is {metric.range}", "give (lowest, highest); infinity is allowed")
    require(
        metric.direction in ("up", "down", "zero")
        and metric.kind in ("paired", "distribution", "images", "likelihood"),
        f"direction {metric.direction!r}, kind {metric.kind!r}",
        "direction is up, down or zero, kind is paired, distribution, images or likelihood",
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
    Check("compute", it_says_when_there_is_too_little),
)
