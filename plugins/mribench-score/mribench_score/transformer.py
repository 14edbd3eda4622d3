"""The network of DiT: diffusers' transformer with the call of a U-Net."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import ConfigMixin, DiTTransformer2DModel, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.unets.unet_2d import UNet2DOutput


class PatchTransformer(ModelMixin, ConfigMixin):
    """diffusers' ``DiTTransformer2DModel`` for images of one channel and no classes.

    Its weights begin as in Peebles & Xie, arXiv 2212.09748, section 3.2, and their code: the gates of the blocks, and
    the last layer, are 0.
    """

    @register_to_config
    def __init__(
        self,
        sample_size: int = 64,
        patch_size: int = 4,
        num_layers: int = 4,
        num_attention_heads: int = 4,
        attention_head_dim: int = 32,
    ):
        super().__init__()
        self.transformer = DiTTransformer2DModel(
            in_channels=1,
            sample_size=sample_size,
            patch_size=patch_size,
            num_layers=num_layers,
            num_attention_heads=num_attention_heads,
            attention_head_dim=attention_head_dim,
            num_embeds_ada_norm=1,
        )
        zero = [block.norm1.linear for block in self.transformer.transformer_blocks]
        for layer in [*zero, self.transformer.proj_out_1, self.transformer.proj_out_2]:
            torch.nn.init.zeros_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
        for block in self.transformer.transformer_blocks:
            block.norm1.emb.class_embedder.dropout_prob = 0.0  # there is one class: nothing to leave out

    def forward(
        self, sample: torch.Tensor, timestep: torch.Tensor | float | int, return_dict: bool = True
    ) -> Any:
        """``UNet2DOutput`` with ``sample`` of the input's shape, or a tuple of it.

        sample: (N, 1, H, H), H a multiple of the patches' side. timestep: a number or (N,).
        """
        time = torch.as_tensor(timestep, device=sample.device).expand(len(sample))
        label = torch.zeros(len(sample), dtype=torch.int64, device=sample.device)
        out = self.transformer(sample, timestep=time, class_labels=label).sample
        return UNet2DOutput(sample=out) if return_dict else (out,)
