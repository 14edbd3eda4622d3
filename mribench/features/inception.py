"""Inception-v3 of 2015 as torch-fidelity runs it: the one space whose Fréchet distance may be called FID.

The weights file is a pickle, which executes code when it is loaded, so its sha256 is checked on the very
bytes that are then loaded. Searched: ``MRIBENCH_INCEPTION_WEIGHTS``, torch-fidelity's own cache, its download
address.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import numpy as np

from mribench.device import place
from mribench.errors import InputError, Unavailable
from mribench.features.weights import download
from mribench.spec import FeatureSpace

WEIGHTS_VARIABLE = "MRIBENCH_INCEPTION_WEIGHTS"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
# torch-fidelity's own, so that importing it can wait until the weights are there
URL = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth"
DIM = 2048
BATCH = 32


def load() -> Callable[[np.ndarray], np.ndarray]:
    """extract: (N, H, W) in [0, 1] -> float64 (N, 2048), on the GPU where there is one.

    ``Unavailable``: torch-fidelity cannot be imported or the weights are nowhere. ``InputError``: other
    weights.
    """
    # torch-fidelity brings torchvision along, a hundred megabytes that serve nothing without weights
    weights = _verified(_find())
    torch, architecture = _import()
    network = architecture.FeatureExtractorInceptionV3(
        "inception-v3-compat", [str(DIM)], feature_extractor_weights_path=io.BytesIO(weights)
    )
    device = place()
    network = network.to(device)

    def extract(images: np.ndarray) -> np.ndarray:
        features = [np.empty((0, DIM))]
        for start in range(0, len(images), BATCH):
            batch = torch.from_numpy(as_rgb(images[start : start + BATCH])).to(device)
            # TF32 is the default of cuDNN and would make a score depend on the device
            with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
                features.append(network(batch)[0].cpu().numpy().astype(np.float64))
        return np.concatenate(features)

    return extract


def check() -> None:
    """``InputError`` where ``MRIBENCH_INCEPTION_WEIGHTS`` names no file or other weights; nothing is imported."""
    if given := _given():
        _verified(given)


def find_weights() -> Path | None:
    """The verified weights file on this machine, None where there is none; nothing is downloaded.

    Raises as ``load``.
    """
    _import()
    path = _given() or _cached()
    if not path.is_file():
        return None
    _verified(path)
    return path


def identity() -> str:
    """``inception-v3-compat@`` and the sha256 of the only weights that are accepted."""
    return f"inception-v3-compat@{SHA256}"


def as_rgb(images: np.ndarray) -> np.ndarray:
    """(N, H, W) in [0, 1] -> uint8 (N, 3, H, W): rounded to 8 bits, grey in all three channels.

    ``InputError``: another shape, or a value that is not finite.
    """
    if images.ndim != 3 or not np.isfinite(images).all():
        raise InputError(f"images have shape {images.shape}: Inception needs finite (N, H, W) in [0, 1].")
    grey = np.rint(images.clip(0, 1) * 255).astype(np.uint8)
    return np.repeat(grey[:, None], 3, axis=1)


def _import() -> tuple[ModuleType, ModuleType]:
    try:
        import torch
        from torch_fidelity import feature_extractor_inceptionv3 as architecture
    # torchvision's CUDA wheel beside a CPU build of torch: RuntimeError, torchvision::nms does not exist
    except (ImportError, RuntimeError) as error:
        raise Unavailable(
            f"torch-fidelity cannot be imported ({error}): install torch, torchvision and torch-fidelity "
            "together from one index, because builds that do not match break each other."
        ) from error
    return torch, architecture


def _find() -> Path:
    if given := _given():
        return given
    cached = _cached()
    if not cached.is_file() and (failure := download(URL, cached, SHA256)):
        raise Unavailable(
            f"the Inception weights are not here ({failure}): "
            f"download {URL} and set {WEIGHTS_VARIABLE} to that file."
        )
    return cached


def _given() -> Path | None:
    """The file that ``MRIBENCH_INCEPTION_WEIGHTS`` names, None where it is not set."""
    given = os.environ.get(WEIGHTS_VARIABLE)
    if given and not Path(given).is_file():
        raise InputError(f"{WEIGHTS_VARIABLE} is {given!r}, which is not a file: set it to the weights file.")
    return Path(given) if given else None


def _cached() -> Path:
    """Where torch-fidelity keeps the weights."""
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints" / URL.rsplit("/", 1)[1]


def _verified(path: Path) -> bytes:
    content = path.read_bytes()
    actual = sha256(content).hexdigest()
    if actual != SHA256:
        raise InputError(
            f"{path} has sha256 {actual} but FID is only for the Inception weights {SHA256}: "
            "replace the file, or register it as a feature space of its own."
        )
    return content


INCEPTION = FeatureSpace(
    name="inception",
    title="Inception-v3 (2015) pool features",
    dim=DIM,
    kernel="cubic",
    check=check,
    load=load,
    identity=identity,
    paper="Szegedy et al. 2016, arXiv:1512.00567; Obukhov et al. 2020, doi:10.5281/zenodo.4957738",
)
