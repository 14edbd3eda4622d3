"""Progressive distillation: each student takes in one step what its teacher takes in two.

Salimans & Ho, Progressive Distillation for Fast Sampling of Diffusion Models, arXiv 2202.00512. A teacher is trained on
the cosine schedule with v as output, and then three students, each begun with the weights of the one before: 32 DDIM
steps become 16, 8 and 4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mribench.spec import Batch, Draws, GenerativeModel, Profile, Stage, Update
from mribench.variants import ddpm

if TYPE_CHECKING:
    import torch

STEPS = (16, 8, 4)  # of the students
TIMESTEPS = 1000  # what the network's embedding calls t = 1


def signal_and_noise(t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """alpha and sigma of z_t = alpha x + sigma eps, t float32 (N, 1, 1, 1) in [0, 1]: alpha = cos(pi t / 2); section 2.

    At t = 0 sigma is exactly 0: the last step of DDIM ends at the prediction.
    """
    return (t * (math.pi / 2)).cos(), (t * (math.pi / 2)).sin()


def predicted(net: Any, z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """x from the network's v = alpha eps - sigma x: alpha z - sigma v; section 4 and appendix D."""
    alpha, sigma = signal_and_noise(t)
    return alpha * z - sigma * net(z, TIMESTEPS * t.flatten()).sample.float()


def ddim(net: Any, z: torch.Tensor, t: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
    """z_s from z_t, s < t; equation 8."""
    (alpha, sigma), (alpha_s, sigma_s) = signal_and_noise(t), signal_and_noise(s)
    x = predicted(net, z, t)
    return alpha_s * x + sigma_s / sigma * (z - alpha * x)


def target(teacher: Any, z: torch.Tensor, t: torch.Tensor, steps: int) -> torch.Tensor:
    """The x that leads one DDIM step of 1 / ``steps`` where two of the teacher lead; algorithm 2, appendix G."""
    middle, end = t - 0.5 / steps, t - 1 / steps
    arrived = ddim(teacher, ddim(teacher, z, t, middle), middle, end)
    (alpha, sigma), (alpha_end, sigma_end) = signal_and_noise(t), signal_and_noise(end)
    ratio = sigma_end / sigma
    return (arrived - ratio * z) / (alpha_end - ratio * alpha)


def weighted_error(x: torch.Tensor, wanted: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """(SNR + 1) || x - wanted ||^2, float32 (N,), which is the error of v; section 4, "SNR+1 weighting"."""
    _, sigma = signal_and_noise(t)
    return ((x - wanted) / sigma).square().mean(dim=(1, 2, 3))


def teacher_loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """Algorithm 1, float32 (N,): t uniform in (0, 1]."""
    x = batch.x
    t = 1 - draws.uniform()[:, None, None, None]
    alpha, sigma = signal_and_noise(t)
    noise = draws.normal(*x.shape[1:])
    v = net(alpha * x + sigma * noise, TIMESTEPS * t.flatten()).sample.float()
    return (v - (alpha * noise - sigma * x)).square().mean(dim=(1, 2, 3))


@dataclass(frozen=True)
class StudentLoss:
    """Algorithm 2, float32 (N,): at the times that the student is asked for when it samples."""

    teacher: str  # the stage that it learns from
    steps: int  # of the student

    def __call__(self, net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
        import torch

        x = batch.x
        t = ((draws.integers(self.steps) + 1) / self.steps)[:, None, None, None]
        alpha, sigma = signal_and_noise(t)
        z = alpha * x + sigma * draws.normal(*x.shape[1:])
        with torch.no_grad():
            wanted = target(earlier[self.teacher], z, t, self.steps)
        return weighted_error(predicted(net, z, t), wanted, t)


def integrate(net: Any, z: torch.Tensor, steps: int) -> torch.Tensor:
    """From noise at t = 1 to an image in ``steps`` steps of DDIM."""
    for i in range(steps, 0, -1):
        t, s = (z.new_full((len(z), 1, 1, 1), j / steps) for j in (i, i - 1))
        z = ddim(net, z, t, s)
    return z


def name(steps: int) -> str:
    """Of a student's stage."""
    return f"student-{steps}"


def generate(nets: Mapping[str, Any], profile: Profile, draws: Draws) -> torch.Tensor:
    """Images of the last student."""
    return integrate(nets[name(STEPS[-1])], draws.normal(1, profile.size, profile.size), STEPS[-1])


def stages() -> tuple[Stage, ...]:
    """The teacher for half of the budget, then the students with equal parts of the rest."""
    trained = [Stage("teacher", ddpm.network, (Update(teacher_loss),), share=0.55, coarse=True)]
    for steps in STEPS:
        teacher = trained[-1].name
        loss = Update(StudentLoss(teacher, steps))
        trained.append(Stage(name(steps), ddpm.network, (loss,), share=0.15, starts_from=teacher))
    return tuple(trained)


DISTILLED = GenerativeModel(
    name="distilled",
    title="Progressive distillation",
    paper="Salimans & Ho 2022, arXiv 2202.00512",
    stages=stages(),
    generate=generate,
    nfe=STEPS[-1],
    version=2,  # 1: each student ended within a warm-up as long as the profile's
)
