"""Adversarial diffusion distillation: a student draws in four steps, held to its teacher and to a critic of images.

Sauer et al. 2023, arXiv 2311.17042: a student predicts an image from a noised one; a critic compares it with real ones,
and a diffusion model says what it would have predicted. What is said differs here: it is the image that two DDIM steps
of the teacher lead to, as in progressive distillation (Salimans & Ho 2022, arXiv 2202.00512), of which a first student
of eight steps is the teacher. The paper's critic reads the features of a network trained on photographs; here it reads
pixels and the noise level.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from mribench_latent import distilled

from mribench.spec import Batch, Draws, GenerativeModel, Profile, Stage, Update
from mribench_comparators import adversarial

if TYPE_CHECKING:
    import torch

    from mribench_comparators.networks import DenoiserAndCritic

STEPS = 4  # of the last student
TEACHER, STUDENT, LAST = "teacher", distilled.name(2 * STEPS), distilled.name(STEPS)
WEIGHT = 0.3  # of the critic's word, beside the distance to the teacher
GAMMA = 0.003  # of R1: at the 1 of ``gan`` the critic learns nothing in so few steps
BETAS = (0.0, 0.99)  # of Adam, as in ``gan``
LR, CRITIC_LR = 5e-4, 1e-3


def network(profile: Profile) -> DenoiserAndCritic:
    """The profile's U-Net, and a critic of half its widths."""
    from mribench_comparators.networks import DenoiserAndCritic, shape_of

    net = profile.network
    return DenoiserAndCritic(
        **shape_of(profile), attention_levels=tuple(net.attention_levels), head_dim=net.head_dim
    )


def denoiser(net: Any) -> Callable[..., Any]:
    """That part of the pair, called as a U-Net is."""
    return partial(net, "denoiser")


def teacher_loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """The error of v, float32 (N,)."""
    return distilled.teacher_loss(denoiser(net), batch, earlier, draws)


def student_loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """Of the first student: 16 DDIM steps of the teacher become 8, float32 (N,)."""
    loss = distilled.StudentLoss(TEACHER, 2 * STEPS)
    return loss(denoiser(net), batch, {TEACHER: denoiser(earlier[TEACHER])}, draws)


def noised(x: torch.Tensor, draws: Draws) -> tuple[torch.Tensor, torch.Tensor]:
    """z_t, of the shape of x, and t, float32 (N, 1, 1, 1): one of the times that the last student is asked for."""
    t = ((draws.integers(STEPS) + 1) / STEPS)[:, None, None, None]
    alpha, sigma = distilled.signal_and_noise(t)
    return alpha * x + sigma * draws.normal(*x.shape[1:]), t


def critic_at(net: Any, t: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """Logits (N,) of images (N, 1, H, W) that are said to come from time t, which is their second channel."""
    import torch

    return lambda x: net("critic", torch.cat([x, t.expand_as(x)], dim=1))


def critic_loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """Of images, and of what the student predicts from them noised, float32 (N,)."""
    import torch

    z, t = noised(batch.x, draws)
    with torch.no_grad():
        fake = distilled.predicted(denoiser(net), z, t)
    return adversarial.critic_loss(critic_at(net, t), batch.x, fake, GAMMA)


def last_loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """What critic and teacher say of the last student's image, float32 (N,); equation 1 of Sauer et al."""
    import torch

    z, t = noised(batch.x, draws)
    x = distilled.predicted(denoiser(net), z, t)
    with torch.no_grad():
        wanted = distilled.target(denoiser(earlier[STUDENT]), z, t, STEPS)
    by_critic = adversarial.generator_loss(critic_at(net, t)(x))
    return distilled.weighted_error(x, wanted, t) + WEIGHT * by_critic


def drawn(net: Any, noise: torch.Tensor) -> torch.Tensor:
    """Images of the last student from white noise, both float32 (N, 1, H, W)."""
    return distilled.integrate(denoiser(net), noise, STEPS)


def validation_loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """How far each image is from the generated ones, less half their spread, float32 (N,)."""
    fake, another = (drawn(net, draws.normal(*batch.x.shape[1:])) for _ in range(2))
    return adversarial.energy_score_of_batch(batch.x, fake, another)


def generate(nets: Mapping[str, Any], profile: Profile, draws: Draws) -> torch.Tensor:
    """The last student's images, float32 (N, 1, H, W)."""
    return drawn(nets[LAST], draws.normal(1, profile.size, profile.size))


ADVERSARIAL_DIFFUSION = GenerativeModel(
    name="adversarial-diffusion",
    title="Adversarial diffusion distillation",
    paper="Sauer et al. 2023, arXiv 2311.17042",
    stages=(
        Stage(TEACHER, network, (Update(teacher_loss, part="denoiser"),), share=0.55, coarse=True),
        Stage(STUDENT, network, (Update(student_loss, part="denoiser"),), share=0.15, starts_from=TEACHER),
        Stage(
            LAST,
            network,
            updates=(
                Update(critic_loss, part="critic", lr=CRITIC_LR, betas=BETAS),
                Update(last_loss, part="denoiser", lr=LR, betas=BETAS),
            ),
            share=0.3,
            validation=validation_loss,
            starts_from=STUDENT,
        ),
    ),
    generate=generate,
    nfe=STEPS,
)
