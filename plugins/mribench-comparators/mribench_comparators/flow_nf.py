"""Normalising flow: an invertible network whose likelihood is exact.

Dinh et al., Density estimation using Real NVP, arXiv 1605.08803, with the invertible 1 x 1 convolutions of Kingma &
Dhariwal, Glow, arXiv 1807.03039.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config

from mribench.spec import Batch, Draws, GenerativeModel, Profile, Stage, Update

STEPS = 8  # of each level
LEVELS = 4  # at most: a level halves the side
GREYS = 256  # of the images


class Mix(torch.nn.Module):
    """Invertible 1 x 1 convolution W = P L (U + diag(s)); Glow, equations 10 and 11."""

    def __init__(self, channels: int):
        super().__init__()
        rotation, _ = torch.linalg.qr(torch.randn(channels, channels, device="cpu"))
        order, lower, upper = torch.linalg.lu(rotation)
        scale = upper.diagonal()
        self.register_buffer("order", order)
        self.register_buffer("sign", scale.sign())
        self.lower = torch.nn.Parameter(lower.tril(-1))
        self.upper = torch.nn.Parameter(upper.triu(1))
        self.log_scale = torch.nn.Parameter(scale.abs().log())

    def weight(self) -> torch.Tensor:
        """W, float32 (channels, channels)."""
        one = torch.eye(len(self.sign), device=self.sign.device)
        upper = self.upper.triu(1) + torch.diag(self.sign * self.log_scale.exp())
        return self.order @ (self.lower.tril(-1) + one) @ upper

    def forward(self, x: torch.Tensor, inverse: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        # in bf16 it would not be invertible
        with torch.autocast(x.device.type, enabled=False):
            weight = self.weight().inverse() if inverse else self.weight()
            mixed = F.conv2d(x, weight[:, :, None, None])
        return mixed, self.log_scale.sum() * x.shape[2] * x.shape[3]


class Coupling(torch.nn.Module):
    """One half of the channels is shifted and scaled by what a network makes of the other; Real NVP, equations 7, 8."""

    def __init__(self, channels: int, width: int, groups: int):
        super().__init__()
        self.net = torch.nn.Sequential(
            torch.nn.Conv2d(channels // 2, width, 3, padding=1),
            torch.nn.GroupNorm(groups, width),
            torch.nn.SiLU(),
            torch.nn.Conv2d(width, width, 1),
            torch.nn.GroupNorm(groups, width),
            torch.nn.SiLU(),
            torch.nn.Conv2d(width, channels, 3, padding=1),
        )
        # the identity at first
        torch.nn.init.zeros_(self.net[-1].weight)
        torch.nn.init.zeros_(self.net[-1].bias)

    def forward(self, x: torch.Tensor, inverse: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        kept, moved = x.chunk(2, dim=1)
        shift, log_scale = self.net(kept).float().chunk(2, dim=1)
        log_scale = log_scale.tanh()  # a step scales by e at most: both directions stay accurate
        moved = (moved - shift) / log_scale.exp() if inverse else moved * log_scale.exp() + shift
        return torch.cat([kept, moved], dim=1), log_scale.flatten(1).sum(1)


class Flow(ModelMixin, ConfigMixin):
    """Images (N, 1, H, W) to z (N, H W) and back; standard normal z where the flow fits."""

    @register_to_config
    def __init__(
        self,
        size: int = 64,
        channels: tuple[int, ...] = (32, 64, 128, 128),
        groups: int = 8,
        steps: int = STEPS,
    ):
        super().__init__()
        self.levels = torch.nn.ModuleList()
        here = 1
        for width in channels:
            here *= 4
            pairs = [(Mix(here), Coupling(here, width, groups)) for _ in range(steps)]
            self.levels.append(torch.nn.ModuleList(layer for pair in pairs for layer in pair))
            here //= 2

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """z, and log |det dz/dx|, float32 (N,). Each level but the last gives half of its channels to z."""
        parts, volume = [], torch.zeros(len(x), device=x.device)
        for level in self.levels:
            x = F.pixel_unshuffle(x, 2)
            for layer in level:
                x, change = layer(x)
                volume = volume + change
            if level is not self.levels[-1]:
                x, done = x.chunk(2, dim=1)
                parts.append(done.flatten(1))
        return torch.cat([*parts, x.flatten(1)], dim=1), volume

    def inverse(self, z: torch.Tensor) -> torch.Tensor:
        """The image of z."""
        side, sizes = self.config.size, []
        for level in range(1, len(self.levels)):
            sizes.append(side**2 // 2**level)
        *parts, x = z.split([*sizes, z.shape[1] - sum(sizes)], dim=1)
        parts = [*parts, None]
        for depth in reversed(range(len(self.levels))):
            grid = (-1, side // 2 ** (depth + 1), side // 2 ** (depth + 1))
            x = x.reshape(len(z), *grid)
            if parts[depth] is not None:
                x = torch.cat([x, parts[depth].reshape(len(z), *grid)], dim=1)
            for layer in reversed(self.levels[depth]):
                x, _ = layer(x, inverse=True)
            x = F.pixel_shuffle(x, 2)
        return x


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
