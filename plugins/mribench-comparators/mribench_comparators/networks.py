"""Residual networks between images and vectors, of diffusers' blocks and the widths of a profile."""

from __future__ import annotations

from typing import TypedDict

import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.vae import Decoder, Encoder

from mribench.spec import Profile


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


def _smallest(shape: Shape) -> int:
    """Side of the coarsest level."""
    return shape["size"] // shape["patch"] // 2 ** (len(shape["channels"]) - 1)
