"""What only a CUDA device can show: run with `pytest -m gpu`."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_train import TINY, fit

from mribench import samplers
from mribench.sample import Trained
from mribench.variants import ddpm

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_training_on_the_gpu_learns(tmp_path, precision):
    record = fit(tmp_path, replace(TINY, precision=precision, max_steps=120, eval_every=20))
    assert record["device"] == "cuda" and record["precision"] == precision
    assert record["validation_loss"] < 0.9


@pytest.mark.parametrize("name", ["ddpm-20", "ddim-10", "dpm-solver-8"])
def test_the_gpu_draws_the_images_of_the_cpu(tmp_path, name):
    """Noise comes from addressed CPU generators: the device changes rounding, not the sample."""
    fit(tmp_path, replace(TINY, max_steps=40))
    sampler, steps = samplers.resolve(name)
    trained = Trained(tmp_path / "best", ddpm.DDPM, sampler, steps, TINY, "fp32")
    on_gpu = trained.generate(range(4), 0)
    trained.device = torch.device("cpu")
    trained.net.to("cpu")
    assert np.abs(on_gpu - trained.generate(range(4), 0)).max() < 1e-2
