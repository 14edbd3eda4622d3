"""Sampling images per second: our loop and the diffusers pipeline, from one checkpoint, in turns."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import torch

from mribench import device, profiles
from mribench.sampling import samplers
from mribench.sampling.sample import TrainedModel
from mribench.speed.clock import interleaved, ratio, seconds
from mribench.training import checkpoint
from mribench.variants.ddpm import DDPM


def cases(on_gpu: bool) -> list[tuple[str, str, int]]:
    """(profile, sampler, images) of each line of the table."""
    if on_gpu:
        return [("standard", "ddim-50", 2048), ("standard", "dpm-solver-20", 2048)]
    return [("quick", "ddim-25", 32), ("quick", "dpm-solver-20", 32)]


def measure(
    profile_name: str, sampler: str, images: int, rounds: int = 3, reference: bool = True
) -> dict[str, Any]:
    """Images per second of ours (addressed noise, fixed batch shape, the profile's precision) and of diffusers'
    pipeline (fp32, its own defaults) with the same network and number of steps."""
    from diffusers import DDIMPipeline, DDPMPipeline

    profile = profiles.PROFILES[profile_name]
    precision = device.precision(profile)
    chosen = samplers.resolve(sampler)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint.write_pipeline(Path(folder) / "best", DDPM.network(profile), DDPM.scheduler(profile))
        ours = TrainedModel(Path(folder) / "best", DDPM, chosen, profile, precision)
        work = {"ours": lambda: ours.generate(range(images), 0)}
        if reference:
            kind = DDIMPipeline if chosen.sampler.name == "ddim" else DDPMPipeline
            pipeline = kind.from_pretrained(Path(folder) / "best").to(ours.device)
            pipeline.scheduler = chosen.sampler.scheduler(pipeline.scheduler.config)
            pipeline.set_progress_bar_config(disable=True)
            work["reference"] = lambda: pipeline(
                batch_size=min(images, profile.sample_batch),
                num_inference_steps=chosen.steps,
                output_type="np",
            )
        for piece in work.values():
            seconds(piece)
        taken = interleaved(work, rounds)
    counts = {"ours": images, "reference": min(images, profile.sample_batch)}
    found = {
        "network": profile_name,
        "sampler": sampler,
        "nfe": ours.nfe[-1],
        "images": images,
        "batch": profile.sample_batch,
        "precision": precision,
        "images_per_second": {
            name: round(counts[name] / median(rounds), 2) for name, rounds in taken.items()
        },
        "seconds": {name: round(median(rounds), 3) for name, rounds in taken.items()},
    }
    if reference:
        per_image = {name: [s / counts[name] for s in rounds] for name, rounds in taken.items()}
        found["ratio"] = ratio(per_image["reference"], per_image["ours"])
    return found
