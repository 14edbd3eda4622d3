"""A network optimised for a CPU computes what the plain one does, forward and backward, and is stored as it was."""

from dataclasses import replace

import pytest
import torch
from diffusers.models.upsampling import Upsample2D

from mribench import profiles
from mribench.spec import Network
from mribench.training import fused
from mribench.variants import ddpm

PROFILE = replace(profiles.SMOKE, size=16, network=Network((8, 16), 1, norm_groups=4, head_dim=4))


def pair(change):
    torch.manual_seed(0)
    plain, other = ddpm.network(PROFILE), ddpm.network(PROFILE)
    other.load_state_dict(plain.state_dict())
    assert change(other) is other
    return plain, other


def outputs_and_gradients(net):
    x, t = torch.randn(3, 1, 16, 16, generator=torch.Generator().manual_seed(1)), torch.tensor([1, 500, 900])
    out = net(x, t).sample
    out.square().mean().backward()
    return [out.detach(), *(p.grad for p in net.parameters())]


def test_an_optimised_network_computes_the_same():
    plain, other = pair(fused.with_subpixel_upsampling)
    for a, b in zip(outputs_and_gradients(plain), outputs_and_gradients(other), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_a_network_on_a_cpu_is_optimised_for_every_precision(precision):
    plain, other = pair(lambda net: fused.optimize(net, precision))
    new = {type(m) for m in other.modules()} - {type(m) for m in plain.modules()}
    assert new == {fused._SubpixelUpsample}


@pytest.mark.parametrize("size", [(8, 8), (9, 12), (7, 7)])
def test_upsampling_is_the_same_at_any_size(size):
    torch.manual_seed(0)
    up, x = Upsample2D(3, use_conv=True, out_channels=5), torch.randn(2, 3, *size, requires_grad=True)

    def results():
        out = up(x)
        return [out.detach(), *torch.autograd.grad(out.square().sum(), [x, *up.parameters()])]

    plain = results()
    fused.with_subpixel_upsampling(up)
    for a, b in zip(plain, results(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_upsampling_of_another_kind_stays():
    kinds = (
        Upsample2D(4),
        Upsample2D(4, use_conv=True, bias=False),
        Upsample2D(4, use_conv=True, kernel_size=1, padding=0),
        Upsample2D(4, use_conv_transpose=True),
        Upsample2D(4, use_conv=True, interpolate=False),
        Upsample2D(4, use_conv=True, norm_type="rms_norm", eps=1e-5, elementwise_affine=True),
    )
    assert {type(m) for m in fused.with_subpixel_upsampling(torch.nn.ModuleList(kinds))} == {Upsample2D}


def test_upsampling_to_a_size_that_is_asked_for_is_left_alone():
    up, x = Upsample2D(4, use_conv=True), torch.randn(1, 4, 8, 8)
    plain = up(x, (17, 17))
    torch.testing.assert_close(fused.with_subpixel_upsampling(up)(x, (17, 17)), plain)


def test_an_optimised_network_is_stored_as_a_plain_one(tmp_path):
    plain, other = pair(lambda net: fused.optimize(net, "bf16"))
    other.save_pretrained(tmp_path)
    again = type(plain).from_pretrained(tmp_path)
    for name, value in again.state_dict().items():
        torch.testing.assert_close(value, plain.state_dict()[name])
