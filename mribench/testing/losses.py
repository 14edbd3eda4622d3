"""Checks for the loss of a variant: a number for each image, of that image alone, at the level that it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mribench.testing.checking import Case, CheckWarning, require
from mribench.testing.fixtures import IMAGE_SIZE, TINY, network_on, untrained_space
from mribench.testing.probe import MIDDLE, Probe

if TYPE_CHECKING:
    import torch

MAX_RATIO = 2.0  # of the losses at two sides; a sum over pixels has 4


def its_loss_is_one_number_per_image(case: Case) -> None:
    """float32 (N,), finite, with a gradient, at the first, a middle and the last timestep; also at half the side."""
    import torch

    from mribench.training.conditions import at_first_label

    variant = case.plugin
    net, scheduler = at_first_label(variant, variant.network(TINY)), variant.scheduler(TINY)
    last = scheduler.config.num_train_timesteps - 1
    t = torch.tensor([0, last // 2, last])
    x0, half_x0 = (
        untrained_space(variant).encode(torch.zeros(3, 1, side, side))
        for side in (IMAGE_SIZE, IMAGE_SIZE // 2)
    )
    loss = variant.loss(net, scheduler, x0, torch.randn(x0.shape), t)
    require(
        loss.shape == (3,) and loss.dtype == torch.float32,
        f"the loss is {loss.dtype} {tuple(loss.shape)} for three images",
        "return one float32 number per image: .float()...mean(dim=(1, 2, 3))",
    )
    require(
        loss.isfinite().all(), f"the loss is {loss.tolist()}", "see t = 0 and t = T - 1 for a division by 0"
    )
    half = variant.loss(net, scheduler, half_x0, torch.randn(half_x0.shape), t)
    require(
        half.shape == (3,) and half.isfinite().all(),
        f"at half the side the loss is {half.tolist()}",
        "let network and loss take the side from x0: the coarse steps of a profile are at half the side",
    )
    require(loss.requires_grad, "the loss has no gradient", "do not detach the output of the network")


def its_loss_of_an_image_is_its_own(case: Case) -> None:
    """Whatever images, levels and noise stand beside it: the audit compares single images, and batches are shared out.

    A loss that is divided by the mean of its batch, or summed over it, depends on them.
    """
    import torch

    variant, draw = case.plugin, torch.Generator().manual_seed(0)
    net, scheduler, x0 = network_on(variant, draw)
    noise = torch.randn(x0.shape, generator=draw)
    last = scheduler.config.num_train_timesteps - 1
    t = torch.tensor([last // 2, last // 5, last // 2, last])
    others = torch.tensor([last // 2, last // 3, last // 4, last // 5])
    beside = [torch.cat([part[:1], part[1:].flip(0)]) for part in (x0, noise)]

    def first(x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> float:
        torch.manual_seed(0)  # for what the loss itself draws
        with torch.no_grad():
            return variant.loss(net, scheduler, x0, noise, t)[0].item()

    one, other = first(x0, noise, t), first(*beside, others)
    require(
        np.isclose(one, other, rtol=1e-3, atol=1e-6),
        f"the loss of one image is {one:.4g} beside three images and {other:.4g} beside three others",
        "return the loss of each image by itself: no mean, sum or weight over the batch",
    )


def its_loss_is_a_mean_over_pixels(case: Case) -> None:
    """At half the side it is about the same; a sum would weigh the steps of a profile by their number of pixels."""
    import torch

    variant = case.plugin
    net, scheduler, _ = network_on(variant, torch.Generator().manual_seed(0))
    mean = {}
    for side in (IMAGE_SIZE, IMAGE_SIZE // 2):
        draw = torch.Generator().manual_seed(0)
        x0 = untrained_space(variant).encode(torch.rand(8, 1, side, side, generator=draw) * 2 - 1)
        noise = torch.randn(x0.shape, generator=draw)
        t = torch.full((8,), scheduler.config.num_train_timesteps // 2)
        with torch.no_grad():
            mean[side] = variant.loss(net, scheduler, x0, noise, t).mean().item()
    whole, half = mean.values()
    require(
        1 / MAX_RATIO < whole / half < MAX_RATIO,
        f"at side {IMAGE_SIZE} the loss is {whole:.4g}, at half the side {half:.4g}, of the same kind of images",
        "take the mean over pixels, mean(dim=(1, 2, 3)): coarse steps and the limit of gradients count on it",
    )


def its_network_is_told_its_timestep(case: Case) -> None:
    """In training as in sampling the network is told the same of a level, and something else of another level.

    A note where it is told one thing throughout, in training and in sampling: a network may be blind on purpose.
    """
    import torch

    from mribench.sampling.denoiser import VariantDenoiser
    from mribench.sampling.forward_process import alpha_bars

    variant, draw = case.plugin, torch.Generator().manual_seed(0)
    net, scheduler, x0 = network_on(variant, draw)
    noise = torch.randn(x0.shape, generator=draw)
    levels, _ = alpha_bars(variant, scheduler)
    steps = [int(share * (len(levels) - 1)) for share in MIDDLE]
    trained, sampled = [], []
    for t in steps:
        probe = Probe(net)
        with torch.no_grad():
            variant.loss(probe, scheduler, x0, noise, torch.full((len(x0),), t))
            trained.append(_told(probe))
            if variant.has_denoiser:
                sigma = float(np.sqrt((1 - levels[t]) / levels[t]))
                VariantDenoiser(variant, probe, scheduler)(x0 + sigma * noise, sigma)
                sampled.append(_told(probe))
    words = ", ".join(f"{told:.4g}" for told in trained)
    for t, loss, sampler in zip(steps, trained, sampled, strict=False):
        require(
            abs(loss - sampler) <= 0.01 * max(np.ptp(sampled), abs(sampler)),
            f"at t = {t} the loss tells the network {loss:.4g}, and a sampler {sampler:.4g}",
            "pass on the t that the loss is given, changed as `estimate` changes it",
        )
    if len(set(trained)) < len(trained):
        found, mend = f"at t = {steps} the network is told {words}", "pass on the t that the loss is given"
        require(variant.has_denoiser, found, mend)
        raise CheckWarning(found, f"{mend}, or leave it where the network is blind on purpose")


def _told(probe: Probe) -> float:
    """The timestep of the last call."""
    require(
        probe.told is not None,
        "the loss calls the network without a timestep",
        "call it as a diffusers UNet2DModel: net(x_t, t)",
    )
    return float(np.mean(np.asarray(probe.told, dtype=float)))
