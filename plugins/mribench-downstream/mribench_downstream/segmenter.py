"""A small segmentation network: how it is trained, and what it finds.

MONAI's U-Net of four levels, the loss of nnU-Net (cross-entropy and soft Dice: Isensee et al. 2021,
doi:10.1038/s41592-020-01008-z), and small random shifts, turns, scales and contrasts. Every training has as many steps
of as many images, whatever it is trained on, so that no data have the advantage of a longer training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mribench.seeds import number, numpy_rng, torch_generator
from mribench.spec import NOT_ANNOTATED, Profile
from mribench_downstream.labelled import Labelled

if TYPE_CHECKING:
    import torch

WIDTHS = (16, 32, 64, 128)  # channels of the levels
BATCH = 4
LEARNING_RATE = 2e-2
MAX_STEPS = 1000
PREDICTED_AT_ONCE = 32
# standard deviations of the augmentation
TURN, SCALE, SHIFT = 0.08, 0.05, 0.02  # radians; logarithm; share of the side
GAMMA, GAIN = 0.15, 0.1  # logarithm; relative


def steps_of(profile: Profile) -> int:
    """A sixth of the steps of the profile's own training, at most ``MAX_STEPS``."""
    return max(1, min(MAX_STEPS, (profile.max_steps or 6 * MAX_STEPS) // 6))


def train(sets: Sequence[Labelled], classes: int, steps: int, training: int) -> torch.nn.Module:
    """A network trained on one set or on several, each of which fills the same share of every batch.

    Args:
        sets: What it is trained on. All have the same number of channels.
        classes: Values of the label maps.
        steps: Of ``BATCH`` images.
        training: Its number. First weights, batches of the first set and augmentation depend on it alone, so that two
            networks of the same number differ by nothing but their data.
    """
    import torch

    with torch.enable_grad():
        net = _network(sets[0].x.shape[1], classes, training)
        place = next(net.parameters()).device
        rngs = [numpy_rng("batches", training, i) for i in range(len(sets))]
        draw = torch_generator("augmentation", training)
        optimizer = torch.optim.AdamW(net.parameters(), LEARNING_RATE, fused=True)
        share = max(1, BATCH // len(sets))
        warmup = max(1, steps // 10)
        for step in range(steps):
            rows = [rng.integers(len(part.x), size=share) for rng, part in zip(rngs, sets, strict=True)]
            x = np.concatenate([part.x[chosen] for part, chosen in zip(sets, rows, strict=True)])
            y = np.concatenate([part.y[chosen] for part, chosen in zip(sets, rows, strict=True)])
            seen, truth = augmented(torch.from_numpy(x), torch.from_numpy(y).long(), draw)
            rate = min(1, (step + 1) / warmup) * 0.5 * (1 + math.cos(math.pi * step / steps))
            optimizer.param_groups[0]["lr"] = LEARNING_RATE * rate
            optimizer.zero_grad()
            loss(net(seen.to(place)), truth.to(place)).backward()
            optimizer.step()
    return net.eval().requires_grad_(False)


def _network(channels: int, classes: int, training: int) -> torch.nn.Module:
    import torch
    from monai.networks.nets import UNet

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(number("segmenter", training))
        net = UNet(2, channels, classes, WIDTHS, strides=(2,) * (len(WIDTHS) - 1))
    return net.to("cuda" if torch.cuda.is_available() else "cpu").train()


def loss(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Cross-entropy + 1 - mean soft Dice of the classes in the batch, without pixels that are not annotated.

    Args:
        logits: float32 (n, classes, H, W).
        truth: int64 (n, H, W).
    """
    known = truth != NOT_ANNOTATED
    label = truth.where(known, 0)
    logs = logits.log_softmax(1)
    of_truth = logs.gather(1, label[:, None])[:, 0]
    entropy = -(of_truth * known).sum() / known.sum().clamp(min=1)
    overlap = logits.new_zeros(logits.shape[1]).index_add(
        0, label.flatten(), (of_truth.exp() * known).flatten()
    )
    total = (logs.exp() * known[:, None]).sum((0, 2, 3)) + label[known].bincount(minlength=logits.shape[1])
    return entropy + 1 - (2 * overlap / (total + 1e-5)).mean()


def augmented(x: torch.Tensor, y: torch.Tensor, draw: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Each image and its label map turned, scaled and shifted a little, and the image's contrast changed.

    Args:
        x: float32 (n, C, H, W) in [0, 1].
        y: int64 (n, H, W).
        draw: Random numbers.
    """
    import torch
    import torch.nn.functional as F

    turn, scale, across, down, gamma, gain = torch.randn(6, len(x), generator=draw)
    cos, sin = (
        (SCALE * scale).exp() * (TURN * turn).cos(),
        (SCALE * scale).exp() * (TURN * turn).sin(),
    )
    # coordinates run from -1 to 1
    rows = torch.stack([cos, -sin, 2 * SHIFT * across, sin, cos, 2 * SHIFT * down], 1)
    grid = F.affine_grid(rows.view(-1, 2, 3), list(x.shape), align_corners=False)
    moved = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    labels = F.grid_sample(y[:, None].float(), grid, "nearest", "border", align_corners=False)
    shape = (-1, 1, 1, 1)
    bent = moved.clamp(0, 1) ** (GAMMA * gamma).exp().view(shape) * (1 + GAIN * gain).view(shape)
    return bent, labels[:, 0].long()


def predict(net: torch.nn.Module, x: np.ndarray) -> np.ndarray:
    """The most probable structure of every pixel, uint8 (n, H, W), of float32 (n, C, H, W)."""
    import torch

    place = next(net.parameters()).device
    with torch.no_grad():
        found = [
            net(torch.from_numpy(x[start : start + PREDICTED_AT_ONCE]).to(place)).argmax(1).cpu().numpy()
            for start in range(0, len(x), PREDICTED_AT_ONCE)
        ]
    return np.concatenate(found).astype(np.uint8)
