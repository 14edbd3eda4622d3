"""Known answers of label-efficient segmentation: a prior that knows the structures, and one that knows nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mribench_downstream import metrics, segmentation
from mribench_downstream.inputs import LEVELS, blurred, denoised
from mribench_downstream.segmentation import COMPARED, SEGMENTATION

from mribench import profiles
from mribench.sampling.offers import not_applicable
from mribench.testing.fixtures import toy_data, with_fields
from mribench.variants.controls import GAUSSIAN
from mribench.variants.ddpm import DDPM

DATA = with_fields(toy_data(), ["labels"])
PROFILE = replace(profiles.get("smoke"), max_steps=240)
METRICS = {value.name: value for value in vars(metrics).values() if getattr(value, "name", "") in COMPARED}


class Prior:
    """A model with a denoiser."""

    def __init__(self, denoise):
        self.denoise = denoise

    def denoiser(self):
        return self.denoise


def knowing(x, sigma):
    """Two grey values, inside and outside of what the label maps of these images show."""
    return torch.where(torch.nn.functional.avg_pool2d(x, 5, 1, 2) > 2 * 120 / 255 - 1, 1.0, -1.0)


def scored(prior):
    outputs = segmentation.produce(Prior(prior), DATA, PROFILE, 0)
    found = segmentation.score(outputs, DATA, PROFILE, {name: METRICS[name] for name in COMPARED}, None, 0)
    return outputs, {one.metric: one for one in found}


def test_a_prior_that_knows_the_structures_saves_labels_and_one_that_knows_nothing_does_not():
    outputs, found = scored(knowing)
    assert found["segmentation_gain_1"].value > 0.05 and found["segmentation_1"].value > 0.8
    assert found["segmentation_20"].reason == "fewer training subjects have a label map", "there are 8"
    assert segmentation.draw(outputs, DATA, PROFILE, None, "blobs")["structures"].dtype == np.uint8
    _, blind = scored(lambda x, sigma: torch.zeros_like(x))
    assert blind["segmentation_gain_1"].value < found["segmentation_gain_1"].value
    assert blind["segmentation_image_1"] == found["segmentation_image_1"], "the same for every prior"


def test_an_image_has_the_same_channels_in_any_company_and_the_first_is_the_image():
    prior, images = Prior(lambda x, sigma: x / (1 + sigma**2)), DATA.test.images
    channels = denoised(prior, images, 5)
    assert channels.shape == (12, 1 + len(LEVELS), 32, 32) and channels.dtype == np.float32
    assert channels[:, 0] == pytest.approx(images / 255, abs=1e-6)
    assert denoised(prior, images[7:8], 1)[0] == pytest.approx(channels[7], abs=1e-6)


def test_blurs_keep_the_mean_and_lose_detail():
    channels = blurred(DATA.test.images)
    assert channels.shape == (12, 1 + len(LEVELS), 32, 32)
    spread = channels.std((2, 3)).mean(0)
    assert (np.diff(spread) < 0).all()
    assert channels.mean((2, 3)) == pytest.approx(channels[:, :1].mean((2, 3)).repeat(4, 1), abs=0.05)


def test_a_control_has_no_denoiser_and_is_not_asked():
    assert "no denoiser" in not_applicable(SEGMENTATION, GAUSSIAN, DATA)
    assert not_applicable(SEGMENTATION, DDPM, DATA) is None
    assert not_applicable(SEGMENTATION, DDPM, toy_data()) == "the data have no field labels"
