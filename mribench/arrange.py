"""A network arranged for the hardware that it trains on; the values of its weights do not change.

What each part is worth is measured by ``mribench speed``.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import Attention, AttnProcessor, AttnProcessor2_0

# above so many the matrix of weights, which is kept to go backward, takes more memory than it is worth
FEW_TOKENS = 256


def tuned(net: torch.nn.Module, precision: str) -> torch.nn.Module:
    """``net`` itself, changed in place for bf16 on the device it is on; for another precision as it is.

    Its outputs are those of before up to rounding. precision: fp32, bf16 or fp16. Checkpoints of it are those of the
    plain network.
    """
    if precision != "bf16":
        return net
    if next(net.parameters()).device.type == "cuda":
        return with_bf16_norms(net.to(memory_format=torch.channels_last))
    return with_plain_attention(with_pointwise_products(net))


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
