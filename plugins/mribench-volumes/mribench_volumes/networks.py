"""Networks that answer with a displacement after one look at both images, learned without any true motion.

The loss of VoxelMorph (Balakrishnan et al. 2019, arXiv 1809.05231, equations 2, 3 and 6): squared differences of the
warped moving image and the fixed one, and squared gradients of the displacement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mribench_inverse.comparators import trained
from mribench_paired.networks import seeded, unet

from mribench.spec import Draws, Examples, Measurement, Solver
from mribench_volumes.motion import KIND, as_answer, pair

if TYPE_CHECKING:
    import torch

SMOOTHNESS = 0.02  # weight of the gradients; the paper's for squared differences of grey values in [0, 1]
DOUBLINGS = 7  # of the flow; the paper's


def warp(images: torch.Tensor, displacement: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) at the points that displacements (N, 2, H, W) lead to, differentiable; as ``motion.warped``."""
    import torch
    import torch.nn.functional as F

    axes = [torch.arange(side, device=images.device) for side in images.shape[2:]]
    at = torch.stack(torch.meshgrid(*axes, indexing="ij")) + displacement
    # grid_sample counts from -1 to 1, and across before down
    ends = at.new_tensor(images.shape[2:]).view(2, 1, 1) - 1
    at = (2 * at / ends - 1).flip(1).movedim(1, -1)
    return F.grid_sample(images, at, padding_mode="border", align_corners=True)


def integrated(velocity: torch.Tensor) -> torch.Tensor:
    """The displacement after unit time in a stationary velocity, by scaling and squaring."""
    displacement = velocity / 2**DOUBLINGS
    for _ in range(DOUBLINGS):
        displacement = displacement + warp(displacement, displacement)
    return displacement


def roughness(field: torch.Tensor) -> torch.Tensor:
    """Mean over pixels of the squared gradient of a vector field (N, 2, H, W), in forward differences."""
    return 2 * sum(field.diff(dim=axis).square().mean() for axis in (2, 3))


def predicted(net: Any, y: torch.Tensor) -> torch.Tensor:
    """What a diffusion's U-Net makes of both images, (N, 2, H, W); its timestep is always 0."""
    import torch

    both = torch.cat(pair(y), dim=1)
    return net(2 * both - 1, y.new_zeros(len(y))).sample


def registration_loss(y: torch.Tensor, displacement: torch.Tensor, smooth: torch.Tensor) -> torch.Tensor:
    """Of a batch. smooth: (N, 2, H, W), whose gradients count."""
    fixed, moving = pair(y)
    alike = (warp(moving, displacement) - fixed).square().mean()
    return alike + SMOOTHNESS * roughness(smooth)


def fit_voxelmorph(examples: Examples) -> Any:
    """The network's output is the displacement."""

    def loss(net: Any, x: torch.Tensor, m: Measurement, draws: Draws) -> torch.Tensor:
        found = predicted(net, m.y)
        return registration_loss(m.y, found, found)

    return trained(seeded(lambda: unet(examples.profile, 2, 2), examples.seed), examples, loss)


def fit_diffeomorphic(examples: Examples) -> Any:
    """The network's output is a stationary velocity."""

    def loss(net: Any, x: torch.Tensor, m: Measurement, draws: Draws) -> torch.Tensor:
        velocity = predicted(net, m.y)
        return registration_loss(m.y, integrated(velocity), velocity)

    return trained(seeded(lambda: unet(examples.profile, 2, 2), examples.seed), examples, loss)


def by_voxelmorph(net: Any, m: Measurement, draws: Draws) -> torch.Tensor:
    return as_answer(predicted(net, m.y))


def by_diffeomorphic(net: Any, m: Measurement, draws: Draws) -> torch.Tensor:
    return as_answer(integrated(predicted(net, m.y)))


def _network(name: str, title: str, paper: str, solve: Any, fit: Any) -> Solver:
    return Solver(name, title, paper, solve, (), (KIND,), samples=False, fit=fit, trains=True, version=2)


VOXELMORPH = _network(
    "voxelmorph",
    "VoxelMorph",
    "Balakrishnan et al. 2019, arXiv:1809.05231, with the profile's U-Net",
    by_voxelmorph,
    fit_voxelmorph,
)
DIFFEOMORPHIC = _network(
    "voxelmorph-diff",
    "VoxelMorph of a velocity",
    "Dalca et al. 2019, arXiv:1903.03545, without its probabilities",
    by_diffeomorphic,
    fit_diffeomorphic,
)
