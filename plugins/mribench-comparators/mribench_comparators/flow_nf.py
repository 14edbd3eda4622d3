"""Normalising flow: an invertible network whose likelihood is exact.

Dinh et al., Density estimation using Real NVP, arXiv 1605.08803, with the invertible 1 x 1 convolutions of Kingma &
Dhariwal, Glow, arXiv 1807.03039.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mribench.spec import Batch, Draws, GenerativeModel, Profile, Stage, Update

if TYPE_CHECKING:
    import torch

    from mribench_comparators.couplings import Flow

LEVELS = 4  # at most: a level halves the side
GREYS = 256  # of the images


def log_likelihood(z: torch.Tensor, volume: torch.Tensor) -> torch.Tensor:
    """log p(x) by the change of variables, Real NVP, equation 2; nats, float32 (N,)."""
    return volume - 0.5 * (z.square() + math.log(2 * math.pi)).sum(1)


def loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """Upper bound of -log P(image of 256 greys) in nats per pixel, float32 (N,).

    Each grey is spread evenly over its step (Theis et al., arXiv 1511.01844, section 3.1).
    """
    grey = (batch.x + 1) * (GREYS - 1) / 2 + draws.uniform(*batch.x.shape[1:])
    z, volume = net(grey * 2 / GREYS - 1)
    return math.log(GREYS / 2) - log_likelihood(z, volume) / z.shape[1]


def log_density(nets: Mapping[str, Any], x: torch.Tensor, draws: Draws) -> torch.Tensor:
    """log p(x) in nats, float32 (N,), of images in [-1, 1] whose greys are spread evenly over their steps.

    The flow has (k + u) 2 / 256 - 1 for what is (k + u - 1/2) / 127.5 - 1 here: 255 / 256 times as wide.
    """
    grey = (x + 1) * (GREYS - 1) / 2 + 0.5
    z, volume = nets["flow"](grey * 2 / GREYS - 1)
    return log_likelihood(z, volume) + z.shape[1] * math.log((GREYS - 1) / GREYS)


def generate(nets: Mapping[str, Any], profile: Profile, draws: Draws) -> torch.Tensor:
    """The greys of the images of standard normal z, at temperature 1."""
    x = nets["flow"].inverse(draws.normal(profile.size**2))
    grey = ((x + 1) * GREYS / 2).floor().clamp(0, GREYS - 1)
    return grey * 2 / (GREYS - 1) - 1


def network(profile: Profile) -> Flow:
    """Levels and widths of the profile's U-Net."""
    from mribench_comparators.couplings import Flow

    shape = profile.network
    return Flow(size=profile.size, channels=shape.channels[:LEVELS], groups=shape.norm_groups)


FLOW = GenerativeModel(
    name="flow-nf",
    title="Normalising flow",
    paper="Kingma & Dhariwal 2018, arXiv 1807.03039",
    stages=(Stage("flow", network, updates=(Update(loss),)),),
    generate=generate,
    log_likelihood=log_density,
)
