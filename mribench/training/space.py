"""The space that a variant's process runs in: pixels, a fixed transform of them, or the latents of an autoencoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from mribench.spec import Variant

BATCH = 64  # images that are encoded at once to measure the latents


@dataclass(frozen=True)
class Space:
    """Encodes and decodes images for one variant; no gradient is taken.

    ``autoencoder`` is the trained network of ``variant.autoencoder``, and ``std`` what its latents are divided by.
    """

    variant: Variant
    autoencoder: Any = None
    std: float = 1.0

    @torch.no_grad()
    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """float32 (N, C, h, w) from images in [-1, 1], float32 (N, 1, H, W)."""
        if self.variant.autoencoder is not None:
            return self.variant.autoencoder.encode(self.autoencoder, x).float() / self.std
        return self.variant.encode(x) if self.variant.encode else x

    @torch.no_grad()
    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """float32 (N, 1, H, W) from what ``encode`` gives, or what a sampler makes in its place."""
        if self.variant.autoencoder is not None:
            return self.variant.autoencoder.decode(self.autoencoder, z * self.std).float()
        return self.variant.decode(z) if self.variant.decode else z


@torch.no_grad()
def latent_std(variant: Variant, autoencoder: Any, images: torch.Tensor) -> float:
    """Root mean square of the latents of images in [-1, 1], float32 (N, 1, H, W)."""
    codes = [variant.autoencoder.encode(autoencoder, part).double() for part in images.split(BATCH)]
    return float(torch.cat(codes).square().mean().sqrt())
