"""Tiny trainings of every shape that ``mribench.spec.stage`` allows: an adversarial pair, an autoencoder, latents,
labels."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin, UNet2DModel
from diffusers.configuration_utils import register_to_config
from tiny import TINY

from mribench.spec import Autoencoder, GenerativeModel, Stage, Update
from mribench.variants.ddpm import DDPM

LATENTS = 4


class Pair(ModelMixin, ConfigMixin):
    """A generator of images from 8 numbers, and a critic."""

    @register_to_config
    def __init__(self, size: int = 16, width: int = 16):
        super().__init__()
        self.generator = torch.nn.Sequential(
            torch.nn.Linear(8, width), torch.nn.ReLU(), torch.nn.Linear(width, size**2)
        )
        self.critic = torch.nn.Sequential(
            torch.nn.Linear(size**2, width), torch.nn.LeakyReLU(0.2), torch.nn.Linear(width, 1)
        )

    def forward(self, x):
        return self.critic(x.flatten(1))

    def images(self, z):
        return self.generator(z).tanh().view(-1, 1, self.config.size, self.config.size)


def critic_loss(net, batch, earlier, draws):
    fake = net.images(draws.normal(8)).detach()
    return (F.softplus(-net(batch.x)) + F.softplus(net(fake)))[:, 0]


def generator_loss(net, batch, earlier, draws):
    return F.softplus(-net(net.images(draws.normal(8))))[:, 0]


GAN = GenerativeModel(
    name="tiny-gan",
    title="Tiny GAN",
    paper="Goodfellow et al. 2014, arXiv 1406.2661",
    stages=(
        Stage(
            "pair",
            lambda profile: Pair(profile.size),
            (Update(critic_loss, part="critic", lr=1e-3), Update(generator_loss, part="generator")),
        ),
    ),
    generate=lambda nets, profile, draws: nets["pair"].images(draws.normal(8)),
)


class Coder(ModelMixin, ConfigMixin):
    """One convolution down, one up."""

    @register_to_config
    def __init__(self, channels: int = LATENTS):
        super().__init__()
        self.down = torch.nn.Conv2d(1, channels, 2, 2)
        self.up = torch.nn.ConvTranspose2d(channels, 1, 2, 2)

    def forward(self, x):
        return self.up(self.down(x))


def coder_loss(net, batch, earlier, draws):
    return (net(batch.x) - batch.x).square().mean(dim=(1, 2, 3))


def latent_unet(profile):
    shape = {k: v for k, v in DDPM.network(profile).config.items() if not k.startswith("_")}
    shape |= {"in_channels": LATENTS, "out_channels": LATENTS, "sample_size": profile.size // 2}
    return UNet2DModel(**shape)


CODER = Stage("autoencoder", lambda profile: Coder(), (Update(coder_loss),), share=0.5)
LATENT = replace(
    DDPM,
    name="tiny-latent",
    network=latent_unet,
    autoencoder=Autoencoder(CODER, lambda net, x: net.down(x), lambda net, z: net.up(z)),
)
PROFILE = replace(TINY, max_steps=24)


def labelled_unet(profile, labels=1):
    shape = {k: v for k, v in DDPM.network(profile).config.items() if not k.startswith("_")}
    return UNet2DModel(**shape | {"num_class_embeds": labels + 1})


TOLD = replace(DDPM, name="tiny-told", network=labelled_unet, conditions=("modality",))
