"""A network with modules replaced by faster ones of the same weights, for the hardware that it runs on.

Outputs agree up to rounding. What each replacement is worth is measured by ``mribench speed``.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.upsampling import Upsample2D

# in a smaller image the border that the four kernels need costs what they save
MIN_PIXELS = 64
# which rows (or columns) of a 3x3 kernel meet one pixel once that pixel has been doubled: for an even and an odd
# place of the output, for the pixel before and the pixel after
TAPS = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]], [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
PLACES = (0, 0), (0, 1), (1, 0), (1, 1)


def optimize(net: torch.nn.Module, precision: str) -> torch.nn.Module:
    """``net`` itself, changed in place: on a CPU for every precision, on a GPU for bf16.

    precision: fp32, bf16 or fp16. Checkpoints of the result are those of the plain network.
    """
    place = next(net.parameters()).device.type
    if place == "cpu":
        return with_subpixel_upsampling(net)
    if place == "cuda" and precision == "bf16":
        return with_bf16_norms(net.to(memory_format=torch.channels_last))
    return net


def with_bf16_norms(net: torch.nn.Module) -> torch.nn.Module:
    """Group norms that take and give bf16; their sums are float32 inside.

    Autocast on a GPU would turn every activation into float32 and back, and a U-Net is bound by memory there.
    """
    for module in net.modules():
        if type(module) is torch.nn.GroupNorm:
            module.__class__ = _Bf16GroupNorm
    return net


def with_subpixel_upsampling(net: torch.nn.Module) -> torch.nn.Module:
    """Nearest-neighbour upsampling and its 3x3 convolution as four 2x2 convolutions of the small image.

    One for each place in a doubled pixel: 16 products for 36 (Shi et al. 2016, arXiv:1609.07009).
    """
    for module in net.modules():
        if type(module) is Upsample2D and _doubles(module):
            module.__class__ = _SubpixelUpsample
    return net


class _Bf16GroupNorm(torch.nn.GroupNorm):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cuda", enabled=False):
            return F.group_norm(x, self.num_groups, self.weight.to(x.dtype), self.bias.to(x.dtype), self.eps)


def _doubles(up: Upsample2D) -> bool:
    """Whether a module doubles the side and then convolves with a plain 3x3 kernel."""
    conv = getattr(up, "conv", None)
    plain = up.interpolate and up.norm is None and type(conv) is torch.nn.Conv2d and conv.bias is not None
    return plain and conv.kernel_size == (3, 3) and conv.padding == (1, 1)


class _SubpixelUpsample(Upsample2D):
    def forward(
        self, hidden_states: torch.Tensor, output_size: int | None = None, *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        if output_size is not None or hidden_states.shape[2:].numel() < MIN_PIXELS:
            return super().forward(hidden_states, output_size, *args, **kwargs)
        with torch.autocast("cpu", enabled=False):
            kernels = torch.einsum("akp,blq,oipq->aboikl", TAPS, TAPS, self.conv.weight)
        quarters = F.conv2d(hidden_states, kernels.flatten(0, 2), self.conv.bias.repeat(4), padding=1)
        return _Interleave.apply(quarters)


class _Interleave(torch.autograd.Function):
    """(n, 4 c, h + 1, w + 1), the outputs for each place in a doubled pixel, to (n, c, 2 h, 2 w).

    Kernels that use the pixel before begin a row (or column) earlier than those that use the one after.
    """

    generate_vmap_rule = (
        True  # with ``setup_context`` below, so that ``torch.func`` can take gradients of each image
    )

    @staticmethod
    def forward(quarters: torch.Tensor) -> torch.Tensor:
        n, c, h, w = quarters.shape
        c, h, w = c // 4, h - 1, w - 1
        quarters = quarters.unflatten(1, (2, 2, c))
        whole = quarters.new_empty(n, c, h, 2, w, 2)
        for a, b in PLACES:
            whole[:, :, :, a, :, b] = quarters[:, a, b, :, a : a + h, b : b + w]
        return whole.view(n, c, 2 * h, 2 * w)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        n, c, h, w = gradient.shape
        h, w = h // 2, w // 2
        whole = gradient.reshape(n, c, h, 2, w, 2)
        quarters = gradient.new_zeros(n, 2, 2, c, h + 1, w + 1)
        for a, b in PLACES:
            quarters[:, a, b, :, a : a + h, b : b + w] = whole[:, :, :, a, :, b]
        return quarters.flatten(1, 3)
