"""A metric on many subsets of the same images, as intervals and noise floors need it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mribench.metrics.uncertainty import SubsetStatistic
from mribench.spec import Metric


def places(metric: Metric) -> tuple[str | None, ...]:
    """Where a metric on two sets is taken: its feature spaces, or None where it looks at the images themselves."""
    return metric.features if metric.kind == "distribution" else (None,)


def resamples(metric: Metric, features: np.ndarray) -> int:
    """Fewer where one number takes seconds (a Fréchet distance in 2,048 dimensions) instead of milliseconds."""
    return 200 if metric.on_subsets or features.shape[1] <= 512 else 20


def subset_statistic(
    metric: Metric, generated: np.ndarray, reference: np.ndarray, *context: Any
) -> SubsetStatistic:
    """``statistic(in_generated, in_reference)``, bool (B, n), (B, m) -> float64 (B,), unscaled.

    context: what else ``metric.compute`` takes: train and space, or the subjects of the reference images. Where the
    metric brings no ``on_subsets``, it is computed anew per subset. Raises what ``compute`` raises; NaN where a
    subset is too small for a metric that does bring it.
    """
    if metric.on_subsets is not None:
        return metric.on_subsets(generated, reference, *context)

    def statistic(in_generated: np.ndarray, in_reference: np.ndarray) -> np.ndarray:
        pairs = zip(in_generated, in_reference, strict=True)
        return np.array([metric.compute(generated[g], reference[r], *inside(r)) for g, r in pairs])

    def inside(r: np.ndarray) -> tuple[Any, ...]:
        """Subjects go with their images; training features and the space stay."""
        return (np.asarray(context[0])[r],) if metric.kind == "images" else context

    return statistic


@dataclass(frozen=True)
class Whole:
    """``Metric.compute`` of a metric that is defined by its ``on_subsets``."""

    on_subsets: Callable[..., SubsetStatistic]

    def __call__(self, generated: np.ndarray, reference: np.ndarray, *context: Any) -> float:
        return whole(self.on_subsets, generated, reference, *context)


def whole(
    on_subsets: Callable[..., SubsetStatistic], generated: np.ndarray, reference: np.ndarray, *context: Any
) -> float:
    """The number itself from its form on subsets: the subset is everything."""
    statistic = on_subsets(generated, reference, *context)
    return float(statistic(np.ones((1, len(generated)), bool), np.ones((1, len(reference)), bool))[0])
