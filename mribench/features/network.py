"""Shared by feature spaces made of a network: weights with a verified sha256, and images as RGB."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mribench.device import place
from mribench.errors import InputError

if TYPE_CHECKING:
    import torch

BATCH = 32
SIDE = 224
# of ImageNet in RGB, as torchvision and DINOv2 take them off
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def file_of(variable: str) -> Path | None:
    """The file that an environment variable names, None where it is not set; ``InputError`` where it is no file."""
    value = os.environ.get(variable)
    if value and not Path(value).is_file():
        raise InputError(f"{variable} is {value!r}, which is not a file: set it to one or unset it.")
    return Path(value) if value else None


def state_dict(path: Path, digest: str) -> dict[str, torch.Tensor]:
    """Tensors by name, on the CPU, of a .safetensors or a PyTorch file whose sha256 is ``digest``; nothing is executed.

    ``InputError``: another sha256, or not such a file.
    """
    import torch

    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the weights {path}: {error.strerror}.") from error
    actual = sha256(content).hexdigest()
    if actual != digest.lower():
        raise InputError(
            f"{path} has sha256 {actual} but {digest} was announced: replace the file or the sha256."
        )
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load

            return load(content)
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # a file of another kind may fail in any way
        raise InputError(f"{path} holds no weights ({type(error).__name__}): give a state dict.") from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise InputError(f"{path} is not a plain state dict of tensors by name: save network.state_dict().")
    return state


def extractor(
    forward: Callable[[torch.Tensor], torch.Tensor],
    mean: Sequence[float] = MEAN,
    std: Sequence[float] = STD,
) -> Callable[[np.ndarray], np.ndarray]:
    """extract: (N, H, W) in [0, 1] -> float64 (N, d), by forward: float32 (n, 3, 224, 224) -> (n, d).

    ``mean`` and ``std`` of the three channels are those that the network was trained with.
    """
    import torch

    def extract(images: np.ndarray) -> np.ndarray:
        if images.ndim != 3 or not np.isfinite(images).all():
            raise InputError(f"images have shape {images.shape}: finite (N, H, W) in [0, 1] are needed.")
        if len(images) == 0:
            raise InputError("no image was given: at least one is needed.")
        features = []
        for start in range(0, len(images), BATCH):
            batch = torch.from_numpy(images[start : start + BATCH].astype(np.float32))
            # TF32 is the default of cuDNN and would make a score depend on the device
            with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
                features.append(forward(_as_rgb(batch, mean, std)).cpu().numpy().astype(np.float64))
        return np.concatenate(features)

    return extract


def _as_rgb(images: torch.Tensor, mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> torch.Tensor:
    """Grey (n, H, W) in [0, 1] -> normalised (n, 3, 224, 224), bilinear, antialiased where it shrinks."""
    import torch

    device = place()
    centre, scale = (torch.tensor(value, device=device).view(1, 3, 1, 1) for value in (mean, std))
    grey = images[:, None].to(device)
    grey = torch.nn.functional.interpolate(grey, size=(SIDE, SIDE), mode="bilinear", antialias=True)
    return (grey.expand(-1, 3, -1, -1) - centre) / scale
