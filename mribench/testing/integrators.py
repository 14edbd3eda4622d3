"""Checks for integrators: known answers for priors in closed form, and the same image in any batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mribench.testing.checking import Case, Check, require
from mribench.testing.fixtures import TINY, toy_data, toy_images, trained
from mribench.variants.ddpm import DDPM

if TYPE_CHECKING:
    import torch

LEVELS = 200
SIGMAS = (0.02, 20.0)
N_DRAWS = 4000
WIDTH = 0.5  # standard deviation of the Gaussian that is drawn
MAX_GAP = 1e-3  # between batch sizes, of the grey range, fp32


class _Prior:
    """A denoiser in closed form; it notes whether sigma is one of the levels that it was given."""

    sigmas = SIGMAS

    def __init__(self, denoise):
        self._denoise, self.nfe = denoise, 0
        self.first: float | None = None  # the level of the first call

    def __call__(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        self.nfe += 1
        self.first = float(np.max(sigma)) if self.first is None else self.first
        require(
            np.all(np.asarray(sigma) > 0),
            f"the prior is asked at sigma = {sigma}",
            "stop before level 0: the last step goes there without an evaluation",
        )
        return self._denoise(x, sigma)


def _levels(steps: int) -> list[float]:
    return [*np.geomspace(SIGMAS[1], SIGMAS[0], steps).tolist(), 0.0]


def it_says_what_it_is(case: Case) -> None:
    require(
        case.plugin.paper.strip() and case.plugin.version >= 1 and case.plugin.default_steps >= 1,
        "paper is empty, or version or default_steps is below 1",
        "cite the paper (or say what it is in a line), and count versions from 1",
    )


def where_the_prior_knows_it_arrives(case: Case) -> None:
    """A prior that knows x_0 leads there, from noise and from half-way."""
    import torch

    from mribench.sampling.reverse import ImageDraws

    x0 = torch.from_numpy(toy_images(3)).unsqueeze(1).float() / 127.5 - 1
    for first in (0, 10):
        sigmas = _levels(20)[first:]
        draws = ImageDraws([torch.Generator().manual_seed(i) for i in range(3)], x0.device)
        x = x0 + sigmas[0] * draws.normal(*x0.shape[1:])
        made = case.plugin.integrate(_Prior(lambda x, sigma: x0), x, sigmas, draws)
        require(
            made.shape == x0.shape and made.dtype == torch.float32,
            f"it gives {made.dtype} {tuple(made.shape)} for x of shape {tuple(x0.shape)}",
            "return float32 of the shape of x",
        )
        gap = float((made - x0).abs().max())
        require(
            gap < 1e-3,
            f"it ends {gap:.2g} away from the x_0 that the prior knows",
            "let the last step, to level 0, lead to D(x; sigma)",
        )


def it_draws_a_gaussian(case: Case) -> None:
    """D(x; sigma) = x s^2 / (s^2 + sigma^2) is the prior N(0, s^2): the draws have its standard deviation."""
    import torch

    from mribench.training.draws import BatchDraws

    draws = BatchDraws(torch.Generator().manual_seed(0), N_DRAWS, slice(None))
    sigmas = _levels(LEVELS)
    x = sigmas[0] * draws.normal(1, 1, 1)
    prior = _Prior(lambda x, sigma: x * WIDTH**2 / (WIDTH**2 + sigma**2))
    made = case.plugin.integrate(prior, x, sigmas, draws)
    require(
        prior.first is not None and prior.first >= 0.99 * sigmas[0],
        f"its first evaluation is at level {prior.first}, where x is at {sigmas[0]:g}",
        "walk the levels downwards, from that of x",
    )
    mean, std = float(made.mean()), float(made.std())
    require(
        abs(mean) < 0.05 and abs(std / WIDTH - 1) < 0.1,
        f"of a Gaussian prior with mean 0 and standard deviation {WIDTH} it draws mean {mean:.3f}, standard deviation "
        f"{std:.3f}, with {LEVELS} levels",
        "see the size of steps and of fresh noise against the paper, and that levels are walked downwards",
    )


def an_image_is_the_same_in_any_batch(case: Case) -> None:
    from mribench.sampling.sample import TrainedModel
    from mribench.sampling.samplers import SamplerChoice

    folder, _ = trained(DDPM)
    made = {}
    for batch in (2, 4):
        profile = replace(TINY, sample_batch=batch)
        pipeline = Path(folder.name) / profile.keep
        model = TrainedModel(pipeline, DDPM, SamplerChoice(case.plugin, 5), profile, "fp32")
        made[batch] = model.generate(range(5), 3)
        restored = model.denoise(toy_data().test.unit() * 2 - 1, 0.5, 0)
        require(
            np.isfinite(restored).all(), "denoising gives values that are not finite", "see the levels below"
        )
    require(
        np.array_equal(made[4][[3, 1]], model.generate([3, 1], 3)),
        "an image depends on the others that are drawn with it",
        "take all random numbers from `draws`",
    )
    gap = float(np.abs(made[2] - made[4]).max())
    require(
        gap < MAX_GAP,
        f"images made two and four at a time differ by up to {gap:.2g} of the grey range",
        "treat images one by one: no statistics over the batch",
    )


CHECKS = (
    Check("", it_says_what_it_is),
    Check("integrate", where_the_prior_knows_it_arrives),
    Check("integrate", it_draws_a_gaussian),
    Check("integrate", an_image_is_the_same_in_any_batch),
)
