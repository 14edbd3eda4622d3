"""Metrics that measure something else: the kit says what is wrong."""

from dataclasses import replace

import numpy as np
import pytest
from found import assert_refused

from mribench.plugins import lookup
from mribench.testing import metrics

MSE, KD = lookup.load("metrics", "mse"), lookup.load("metrics", "kd")


EVERY = (-np.inf, np.inf)


def upside_down(x, y):
    return 1 - MSE.compute(x, y)


@pytest.mark.parametrize(
    ("run", "plugin", "found"),
    [
        (metrics.it_prefers_the_truth, replace(MSE, direction="up"), "direction up"),
        (metrics.it_prefers_the_truth, replace(MSE, compute=upside_down), "direction down"),
        (metrics.it_prefers_the_truth, replace(MSE, range=(0.0, 1e-9)), "the range says"),
        (metrics.it_prefers_the_truth, replace(MSE, range=(-1.0, 1.0)), "identical images score 0"),
        (
            metrics.it_prefers_the_truth,
            replace(MSE, compute=lambda x, y: MSE.compute(x, y).mean()),
            "six pairs give float64",
        ),
        (metrics.it_says_what_it_is, replace(MSE, features=("hc85-v1",)), "kind paired, feature spaces"),
        (
            metrics.it_says_when_there_is_too_little,
            replace(KD, compute=lambda *sets: 0.0),
            "one image against one gives",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_metric_is_found(run, plugin, found):
    assert_refused(metrics.CHECKS, run, plugin, "metrics", found)


def of_the_largest(x, y):
    """Each pair in units of the largest value of all of them."""
    return MSE.compute(x, y) / max(float(np.max(x)), 1e-6) ** 2


def of_the_number(x, y):
    return MSE.compute(x, y) / len(x)


def decibels(x, y):
    """The mean grey value in dB: -inf of black images."""
    with np.errstate(divide="ignore"):
        return 10 * np.log10(x.mean(axis=(1, 2), dtype=float)) - 10 * np.log10(
            y.mean(axis=(1, 2), dtype=float)
        )


def sharpness(generated, reference, subjects):
    """log of the ratio of gradients: -inf of black images, and no distance."""
    with np.errstate(divide="ignore"):
        return float(np.log(np.abs(np.diff(generated)).mean() / np.abs(np.diff(reference)).mean()))


def summed(generated, reference, train, space):
    return KD.compute(generated, reference, train, space) * len(generated)


@pytest.mark.parametrize(
    ("run", "plugin", "found"),
    [
        (metrics.a_pair_is_measured_by_itself, replace(MSE, compute=of_the_largest), "beside five others"),
        (metrics.a_pair_is_measured_by_itself, replace(MSE, compute=of_the_number), "beside five others"),
        (metrics.black_images_have_a_finite_value, replace(MSE, compute=decibels, range=EVERY), "score -inf"),
        (
            metrics.black_images_have_a_finite_value,
            replace(MSE, compute=sharpness, range=EVERY, kind="images"),
            "black images against real ones score -inf",
        ),
        (metrics.it_does_not_grow_with_the_number_of_images, replace(KD, compute=summed), "twice as many"),
    ],
    ids=["largest", "number", "decibels", "sharpness", "summed"],
)
def test_a_metric_that_looks_right_is_found(run, plugin, found):
    assert_refused(metrics.CHECKS, run, plugin, "metrics", found)
