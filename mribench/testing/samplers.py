"""Checks for samplers: the NFE that the name says, the same image in any batch, and where it arrives."""

from __future__ import annotations

import inspect
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mribench.testing.checking import Case, Check, CheckWarning, require
from mribench.testing.fixtures import TINY, toy_data, toy_images, trained, variant_for

if TYPE_CHECKING:
    import torch

STEPS = 10
MAX_BATCH_SIZE_GAP = (
    1e-3  # promised by PROTOCOL: largest difference between batch sizes, of grey range [0, 1], fp32
)


def its_steps_are_what_its_name_says(case: Case) -> None:
    """NAME-10 visits ten timesteps from noise downwards, and about half as many from halfway."""
    from mribench.sampling.samplers import resolve

    sampler = case.plugin
    require(
        resolve(f"{sampler.name}-{STEPS}") == (sampler, STEPS) and sampler.default_steps >= 1,
        f"{sampler.name}-{STEPS} is not understood as {STEPS} steps of it",
        "let the name not end in a hyphen and a number",
    )
    config = variant_for(sampler).scheduler(TINY).config
    last = config.num_train_timesteps - 1
    visited = list(sampler.timesteps(sampler.scheduler(config), STEPS, None))
    require(
        len(visited) == STEPS,
        f"{STEPS} steps visit {len(visited)} timesteps",
        "return as many timesteps as network evaluations were asked for; the board prints this NFE",
    )
    require(
        visited == sorted(visited, reverse=True) and abs(visited[0] - last) <= 1 and visited[-1] >= 0,
        f"the timesteps run from {visited[0]} to {visited[-1]}, of 0 .. {last}",
        "start where the noise is, at T - 1 (timestep_spacing='trailing'), and go down",
    )
    start = int(0.45 * last)
    part = list(sampler.timesteps(sampler.scheduler(config), STEPS, start))
    require(
        part == sorted(part, reverse=True) and abs(part[0] - start) <= 1 and abs(len(part) - 4.5) <= 1.5,
        f"from t = {start} it visits {len(part)} timesteps, first {part[0]}",
        f"start at t and keep the stride of a full run: about {round(0.45 * STEPS)} of {STEPS} steps",
    )


def an_image_is_the_same_in_any_batch(case: Case) -> None:
    """Generated two or four at a time; the network is asked as often as there are steps."""
    from mribench.sampling.sample import TrainedModel
    from mribench.sampling.samplers import SamplerChoice

    sampler = case.plugin
    variant = variant_for(sampler)
    folder, _ = trained(variant)
    made = {}
    for batch in (2, 4):
        profile = replace(TINY, sample_batch=batch)
        model = TrainedModel(
            Path(folder.name) / profile.keep, variant, SamplerChoice(sampler, STEPS), profile, "fp32"
        )
        made[batch] = model.generate(range(5), 3)
        require(
            model.nfe == [STEPS],
            f"{sampler.name}-{STEPS} asked the network {model.nfe[0]} times",
            "use a scheduler with one evaluation per step, or count them in `timesteps`",
        )
        restored = model.denoise(toy_data().test.unit() * 2 - 1, 0.5, 0)
        require(
            np.isfinite(restored).all(),
            "denoising gives values that are not finite",
            "see `timesteps` from t",
        )
    require(
        np.array_equal(made[4][[3, 1]], model.generate([3, 1], 3)),
        "an image depends on the others that are generated with it",
        "draw from the generators passed to step(), one per image",
    )
    gap = float(np.abs(made[2] - made[4]).max())
    require(
        gap < MAX_BATCH_SIZE_GAP,
        f"images made two and four at a time differ by up to {gap:.2g} of the grey range",
        "let step() treat images one by one: no statistics over the batch, no state between batches",
    )


def where_the_network_knows_it_arrives(case: Case) -> None:
    """A network that knows x_0 is led to x_0: from noise and from x_t, for all three kinds of prediction."""
    import torch

    from mribench.sampling.reverse import scaled_for_network, to_scheduler_scale

    sampler = case.plugin
    if sampler.process != "diffusion":
        raise CheckWarning(
            f"not tried: what a network of the process {sampler.process!r} outputs is not known here",
            "give your own tests a network that knows x_0, and see that the sampler ends there",
        )
    base = variant_for(sampler).scheduler(TINY).config
    x0 = torch.from_numpy(toy_images(2)).unsqueeze(1).float() / 127.5 - 1
    for prediction in ("epsilon", "v_prediction", "sample"):
        for start in (None, 600):
            scheduler = sampler.scheduler({**base, "prediction_type": prediction})
            timesteps = sampler.timesteps(scheduler, 20, start)
            draw = torch.Generator().manual_seed(0)
            draws = {"generator": draw} if "generator" in inspect.signature(scheduler.step).parameters else {}
            x = torch.randn(x0.shape, generator=draw)
            if start is not None:
                signal, sigma = signal_and_sigma(scheduler.alphas_cumprod, start)
                x = signal * x0 + sigma * x
            x = to_scheduler_scale(scheduler, x, timesteps[0], from_noise=start is None)
            for step, t in enumerate(timesteps):
                signal, sigma = signal_and_sigma(scheduler.alphas_cumprod, t)
                model_input = scaled_for_network(scheduler, x, t)
                epsilon = (model_input - signal * x0) / sigma
                require(
                    step > 0 or 0.9 < epsilon.std() < 1.1,
                    f"at its first timestep, {t:g}, the noise of the network's input is {epsilon.std():.2f} times "
                    "what the network was trained with there",
                    "let `timesteps` begin at the level of what it is given, at T - 1 or at `start`",
                )
                outputs = {"epsilon": epsilon, "v_prediction": signal * epsilon - sigma * x0, "sample": x0}
                x = scheduler.step(outputs[prediction], torch.tensor(t), x, **draws).prev_sample
            gap = float((x - x0).abs().max())
            require(
                gap < 1e-3,
                f"with prediction {prediction}, from {start or 'noise'}, it ends {gap:.2g} away from x_0",
                "the last step must lead to x_0, and `timesteps` and the scheduler must speak of the same levels",
            )


def signal_and_sigma(alphas_cumprod: torch.Tensor, t: float) -> tuple[float, float]:
    """Of x_t = signal x_0 + sigma eps; between two timesteps as diffusers interpolates, linearly in sigma / signal."""
    ratio = ((1 - alphas_cumprod) / alphas_cumprod).sqrt().numpy()
    at = float(np.interp(t, np.arange(len(ratio)), ratio))
    return 1 / math.sqrt(1 + at**2), at / math.sqrt(1 + at**2)


CHECKS = (
    Check("timesteps", its_steps_are_what_its_name_says),
    Check("scheduler", an_image_is_the_same_in_any_batch),
    Check("scheduler", where_the_network_knows_it_arrives),
)
