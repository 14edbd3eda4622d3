"""Known answers of label-efficient segmentation: a prior that knows the structures, and one that knows nothing."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mribench_downstream import metrics, segmentation
from mribench_downstream.inputs import LEVELS, blurred, denoised
from mribench_downstream.segmentation import COMPARED, SEGMENTATION

PROFILE = SimpleNamespace(max_steps=180, sample_batch=8)
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


def scored(prior, data):
    outputs = segmentation.produce(Prior(prior), data, PROFILE, 0)
    found = SEGMENTATION.score(outputs, data, PROFILE, {name: METRICS[name] for name in COMPARED}, None, 0)
    return outputs, {one.metric: one for one in found}


def test_a_prior_that_knows_the_structures_saves_labels_and_one_that_knows_nothing_does_not(data):
    outputs, found = scored(knowing, data)
    assert found["segmentation_gain_1"].value > 0.05 and found["segmentation_1"].value > 0.8
    assert found["segmentation_20"].reason.startswith("8 training subjects have a label map")
    assert SEGMENTATION.draw(outputs, data, PROFILE, None, "blobs")["structures"].dtype == np.uint8
    _, blind = scored(lambda x, sigma: torch.zeros_like(x), data)
    assert blind["segmentation_gain_1"].value < found["segmentation_gain_1"].value
    assert blind["segmentation_image_1"] == found["segmentation_image_1"], "the same for every prior"


def test_an_image_has_the_same_channels_in_any_company_and_the_first_is_the_image(data):
    prior, images = Prior(lambda x, sigma: x / (1 + sigma**2)), data.test.images
    channels = denoised(prior, images, 5)
    assert channels.shape == (12, 1 + len(LEVELS), 32, 32) and channels.dtype == np.float32
    assert channels[:, 0] == pytest.approx(images / 255, abs=1e-6)
    assert denoised(prior, images[7:8], 1)[0] == pytest.approx(channels[7], abs=1e-6)


def test_blurs_keep_the_mean_and_lose_detail(data):
    channels = blurred(data.test.images)
    assert channels.shape == (12, 1 + len(LEVELS), 32, 32)
    spread = channels.std((2, 3)).mean(0)
    assert (np.diff(spread) < 0).all()
    assert channels.mean((2, 3)) == pytest.approx(channels[:, :1].mean((2, 3)).repeat(4, 1), abs=0.05)


def test_it_needs_a_denoiser_and_label_maps():
    assert (SEGMENTATION.needs, SEGMENTATION.fields) == (("denoiser",), ("labels",))
