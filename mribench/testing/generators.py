"""Checks for generative models: two steps of every stage, images by address, a checkpoint that loads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mribench.testing import known
from mribench.testing.checking import Case, Check, require
from mribench.testing.fixtures import IMAGE_SIZE, TINY, toy_data, trained

if TYPE_CHECKING:
    from mribench.sampling.generator import TrainedGenerator

MAX_GAP = 1e-3  # between batch sizes, of the grey range, fp32


def it_says_what_it_is(case: Case) -> None:
    stages = case.plugin.stages
    require(
        case.plugin.paper.strip() and case.plugin.version >= 1 and case.plugin.nfe >= 1,
        "paper is empty, or version or nfe is below 1",
        "cite the paper (or say what it is in a line), and count versions from 1",
    )
    names = [stage.name for stage in stages]
    require(
        stages and len(set(names)) == len(names),
        f"its stages are called {names}",
        "give at least one stage, each a name of its own",
    )
    shared = sum(stage.share for stage in stages)
    require(
        abs(shared - 1) < 1e-6,
        f"its stages take {shared:g} of the budget together",
        "let the shares of all stages add up to 1",
    )


def its_losses_are_one_number_per_image(case: Case) -> None:
    """float32 (N,), finite, with a gradient for the part that the update moves and for no part of another."""
    import torch

    from mribench.spec import Batch
    from mribench.training.draws import BatchDraws

    earlier: dict = {}
    for stage in case.plugin.stages:
        net = stage.network(TINY)
        for update in stage.updates:
            draws = BatchDraws(torch.Generator().manual_seed(0), 3, slice(None))
            batch = Batch(
                torch.rand(3, 1, IMAGE_SIZE, IMAGE_SIZE, generator=torch.Generator().manual_seed(0)) * 2 - 1
            )
            loss = update.loss(net, batch, earlier, draws)
            require(
                loss.shape == (3,) and loss.dtype == torch.float32 and bool(loss.isfinite().all()),
                f"a loss of stage {stage.name!r} is {loss.dtype} {tuple(loss.shape)} for three images",
                "return one finite float32 number per image",
            )
            moved = net.get_submodule(update.part) if update.part else net
            net.zero_grad()
            loss.sum().backward()
            require(
                any(p.grad is not None and bool(p.grad.any()) for p in moved.parameters()),
                f"an update of stage {stage.name!r} has no gradient for what it moves",
                "do not detach the output of the part that the update names",
            )
        earlier[stage.name] = net.eval().requires_grad_(False)


def it_generates_by_address(case: Case) -> None:
    """Images in [0, 1] of the profile's side; an image is the same in any batch."""
    made = {}
    for batch in (2, 4):
        model = _model(case, batch)
        made[batch] = model.generate(range(5), 3)
    require(
        made[4].shape == (5, IMAGE_SIZE, IMAGE_SIZE) and bool(np.isfinite(made[4]).all()),
        f"generated images are {made[4].dtype} {made[4].shape}",
        "return float32 (N, 1, H, W) in [-1, 1] with H the profile's size",
    )
    require(
        np.array_equal(made[4][[3, 1]], model.generate([3, 1], 3)),
        "an image depends on the others that are generated with it",
        "take all random numbers from `draws`",
    )
    gap = float(np.abs(made[2] - made[4]).max())
    require(
        gap < MAX_GAP,
        f"images made two and four at a time differ by up to {gap:.2g} of the grey range",
        "treat images one by one: no statistics over the batch (evaluation mode of batch norms)",
    )
    require(
        float(np.abs(made[4][0] - made[4][1]).max()) > 0,
        "two images of one seed are equal",
        "let each image depend on its own row of `draws`",
    )


def it_denoises_where_it_says_so(case: Case) -> None:
    if case.plugin.denoise is None:
        return
    made = _model(case, 4).denoise(toy_data().test.unit() * 2 - 1, 0.5, 0)
    require(
        made.shape == toy_data().test.images.shape and bool(np.isfinite(made).all()),
        f"denoised images are {made.dtype} {made.shape}",
        "return float32 (N, 1, H, W) in [-1, 1]",
    )


def _model(case: Case, batch: int) -> TrainedGenerator:
    from mribench.sampling.generator import TrainedGenerator

    folder, _ = trained(case.plugin)
    return TrainedGenerator(Path(folder.name), case.plugin, replace(TINY, sample_batch=batch), "fp32")


CHECKS = (
    Check("", it_says_what_it_is),
    Check("stages", its_losses_are_one_number_per_image),
    Check("generate", it_generates_by_address),
    Check("denoise", it_denoises_where_it_says_so),
    Check("stages", known.it_learns_a_toy),
)
