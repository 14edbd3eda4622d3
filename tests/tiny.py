"""A tiny training that several test files share: bright discs at 16x16, twelve steps."""

from dataclasses import replace

import numpy as np
import torch

from mribench import profiles
from mribench.spec import Network, Split
from mribench.training.arguments import TrainingArguments
from mribench.training.train import train
from mribench.variants import ddpm

TINY = replace(
    profiles.SMOKE,
    size=16,
    network=Network(channels=(8, 16), layers_per_block=1),
    max_steps=12,
    eval_every=4,
    eval_images=8,
    checkpoint_every=4,
    precision="fp32",
)


def blobs(n: int, size: int = 16) -> Split:
    """Bright discs at random places, enough for a network to learn something from."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size]
    centres = rng.uniform(4, size - 4, (n, 2))
    images = [(np.hypot(x - cx, y - cy) < 4) * 200 for cx, cy in centres]
    return Split(np.asarray(images, dtype=np.uint8), tuple(f"s{i}" for i in range(n)))


def fit(folder, profile=TINY, variant=ddpm.DDPM, seed=0):
    folder.mkdir(parents=True, exist_ok=True)
    return train(variant, TrainingArguments(blobs(24), blobs(8), profile, seed, folder, "tiny"))


def weights(folder):
    from diffusers import DDPMPipeline

    return DDPMPipeline.from_pretrained(folder / "best").unet.state_dict()


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)
