"""Residual networks between images and vectors, of diffusers' blocks and a profile's widths: those of VAE and GAN."""

from __future__ import annotations

from typing import Any, TypedDict

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.autoencoders.vae import Decoder, DiagonalGaussianDistribution, Encoder

from mribench.networks import PatchUNet2DModel
from mribench.spec import Profile

CODE = 64  # dimensions of z
GAIN = 10.0  # of the log variance: Adam moves a parameter by about lr a step, and it has to fall by about 5


class Shape(TypedDict):
    """What the networks take from a profile."""

    size: int  # side of the images
    channels: tuple[int, ...]  # of each level, the finest first; each level halves the side
    layers: int  # ResNet blocks of each level
    groups: int  # of the group norms
    patch: int  # side of the pixel patches that are taken as one pixel of patch**2 channels


def shape_of(profile: Profile) -> Shape:
    """The shape of the profile's own U-Net."""
    net = profile.network
    return Shape(
        size=profile.size,
        channels=net.channels,
        layers=net.layers_per_block,
        groups=net.norm_groups,
        patch=net.patch,
    )


def halved(shape: Shape) -> Shape:
    """Of half the widths, a quarter of the operations: two networks in one budget spend it on steps instead."""
    narrow = tuple(max(width // 2, shape["groups"]) for width in shape["channels"])
    return shape | {"channels": narrow}


class ImageToVector(torch.nn.Module):
    """float32 (N, in_channels, H, W) -> (N, outputs): the encoder of diffusers' autoencoders and a linear layer.

    Images of half the side are taken too: their coarsest grid is doubled.
    """

    def __init__(self, outputs: int, shape: Shape, in_channels: int = 1):
        super().__init__()
        channels = tuple(shape["channels"])
        self.patch, self.side = shape["patch"], _smallest(shape)
        self.blocks = Encoder(
            in_channels=in_channels * self.patch**2,
            out_channels=channels[-1],
            down_block_types=("DownEncoderBlock2D",) * len(channels),
            block_out_channels=channels,
            layers_per_block=shape["layers"],
            norm_num_groups=shape["groups"],
            double_z=False,
            mid_block_add_attention=False,
        )
        self.linear = torch.nn.Linear(channels[-1] * self.side**2, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        grid = F.silu(self.blocks(F.pixel_unshuffle(x, self.patch)))
        return self.linear(F.interpolate(grid, size=self.side).flatten(1)).float()


class VectorToImage(torch.nn.Module):
    """float32 (N, inputs) -> (N, 1, H, W): a linear layer and the decoder of diffusers' autoencoders."""

    def __init__(self, inputs: int, shape: Shape):
        super().__init__()
        channels = tuple(shape["channels"])
        self.patch = shape["patch"]
        self.grid = channels[-1], _smallest(shape), _smallest(shape)
        self.linear = torch.nn.Linear(inputs, channels[-1] * _smallest(shape) ** 2)
        self.blocks = Decoder(
            in_channels=channels[-1],
            out_channels=self.patch**2,
            up_block_types=("UpDecoderBlock2D",) * len(channels),
            block_out_channels=channels,
            layers_per_block=shape["layers"],
            norm_num_groups=shape["groups"],
            mid_block_add_attention=False,
        )

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        grid = self.linear(z).unflatten(1, self.grid)
        return F.pixel_shuffle(self.blocks(grid), self.patch).float()


class CodedModel(ModelMixin, ConfigMixin):
    """Networks between images and a code z; its config holds the code's dimensions and the shape."""

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
        self.build(code, Shape(size=size, channels=channels, layers=layers, groups=groups, patch=patch))

    def build(self, code: int, shape: Shape) -> None:
        """Make the networks."""
        raise NotImplementedError


class VariationalAutoencoder(CodedModel):
    """q(z | x) = N(mean, diag(variance)), p(z) = N(0, I), p(x | z) = N(decoder(z), exp(log_variance) I)."""

    def build(self, code: int, shape: Shape) -> None:
        self.encoder = ImageToVector(2 * code, shape)
        self.decoder = VectorToImage(code, shape)
        self.level = torch.nn.Parameter(torch.zeros(()))

    @property
    def log_variance(self) -> torch.Tensor:
        """Of p(x | z), one number."""
        return GAIN * self.level

    def forward(
        self, x: torch.Tensor, noise: torch.Tensor
    ) -> tuple[DiagonalGaussianDistribution, torch.Tensor, torch.Tensor]:
        """q(z | x), the mean of p(x | z) for a z of it by the noise (N, code), and the log variance."""
        posterior = DiagonalGaussianDistribution(self.encoder(x)[:, :, None, None])
        z = (posterior.mean + posterior.std * noise[:, :, None, None]).flatten(1)
        return posterior, self.decoder(z), self.log_variance


class AdversarialPair(CodedModel):
    """A generator z -> image and a critic image -> logit.

    Called by the name of a part, so that what wraps the network (autocast) holds for both.
    """

    def build(self, code: int, shape: Shape) -> None:
        self.generator = VectorToImage(code, shape)
        self.critic = ImageToVector(1, shape)

    def forward(self, part: str, x: torch.Tensor) -> torch.Tensor:
        """``generator``: images (N, 1, H, W) in [-1, 1] from z (N, code); ``critic``: logits (N,) of images."""
        return self.critic(x)[:, 0] if part == "critic" else self.generator(x).tanh()


class DenoiserAndCritic(ModelMixin, ConfigMixin):
    """A U-Net that is told the noise level, and a critic of images of half its widths.

    Called by the name of a part, so that what wraps the network (autocast) holds for both.
    """

    @register_to_config
    def __init__(
        self,
        size: int = 64,
        channels: tuple[int, ...] = (32, 64, 128, 128),
        layers: int = 1,
        groups: int = 8,
        patch: int = 2,
        attention_levels: tuple[int, ...] = (),
        head_dim: int = 8,
    ):
        super().__init__()
        attends = [level in attention_levels for level in range(len(channels))]
        self.denoiser = PatchUNet2DModel(
            sample_size=size,
            patch=patch,
            block_out_channels=tuple(channels),
            layers_per_block=layers,
            norm_num_groups=groups,
            attention_head_dim=head_dim,
            down_block_types=tuple("AttnDownBlock2D" if a else "DownBlock2D" for a in attends),
            up_block_types=tuple("AttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attends)),
        )
        shape = Shape(size=size, channels=tuple(channels), layers=layers, groups=groups, patch=patch)
        self.critic = ImageToVector(1, halved(shape), in_channels=2)

    def forward(self, part: str, x: torch.Tensor, t: torch.Tensor | None = None) -> Any:
        """``denoiser``: what the U-Net says of x (N, 1, H, W) at the timesteps t (N,); ``critic``: logits (N,) of
        images and their noise level, (N, 2, H, W)."""
        return self.critic(x)[:, 0] if part == "critic" else self.denoiser(x, t)


def _smallest(shape: Shape) -> int:
    """Side of the coarsest level."""
    return shape["size"] // shape["patch"] // 2 ** (len(shape["channels"]) - 1)
