"""Images and pipelines as scripts outside mribench make them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

SIDE, SUBJECTS, SLICES, N = 32, 24, 3, 24


def discs(n: int, seed: int, side: int = SIDE) -> np.ndarray:
    """float32 (n, side, side) in [0, 1]: textured discs at random places."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    centres = rng.uniform(side / 3, 2 * side / 3, (n, 2))
    inside = [np.hypot(x - cx, y - cy) < side / 4 for cx, cy in centres]
    texture = rng.normal(0.6, 0.08, (n, side, side))
    return np.clip(np.asarray(inside) * texture, 0, 1).astype(np.float32)


def save_pngs(folder: Path, images: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i, image in enumerate(np.rint(images * 255).astype(np.uint8)):
        Image.fromarray(image).save(folder / f"sample_{i}.png")
    return folder


def save_pipeline(folder: Path, channels: int = 1) -> Path:
    """A DDPMPipeline with random weights, made by hand as any diffusers script makes one."""
    import torch
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    torch.manual_seed(0)
    unet = UNet2DModel(
        sample_size=SIDE,
        in_channels=channels,
        out_channels=channels,
        block_out_channels=(8, 8),
        layers_per_block=1,
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
    )
    DDPMPipeline(unet, DDPMScheduler()).save_pretrained(folder)
    return folder
