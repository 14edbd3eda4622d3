"""Forward processes: levels by signal-to-noise ratio, and samplers that must fit their variant."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mribench.errors import InputError
from mribench.sampling import forward_process
from mribench.sampling.samplers import DDIM, DPM_SOLVER, SamplerChoice
from mribench.variants.controls import NOISE
from mribench.variants.ddpm import DDPM

LINEAR = (np.arange(10) + 1) / 11
STRAIGHT = replace(DDPM, name="straight", process="line", path=lambda scheduler: (1 - LINEAR, LINEAR))
EULER = replace(DDIM, name="euler", process="line")


def test_a_diffusion_has_the_levels_of_its_scheduler():
    levels = torch.tensor([0.9, 0.5, 0.1])
    alpha_bars, scale = forward_process.alpha_bars(DDPM, SimpleNamespace(alphas_cumprod=levels))
    assert (alpha_bars == levels.numpy()).all() and (scale == 1).all()


def test_another_process_is_the_same_image_at_another_scale():
    """Rescaled, x_t = signal x_0 + sigma eps is sqrt(abar) x_0 + sqrt(1 - abar) eps."""
    alpha_bars, scale = forward_process.alpha_bars(STRAIGHT, None)
    assert scale * np.sqrt(alpha_bars) == pytest.approx(1 - LINEAR)
    assert scale * np.sqrt(1 - alpha_bars) == pytest.approx(LINEAR)


def test_samplers_that_fit_pass():
    forward_process.check_compatible([DDPM, NOISE], [SamplerChoice(DDIM, 5), SamplerChoice(DPM_SOLVER, 5)])
    forward_process.check_compatible([DDPM, STRAIGHT], [SamplerChoice(DDIM, 5), SamplerChoice(EULER, 5)])
    forward_process.check_compatible([NOISE], [SamplerChoice(DDIM, 5)])
    assert (
        forward_process.compatible(STRAIGHT, EULER)
        and not forward_process.compatible(STRAIGHT, DDIM)
        and not forward_process.compatible(NOISE, DDIM)
    )


def test_a_variant_without_a_sampler_is_one_sentence_with_the_option_to_give(monkeypatch):
    monkeypatch.setattr(
        forward_process, "samplers_of", lambda variant: [EULER] if variant is STRAIGHT else [DDIM]
    )
    for variants, option in (
        ([STRAIGHT], "--samplers euler-7"),
        ([DDPM, STRAIGHT], "--samplers ddim-7,euler-7"),
    ):
        with pytest.raises(InputError, match="'straight' has the forward process 'line'") as raised:
            forward_process.check_compatible(variants, [SamplerChoice(DDIM, 7)])
        assert str(raised.value).endswith(option)
    monkeypatch.setattr(forward_process, "samplers_of", lambda variant: [])
    with pytest.raises(InputError, match="install a plugin that brings one"):
        forward_process.check_compatible([STRAIGHT], [])


def test_a_sampler_without_a_variant_is_named():
    with pytest.raises(InputError, match=r"'euler-5' .*found ddpm \(diffusion\)\); leave"):
        forward_process.check_compatible([DDPM], [SamplerChoice(DDIM, 5), SamplerChoice(EULER, 5)])


def test_the_samplers_of_the_core_reverse_diffusion():
    assert {"ddpm", "ddim", "dpm-solver"} <= {sampler.name for sampler in forward_process.samplers_of(DDPM)}
