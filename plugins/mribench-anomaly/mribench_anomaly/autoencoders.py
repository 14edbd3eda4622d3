"""Networks that are trained on healthy images to give them back, at the cost of the prior's own training.

They are the baselines that diffusions were seen to lose to: the denoising autoencoder with coarse noise, and the VAE.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mribench.spec import Draws, Examples, Measurement, Solver
from mribench_anomaly.methods import KIND
from mribench_anomaly.pixels import AIR

if TYPE_CHECKING:
    import torch

    Loss = Callable[[Any, torch.Tensor, Draws], torch.Tensor]  # network, images in [0, 1], draws -> a number

NOISE = 0.2  # standard deviation of the noise that the denoising autoencoder removes, grey ranges; as in the paper
GRID = 16  # of normal numbers along a side, which are enlarged to the image; as in the paper


def trained(make: Callable[[], Any], examples: Examples, loss: Loss) -> Any:
    """The network after AdamW on ``loss``, the learning rate falling to 0 by a cosine."""
    import torch

    profile, steps = examples.profile, examples.full_steps
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(examples.seed)
        net = make().to(examples.device).train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=profile.lr)
    warmup = max(1, min(profile.warmup_steps, steps // 10))
    with torch.enable_grad():
        for step, (x, _, draws) in enumerate(examples.batches(steps, profile.batch_size)):
            rate = min(1, (step + 1) / warmup) * 0.5 * (1 + math.cos(math.pi * step / steps))
            optimizer.param_groups[0]["lr"] = profile.lr * rate
            optimizer.zero_grad()
            with torch.autocast(x.device.type, torch.bfloat16, enabled=profile.precision == "bf16"):
                error = loss(net, x, draws)
            error.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), profile.grad_clip or 1.0)
            optimizer.step()
    return net.eval().requires_grad_(False)


def coarse_noise(x: torch.Tensor, draws: Draws) -> torch.Tensor:
    """float32 (N, 1, H, W): normal numbers on a grid of 16 x 16, enlarged bilinearly and shifted at random.

    Without the shift, which wraps around, the noise would be strong at the same pixels of every image.
    """
    import torch
    import torch.nn.functional as F

    height, width = x.shape[-2:]
    noise = F.interpolate(draws.normal(1, GRID, GRID), size=(height, width), mode="bilinear")
    down, right = draws.integers(height, 1), draws.integers(width, 1)
    rows = (torch.arange(height, device=x.device) + down) % height
    columns = (torch.arange(width, device=x.device) + right) % width
    noise = noise.gather(2, rows[:, None, :, None].expand_as(noise))
    return noise.gather(3, columns[:, None, None, :].expand_as(noise))


def by_dae(net: Any, m: Measurement, draws: Draws) -> torch.Tensor:
    """What the network makes of the image as it is: no noise is added."""
    return _denoised(net, m.y)


def _denoised(net: Any, x: torch.Tensor) -> torch.Tensor:
    """A diffusion's U-Net as a plain one: its timestep is always 0, and its images are in [-1, 1]."""
    return (net(2 * x - 1, x.new_zeros(len(x))).sample.float() + 1) / 2


def fit_dae(examples: Examples) -> Any:
    """|r(x + n) - x|^2 with coarse noise n, both in the foreground alone, as in the paper's code."""
    from mribench.variants.ddpm import network

    def loss(net: Any, x: torch.Tensor, draws: Draws) -> torch.Tensor:
        inside = x >= AIR
        noise = NOISE * coarse_noise(x, draws) * inside
        return ((_denoised(net, x + noise) - x).square() * inside).mean()

    return trained(lambda: network(examples.profile), examples, loss)


def by_vae(net: Any, m: Measurement, draws: Draws) -> torch.Tensor:
    """The decoder's mean for the mean of q(z | x)."""
    code = net.encoder(2 * m.y - 1).chunk(2, dim=1)[0]
    return (net.decoder(code) + 1) / 2


def fit_vae(examples: Examples) -> Any:
    """The VAE of mribench-comparators, by its own loss."""
    from mribench_comparators import vae

    from mribench.spec import Batch

    def loss(net: Any, x: torch.Tensor, draws: Draws) -> torch.Tensor:
        return vae.loss(net, Batch(2 * x - 1), {}, draws).mean()

    return trained(lambda: vae.network(examples.profile), examples, loss)


def _autoencoder(name: str, title: str, paper: str, solve, fit, version: int = 1) -> Solver:
    return Solver(
        name, title, paper, solve, (), (KIND,), samples=False, fit=fit, trains=True, version=version
    )


DAE_RESIDUAL = _autoencoder(
    "dae-residual",
    "denoising autoencoder, coarse noise",
    "Kascenas et al. 2022, MIDL; 2023, arXiv 2301.08330",
    by_dae,
    fit_dae,
    version=2,
)
VAE_RESIDUAL = _autoencoder(
    "vae-residual", "VAE", "Kingma & Welling 2013, arXiv 1312.6114; Baur et al. 2021", by_vae, fit_vae
)
