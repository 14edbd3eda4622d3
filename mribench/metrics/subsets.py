"""A metric on many subsets of the same images, as intervals and noise floors need it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mribench.metrics.uncertainty import SubsetStatistic
from mribench.spec import Metric


def spaces_of(metric: Metric) -> tuple[str | None, ...]:
    """The feature spaces of a metric on two sets; None where it takes the images themselves."""
    return metric.features if metric.kind == "distribution" else (None,)


def resamples(metric: Metric, features: np.ndarray) -> int:
    """Fewer where one number takes seconds (a Fréchet distance in 2,048 dimensions) instead of milliseconds."""
    return 200 if metric.on_subsets or features.shape[1] <= 512 else 20


def subset_statistic(
    metric: Metric, generated: np.ndarray, reference: np.ndarray, *context: Any
) -> SubsetStatistic:
    """The metric as a function of subsets of both sets, unscaled.

    A metric without ``on_subsets`` is computed anew for each subset.

    Args:
        metric: of two sets of features or images.
        generated: n features or images.
        reference: m features or images.
        *context: the further arguments of ``metric.compute``: training features and space, or the subjects of the
            reference images.

    Returns:
        ``statistic(in_generated, in_reference)``: bool (B, n), (B, m) -> float64 (B,). It raises what ``compute``
        raises. A metric with ``on_subsets`` gives NaN where a subset is too small.
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
class FromSubsets:
    """``Metric.compute`` of a metric that is defined by its ``on_subsets``."""

    on_subsets: Callable[..., SubsetStatistic]

    def __call__(self, generated: np.ndarray, reference: np.ndarray, *context: Any) -> float:
        return on_all_images(self.on_subsets, generated, reference, *context)


def on_all_images(
    on_subsets: Callable[..., SubsetStatistic], generated: np.ndarray, reference: np.ndarray, *context: Any
) -> float:
    """A metric's value from its form on subsets: the one subset holds every image."""
    statistic = on_subsets(generated, reference, *context)
    return float(statistic(np.ones((1, len(generated)), bool), np.ones((1, len(reference)), bool))[0])
