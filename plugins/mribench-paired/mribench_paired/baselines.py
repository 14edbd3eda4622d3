"""Translations without a network: what learned ones have to beat. And the two ends of the board."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mribench.spec import Draws, Examples, Expected, Measurement, Solver
from mribench_paired.contrasts import KIND, pairs

if TYPE_CHECKING:
    import torch

BINS = 64  # of a grey range
WIDTH = 0.5  # standard deviation of the smoothing over bins, in bins
QUANTILES = 1001
SIDES = (1, 3, 5)  # of patches
RIDGE = 1e-6  # weight of the coefficients beside a mean square of the features
CHUNK = 16  # images at once


def identity(known: None, m: Measurement, draws: Draws) -> torch.Tensor:
    """The first contrast as it is."""
    return m.y[:, :1]


def fit_mean(examples: Examples) -> torch.Tensor:
    """The mean training image, float32 (H, W)."""
    import torch

    return torch.from_numpy(pairs(examples).target.mean(axis=0, dtype="float64")).float().to(examples.device)


def mean_image(known: torch.Tensor, m: Measurement, draws: Draws) -> torch.Tensor:
    """The mean training image, whatever is shown."""
    return known.expand(len(m.y), 1, *m.shape)


class Quantiles(NamedTuple):
    """Of grey values over all pixels of the training images, at equal steps of probability; float64 (n,)."""

    source: np.ndarray  # of the first contrast, ascending, each value once
    target: np.ndarray


def fit_quantiles(examples: Examples) -> Quantiles:
    """Those of the first contrast and of the image, each by itself: no pairs are needed."""
    target, sources = pairs(examples)
    steps = np.linspace(0, 1, QUANTILES)
    source, first = np.unique(np.quantile(sources[:, 0], steps), return_index=True)
    # where many pixels share a grey level, as in air, their quantiles have one mean
    edges = np.append(first, QUANTILES)
    target = np.quantile(target, steps)
    return Quantiles(source, np.array([target[a:b].mean() for a, b in pairwise(edges)]))


def matched(known: Quantiles, m: Measurement, draws: Draws) -> torch.Tensor:
    """The first contrast with the histogram of the image; Gonzalez & Woods, Digital Image Processing, section 3.3."""
    import torch

    found = np.interp(m.y[:, :1].cpu().numpy(), known.source, known.target)
    return torch.from_numpy(found).to(m.y)


def fit_map(examples: Examples) -> np.ndarray:
    """E[image | the grey values of the contrasts at the same pixel] on a grid, float64 (64,) or (64, 64).

    A mean over the pixels of the training images that fall into a bin, smoothed a little, by Nadaraya 1964 and Watson
    1964; far from all of them the mean of all.
    """
    from scipy.ndimage import gaussian_filter

    target, sources = pairs(examples)
    grid = (BINS,) * sources.shape[1]
    binned = np.rint(sources.clip(0, 1) * (BINS - 1)).astype(np.int64)
    places = tuple(binned[:, i].ravel() for i in range(len(grid)))
    index = np.ravel_multi_index(places, grid)
    size = BINS ** len(grid)
    sums = np.bincount(index, target.ravel().astype(np.float64), size).reshape(grid)
    counts = np.bincount(index, minlength=size).reshape(grid).astype(np.float64)
    few = 1e-6
    smooth = [gaussian_filter(part, WIDTH, mode="constant") for part in (sums, counts)]
    return (smooth[0] + few * float(target.mean())) / (smooth[1] + few)


def mapped(known: np.ndarray, m: Measurement, draws: Draws) -> torch.Tensor:
    """Each pixel by its own grey values, between the bins linearly."""
    import torch
    from scipy.ndimage import map_coordinates

    places = (m.y.clamp(0, 1).cpu().numpy() * (BINS - 1)).swapaxes(0, 1)
    return torch.from_numpy(map_coordinates(known, places, order=1)[:, None]).to(m.y)


def fit_patches(examples: Examples) -> dict[int, torch.Tensor]:
    """Least squares from a patch of every contrast and 1 to the pixel in its middle; by the side of the patch."""
    import torch

    target, sources = (torch.from_numpy(np.ascontiguousarray(part)) for part in pairs(examples))
    found = {}
    for side in SIDES:
        gram, moments = 0.0, 0.0
        for first in range(0, len(target), CHUNK):
            rows = _features(sources[first : first + CHUNK], side).double()
            gram = gram + rows.T @ rows
            moments = moments + rows.T @ target[first : first + CHUNK].flatten().double()
        ridge = RIDGE * target.numel() * torch.eye(len(gram), dtype=torch.float64)
        found[side] = torch.linalg.solve(gram + ridge, moments).float().to(examples.device)
    return found


def regressed(
    known: dict[int, torch.Tensor], m: Measurement, draws: Draws, side: int = SIDES[-1]
) -> torch.Tensor:
    """Each pixel from the patches around it, linearly. side: Of the patches, 1, 3 or 5 pixels."""
    return (_features(m.y, side) @ known[side]).view(len(m.y), 1, *m.shape)


def _features(x: torch.Tensor, side: int) -> torch.Tensor:
    """Of (N, k, H, W) the patch around each pixel, its edges repeated, and 1: float32 (N H W, k side^2 + 1)."""
    import torch
    import torch.nn.functional as F

    patches = F.unfold(F.pad(x, (side // 2,) * 4, mode="replicate"), side).transpose(1, 2).flatten(0, 1)
    return torch.cat([patches, torch.ones_like(patches[:, :1])], dim=1)


def _baseline(name: str, title: str, paper: str, solve, **more) -> Solver:
    return Solver(name, title, paper, solve, needs=(), kinds=(KIND,), samples=False, **more)


IDENTITY = _baseline("identity", "the other contrast as it is", "", identity)
HISTOGRAM_MATCHING = _baseline(
    "histogram-matching",
    "histogram matching, unpaired",
    "Gonzalez & Woods, Digital Image Processing, 3.3.2",
    matched,
    fit=fit_quantiles,
)
INTENSITY_MAP = _baseline(
    "intensity-map",
    "the mean image at each grey value",
    "regression by bins: Nadaraya 1964, doi:10.1137/1109020",
    mapped,
    fit=fit_map,
)
PATCH_REGRESSION = _baseline(
    "patch-regression",
    "linear regression on patches",
    "least squares",
    regressed,
    fit=fit_patches,
    search=tuple({"side": side} for side in SIDES),
)
TARGET_MEAN = _baseline(
    "target-mean",
    "mean training image",
    "control: the mean of the training images, whatever is shown",
    mean_image,
    fit=fit_mean,
    expected=Expected("last", "an answer that ignores what it is shown must be the worst"),
)
# its answer is put in by the task, as no solver is shown the image without noise
SIGNAL_EQUATION = _baseline(
    "signal-equation",
    "signal equation with the true maps",
    "control: the image without its noise, which only a phantom has",
    identity,
    expected=Expected("ahead of last", "the image without its noise must be nearer than the mean of all"),
    fields=("clean",),
)
