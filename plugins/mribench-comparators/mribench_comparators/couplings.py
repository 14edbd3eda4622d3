"""The invertible network of the flow: 1 x 1 convolutions and affine couplings, level by level.

Dinh et al., Real NVP, arXiv 1605.08803; Kingma & Dhariwal, Glow, arXiv 1807.03039.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config

STEPS = 8  # of each level


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
