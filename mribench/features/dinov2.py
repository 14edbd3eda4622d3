"""DINOv2: the class token of a self-supervised vision transformer, from a local weights file.

``MRIBENCH_DINOV2_WEIGHTS`` names the file as its authors publish it (dinov2_vits14_pretrain.pth; also B and L, not g),
``MRIBENCH_DINOV2_SHA256`` its sha256. Stein et al. 2023 (arXiv:2306.04675) found it nearer to human judgement than
Inception; on medical images nobody has shown that.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from mribench.device import place
from mribench.errors import InputError, Unavailable
from mribench.features import network
from mribench.spec import FeatureSpace

if TYPE_CHECKING:
    import torch

WEIGHTS_VARIABLE, SHA256_VARIABLE = "MRIBENCH_DINOV2_WEIGHTS", "MRIBENCH_DINOV2_SHA256"
HEAD_DIM = 64
# pos_embed is of 37x37 patches; the authors scale it by (16 + 0.1) / 37, and the tenth moves every position
OFFSET = 0.1
NAMES = ("cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.attn.qkv.weight", "norm.weight")


def load() -> Callable[[np.ndarray], np.ndarray]:
    """extract: (N, H, W) in [0, 1] -> float64 (N, 384) for ViT-S. ``Unavailable`` without weights, ``InputError`` for
    others than announced.
    """

    path = network.file_of(WEIGHTS_VARIABLE)
    if path is None:
        raise Unavailable(
            f"the DINOv2 weights are not here: set {WEIGHTS_VARIABLE} to the file and {SHA256_VARIABLE} to its sha256"
        )
    state = network.state_dict(path, _announced())
    if missing := [name for name in NAMES if name not in state]:
        raise InputError(
            f"{path} has no {missing[0]}: give the backbone of DINOv2 as its authors publish it."
        )
    device = place()
    state = {name: tensor.float().to(device) for name, tensor in state.items()}
    return network.extractor(lambda images: class_token(state, images))


def check() -> None:
    """``InputError`` where the variables name no file or no sha256; the file is not opened."""
    if network.file_of(WEIGHTS_VARIABLE):
        _announced()


def identity() -> str:
    """``dinov2@`` and the announced sha256, which is checked before the weights are used."""
    return f"dinov2@{_announced()}" if os.environ.get(WEIGHTS_VARIABLE) else "dinov2 without weights"


def _announced() -> str:
    digest = os.environ.get(SHA256_VARIABLE, "").lower()
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise InputError(
            f"{SHA256_VARIABLE} is {digest!r}: set it to the sha256 of the weights, 64 hex digits."
        )
    return digest


def class_token(state: dict[str, torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    """(n, 3, H, W), sides divisible by the patch size -> (n, d): Oquab et al. 2023, arXiv:2304.07193.

    A pre-norm transformer with LayerScale: x + g1 attention(norm1 x), then x + g2 mlp(norm2 x).
    """
    from torch import cat
    from torch.nn.functional import conv2d, gelu, layer_norm, linear, scaled_dot_product_attention

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        weight = state[f"{name}.weight"]
        return layer_norm(x, weight.shape, weight, state[f"{name}.bias"], eps=1e-6)

    def dense(x: torch.Tensor, name: str) -> torch.Tensor:
        return linear(x, state[f"{name}.weight"], state[f"{name}.bias"])

    patch = state["patch_embed.proj.weight"]
    grid = conv2d(images, patch, state["patch_embed.proj.bias"], stride=patch.shape[-1])
    x = grid.flatten(2).transpose(1, 2)
    n, _, width = x.shape
    first = state["cls_token"] + state["pos_embed"][:, :1]
    x = cat([first.expand(n, -1, -1), x + _positions(state["pos_embed"][:, 1:], grid.shape[2])], dim=1)
    for block in range(sum(name.endswith("norm1.weight") for name in state)):
        at = f"blocks.{block}"
        qkv = dense(norm(x, f"{at}.norm1"), f"{at}.attn.qkv")
        q, k, v = qkv.reshape(n, -1, 3, width // HEAD_DIM, HEAD_DIM).permute(2, 0, 3, 1, 4)
        attended = scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, -1, width)
        x = x + state[f"{at}.ls1.gamma"] * dense(attended, f"{at}.attn.proj")
        hidden = gelu(dense(norm(x, f"{at}.norm2"), f"{at}.mlp.fc1"))
        x = x + state[f"{at}.ls2.gamma"] * dense(hidden, f"{at}.mlp.fc2")
    return norm(x, "norm")[:, 0]


def _positions(embedded: torch.Tensor, side: int) -> torch.Tensor:
    """Position embeddings (1, s * s, d) of a square grid, for one of ``side`` x ``side`` patches."""
    from torch.nn.functional import interpolate

    own = math.isqrt(embedded.shape[1])
    if own == side:
        return embedded
    square = embedded.reshape(1, own, own, -1).permute(0, 3, 1, 2)
    scaled = interpolate(square, scale_factor=(side + OFFSET) / own, mode="bicubic", antialias=False)
    return scaled.flatten(2).transpose(1, 2)


DINOV2 = FeatureSpace(
    name="dinov2",
    title="DINOv2 class token",
    dim=0,
    kernel="cubic",
    load=load,
    identity=identity,
    check=check,
    paper="Oquab et al. 2023, arXiv:2304.07193",
)
