"""The training step that is timed: that of ``mribench run``, on synthetic images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from mribench import device
from mribench.seeds import numpy_rng
from mribench.spec import Network, Profile
from mribench.speed.clock import finish
from mribench.training.fused import optimize
from mribench.training.launch import launch, make_optimizer
from mribench.training.loader import InMemory
from mribench.training.space import Space
from mribench.training.stages import diffusion_stage
from mribench.training.step import Autocast, Step, batches
from mribench.variants.ddpm import DDPM

N_IMAGES = 512
SCHEDULE_STEPS = 10_000  # length of the learning-rate schedule that the timed steps are taken from
SMALL_UNET = Network(channels=(32, 64, 128, 128), layers_per_block=1)


def synthetic_images(n: int, size: int) -> np.ndarray:
    """uint8 (n, size, size): a smooth body on black with a little noise, which PNG compresses about like a scan."""
    rng = numpy_rng("optimisations")
    y, x = np.mgrid[:size, :size] / size
    centre = rng.uniform(0.3, 0.7, (2, n, 1, 1))
    body = (
        220
        * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / 0.1)
        * (np.hypot(x - 0.5, y - 0.5) < 0.35)
    )
    return (body + rng.integers(0, 8, body.shape)).astype(np.uint8)


def training_step(
    profile: Profile,
    images: np.ndarray,
    precision: str,
    seed: int = 0,
    arrange: Callable[[torch.nn.Module, str], torch.nn.Module] = optimize,
    optimizer: Callable[[torch.nn.Module, Profile, torch.device], torch.optim.Optimizer] = make_optimizer,
    feed: Callable[[np.ndarray, np.ndarray, torch.device], Any] = InMemory,
    average: bool = True,
    graph: bool = True,
) -> Step:
    """The step that ``mribench run`` trains with, or that step with one part replaced.

    Args:
        profile: network, batch size and learning rate.
        images: uint8 (n, H, W), the training set.
        precision: fp32, bf16 or fp16.
        seed: of weights, noise and the order of images.
        arrange: prepares the network for the device.
        optimizer: makes the optimizer of a network.
        feed: makes the loader of images.
        average: whether the step keeps a moving average of the weights.
        graph: whether a GPU records the step as a CUDA graph.
    """
    target = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    accelerator = device.accelerator(precision)
    torch.manual_seed(seed)
    raw = arrange(DDPM.network(profile).to(target), precision)
    step = Step(
        stage=diffusion_stage(DDPM, DDPM.scheduler(profile), Space(DDPM)),
        net=raw,
        raw=raw,
        optimizers=[optimizer(raw, profile, target)],
        ema=[p.detach().clone() for p in raw.parameters()] if average else None,
        feed=feed(images, batches(len(images), profile.batch_size, SCHEDULE_STEPS, seed), target),
        profile=profile,
        seed=seed,
        total=SCHEDULE_STEPS,
        accelerator=accelerator,
    )
    if target.type == "cuda" and not graph:
        return replace(step, net=Autocast(raw, precision))
    step, _ = launch(step, precision, 0, "speed")
    return step


def advance(models: list[Step], steps: int) -> None:
    """Train each model for a number of steps; several models take turns, each on a CUDA stream of its own."""
    if len(models) == 1:
        for step in range(steps):
            models[0](step)
        return
    streams = [torch.cuda.Stream() for _ in models]
    for step in range(steps):
        for model, stream in zip(models, streams, strict=True):
            with torch.cuda.stream(stream):
                model(step)
    finish()
