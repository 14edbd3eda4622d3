"""The sub-VP SDE; Song et al. 2021, arXiv 2011.13456, section 3.4.

Signal as in the VP SDE, whose discretisation is DDPM, and less noise: x_t = sqrt(alpha_bar) x_0 + (1 - alpha_bar) eps.
The paper's loss, equation 7 with lambda = sigma^2, is the squared error of the noise, as DDPM's, where a profile
predicts it; under v, as in ``quick``, it is that over alpha_bar of the level.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mribench.spec import Profile
from mribench.variants.ddpm import DDPM
from mribench_score.levels import diffusion

if TYPE_CHECKING:
    import numpy as np
    from diffusers import DDPMScheduler


def path(profile: Profile) -> tuple[np.ndarray, np.ndarray]:
    """(sqrt(alpha_bar), 1 - alpha_bar), float64 (T,) each, with DDPM's alpha_bar; equation 29 of the paper."""
    alpha_bar = DDPM.scheduler(profile).alphas_cumprod.double().numpy()
    return alpha_bar**0.5, 1 - alpha_bar


def scheduler(profile: Profile) -> DDPMScheduler:
    """At unit length; the first ten levels are raised, see ``levels.LEAST``."""
    signal, sigma = path(profile)
    return diffusion(profile, sigma / signal)


SUB_VP = replace(
    DDPM,
    name="sub-vp",
    title="sub-VP SDE",
    paper="Song et al. 2021, arXiv 2011.13456, section 3.4",
    scheduler=scheduler,
)
