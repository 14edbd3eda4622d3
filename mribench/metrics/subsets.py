"""A metric on many subsets of the same images, as intervals and noise floors need it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
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


def with_subjects(
    metric: Metric,
    function: Callable[..., Any],
    reference_subjects: Sequence[str] | None,
    generated_subjects: Sequence[str] | None = None,
) -> Callable[..., Any]:
    """``metric.compute`` or ``metric.on_subsets``, given the subject of each image where it has a parameter for them.

    The parameters are ``reference_subjects`` and ``generated_subjects`` (``spec.ComputeDistribution``). The subjects
    of generated images are known where real images are scored in a model's place.
    """
    if metric.kind != "distribution":
        return function
    try:
        parameters = signature(function).parameters
    except (TypeError, ValueError):  # some functions of compiled modules have none
        return function
    known = {"reference_subjects": reference_subjects, "generated_subjects": generated_subjects}
    wanted = {name: ids for name, ids in known.items() if ids is not None and name in parameters}
    return partial(function, **wanted) if wanted else function


def subset_statistic(
    metric: Metric,
    generated: np.ndarray,
    reference: np.ndarray,
    *context: Any,
    reference_subjects: Sequence[str] | None = None,
) -> SubsetStatistic:
    """The metric as a function of subsets of both sets, unscaled.

    A metric without ``on_subsets`` is computed anew for each subset.

    Args:
        metric: of two sets of features or images.
        generated: n features or images.
        reference: m features or images.
        *context: the further arguments of ``metric.compute``: training features and space, or the subjects of the
            reference images.
        reference_subjects: m ids, for a metric on features that takes them (``with_subjects``).

    Returns:
        ``statistic(in_generated, in_reference)``: bool (B, n), (B, m) -> float64 (B,). It raises what ``compute``
        raises. A metric with ``on_subsets`` gives NaN where a subset is too small.
    """
    if metric.on_subsets is not None:
        return with_subjects(metric, metric.on_subsets, reference_subjects)(generated, reference, *context)
    subjects = None if reference_subjects is None else np.asarray(reference_subjects)

    def statistic(in_generated: np.ndarray, in_reference: np.ndarray) -> np.ndarray:
        pairs = zip(in_generated, in_reference, strict=True)
        return np.array([compute(r)(generated[g], reference[r], *inside(r)) for g, r in pairs])

    def compute(r: np.ndarray) -> Callable[..., float]:
        return with_subjects(metric, metric.compute, None if subjects is None else subjects[r])

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
