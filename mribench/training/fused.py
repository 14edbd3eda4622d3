"""A network arranged for the hardware that it trains on; the values of its weights do not change.

What each part is worth is measured by ``mribench speed``.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import Attention, AttnProcessor, AttnProcessor2_0
from diffusers.models.upsampling import Upsample2D

# above so many the matrix of weights, which is kept to go backward, takes more memory than it is worth
FEW_TOKENS = 256
# in an image of fewer the border that four kernels need costs what they save
FEW_PIXELS = 64
# which rows (or columns) of a 3x3 kernel meet one pixel when that pixel has been doubled: for an even and for an odd
# place of the output, for the pixel before and the pixel after
TAPS = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]], [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
PLACES = (0, 0), (0, 1), (1, 0), (1, 1)


def tuned(net: torch.nn.Module, precision: str) -> torch.nn.Module:
    """``net`` itself, changed in place for bf16 on the device it is on; for another precision as it is.

    Its outputs are those of before up to rounding. precision: fp32, bf16 or fp16. Checkpoints of it are those of the
    plain network.
    """
    if precision != "bf16":
        return net
    if next(net.parameters()).device.type == "cuda":
        return with_bf16_norms(net.to(memory_format=torch.channels_last))
    return with_plain_attention(with_pointwise_products(with_subpixel_upsampling(net)))


def with_bf16_norms(net: torch.nn.Module) -> torch.nn.Module:
    """Group norms take and give bf16 (their sums are float32 inside), where autocast on a GPU would turn every
    activation into float32 and back: a U-Net is bound by memory there."""
    for module in net.modules():
        if type(module) is torch.nn.GroupNorm:
            module.__class__ = _GroupNorm
    return net


def with_pointwise_products(net: torch.nn.Module) -> torch.nn.Module:
    """Convolutions of 1x1 as matrix products: a CPU's convolution rearranges its input and output first."""
    for module in net.modules():
        if type(module) is torch.nn.Conv2d and _is_pointwise(module):
            module.__class__ = _Pointwise
    return net


def with_plain_attention(net: torch.nn.Module) -> torch.nn.Module:
    """Attention over few tokens without the fused kernel, whose way backward is slow on a CPU."""
    for module in net.modules():
        if isinstance(module, Attention) and type(module.processor) is AttnProcessor2_0:
            module.set_processor(_Attention())
    return net


def with_subpixel_upsampling(net: torch.nn.Module) -> torch.nn.Module:
    """Nearest-neighbour upsampling and the 3x3 convolution after it as four 2x2 convolutions of the small image, one
    for each place in a doubled pixel: 16 products in place of 36 (Shi et al. 2016, arXiv:1609.07009)."""
    for module in net.modules():
        if type(module) is Upsample2D and _doubles(module):
            module.__class__ = _Upsample
    return net


class _GroupNorm(torch.nn.GroupNorm):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cuda", enabled=False):
            return F.group_norm(x, self.num_groups, self.weight.to(x.dtype), self.bias.to(x.dtype), self.eps)


def _is_pointwise(conv: torch.nn.Conv2d) -> bool:
    plain = conv.stride == (1, 1) and conv.padding == (0, 0) and conv.groups == 1
    return conv.kernel_size == (1, 1) and plain and conv.bias is not None


class _Pointwise(torch.nn.Conv2d):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, (height, width) = len(x), x.shape[2:]
        bias, weight = self.bias[:, None].expand(n, -1, 1), self.weight.flatten(1).expand(n, -1, -1)
        return torch.baddbmm(bias, weight, x.flatten(2)).unflatten(2, (height, width))


def _doubles(up: Upsample2D) -> bool:
    conv = getattr(up, "conv", None)
    plain = up.interpolate and up.norm is None and type(conv) is torch.nn.Conv2d and conv.bias is not None
    return plain and conv.kernel_size == (3, 3) and conv.padding == (1, 1)


class _Upsample(Upsample2D):
    def forward(
        self, hidden_states: torch.Tensor, output_size: int | None = None, *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        if output_size is not None or hidden_states.shape[2:].numel() < FEW_PIXELS:
            return super().forward(hidden_states, output_size, *args, **kwargs)
        with torch.autocast("cpu", enabled=False):
            kernels = torch.einsum("akp,blq,oipq->aboikl", TAPS, TAPS, self.conv.weight)
        quarters = F.conv2d(hidden_states, kernels.flatten(0, 2), self.conv.bias.repeat(4), padding=1)
        return _Interleave.apply(quarters)


class _Interleave(torch.autograd.Function):
    """(n, 4 c, h + 1, w + 1), the outputs for each place in a doubled pixel, to (n, c, 2 h, 2 w). Kernels that look at
    the pixel before begin a row (or column) earlier than those that look at the one after."""

    @staticmethod
    def forward(ctx: Any, quarters: torch.Tensor) -> torch.Tensor:
        n, c, h, w = quarters.shape
        c, h, w = c // 4, h - 1, w - 1
        quarters = quarters.unflatten(1, (2, 2, c))
        whole = quarters.new_empty(n, c, h, 2, w, 2)
        for a, b in PLACES:
            whole[:, :, :, a, :, b] = quarters[:, a, b, :, a : a + h, b : b + w]
        return whole.view(n, c, 2 * h, 2 * w)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        n, c, h, w = gradient.shape
        h, w = h // 2, w // 2
        whole = gradient.reshape(n, c, h, 2, w, 2)
        quarters = gradient.new_zeros(n, 2, 2, c, h + 1, w + 1)
        for a, b in PLACES:
            quarters[:, a, b, :, a : a + h, b : b + w] = whole[:, :, :, a, :, b]
        return quarters.flatten(1, 3)


class _Attention:
    def __init__(self) -> None:
        self._plain, self._fused = AttnProcessor(), AttnProcessor2_0()

    # diffusers looks at these names to know what it may pass
    def __call__(
        self,
        attn: Attention,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        temb: torch.Tensor | None = None,
    ) -> torch.Tensor:
        tokens = hidden_states.shape[2:].numel() if hidden_states.ndim == 4 else hidden_states.shape[1]
        process = self._plain if tokens <= FEW_TOKENS else self._fused
        return process(attn, hidden_states, encoder_hidden_states, attention_mask, temb)
