"""DiffuseMorph (Kim et al. 2022, arXiv 2112.05149): what a diffusion finds between two images leads a second network.

Both are trained together: the first to find the noise in the noised fixed image, given both images; the second to find
the displacement from the moving image and what the first has found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mribench_inverse.comparators import trained
from mribench_paired.networks import seeded, unet

from mribench.spec import Draws, Examples, Measurement, Profile, Solver
from mribench_volumes.motion import KIND, as_answer, pair
from mribench_volumes.networks import registration_loss

if TYPE_CHECKING:
    import torch

TIMESTEPS, LAST_BETA = 1000, 0.02  # of DDPM
REGISTRATION_WEIGHT = (
    20.0  # of VoxelMorph's loss beside that of the noise, a number near 1 at first; not tuned
)


def networks(profile: Profile) -> torch.nn.Module:
    """Both U-Nets: of the noised image and both images, and of the moving image and the noise that was found."""
    from torch import nn

    return nn.ModuleDict({"diffusion": unet(profile, 3), "deformation": unet(profile, 2, 2)})


def displacement(
    nets: Any, noised: torch.Tensor, t: torch.Tensor, y: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The noise that is found, (N, 1, H, W), and the displacement, (N, 2, H, W), in pixels.

    Args:
        nets: As ``networks``.
        noised: float32 (N, 1, H, W), the fixed image in [-1, 1], noised to timestep t.
        t: (N,).
        y: As ``Measurement.y``.
    """
    import torch

    fixed, moving = (2 * image - 1 for image in pair(y))
    found = nets["diffusion"](torch.cat([noised, moving, fixed], dim=1), t).sample
    moved = nets["deformation"](torch.cat([moving, found], dim=1), torch.zeros_like(t)).sample
    return found, moved


def loss(nets: Any, x: torch.Tensor, m: Measurement, draws: Draws) -> torch.Tensor:
    """Of a batch, at a timestep of each image by chance."""
    import torch

    alpha_bar = (1 - torch.linspace(1e-4, LAST_BETA, TIMESTEPS, device=m.y.device)).cumprod(0)
    t = draws.integers(TIMESTEPS)
    level = alpha_bar[t].view(-1, 1, 1, 1)
    fixed, _ = pair(m.y)
    noise = draws.normal(*fixed.shape[1:])
    found, moved = displacement(nets, level.sqrt() * (2 * fixed - 1) + (1 - level).sqrt() * noise, t, m.y)
    return (found - noise).square().mean() + REGISTRATION_WEIGHT * registration_loss(m.y, moved, moved)


def fit(examples: Examples) -> Any:
    """Two networks for half as many steps as one."""
    return trained(seeded(lambda: networks(examples.profile), examples.seed), examples, loss, cost=2)


def solve(nets: Any, m: Measurement, draws: Draws) -> torch.Tensor:
    """At timestep 0 the fixed image is its own noised image: one look, no draw."""
    import torch

    fixed, _ = pair(m.y)
    t = torch.zeros(len(m.y), dtype=torch.long, device=m.y.device)
    return as_answer(displacement(nets, 2 * fixed - 1, t, m.y)[1])


DIFFUSEMORPH = Solver(
    name="diffusemorph",
    title="DiffuseMorph",
    paper="Kim et al. 2022, arXiv:2112.05149, with the profile's U-Nets",
    solve=solve,
    needs=(),
    kinds=(KIND,),
    samples=False,
    fit=fit,
    trains=True,
    version=2,  # 1: in float32 alone
)
