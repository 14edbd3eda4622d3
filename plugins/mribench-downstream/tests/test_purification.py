"""Known answers of attacks and defences."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mribench_downstream import attack, metrics, purification
from mribench_downstream.purification import COMPARED, PURIFICATION

PROFILE = SimpleNamespace(max_steps=240, sample_batch=8)
METRICS = {value.name: value for value in vars(metrics).values() if getattr(value, "name", "") in COMPARED}


@pytest.fixture(autouse=True)
def no_attack_of_another_reach():
    """What is kept for all priors on the same data does not know the reach, which a test changes."""
    for kept in (purification._without_prior, purification._attacked_alone):
        kept.cache_clear()


class Prior:
    """A model with a denoiser."""

    device = "cpu"

    def __init__(self, denoise):
        self.denoise = denoise

    def denoiser(self):
        return self.denoise


class Linear(torch.nn.Module):
    """The second class is where a weighted pixel is bright."""

    def __init__(self, weights):
        super().__init__()
        self.weights = torch.nn.Parameter(weights)

    def forward(self, x):
        return torch.cat([torch.zeros_like(x), self.weights * (x - 0.5)], 1)


def test_of_a_linear_network_the_attack_is_the_corner_that_is_worst():
    weights = torch.tensor([[1.0, -1.0], [2.0, -0.5]])
    x, y = np.full((1, 1, 2, 2), 0.5, np.float32), np.array([[[1, 1], [0, 0]]], np.uint8)
    found = attack.attacked(Linear(weights), x, y, attack.undefended, reach=0.1)
    assert found[0, 0] == pytest.approx(np.array([[0.4, 0.6], [0.6, 0.4]]), abs=1e-6)


def test_no_pixel_leaves_its_reach_or_the_grey_range_and_the_company_does_not_matter(data):
    net = Linear(torch.randn(32, 32, generator=torch.Generator().manual_seed(0)))
    x, y = data.test.images[:, None] / np.float32(255), data.test.fields["labels"]
    found = attack.attacked(net, x, y, attack.undefended)
    assert np.abs(found - x).max() <= attack.REACH + 1e-6 and found.min() >= 0 and found.max() <= 1
    assert (attack.attacked(net, x[7:8], y[7:8], attack.undefended)[0] == found[7]).all()


def knowing(x, sigma):
    """The two grey values of the structures, whatever small thing was changed."""
    smooth = torch.nn.functional.avg_pool2d(x, 3, 1, 1)
    return torch.where(smooth > 2 * 120 / 255 - 1, 0.4, -0.8)


def scored(prior, data):
    outputs = purification.produce(Prior(prior), data, PROFILE, 0)
    found = PURIFICATION.score(outputs, data, PROFILE, {name: METRICS[name] for name in COMPARED}, None, 0)
    return outputs, {one.metric: one.value for one in found}


def test_an_attack_misleads_and_a_prior_that_knows_the_structures_takes_it_out(data, monkeypatch):
    monkeypatch.setattr(attack.attacked, "__defaults__", (attack.undefended, None, 24 / 255))
    outputs, found = scored(knowing, data)
    assert found["purification_none_clean"] > max(0.8, found["purification_none_attacked"] + 0.1)
    assert found["purification_adaptive"] > found["purification_none_attacked"] + 0.1
    assert PURIFICATION.draw(outputs, data, PROFILE, None, "blobs")["structures"].dtype == np.uint8
    _, none = scored(lambda x, sigma: x, data)
    assert none["purification_none_attacked"] == found["purification_none_attacked"], (
        "the same for every prior"
    )
    assert none["purification_adaptive"] < found["purification_adaptive"]


def test_an_attack_through_the_defence_is_the_stronger_one(data):
    _, found = scored(lambda x, sigma: x / (1 + sigma**2), data)
    for name in ("purification", "purification_blur"):
        assert found[f"{name}_adaptive"] <= min(found[f"{name}_attacked"], found[f"{name}_clean"]) + 0.01


def test_it_needs_a_denoiser_and_label_maps():
    assert (PURIFICATION.needs, PURIFICATION.fields) == (("denoiser",), ("labels",))
