"""Reconstructions without a prior: what a diffusion has to beat. And the two ends of the board."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mribench.spec import Draws, Examples, Expected, Measurement, Solver
from mribench_anomaly.methods import KIND

if TYPE_CHECKING:
    import torch

MOST = 256  # principal components that are kept


def unchanged(known: None, m: Measurement, draws: Draws) -> torch.Tensor:
    """The image itself: nothing in it is strange."""
    return m.y


def white(known: None, m: Measurement, draws: Draws) -> torch.Tensor:
    """White everywhere: the residual is how dark a pixel is."""
    import torch

    return torch.ones_like(m.y)


def black(known: None, m: Measurement, draws: Draws) -> torch.Tensor:
    """Black everywhere: the residual is how bright a pixel is."""
    import torch

    return torch.zeros_like(m.y)


class Components(NamedTuple):
    """Mean and principal components of images as vectors of d pixels, the strongest first."""

    mean: torch.Tensor  # float32 (d,)
    axes: torch.Tensor  # float32 (k, d), orthonormal


def fit_components(examples: Examples) -> Components:
    """Of the training images, which are healthy."""
    import torch

    flat = torch.from_numpy(examples.images).flatten(1).double()
    mean = flat.mean(0)
    axes = torch.linalg.svd(flat - mean, full_matrices=False)[2][:MOST]
    return Components(mean.float().to(examples.device), axes.float().to(examples.device))


def projected(known: Components, m: Measurement, draws: Draws, components: int = 32) -> torch.Tensor:
    """The nearest image in the plane of the first principal components."""
    axes = known.axes[:components]
    centred = m.y.flatten(1) - known.mean
    return (known.mean + centred @ axes.T @ axes).view(m.y.shape)


def _baseline(name: str, title: str, paper: str, solve, **more) -> Solver:
    return Solver(name, title, paper, solve, needs=(), kinds=(KIND,), samples=False, **more)


DARKNESS = _baseline(
    "darkness",
    "how dark a pixel is",
    "as a baseline: Meissen et al. 2022, arXiv 2109.06023",
    white,
)
BRIGHTNESS = _baseline(
    "brightness",
    "how bright a pixel is",
    "as a baseline: Meissen et al. 2022, arXiv 2109.06023",
    black,
)
PCA = _baseline(
    "pca-residual",
    "what principal components leave over",
    "Jackson & Mudholkar 1979, doi:10.1080/00401706.1979.10489779",
    projected,
    fit=fit_components,
    search=tuple({"components": n} for n in (4, 8, 16, 32, 64, 128, 192, 256)),
)
UNCHANGED = _baseline(
    "unchanged",
    "the image itself",
    "control: a map that is 0 everywhere",
    unchanged,
    expected=Expected("last", "a map that tells nothing must be the worst"),
)
# its answer is put in by the task, as no solver is shown the twin
HEALTHY_TWIN = _baseline(
    "healthy-twin",
    "the same person without the lesion",
    "control: the true counterfactual, which only a phantom has",
    unchanged,
    expected=Expected("ahead of last", "the true healthy image must show where the lesion is"),
)
