"""DiT before training: each block is the identity, and patches go in and come out in their places."""

import pytest
import torch
from mribench_score.transformer import PatchTransformer

from mribench.testing import conforms

test_kit = conforms("variants", "dit")


def transformer(**shape):
    torch.manual_seed(0)
    small = {"sample_size": 16, "patch_size": 4, "num_layers": 2, "num_attention_heads": 2}
    return PatchTransformer(**small | {"attention_head_dim": 8} | shape).eval()


def test_each_block_begins_as_the_identity_and_the_output_as_zero():
    net = transformer()
    tokens, label = torch.randn(3, 16, 16), torch.zeros(3, dtype=torch.int64)
    for block in net.transformer.transformer_blocks:
        after = block(tokens, timestep=torch.tensor([1, 500, 999]), class_labels=label)
        assert torch.equal(after, tokens)
    assert net(torch.randn(3, 1, 16, 16), 7).sample.abs().max() == 0


def test_patches_come_back_in_their_places():
    """With blocks that are the identity the network is linear on patches; here it is the identity too."""
    net = transformer(num_attention_heads=2)
    inner, pixels = net.transformer.inner_dim, 16
    assert inner == pixels  # so that a patch fits a token
    parts = net.transformer
    with torch.no_grad():
        parts.pos_embed.pos_embed.zero_()
        parts.pos_embed.proj.weight.copy_(torch.eye(inner).view(inner, 1, 4, 4))
        parts.pos_embed.proj.bias.zero_()
        parts.proj_out_2.weight.copy_(torch.eye(inner))
    parts.norm_out = torch.nn.Identity()
    x = torch.arange(2 * 256.0).view(2, 1, 16, 16)
    assert torch.allclose(net(x, 3).sample, x)


def test_places_differ():
    """Attention sees where a patch is: once blocks do something, moving the image is not moving the output."""
    net = transformer()
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.3)
    x = torch.randn(1, 1, 16, 16)
    moved = net(x.roll(4, dims=-1), 3).sample
    assert (moved - net(x, 3).sample.roll(4, dims=-1)).abs().max() > 0.01


def test_nothing_is_drawn_in_training():
    net = transformer().train()
    torch.nn.init.normal_(net.transformer.proj_out_2.weight)
    x = torch.randn(64, 1, 16, 16)
    assert torch.equal(net(x, 3).sample, net(x, 3).sample)
    assert torch.equal(net(x, 3).sample, net(x, torch.full((64,), 3)).sample)


@pytest.mark.parametrize("side", [8, 16])
def test_half_the_side_is_seen_too(side):
    assert transformer()(torch.randn(2, 1, side, side), 3).sample.shape == (2, 1, side, side)
