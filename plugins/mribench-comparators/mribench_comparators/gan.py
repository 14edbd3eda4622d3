"""Generative adversarial network with the R1 penalty.

Goodfellow et al., arXiv 1406.2661, with the non-saturating loss; Mescheder et al., Which Training Methods for GANs do
actually Converge?, arXiv 1801.04406. Critic and generator take turns on each batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config

from mribench.spec import Batch, Draws, GenerativeModel, Profile, Stage, Update
from mribench_comparators import adversarial
from mribench_comparators.networks import ImageToVector, VectorToImage, halved, shape_of

CODE = 64  # dimensions of z
GAMMA = 1.0  # of R1
BETAS = (0.0, 0.99)  # of Adam: momentum makes two players circle


class AdversarialPair(ModelMixin, ConfigMixin):
    """A generator z -> image and a critic image -> logit.

    Called by the name of a part, so that what wraps the network (autocast) holds for both.
    """

    @register_to_config
    def __init__(
        self,
        code: int = CODE,
        size: int = 64,
        channels: tuple[int, ...] = (32, 64, 128, 128),
        layers: int = 1,
        groups: int = 8,
        patch: int = 2,
    ):
        super().__init__()
        shape = {"size": size, "channels": channels, "layers": layers, "groups": groups, "patch": patch}
        self.generator = VectorToImage(code, shape)
        self.critic = ImageToVector(1, shape)

    def forward(self, part: str, x: torch.Tensor) -> torch.Tensor:
        """``generator``: images (N, 1, H, W) in [-1, 1] from z (N, code); ``critic``: logits (N,) of images."""
        return self.critic(x)[:, 0] if part == "critic" else self.generator(x).tanh()


def network(profile: Profile) -> AdversarialPair:
    """Generator and critic of half the widths of the profile's U-Net."""
    return AdversarialPair(**halved(shape_of(profile)))


def critic_loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """Of images and as many generated ones."""
    with torch.no_grad():
        fake = net("generator", draws.normal(net.config.code))
    return adversarial.critic_loss(lambda x: net("critic", x), batch.x, fake, GAMMA)


def generator_loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """Of fresh images."""
    return adversarial.generator_loss(net("critic", net("generator", draws.normal(net.config.code))))


def validation_loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """How far each image is from the generated ones, less half their spread."""
    fake, another = (net("generator", draws.normal(net.config.code)) for _ in range(2))
    n = len(fake)
    # the generated images of the batch serve each of its images; all pairs of y and y'
    pairs = fake.repeat_interleave(n, dim=0)[None], another.repeat(n, 1, 1, 1)[None]
    return adversarial.energy_score(batch.x, *(part.expand(len(batch.x), *part.shape[1:]) for part in pairs))


def generate(nets: Mapping[str, Any], profile: Profile, draws: Draws) -> torch.Tensor:
    """The generator's images."""
    return nets["pair"]("generator", draws.normal(nets["pair"].config.code))


GAN = GenerativeModel(
    name="gan",
    title="GAN (R1)",
    paper="Mescheder et al. 2018, arXiv 1801.04406",
    stages=(
        Stage(
            "pair",
            network,
            updates=(
                Update(critic_loss, part="critic", betas=BETAS),
                Update(generator_loss, part="generator", betas=BETAS),
            ),
            validation=validation_loss,
        ),
    ),
    generate=generate,
)
