"""DDPM trained under differential privacy of each patient; Abadi et al. 2016, arXiv 1607.00133, algorithm 1.

Two training sets are neighbours where one has a subject more, with all images. At every step each subject is drawn with
probability q (Poisson sampling), gives one of its images at random, and the gradient of that image is clipped; Gaussian
noise is added to the sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from mribench.errors import InputError
from mribench.spec import Batch, TrainingStep
from mribench.variants.ddpm import DDPM
from mribench_private.accounting import epsilon_spent, noise_for
from mribench_private.per_subject import clipped_sum

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class PrivateStep:
    """Clipped gradients of subjects drawn at random, summed, with noise; the profile's optimiser takes them.

    Under the noise a large gradient norm is worth nothing: the profile's limit on it is left out.
    """

    epsilon: float | None  # of the whole training; None: no noise, no guarantee
    # C, below the norm of almost every gradient: each subject counts alike, and the noise, which grows with C, is
    # least (Bu et al. 2023, arXiv 2206.07136)
    clip_norm: float = 0.3

    def __call__(self, step: TrainingStep) -> torch.Tensor:
        import torch

        images = images_of_subjects(step.subjects)
        rate = sample_rate(step, len(images))
        drawn = draw_images(images, rate, step.generator)
        batch = step.batch(drawn, step.draws(len(drawn)))

        def loss(net: Any, one: Batch) -> torch.Tensor:
            return step.loss(net, one, step.draws(1))[0]

        sums, losses = clipped_sum(step.net, loss, batch, self.clip_norm)
        expected = rate * len(images)
        sigma = self.noise_multiplier(step, len(images)) * self.clip_norm
        with torch.no_grad():
            for name, parameter in step.net.named_parameters():
                if name in sums:
                    # in the memory format of the weights, which a fused optimiser takes for granted
                    noise = torch.empty_like(parameter).normal_(generator=step.generator)
                    parameter.grad = (sums[name] + sigma * noise) / expected
        step.optimizer.step()
        step.net.zero_grad()
        return losses.sum() / expected

    def noise_multiplier(self, step: TrainingStep, subjects: int) -> float:
        """Standard deviation of the noise over C; 0 without a guarantee."""
        if self.epsilon is None:
            return 0.0
        return noise_for(self.epsilon, delta(subjects), sample_rate(step, subjects), step.total)

    def about(self, step: TrainingStep) -> Mapping[str, Any]:
        n = len(images_of_subjects(step.subjects))
        rate, noise = sample_rate(step, n), self.noise_multiplier(step, n)
        spent = {"epsilon": None, "delta": None}
        if self.epsilon is not None:
            spent = {
                "epsilon": epsilon_spent(noise, rate, step.number + 1, delta(n)),
                "delta": delta(n),
            }
        how = {"noise_multiplier": noise, "clip_norm": self.clip_norm, "sample_rate": rate}
        return {
            "privacy": spent | how | {"unit": "subject", "accountant": f"RDP, opacus {version('opacus')}"}
        }


def delta(subjects: int) -> float:
    """A tenth of a subject's share of the data."""
    return 1 / (10 * subjects)


def sample_rate(step: TrainingStep, subjects: int) -> float:
    """q, with which a step sees as many images as the profile's batch on average."""
    wanted = step.profile.batch_size
    if wanted > subjects:
        raise InputError(
            f"a step draws at most one image of a subject: {wanted} images need {wanted} training subjects, found "
            f"{subjects}; use more subjects, or a profile with a smaller batch"
        )
    return wanted / subjects


@lru_cache(maxsize=8)
def images_of_subjects(subjects: tuple[str, ...]) -> tuple[np.ndarray, ...]:
    """int64 indices of the images of each subject."""
    names = np.asarray(subjects)
    order = np.argsort(names, kind="stable")
    _, first = np.unique(names[order], return_index=True)
    return tuple(np.split(order, first[1:]))


def draw_images(images: Sequence[np.ndarray], rate: float, generator: torch.Generator) -> np.ndarray:
    """int64 (n,), n random: each subject is in with probability ``rate``, independently, with one image at random."""
    import torch

    where = {"generator": generator, "device": generator.device}
    is_drawn, which = torch.rand((2, len(images)), **where).cpu().numpy()
    chosen = [
        of[int(u * len(of))] for of, u, drawn in zip(images, which, is_drawn < rate, strict=True) if drawn
    ]
    return np.asarray(chosen, dtype=np.int64)


DP_SGD_8 = replace(
    DDPM,
    name="dp-sgd-8",
    title="DDPM, private to epsilon 8",
    paper="Abadi et al. 2016, arXiv 1607.00133",
    take_step=PrivateStep(epsilon=8.0),
)
DP_SGD_INF = replace(
    DP_SGD_8,
    name="dp-sgd-inf",
    title="DDPM, clipped as for privacy, without noise",
    take_step=PrivateStep(epsilon=None),
)
