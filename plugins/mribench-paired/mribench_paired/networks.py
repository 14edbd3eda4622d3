"""Networks that are trained on pairs and give one answer: a supervised U-Net, and pix2pix.

Each level is a training of its own, with the budget of the profile's own network at full resolution.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mribench_inverse.comparators import in_precision, trained

from mribench.spec import Draws, Examples, Measurement, Profile, Solver
from mribench.variants.ddpm import network
from mribench_paired.contrasts import KIND, pairs

if TYPE_CHECKING:
    import torch

L1_WEIGHT = 100.0  # of |G(y) - x| beside the adversarial loss; as in the paper
BETAS = (0.5, 0.999)  # of Adam; as in the paper
WIDTH = 32  # of the critic's first layer, 64 in the paper


def seeded(make: Callable[[], torch.nn.Module], seed: int) -> torch.nn.Module:
    """A network whose first weights follow from the seed."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def unet(profile: Profile, inputs: int, outputs: int = 1) -> torch.nn.Module:
    """The profile's own U-Net with other numbers of channels; at first it gives 0."""
    import torch

    net = network(profile)
    net = type(net).from_config({**net.config, "in_channels": inputs, "out_channels": outputs})
    for parameter in getattr(net, "unet", net).conv_out.parameters():
        torch.nn.init.zeros_(parameter)
    return net


def translated(net: Any, m: Measurement, draws: Draws | None = None) -> torch.Tensor:
    """A diffusion's U-Net as a plain one: its timestep is always 0."""
    return 0.5 + net(2 * m.y - 1, m.y.new_zeros(len(m.y))).sample


def fit_unet(examples: Examples) -> Any:
    """Least squares."""
    inputs = pairs(examples).sources.shape[1]
    return trained(
        seeded(lambda: unet(examples.profile, inputs), examples.seed),
        examples,
        lambda net, x, m, draws: (translated(net, m) - x[:, :1]).square().mean(),
    )


def critic(inputs: int) -> torch.nn.Module:
    """Logits of patches, (N, 1, h, w), of contrasts and image together: a PatchGAN of three strided layers."""
    from torch import nn

    widths = (WIDTH, 2 * WIDTH, 4 * WIDTH)
    layers: list[nn.Module] = []
    for before, after in zip((inputs, *widths), widths, strict=False):
        layers += [
            nn.Conv2d(before, after, 4, stride=2, padding=1),
            nn.GroupNorm(8, after),
            nn.LeakyReLU(0.2),
        ]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 3, padding=1))


def fit_pix2pix(examples: Examples) -> Any:
    """Equations 1 to 4 of the paper, with the non-saturating loss; without the noise z, which G learns to ignore."""
    import torch
    import torch.nn.functional as F

    profile, inputs = examples.profile, pairs(examples).sources.shape[1]
    net = seeded(lambda: unet(profile, inputs), examples.seed).to(examples.device).train()
    judge = seeded(lambda: critic(inputs + 1), examples.seed).to(examples.device)
    players = [torch.optim.Adam(one.parameters(), lr=profile.lr, betas=BETAS) for one in (net, judge)]
    steps = examples.full_steps
    with torch.enable_grad(), in_precision(net, examples), in_precision(judge, examples):
        for step, (x, m, _) in enumerate(examples.batches(steps, profile.batch_size)):
            rate = profile.lr * 0.5 * (1 + math.cos(math.pi * step / steps))
            real = x[:, :1]
            fake = translated(net, m)
            logits = [judge(torch.cat([m.y, one], dim=1)) for one in (real, fake.detach())]
            _update(players[1], judge, (F.softplus(-logits[0]) + F.softplus(logits[1])).mean() / 2, rate)
            fooled = F.softplus(-judge(torch.cat([m.y, fake], dim=1))).mean()
            _update(players[0], net, fooled + L1_WEIGHT * (fake - real).abs().mean(), rate)
    return net.eval().requires_grad_(False)


def _update(optimizer: Any, net: torch.nn.Module, loss: torch.Tensor, rate: float) -> None:
    import torch

    optimizer.param_groups[0]["lr"] = rate
    optimizer.zero_grad()
    loss.backward(inputs=list(net.parameters()))
    torch.nn.utils.clip_grad_norm_(net.parameters(), L1_WEIGHT)
    optimizer.step()


def _network(name: str, title: str, paper: str, fit) -> Solver:
    return Solver(name, title, paper, translated, (), (KIND,), samples=False, fit=fit, trains=True, version=2)


UNET = _network("translation-unet", "supervised U-Net", "Ronneberger et al. 2015, arXiv:1505.04597", fit_unet)
PIX2PIX = _network("pix2pix", "pix2pix", "Isola et al. 2017, arXiv:1611.07004", fit_pix2pix)
