"""The variance-exploding SDE, x_t = x_0 + sigma_t eps; Song et al. 2021, arXiv 2011.13456, section 3.4 and appendix C.

The paper's loss, equation 7 with lambda = sigma^2, is the squared error of the noise, as DDPM's, where a profile
predicts it; under v, as in ``quick``, it is that times 1 + sigma^2.
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

TIMESTEPS = 1000
# the paper's 0.01 to 50, of images in [0, 1], on images in [-1, 1]
SIGMA_MIN, SIGMA_MAX = 0.02, 100.0


def levels() -> np.ndarray:
    """sigma_min (sigma_max / sigma_min)^(t / (T - 1)), float64 (T,); equation 30 of appendix C."""
    import numpy as np

    return SIGMA_MIN * (SIGMA_MAX / SIGMA_MIN) ** (np.arange(TIMESTEPS) / (TIMESTEPS - 1))


def scheduler(profile: Profile) -> DDPMScheduler:
    """At unit length: see ``levels``."""
    return diffusion(profile, levels())


VE = replace(
    DDPM,
    name="ve",
    title="VE SDE",
    paper="Song et al. 2021, arXiv 2011.13456, section 3.4",
    scheduler=scheduler,
)
