"""Checks for trained variants: the forward process, two steps of training, samples, the checkpoint."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from mribench.plugins import lookup
from mribench.runner.runspec import TASKS
from mribench.sampling import forward_process
from mribench.spec import Variant
from mribench.testing import known, labels, losses
from mribench.testing.checking import Case, Check, require
from mribench.testing.fixtures import IMAGE_SIZE, TINY, sampler_for, toy_data, trained, untrained_space

if TYPE_CHECKING:
    from mribench.sampling.sample import TrainedModel


def it_says_what_it_is(case: Case) -> None:
    require(
        case.plugin.paper.strip() and case.plugin.version >= 1 and case.plugin.process.strip(),
        "paper or process is empty, or the version is below 1",
        "cite the paper (or say what it is in a line), and count versions from 1",
    )


def its_own_sampler_draws_from_it(case: Case) -> None:
    """What ``sampler`` names is installed and fits."""
    name, compatible = case.plugin.sampler, forward_process.compatible
    require(
        name is None
        or (name in lookup.names("samplers") and compatible(case.plugin, lookup.load("samplers", name))),
        f"sampler is {name!r}, which is not installed or does not draw from it",
        "name one without steps that `mribench list samplers` shows and that fits the process, or leave it out",
    )


def it_decodes_what_it_encodes(case: Case) -> None:
    """Both or neither, float32 in and out, the image's shape again; lengths where it says that it keeps them."""
    import torch

    variant = case.plugin
    require(
        bool(variant.encode) == bool(variant.decode),
        "one of encode and decode is missing",
        "give both, or neither for a process on pixels",
    )
    if variant.encode is None and variant.autoencoder is None:
        return
    space = untrained_space(variant)
    x = torch.randn(3, 1, IMAGE_SIZE, IMAGE_SIZE, generator=torch.Generator().manual_seed(0))
    z = space.encode(x)
    require(
        z.ndim == 4 and len(z) == 3 and z.dtype == torch.float32,
        f"encode gives {z.dtype} {tuple(z.shape)} for three images",
        "return float32 (N, C, h, w)",
    )
    back = space.decode(z)
    require(
        back.shape == x.shape and back.dtype == torch.float32,
        f"decode gives {back.dtype} {tuple(back.shape)}",
        f"return float32 {tuple(x.shape)}",
    )
    require(
        torch.allclose(space.encode(x[1:2]), z[1:2], atol=1e-4),
        "the code of an image depends on the images beside it",
        "no statistics over the batch: evaluation mode for a network",
    )
    if variant.orthonormal:
        lengths = z.flatten(1).norm(dim=1), x.flatten(1).norm(dim=1)
        linear = torch.allclose(space.encode(2 * x), 2 * z, atol=1e-4)
        require(
            linear and torch.allclose(*lengths, rtol=1e-4) and torch.allclose(back, x, atol=1e-4),
            "encode is not orthonormal: it is not linear, changes lengths, or decode is not its inverse",
            "correct the transform, or leave orthonormal False: the denoising task is then blank with a reason",
        )


def its_forward_process_has_levels(case: Case) -> None:
    """alpha-bar falls with t over more or less all of (0, 1): tasks ask for images at a level."""
    variant = case.plugin
    scheduler = variant.scheduler(TINY)
    if variant.path is None:
        require(
            hasattr(scheduler, "alphas_cumprod"),
            "the scheduler has no alphas_cumprod",
            "say the forward process with `path`, see mribench.spec.Variant",
        )
    alpha_bars, scale = forward_process.alpha_bars(variant, scheduler)
    shape = (scheduler.config.num_train_timesteps,)
    require(
        alpha_bars.shape == scale.shape == shape,
        f"path gives arrays of shape {alpha_bars.shape}",
        f"give one number per timestep: {shape}",
    )
    require(
        np.isfinite(scale).all() and (np.diff(alpha_bars) < 0).all() and alpha_bars.min() >= 0,
        "the share of signal does not fall from t = 0 to T - 1",
        "t = 0 is the cleanest: signal falls with t, sigma rises",
    )
    low, high = TINY.alpha_bars[-1], TINY.alpha_bars[0]
    require(
        alpha_bars[0] > high and alpha_bars[-1] < low,
        f"alpha-bar runs from {alpha_bars[0]:.3f} to {alpha_bars[-1]:.3f}",
        f"the denoising task asks for levels from {high} to {low}: they must lie between",
    )


def it_trains_and_samples(case: Case) -> None:
    """Two optimiser steps, then images in [0, 1], generated and denoised."""
    _, record = trained(case.plugin)
    require(
        # a network that costs more than the profile's own, or comes after an autoencoder, gets fewer
        1 <= record["steps"] <= 2,
        f"{record['steps']} steps were made of 2",
        "report this: training is mribench's",
    )
    model, sampler = _model(case.plugin), sampler_for(case.plugin)
    x_t = toy_data().test.unit() * 2 - 1
    images = {"generated": model.generate(range(5), 0)}
    if case.plugin.denoises_pixels:
        images["denoised"] = model.denoise(x_t, 0.5, 0)
    for word, made in images.items():
        n = 5 if word == "generated" else len(x_t)
        require(
            made.shape == (n, IMAGE_SIZE, IMAGE_SIZE)
            and made.dtype == np.float32
            and np.isfinite(made).all(),
            f"{word} images are {made.dtype} {made.shape}, finite: {bool(np.isfinite(made).all())}",
            f"the network must give one output of the shape of x_t, and {sampler.name} must integrate it",
        )


def it_serves_every_default_task(case: Case) -> None:
    """What a plain ``mribench run`` asks of it: images, denoised images, and its loss on given images."""
    model = _model(case.plugin)
    for name, task in lookup.load_all("tasks", TASKS).items():
        for output, part in task.produce(model, toy_data(), TINY, 0).items():
            require(
                np.isfinite(part).all(),
                f"output {output!r} of the task {name} is not finite",
                "see the loss and the network at the levels that the task asks for",
            )
    test = toy_data().test.unit()
    for alpha_bar in TINY.alpha_bars:
        losses = model.losses(test, alpha_bar, 0)
        require(
            losses.shape == (len(test),) and losses.dtype == np.float32 and np.isfinite(losses).all(),
            f"losses at alpha-bar {alpha_bar:g} are {losses.dtype} {losses.shape}: {losses[:3].tolist()} ...",
            "return one finite number per image, also without gradients: the audit compares them",
        )


def _model(variant: Variant) -> TrainedModel:
    """The variant after two steps of training, with a sampler that fits."""
    from mribench.sampling.sample import TrainedModel
    from mribench.sampling.samplers import SamplerChoice

    folder, _ = trained(variant)
    sampler = SamplerChoice(sampler_for(variant), 2)
    return TrainedModel(Path(folder.name) / TINY.keep, variant, sampler, TINY, "fp32")


def its_checkpoint_round_trips(case: Case) -> None:
    """Saved and loaded by the variant's own classes: the same weights, the same forward process."""
    import torch

    from mribench.training import checkpoint

    variant = case.plugin
    torch.manual_seed(0)
    net, scheduler = variant.network(TINY), variant.scheduler(TINY)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline"
        checkpoint.write_pipeline(path, net, scheduler)
        again = type(net).from_pretrained(path / "unet")
        same = type(scheduler).from_pretrained(path / "scheduler")
    before, after = net.state_dict(), again.state_dict()
    require(
        before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before),
        "weights change when they are saved and loaded",
        "make the network a diffusers ModelMixin and ConfigMixin, and register every argument of __init__",
    )
    require(
        all(
            np.array_equal(a, b)
            for a, b in zip(
                forward_process.alpha_bars(variant, scheduler),
                forward_process.alpha_bars(variant, same),
                strict=True,
            )
        ),
        "the forward process changes when the scheduler is saved and loaded",
        "keep what it depends on in the scheduler's config",
    )


CHECKS = (
    Check("", it_says_what_it_is),
    Check("", its_own_sampler_draws_from_it),
    Check("encode", it_decodes_what_it_encodes),
    Check("loss", losses.its_loss_is_one_number_per_image),
    Check("loss", losses.its_loss_of_an_image_is_its_own),
    Check("loss", losses.its_loss_is_a_mean_over_pixels),
    Check("loss", losses.its_network_is_told_its_timestep),
    Check("scheduler", its_forward_process_has_levels),
    Check("loss", known.its_network_sees_its_forward_process),
    Check("estimate", known.its_denoiser_is_what_its_loss_teaches),
    Check("network", its_checkpoint_round_trips),
    Check("loss", it_trains_and_samples),
    Check("loss", it_serves_every_default_task),
    Check("loss", known.it_learns_one_image),
    Check("loss", known.it_learns_a_toy),
    Check("conditions", labels.it_draws_what_its_label_says),
)
