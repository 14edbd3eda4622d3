"""Denoising diffusion GAN: four large steps of noise, each undone by a generator that draws x_0.

Xiao et al., Tackling the Generative Learning Trilemma with Denoising Diffusion GANs, arXiv 2112.07804. Over a large
step p(x_0 | x_t) is no Gaussian; a generator with a random input of its own can draw from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin, UNet2DModel
from diffusers.configuration_utils import register_to_config

from mribench.spec import Batch, Draws, GenerativeModel, Profile, Stage, Update
from mribench_comparators import adversarial
from mribench_comparators.networks import ImageToVector, halved, shape_of

STEPS = 4
BETA_MIN, BETA_MAX = 0.1, 20.0  # of the variance-preserving SDE
CODE = 64  # dimensions of the generator's own random input z
GAMMA = 0.05  # of R1
BETAS = (0.5, 0.9)  # of Adam, as in the paper


def _signal(t: int) -> float:
    """abar_t: the share of signal after t steps, of the variance-preserving SDE at t / STEPS."""
    s = t / STEPS
    return math.exp(-BETA_MIN * s - 0.5 * (BETA_MAX - BETA_MIN) * s**2)


ALPHA_BARS = tuple(_signal(t) for t in range(STEPS + 1))  # from 1 at t = 0


def noised(x: torch.Tensor, noise: torch.Tensor, t: torch.Tensor, since: torch.Tensor) -> torch.Tensor:
    """x_t ~ q(x_t | x_since), equation 1 over one step or several; x, noise: (N, C, H, W), t, since: int64 (N,)."""
    share = _at(t, x) / _at(since, x)
    return share.sqrt() * x + (1 - share).sqrt() * noise


def one_step_back(x0: torch.Tensor, x_t: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """x_{t-1} ~ q(x_{t-1} | x_t, x_0) (Ho et al., arXiv 2006.11239, equation 7); x_0 itself at t = 1."""
    before, now = _at(t - 1, x0), _at(t, x0)
    step = now / before
    mean = (before.sqrt() * (1 - step) * x0 + step.sqrt() * (1 - before) * x_t) / (1 - now)
    return mean + ((1 - before) * (1 - step) / (1 - now)).sqrt() * noise


def chain(
    predict: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], x_t: torch.Tensor, t: int, draws: Draws
) -> torch.Tensor:
    """x_0 from x_t, (N, C, H, W), by a step of the posterior for each draw of x_0; equation 5.

    predict: x_0 ~ p(x_0 | x_t) of (x_t, t int64 (N,)).
    """
    for now in range(t, 0, -1):
        times = torch.full((len(x_t),), now, device=x_t.device)
        x_t = one_step_back(predict(x_t, times), x_t, draws.normal(*x_t.shape[1:]), times)
    return x_t


class DenoisingPair(ModelMixin, ConfigMixin):
    """A generator (x_t, t, z) -> x_0 and a critic (x_{t-1}, x_t, t) -> logit; called by the name of a part.

    The generator is the profile's own U-Net, whose group norms are scaled and shifted by t and z. The critic, of half
    its widths, has one output for each t.
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
        attention: tuple[int, ...] = (),
        head_dim: int = 8,
    ):
        super().__init__()
        attends = [level in attention for level in range(len(channels))]
        unet = UNet2DModel(
            sample_size=size // patch,
            in_channels=patch**2,
            out_channels=patch**2,
            block_out_channels=tuple(channels),
            layers_per_block=layers,
            norm_num_groups=groups,
            attention_head_dim=head_dim,
            down_block_types=tuple("AttnDownBlock2D" if a else "DownBlock2D" for a in attends),
            up_block_types=tuple("AttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attends)),
            class_embed_type="identity",
            resnet_time_scale_shift="scale_shift",
        )
        width = 4 * channels[0]
        mapping = (torch.nn.Linear(code, width), torch.nn.SiLU(), torch.nn.Linear(width, width))
        self.generator = torch.nn.ModuleDict({"unet": unet, "mapping": torch.nn.Sequential(*mapping)})
        shape = {"size": size, "channels": channels, "layers": layers, "groups": groups, "patch": patch}
        self.critic = ImageToVector(STEPS, halved(shape), in_channels=2)

    def forward(self, part: str, x: torch.Tensor, t: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """``generator``: x_0, float32 (N, 1, H, W) in [-1, 1]; ``critic``: logits (N,).

        Args:
            part: ``generator`` or ``critic``.
            x: x_t of the generator, x_{t-1} of the critic, (N, 1, H, W).
            t: int64 (N,) in 1 ... STEPS.
            other: z (N, code) of the generator, x_t of the critic.
        """
        if part == "critic":
            logits = self.critic(torch.cat([x, other], dim=1))
            return logits.gather(1, t[:, None] - 1)[:, 0]
        patches = F.pixel_unshuffle(x, self.config.patch)
        code = self.generator["mapping"](other)
        out = self.generator["unet"](patches, t * (1000 // STEPS), class_labels=code).sample
        return F.pixel_shuffle(out, self.config.patch).float().tanh()


def critic_loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """Equation 4 with R1: x_{t-1} of the data against x_{t-1} by the generator's x_0, given x_t."""
    before, x_t, t = _pair(batch.x, draws)
    with torch.no_grad():
        fake = _fake(net, x_t, t, draws)
    return adversarial.critic_loss(lambda x: net("critic", x, t, x_t), before, fake, GAMMA)


def generator_loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """Equation 6."""
    _, x_t, t = _pair(batch.x, draws)
    return adversarial.generator_loss(net("critic", _fake(net, x_t, t, draws), t, x_t))


def validation_loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """How far x_0 is from two draws of it given x_t, less half the distance between them."""
    _, x_t, t = _pair(batch.x, draws)
    fake, another = (net("generator", x_t, t, draws.normal(net.config.code)) for _ in range(2))
    return adversarial.energy_score(batch.x, fake[:, None], another[:, None])


def generate(nets: Mapping[str, Any], profile: Profile, draws: Draws) -> torch.Tensor:
    """Four steps from standard normal x_4."""
    return chain(_drawn_by(nets["pair"], draws), draws.normal(1, profile.size, profile.size), STEPS, draws)


def denoise(nets: Mapping[str, Any], x: torch.Tensor, sigma: float, draws: Draws) -> torch.Tensor:
    """A draw of x_0 given x: x gets what noise it lacks to the next of the four levels, and goes back from there."""
    levels = [math.sqrt(1 / share - 1) for share in ALPHA_BARS]
    # a level that is met up to rounding needs no further noise
    t = next((t for t in range(1, STEPS) if levels[t] >= 0.99 * sigma), STEPS)
    missing = math.sqrt(max(0.0, levels[t] ** 2 - sigma**2))
    x_t = math.sqrt(ALPHA_BARS[t]) * (x + missing * draws.normal(*x.shape[1:]))
    return chain(_drawn_by(nets["pair"], draws), x_t, t, draws)


def _pair(x0: torch.Tensor, draws: Draws) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """x_{t-1}, x_t and t, uniform in 1 ... STEPS."""
    t = 1 + draws.integers(STEPS)
    before = noised(x0, draws.normal(*x0.shape[1:]), t - 1, torch.zeros_like(t))
    return before, noised(before, draws.normal(*x0.shape[1:]), t, t - 1), t


def _fake(net: Any, x_t: torch.Tensor, t: torch.Tensor, draws: Draws) -> torch.Tensor:
    """x_{t-1} by the generator's x_0."""
    x0 = net("generator", x_t, t, draws.normal(net.config.code))
    return one_step_back(x0, x_t, draws.normal(*x_t.shape[1:]), t)


def _drawn_by(net: Any, draws: Draws) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    return lambda x_t, t: net("generator", x_t, t, draws.normal(net.config.code))


def _at(t: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """abar_t as float32 (N, 1, 1, 1)."""
    return torch.tensor(ALPHA_BARS, device=like.device)[t][:, None, None, None]


def network(profile: Profile) -> DenoisingPair:
    net = profile.network
    return DenoisingPair(**shape_of(profile), attention=net.attention_levels, head_dim=net.head_dim)


DDGAN = GenerativeModel(
    name="ddgan",
    title="Denoising diffusion GAN",
    paper="Xiao et al. 2021, arXiv 2112.07804",
    stages=(
        Stage(
            "pair",
            network,
            updates=(
                Update(critic_loss, part="critic", betas=BETAS),
                Update(generator_loss, part="generator", betas=BETAS),
            ),
            validation=validation_loss,
            coarse=True,
        ),
    ),
    generate=generate,
    denoise=denoise,
    nfe=STEPS,
)
