"""Classifier guidance: a DDPM of all organs that knows no label, led by a classifier of noisy images.

Dhariwal & Nichol, Diffusion Models Beat GANs on Image Synthesis, arXiv 2105.05233, section 4 and algorithm 2:
eps - s sqrt(1 - abar_t) grad log p(y | x_t). U-Net and classifier share nothing but the steps of their training. With
the exact posterior p(y | x_t) and s = 1 this is the conditional distribution. The paper guides a model without labels
by s = 10 and one with labels by s = 1 (table 4).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mribench.spec import Profile
from mribench.variants.ddpm import DDPM

if TYPE_CHECKING:
    import torch

    from mribench_score.noisy_classifier import ClassifierGuidedModel

SCALE = 1.0


def network(profile: Profile, labels: int = 1) -> ClassifierGuidedModel:
    """The profile's U-Net, and a classifier as wide."""
    from mribench_score.noisy_classifier import ClassifierGuidedModel

    unet = DDPM.network(profile)
    alpha_bar = DDPM.scheduler(profile).alphas_cumprod
    net = ClassifierGuidedModel(
        backbone={"_class_name": type(unet).__name__}
        | {name: value for name, value in unet.config.items() if not name.startswith("_")},
        labels=labels,
        channels=tuple(profile.network.channels),
        prediction=profile.prediction,
        scale=SCALE,
        timesteps=len(alpha_bar),
    )
    net.log_ratio.copy_(0.5 * ((1 - alpha_bar).log() - alpha_bar.log()))
    return net


def loss(net: Any, scheduler: Any, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """L_simple of the U-Net, and in training the classifier's -log p(y | x_t); float32 (N,)."""
    x_t = scheduler.add_noise(x0, noise, t)
    epsilon = scheduler.config.prediction_type == "epsilon"
    target = noise if epsilon else scheduler.get_velocity(x0, noise, t)
    out = net(x_t, t, guided=False)
    error = (out.sample.float() - target).square().mean(dim=(1, 2, 3))
    # what validation and the audit compare is the U-Net's alone
    return error + out.cross_entropy if net.training else error


CLASSIFIER_GUIDED = replace(
    DDPM,
    name="classifier-guided",
    title="DDPM, one for all organs, guided by a classifier",
    paper="Dhariwal & Nichol 2021, arXiv 2105.05233, algorithm 2",
    network=network,
    loss=loss,
    conditions=("modality",),
)
