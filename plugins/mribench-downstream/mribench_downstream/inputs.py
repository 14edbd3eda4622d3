"""What a segmentation network may see of an image: itself, and what a prior or a blur makes of it.

Baranchuk et al. 2022 (arXiv 2112.03126) take the activations of a diffusion's network. A prior D(x; sigma) of any
process and network shows none, so its answers at several noise levels stand in their place.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mribench.seeds import torch_generator
from mribench_downstream.labelled import grey

LEVELS = (0.2, 0.5, 1.2)  # sigma, of images in [-1, 1]
WIDTHS = (1 / 64, 2 / 64, 4 / 64)  # standard deviations of the blurs, as shares of the side


def denoised(model: Any, images: np.ndarray, batch: int) -> np.ndarray:
    """The images and D(x + sigma eps; sigma) at each of ``LEVELS``: float32 (n, 1 + levels, H, W) in [0, 1].

    Args:
        model: A ``mribench.spec.Prior``.
        images: uint8 (n, H, W).
        batch: Images at once.
    """
    import torch

    denoise, place = model.denoiser(), getattr(model, "device", "cpu")
    x = torch.from_numpy(grey(images)) * 2 - 1
    channels = [x]
    for level in LEVELS:
        # the same noise for every image, so that an image has the same channels in any company
        noise = level * torch.randn(x.shape[1:], generator=torch_generator("noise of inputs", level))
        with torch.no_grad():
            found = [denoise((part + noise).to(place), level).cpu() for part in x.split(batch)]
        channels.append(torch.cat(found))
    return ((torch.cat(channels, 1) + 1) / 2).clamp(0, 1).numpy()


def blurred(images: np.ndarray) -> np.ndarray:
    """The images and Gaussian blurs of them, as many as ``LEVELS``: float32 (n, 1 + levels, H, W) in [0, 1]."""
    from scipy.ndimage import gaussian_filter

    x = grey(images)[:, 0]
    blurs = [gaussian_filter(x, (0, width * x.shape[1], width * x.shape[2])) for width in WIDTHS]
    return np.stack([x, *blurs], axis=1)
