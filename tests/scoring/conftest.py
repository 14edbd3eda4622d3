"""Own data, a run on them, and three generators that mribench never trained."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import mribench

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


@pytest.fixture(scope="session")
def own(tmp_path_factory) -> Path:
    """A user's own images, with the subject of each."""
    folder = tmp_path_factory.mktemp("own")
    subjects = np.repeat([f"p{i:02d}" for i in range(SUBJECTS)], SLICES)
    np.savez(folder / "discs.npz", images=discs(SUBJECTS * SLICES, 1), subject=subjects)
    return folder / "discs.npz"


@pytest.fixture(scope="session")
def run(own, tmp_path_factory) -> Path:
    """ddpm and two controls on these data, trained for four steps."""
    out = tmp_path_factory.mktemp("run")
    budget = {"profile": "smoke", "train_steps": 4, "samplers": "ddim-2", "tasks": ["generation", "audit"]}
    mribench.run(modalities="brain", controls=["noise", "gaussian"], data=own, out=out, **budget)
    return out


@pytest.fixture(scope="session")
def generators(tmp_path_factory) -> SimpleNamespace:
    """A folder of PNG, a pipeline of diffusers, and what the script of a VAE saved."""
    folder = tmp_path_factory.mktemp("generators")
    np.savez(folder / "vae.npz", images=discs(N, 3)[:, None])
    return SimpleNamespace(
        pngs=save_pngs(folder / "pngs", discs(N + 5, 2)),
        pipeline=save_pipeline(folder / "pipeline"),
        vae=folder / "vae.npz",
    )
