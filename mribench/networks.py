"""Networks of mribench as diffusers models; published checkpoints name this module, so its path never moves.

``from_pretrained`` of a diffusers pipeline loads them once this module is imported.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin, UNet2DModel
from diffusers.configuration_utils import register_to_config
from diffusers.models.unets.unet_2d import UNet2DOutput


class PatchUNet2DModel(ModelMixin, ConfigMixin):
    """A ``UNet2DModel`` that works on patches: ``patch`` x ``patch`` pixels become channels, and pixels again.

    Space-to-depth as in Shi et al. 2016, arXiv 1609.05158; at patch 2 a quarter of the operations of the same U-Net at
    full resolution. Called like ``UNet2DModel``: sample (N, in_channels, H, W) with sides that are multiples of
    ``patch`` times the U-Net's own, timestep int or (N,); other arguments go to the U-Net.
    """

    @register_to_config
    def __init__(
        self,
        sample_size: int = 64,
        patch: int = 2,
        in_channels: int = 1,
        out_channels: int = 1,
        block_out_channels: tuple[int, ...] = (32, 64, 128, 128),
        layers_per_block: int = 1,
        norm_num_groups: int = 8,
        attention_head_dim: int = 8,
        down_block_types: tuple[str, ...] = ("DownBlock2D",) * 4,
        up_block_types: tuple[str, ...] = ("UpBlock2D",) * 4,
    ):
        super().__init__()
        self.unet = UNet2DModel(
            sample_size=sample_size // patch,
            in_channels=in_channels * patch**2,
            out_channels=out_channels * patch**2,
            block_out_channels=tuple(block_out_channels),
            layers_per_block=layers_per_block,
            norm_num_groups=norm_num_groups,
            attention_head_dim=attention_head_dim,
            down_block_types=tuple(down_block_types),
            up_block_types=tuple(up_block_types),
        )

    def forward(
        self, sample: torch.Tensor, timestep: torch.Tensor | float | int, return_dict: bool = True
    ) -> Any:
        """``UNet2DOutput`` with ``sample`` of the input's shape, or a tuple of it."""
        patches = F.pixel_unshuffle(sample, self.config.patch)
        out = F.pixel_shuffle(self.unet(patches, timestep).sample, self.config.patch)
        return UNet2DOutput(sample=out) if return_dict else (out,)


class LabelledPatchUNet2DModel(PatchUNet2DModel):
    """A ``PatchUNet2DModel`` that is told a label, whose embedding is added to that of the timestep.

    ``class_labels``, int64 (N,) in [0, ``num_class_embeds``), as of ``UNet2DModel``.
    """

    @register_to_config
    def __init__(
        self,
        sample_size: int = 64,
        patch: int = 2,
        in_channels: int = 1,
        out_channels: int = 1,
        block_out_channels: tuple[int, ...] = (32, 64, 128, 128),
        layers_per_block: int = 1,
        norm_num_groups: int = 8,
        attention_head_dim: int = 8,
        down_block_types: tuple[str, ...] = ("DownBlock2D",) * 4,
        up_block_types: tuple[str, ...] = ("UpBlock2D",) * 4,
        num_class_embeds: int = 2,
    ):
        super().__init__(
            sample_size=sample_size,
            patch=patch,
            in_channels=in_channels,
            out_channels=out_channels,
            block_out_channels=block_out_channels,
            layers_per_block=layers_per_block,
            norm_num_groups=norm_num_groups,
            attention_head_dim=attention_head_dim,
            down_block_types=down_block_types,
            up_block_types=up_block_types,
        )
        # as wide as diffusers makes the embedding of the timestep
        self.unet.class_embedding = torch.nn.Embedding(num_class_embeds, 4 * block_out_channels[0])

    def forward(
        self,
        sample: torch.Tensor,
        timestep: torch.Tensor | float | int,
        class_labels: torch.Tensor | None = None,
        return_dict: bool = True,
    ) -> Any:
        """``UNet2DOutput`` with ``sample`` of the input's shape, or a tuple of it."""
        patches = F.pixel_unshuffle(sample, self.config.patch)
        out = F.pixel_shuffle(self.unet(patches, timestep, class_labels).sample, self.config.patch)
        return UNet2DOutput(sample=out) if return_dict else (out,)
