"""The space that a variant's process runs in: pixels, a fixed transform of them, or the latents of an autoencoder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mribench import files
from mribench.metrics.paired import psnr
from mribench.spec import Profile, Stage, Variant

# in the record of an autoencoder's training
LATENT_STD = "latent_std"
RECONSTRUCTION_PSNR = "reconstruction_psnr"
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


def reconstruction_psnr(space: Space, images: torch.Tensor) -> float:
    """Mean PSNR in dB, data range 1, of images in [-1, 1], float32 (N, 1, H, W), against what becomes of them when they
    are encoded and decoded: what the autoencoder loses no sampler brings back."""
    found = []
    for part in images.split(BATCH):
        restored = space.decode(space.encode(part))
        found.append(psnr(_grey(restored), _grey(part)))
    return float(np.concatenate(found).mean())


def load_space(variant: Variant, profile: Profile, pipeline: Path, where: torch.device) -> Space:
    """The space of a trained variant; ``pipeline`` is the folder of its own network, beside those of earlier stages."""
    if variant.autoencoder is None:
        return Space(variant)
    stage = variant.autoencoder.stage
    folder = pipeline.parent / stage.name
    network = load_network(stage, profile, folder / pipeline.name, where)
    return Space(variant, network, files.read_json(folder / "train.json")[LATENT_STD])


def load_network(stage: Stage, profile: Profile, path: Path, where: torch.device) -> torch.nn.Module:
    """A finished stage's network for use: in evaluation mode, without gradients."""
    # by the stage's own class: a plugin's network need not be one that diffusers knows
    return type(stage.network(profile)).from_pretrained(path).to(where).eval().requires_grad_(False)


def _grey(x: torch.Tensor) -> np.ndarray:
    """Grey values in [0, 1], float32 (N, H, W), of images in [-1, 1], (N, 1, H, W)."""
    return (x[:, 0].clamp(-1, 1) / 2 + 0.5).cpu().numpy()
