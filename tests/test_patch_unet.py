"""Our own networks behave as diffusers models do."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import DDPMPipeline

from mribench import profiles
from mribench.networks import PatchUNet2DModel
from mribench.provenance import gflops_per_image
from mribench.spec import Network
from mribench.variants import ddpm


def tiny(patch):
    return ddpm.network(replace(profiles.SMOKE, network=Network((8, 16), 1, patch=patch)))


@pytest.mark.parametrize("patch", [1, 2, 4])
def test_images_go_in_and_come_out_at_their_own_size(patch):
    net = tiny(patch)
    assert isinstance(net, PatchUNet2DModel) == (patch > 1)
    x = torch.randn(3, 1, 32, 32)
    assert net(x, torch.tensor([0, 5, 999])).sample.shape == x.shape
    assert net(x, 7, return_dict=False)[0].shape == x.shape


def test_a_patch_of_two_costs_a_quarter():
    assert gflops_per_image(tiny(2), 32) < 0.3 * gflops_per_image(tiny(1), 32)


def test_a_plain_diffusers_pipeline_loads_and_samples_it(tmp_path):
    net = tiny(2)
    DDPMPipeline(unet=net, scheduler=ddpm.scheduler(profiles.SMOKE)).save_pretrained(tmp_path)
    pipeline = DDPMPipeline.from_pretrained(tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), pipeline.unet.parameters(), strict=True))
    image = pipeline(batch_size=2, num_inference_steps=2, output_type="np").images
    assert image.shape == (2, 32, 32, 1) and np.isfinite(image).all()
