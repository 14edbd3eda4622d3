"""A cascade: a diffusion model of small images, and one that enlarges them.

Ho et al., Cascaded Diffusion Models for High Fidelity Image Generation, arXiv 2106.15282. The small images are means of
2 x 2 pixels. The second model sees a small image, enlarged and with a little noise (conditioning augmentation, section
4.2): so it forgives the first model's errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mribench.sampling.samplers import DPM_SOLVER
from mribench.spec import Batch, Draws, GenerativeModel, Profile, Stage, Update
from mribench.variants import ddpm
from mribench_latent.unet import unet

if TYPE_CHECKING:
    import torch

MAX_AUGMENTATION = 0.5  # the largest standard deviation of the noise on small images in [-1, 1], in training
AUGMENTATION = 0.1  # in sampling
SMALL_STEPS, LARGE_STEPS = 25, 25  # of dpm-solver


def small_network(profile: Profile) -> Any:
    """The profile's U-Net at half the side; its patches are half as large, so that there are as many of them."""
    return unet(profile, profile.size // 2, 1, 1, max(1, profile.network.patch // 2))


def large_network(profile: Profile) -> Any:
    """The profile's U-Net; it also sees the enlarged small image and the level of the noise on it."""
    return unet(profile, profile.size, 3, 1, profile.network.patch)


class Conditioned:
    """The second network as a function of x_t and t alone, given small images.

    Args:
        net: Called with float32 (N, 3, H, W): x_t, the enlarged small image, the level of its noise.
        small: With their noise, float32 (N, 1, H / 2, W / 2).
        level: Standard deviation of that noise, float32 (N,).
    """

    def __init__(self, net: Any, small: torch.Tensor, level: torch.Tensor):
        import torch

        large = enlarged(small)
        self._net, self._given = net, torch.cat([large, level.view(-1, 1, 1, 1).expand_as(large)], dim=1)

    def __call__(self, x_t: torch.Tensor, t: Any) -> Any:
        import torch

        return self._net(torch.cat([x_t, self._given], dim=1), t)


def reduced(x: torch.Tensor) -> torch.Tensor:
    """Means of 2 x 2 pixels, (N, 1, H / 2, W / 2)."""
    import torch.nn.functional as F

    return F.avg_pool2d(x, 2)


def enlarged(x: torch.Tensor) -> torch.Tensor:
    """Bilinear, (N, 1, 2 H, 2 W)."""
    import torch.nn.functional as F

    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


@lru_cache(maxsize=1)
def forward_process() -> Any:
    """Of both models: linear betas and v as output."""
    from diffusers import DDPMScheduler

    return DDPMScheduler(beta_start=1e-4, beta_end=0.02, prediction_type="v_prediction")


def diffusion_loss(net: Any, x0: torch.Tensor, draws: Draws) -> torch.Tensor:
    """The squared error of v at random timesteps, float32 (N,)."""
    scheduler = forward_process()
    t = draws.integers(scheduler.config.num_train_timesteps)
    return ddpm.loss(net, scheduler, x0, draws.normal(*x0.shape[1:]), t)


def small_loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """Of the small images, float32 (N,)."""
    return diffusion_loss(net, reduced(batch.x), draws)


def large_loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """Of images given their own small ones with noise of a random level, float32 (N,); algorithm 1."""
    small, level = reduced(batch.x), MAX_AUGMENTATION * draws.uniform()
    noisy = small + level.view(-1, 1, 1, 1) * draws.normal(*small.shape[1:])
    return diffusion_loss(Conditioned(net, noisy, level), batch.x, draws)


def integrate(net: Any, x: torch.Tensor, steps: int) -> torch.Tensor:
    """From noise to an image by the sampler dpm-solver, at its noise levels."""
    import torch

    solver = DPM_SOLVER.scheduler(forward_process().config)
    for t in DPM_SOLVER.timesteps(solver, steps, None):
        x = solver.step(net(x, torch.tensor(t, device=x.device)).sample.float(), t, x).prev_sample
    return x


def generate(nets: Mapping[str, Any], profile: Profile, draws: Draws) -> torch.Tensor:
    """A small image, noise on it, and the image that it is enlarged to; algorithm 2."""
    half = profile.size // 2
    small = integrate(nets["small"], draws.normal(1, half, half), SMALL_STEPS)
    noisy = small + AUGMENTATION * draws.normal(1, half, half)
    level = noisy.new_full((len(noisy),), AUGMENTATION)
    large = Conditioned(nets["large"], noisy, level)
    return integrate(large, draws.normal(1, profile.size, profile.size), LARGE_STEPS)


CASCADED = GenerativeModel(
    name="cascaded",
    title="Cascaded diffusion",
    paper="Ho et al. 2021, arXiv 2106.15282",
    stages=(
        Stage("small", small_network, (Update(small_loss),), share=0.5),
        Stage("large", large_network, (Update(large_loss),), share=0.5),
    ),
    generate=generate,
    nfe=SMALL_STEPS + LARGE_STEPS,
    version=2,  # 1: steps at equal distances in t, warm-ups as long as the profile's
)
