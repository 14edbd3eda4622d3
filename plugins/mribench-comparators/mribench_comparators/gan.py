"""Generative adversarial network with the R1 penalty.

Goodfellow et al., arXiv 1406.2661, with the non-saturating loss; Mescheder et al., Which Training Methods for GANs do
actually Converge?, arXiv 1801.04406. Critic and generator take turns on each batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mribench.spec import Batch, Draws, GenerativeModel, Profile, Stage, Update
from mribench_comparators import adversarial

if TYPE_CHECKING:
    import torch

    from mribench_comparators.networks import AdversarialPair

GAMMA = 1.0  # of R1
BETAS = (0.0, 0.99)  # of Adam: momentum makes two players circle


def network(profile: Profile) -> AdversarialPair:
    """Generator and critic of half the widths of the profile's U-Net."""
    from mribench_comparators.networks import AdversarialPair, halved, shape_of

    return AdversarialPair(**halved(shape_of(profile)))


def critic_loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """Of images and as many generated ones."""
    import torch

    with torch.no_grad():
        fake = net("generator", draws.normal(net.config.code))
    return adversarial.critic_loss(lambda x: net("critic", x), batch.x, fake, GAMMA)


def generator_loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """Of fresh images."""
    return adversarial.generator_loss(net("critic", net("generator", draws.normal(net.config.code))))


def validation_loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """How far each image is from the generated ones, less half their spread."""
    fake, another = (net("generator", draws.normal(net.config.code)) for _ in range(2))
    return adversarial.energy_score_of_batch(batch.x, fake, another)


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
