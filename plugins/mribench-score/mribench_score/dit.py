"""A transformer on patches in place of the U-Net: DiT.

Peebles & Xie, Scalable Diffusion Models with Transformers, arXiv 2212.09748, on pixels in place of latents. The time
enters by adaLN-Zero (section 3.2): scale and shift of the layer norms, and the gate of each residual branch, are
functions of it; the gates begin at 0, so that each block begins as the identity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mribench.spec import Profile, Variant
from mribench.variants import ddpm

if TYPE_CHECKING:
    from mribench_score.transformer import PatchTransformer

PATCH = 2  # pixels, for each pixel of the patches that the profile's own U-Net sees
HEAD = 32  # width of an attention head
BLOCKS = 4  # for each layer that the profile's U-Net has in a level


def network(profile: Profile) -> PatchTransformer:
    """As wide as the profile's U-Net at its widest."""
    from mribench_score.transformer import PatchTransformer

    shape = profile.network
    return PatchTransformer(
        sample_size=profile.size,
        patch_size=PATCH * shape.patch,
        num_layers=BLOCKS * shape.layers_per_block,
        num_attention_heads=max(1, max(shape.channels) // HEAD),
        attention_head_dim=HEAD,
    )


DIT = Variant(
    name="dit",
    title="DiT",
    paper="Peebles & Xie 2022, arXiv 2212.09748",
    network=network,
    scheduler=ddpm.scheduler,
    loss=ddpm.loss,
)
