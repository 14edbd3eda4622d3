"""Networks that find a label map in an image, and how all networks of the board are trained.

The loss of nnU-Net (cross-entropy and soft Dice: Isensee et al. 2021, doi:10.1038/s41592-020-01008-z).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mribench_downstream.segmenter import WIDTHS, augmented, loss
from mribench_inverse.comparators import trained
from mribench_paired.networks import seeded, unet

from mribench.seeds import torch_generator
from mribench.spec import Draws, Examples, Measurement, Solver
from mribench_masks.label_maps import KIND, as_answer, labels_of, pairs

if TYPE_CHECKING:
    import torch

MEMBERS = 4  # of the ensemble
WIDTH, WIDEST = 16, 256  # channels of DynUNet's first and last levels; 32 and 512 in nnU-Net
SMALLEST = 4  # side of DynUNet's coarsest level, in pixels


def learned(make: Callable[[], torch.nn.Module], examples: Examples, batch_loss: Callable[..., Any]) -> Any:
    """A network after training with the profile's budget; images and label maps are shifted and turned a little.

    Args:
        make: The network.
        examples: Pairs.
        batch_loss: A number, of the network, images float32 (n, 1, H, W) around [0, 1], label maps int64 (n, H, W)
            and random numbers.
    """
    draw = torch_generator("augmentation", examples.seed)

    def of_batch(net: Any, x: torch.Tensor, m: Measurement, draws: Draws) -> torch.Tensor:
        image, labels = augmented(m.y.cpu(), labels_of(x).cpu(), draw)
        return batch_loss(net, image.to(x.device), labels.to(x.device), draws)

    return trained(seeded(make, examples.seed), examples, of_batch)


def of_unet(net: Any, y: torch.Tensor) -> torch.Tensor:
    """Logits by a diffusion's U-Net: its timestep is always 0."""
    return net(2 * y - 1, y.new_zeros(len(y))).sample


def by_unet(net: Any, m: Measurement, draws: Draws) -> torch.Tensor:
    """The most probable label of every pixel."""
    return as_answer(of_unet(net, m.y).argmax(1))


def fit_unet(examples: Examples) -> Any:
    """The network of the diffusions, without their noise."""
    classes = pairs(examples).classes
    return learned(
        lambda: unet(examples.profile, 1, classes),
        examples,
        lambda net, image, labels, draws: loss(of_unet(net, image), labels),
    )


def dynunet(side: int, classes: int) -> torch.nn.Module:
    """MONAI's DynUNet of as many levels as nnU-Net's rules give an image of that side; at least three."""
    from monai.networks.nets import DynUNet

    levels = 3
    while side >> levels >= SMALLEST:
        levels += 1
    return DynUNet(
        spatial_dims=2,
        in_channels=1,
        out_channels=classes,
        kernel_size=[3] * levels,
        strides=[1] + [2] * (levels - 1),
        upsample_kernel_size=[2] * (levels - 1),
        filters=[min(WIDTH << i, WIDEST) for i in range(levels)],
        deep_supervision=True,
        deep_supr_num=levels - 2,
    )


def supervised_at_each_level(net: Any, image: torch.Tensor, labels: torch.Tensor, draws: Draws) -> Any:
    """The loss of every level's output, which counts half as much as that of the level above."""
    outputs = net(image).unbind(1)  # (n, levels, classes, H, W), the finest first
    weights = [0.5**i for i in range(len(outputs))]
    found = [weight * loss(logits, labels) for weight, logits in zip(weights, outputs, strict=True)]
    return sum(found) / sum(weights)


def fit_dynunet(examples: Examples) -> Any:
    """nnU-Net's network and loss, with the optimiser, the budget and the augmentation of all others."""
    side, classes = examples.images.shape[-1], pairs(examples).classes
    return learned(lambda: dynunet(side, classes), examples, supervised_at_each_level)


def by_dynunet(net: Any, m: Measurement, draws: Draws) -> torch.Tensor:
    """The most probable label of every pixel."""
    return as_answer(net(m.y).argmax(1))


def fit_ensemble(examples: Examples) -> Any:
    """Small U-Nets, each of which sees its own share of every batch: together they see as many images as one."""
    from monai.networks.nets import UNet
    from torch import nn

    side, classes = examples.images.shape[-1], pairs(examples).classes
    widths = WIDTHS[: side.bit_length() - 1]  # at least 2 x 2 pixels are left of an image

    def make() -> nn.Module:
        strides = (2,) * (len(widths) - 1)
        return nn.ModuleList(UNet(2, 1, classes, widths, strides) for _ in range(MEMBERS))

    def of_members(nets: Any, image: torch.Tensor, labels: torch.Tensor, draws: Draws) -> Any:
        shares = zip(image.tensor_split(MEMBERS), labels.tensor_split(MEMBERS), strict=True)
        return sum(loss(net(x), y) for net, (x, y) in zip(nets, shares, strict=True) if len(x))

    return learned(make, examples, of_members)


def by_ensemble(nets: Any, m: Measurement, draws: Draws) -> torch.Tensor:
    """The answer of one member, which is drawn for each image."""
    import torch

    answers = torch.stack([net(m.y).argmax(1) for net in nets], dim=1)
    member = draws.integers(len(nets))
    return as_answer(answers[torch.arange(len(answers), device=answers.device), member])


def _network(name: str, title: str, paper: str, solve: Any, fit: Any, samples: bool = False) -> Solver:
    return Solver(name, title, paper, solve, (), (KIND,), samples=samples, fit=fit, trains=True, version=2)


UNET = _network(
    "segmentation-unet",
    "U-Net of the diffusions",
    "Ronneberger et al. 2015, arXiv:1505.04597",
    by_unet,
    fit_unet,
)
DYNUNET = _network(
    "dynunet",
    "DynUNet, as in nnU-Net",
    "Isensee et al. 2021, doi:10.1038/s41592-020-01008-z",
    by_dynunet,
    fit_dynunet,
)
ENSEMBLE = _network(
    "unet-ensemble",
    f"{MEMBERS} small U-Nets",
    "Lakshminarayanan et al. 2017, arXiv:1612.01474",
    by_ensemble,
    fit_ensemble,
    samples=True,
)
