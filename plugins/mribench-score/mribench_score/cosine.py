"""The cosine noise schedule; Nichol & Dhariwal 2021, arXiv 2102.09672, section 3.2. All else is DDPM."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mribench.spec import Profile
from mribench.variants.ddpm import DDPM

if TYPE_CHECKING:
    from diffusers import DDPMScheduler

TIMESTEPS = 1000


def scheduler(profile: Profile) -> DDPMScheduler:
    """alpha_bar_t = f(t) / f(0), f(t) = cos^2((t / T + s) / (1 + s) pi / 2), s = 0.008; equation 17, beta <= 0.999."""
    from diffusers import DDPMScheduler

    return DDPMScheduler(
        num_train_timesteps=TIMESTEPS,
        beta_schedule="squaredcos_cap_v2",
        prediction_type=profile.prediction,
        variance_type="fixed_small",
    )


COSINE = replace(
    DDPM,
    name="cosine",
    title="DDPM, cosine schedule",
    paper="Nichol & Dhariwal 2021, arXiv 2102.09672, equation 17",
    scheduler=scheduler,
)
