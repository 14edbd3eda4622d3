"""Any Gaussian forward process as a diffusion: at unit length it has noise levels, and nothing else, of its own.

Divided by sqrt(signal^2 + sigma^2), x_t = signal x_0 + sigma eps is DDPM's x_t with alpha_bar = signal^2 / (signal^2 +
sigma^2): processes differ in their levels alone (Kingma et al. 2021, arXiv 2107.00630, section 5.1). So the network
sees about unit variance and predicts what the profile says, and every sampler of diffusions draws from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mribench.spec import Profile
from mribench.variants.ddpm import DDPM

if TYPE_CHECKING:
    import numpy as np
    from diffusers import DDPMScheduler

# sigma / signal at the first timestep, and a tenth of it more at each: less is no difference of alpha_bar in float32
LEAST = 1e-3


def diffusion(profile: Profile, sigma: np.ndarray) -> DDPMScheduler:
    """DDPM's scheduler on other levels: sigma / signal, float64 (T,), rising; see ``LEAST``."""
    import numpy as np

    sigma = np.maximum(sigma, LEAST * (1 + np.arange(len(sigma)) / 10))
    alpha_bar = 1 / (1 + sigma**2)
    betas = 1 - alpha_bar / np.concatenate([[1.0], alpha_bar[:-1]])
    made = DDPM.scheduler(profile)
    return type(made).from_config(made.config, trained_betas=betas.tolist(), num_train_timesteps=len(betas))
