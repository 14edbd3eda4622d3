"""Bits per dimension of held-out images: which images, which grey levels, and what stands in the record."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from mribench.plugins import lookup
from mribench.spec import Split
from mribench.tasks.likelihood import LIKELIHOOD, MAX_IMAGES, dequantised, produce

METRICS = lookup.load_all("metrics", LIKELIHOOD.metrics)
SIDE = 4


def data(subjects, slices):
    rng = np.random.default_rng(0)
    names = tuple(f"s{i}" for i in range(subjects) for _ in range(slices))
    return SimpleNamespace(test=Split(rng.integers(0, 256, (len(names), SIDE, SIDE)).astype(np.uint8), names))


class Known:
    def __init__(self, **found):
        self.found = found

    def log_likelihood(self, x, seed):
        self.x = x
        return {
            name: np.full(len(x) if name in ("nats", "bound") else 4, value)
            for name, value in self.found.items()
        }


def scores(model, of):
    found = LIKELIHOOD.score(produce(model, of, None, 0), of, None, METRICS, None, 0)
    assert [score.metric for score in found] == list(LIKELIHOOD.metrics)
    return {score.metric: score for score in found}


@pytest.mark.parametrize(("subjects", "slices", "n"), [(5, 7, 10), (5, 1, 5), (100, 2, MAX_IMAGES)])
def test_two_images_of_a_subject_and_a_cap(subjects, slices, n):
    of = data(subjects, slices)
    rows = produce(Known(nats=0.0), of, None, 0)["rows"]
    assert len(rows) == n
    counts = np.unique([of.test.subjects[row] for row in rows], return_counts=True)[1]
    assert counts.max() <= 2
    assert np.array_equal(rows, produce(Known(nats=0.0), of, None, 1)["rows"])


def test_grey_levels_are_spread_over_their_step():
    images = np.array([[[0, 128], [255, 7]]], dtype=np.uint8)
    x = dequantised(images, 0)
    assert np.abs((x + 1) * 127.5 - images).max() <= 0.5 + 1e-4
    assert np.array_equal(x, dequantised(images, 0)) and not np.array_equal(x, dequantised(images, 1))
    # the mean over seeds is the image
    mean = np.mean([dequantised(images, seed) for seed in range(400)], axis=0)
    assert np.allclose((mean + 1) * 127.5, images, atol=0.06)


def test_an_estimate_stands_beside_its_errors():
    """Half the steps are 3 nats off, so 1 is left; two probes differ by 2, one of n images by sqrt(2) / sqrt(n)."""
    found = scores(Known(nats=-10.0, half_the_steps=-13.0, another_probe=-8.0), data(5, 7))
    of_a_nat = 1 / (SIDE**2 * math.log(2))
    assert found["bpd"].value == pytest.approx(10 * of_a_nat + math.log2(127.5))
    assert found["bpd"].n == 10 and len(found["bpd"].per_subject) == 5
    assert found["bpd_steps"].value == pytest.approx(of_a_nat) and found["bpd_steps"].n == 4
    assert found["bpd_probe"].value == pytest.approx(math.sqrt(2 / 10) * of_a_nat)
    assert found["bpd_bound"].value is None and found["bpd_bound"].reason


def test_an_exact_likelihood_has_no_error_and_a_bound_no_likelihood():
    exact, bound = scores(Known(nats=-10.0), data(5, 7)), scores(Known(bound=-10.0), data(5, 7))
    assert exact["bpd_steps"].value == exact["bpd_probe"].value == 0
    assert bound["bpd"].value is None and "bpd_bound" in bound["bpd"].reason
    assert bound["bpd_bound"].value == exact["bpd"].value
    assert bound["bpd_steps"].value is None
