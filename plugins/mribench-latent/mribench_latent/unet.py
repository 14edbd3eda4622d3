"""The profile's own U-Net on other channels and at another side."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mribench.spec import Profile
from mribench.variants import ddpm


def unet(profile: Profile, size: int, in_channels: int, out_channels: int, patch: int) -> Any:
    """A diffusers ``UNet2DModel``, or ``PatchUNet2DModel`` for patches of several pixels.

    Args:
        profile: Its widths, layers and attention are taken.
        size: Side of what the network sees.
        in_channels: Of its input.
        out_channels: Of its output.
        patch: Side of the patches that it sees as one pixel.

    Raises:
        InputError: The side does not fit the levels of the U-Net.
    """
    network = replace(profile.network, patch=patch)
    # 0: what is built here never sees half its side
    net = ddpm.network(replace(profile, size=size, network=network, coarse_steps=0))
    return type(net).from_config(net.config, in_channels=in_channels, out_channels=out_channels)
