"""Deterministic samplers with the optimal network of a Gaussian draw that Gaussian, also where it leaves [-1, 1]."""

import pytest
import torch

from mribench import profiles
from mribench.sampling.samplers import DDIM, DPM_SOLVER, UNIPC
from mribench.testing.samplers import signal_and_sigma
from mribench.variants import ddpm

BLACK, SPREAD = -1.0, 0.2  # air, as a network that is not perfect sees it
N = 2000


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("steps", [50, 250])
@pytest.mark.parametrize("sampler", [DDIM, DPM_SOLVER, UNIPC], ids=lambda sampler: sampler.name)
def test_black_stays_black_however_many_steps_there_are(sampler, steps, prediction):
    """A prediction that is clipped to [-1, 1] at each step, and noise that is not, make it greyer with each."""
    scheduler = sampler.scheduler(
        {**ddpm.scheduler(profiles.get("smoke")).config, "prediction_type": prediction}
    )
    timesteps = sampler.timesteps(scheduler, steps, None)
    x = torch.randn(N, 1, 1, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for t in timesteps:
        signal, sigma = signal_and_sigma(scheduler.alphas_cumprod, t)
        x_0 = BLACK + signal * SPREAD**2 / (signal**2 * SPREAD**2 + sigma**2) * (x - signal * BLACK)
        epsilon = (x - signal * x_0) / sigma
        outputs = {"epsilon": epsilon, "v_prediction": signal * epsilon - sigma * x_0, "sample": x_0}
        x = scheduler.step(outputs[prediction], torch.tensor(t), x).prev_sample
    assert x.mean().item() == pytest.approx(BLACK, abs=0.02)
    assert x.std().item() == pytest.approx(SPREAD, rel=0.15)
