"""Label maps without a network: what learned ones have to beat. And the two ends of the board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mribench.spec import Draws, Examples, Expected, Measurement, Solver
from mribench_masks.label_maps import KIND, as_answer, pairs

if TYPE_CHECKING:
    import torch

BINS = 64  # of the grey range
MOST_CLASSES = 5  # of grey values; the search for thresholds is exhaustive
SMOOTHINGS = (1.0, 2.0, 4.0, 8.0)  # of the atlas, standard deviations in pixels
GREY_SMOOTHING = 1.0  # of the histograms, in bins
FEWEST = 0.5  # pixels that every label is taken to have in every bin, so that no probability is 0


def grey_classes(image: np.ndarray, classes: int) -> np.ndarray:
    """Which of a few classes of grey values each pixel is of, darkest first, int64 (H, W), by Otsu's thresholds.

    An image with fewer grey values than classes has fewer classes.
    """
    from skimage.filters import threshold_multiotsu

    values = np.rint(image.clip(0, 1) * (BINS - 1)).astype(np.uint8)
    classes = min(classes, MOST_CLASSES, len(np.unique(values)))
    if classes < 2:
        return np.zeros(image.shape, np.int64)
    return np.digitize(values, threshold_multiotsu(values, classes, nbins=BINS), right=True)


def fit_otsu(examples: Examples) -> np.ndarray:
    """The label that is most frequent in each class of grey values, int64 (k,), k as many as labels, at most 5."""
    labels, images, classes = pairs(examples)
    k = min(classes, MOST_CLASSES)
    found = np.stack([grey_classes(image, k) for image in images])
    return np.stack([_counts(labels[found == grey], classes) for grey in range(k)]).argmax(1)


def by_otsu(known: np.ndarray, m: Measurement, draws: Draws) -> torch.Tensor:
    """Each class of grey values of an image as one structure."""
    import torch

    found = np.stack([known[grey_classes(image, len(known))] for image in m.y[:, 0].cpu().numpy()])
    return as_answer(torch.from_numpy(found).to(m.y.device))


def _counts(labels: np.ndarray, classes: int) -> np.ndarray:
    """How often each label occurs, what is not annotated left out."""
    return np.bincount(labels.ravel(), minlength=256)[:classes]


def frequencies(labels: np.ndarray, classes: int) -> np.ndarray:
    """How many of the label maps (N, H, W) have each label in each pixel, float64 (classes, H, W)."""
    return np.stack([(labels == label).sum(0, dtype=np.float64) for label in range(classes)])


def fit_majority(examples: Examples) -> Any:
    """The most frequent label of each pixel, int64 (H, W)."""
    import torch

    labels, _, classes = pairs(examples)
    return torch.from_numpy(frequencies(labels, classes).argmax(0)).to(examples.device)


def by_majority(known: torch.Tensor, m: Measurement, draws: Draws) -> torch.Tensor:
    """The same label map, whatever the image shows."""
    return as_answer(known.expand(len(m.y), -1, -1))


class Atlas(NamedTuple):
    """What training subjects tell of a label without the image around the pixel."""

    frequencies: np.ndarray  # float64 (classes, H, W), of each label in each pixel
    of_grey: np.ndarray  # float64 (classes, BINS), logarithm of p(grey value | label)


def fit_atlas(examples: Examples) -> Atlas:
    """Frequencies of labels by place, and of grey values by label, the latter smoothed."""
    from scipy.ndimage import gaussian_filter1d

    labels, images, classes = pairs(examples)
    values = np.rint(images.clip(0, 1) * (BINS - 1)).astype(np.int64)
    found = [np.bincount(values[labels == label], minlength=BINS) for label in range(classes)]
    smooth = gaussian_filter1d(np.stack(found).astype(np.float64), GREY_SMOOTHING, axis=1) + FEWEST
    return Atlas(frequencies(labels, classes), np.log(smooth / smooth.sum(1, keepdims=True)))


def by_atlas(known: Atlas, m: Measurement, draws: Draws, smoothing: float = SMOOTHINGS[1]) -> torch.Tensor:
    """The most probable label of each pixel given its place and its grey value, the two being independent.

    smoothing: Of the frequencies by place, standard deviation in pixels.
    """
    import torch
    from scipy.ndimage import gaussian_filter

    by_place = np.log(gaussian_filter(known.frequencies, (0, smoothing, smoothing)) + FEWEST)
    values = np.rint(m.y[:, 0].clamp(0, 1).cpu().numpy() * (BINS - 1)).astype(np.int64)
    found = np.stack([(by_place + known.of_grey[:, image]).argmax(0) for image in values])
    return as_answer(torch.from_numpy(found).to(m.y.device))


def by_truth(known: None, m: Measurement, draws: Draws) -> torch.Tensor:
    """The background alone: the task puts the true label map in, which no solver is shown."""
    return m.y[:, :1] * 0


def _baseline(name: str, title: str, paper: str, solve: Any, **more: Any) -> Solver:
    return Solver(name, title, paper, solve, needs=(), kinds=(KIND,), samples=False, **more)


OTSU = _baseline(
    "multi-otsu",
    "Otsu's thresholds",
    "Otsu 1979, doi:10.1109/TSMC.1979.4310076; Liao et al. 2001",
    by_otsu,
    fit=fit_otsu,
)
ATLAS = _baseline(
    "probabilistic-atlas",
    "place and grey value of a pixel",
    "as Ashburner & Friston 2005, doi:10.1016/j.neuroimage.2005.02.018, without registration",
    by_atlas,
    fit=fit_atlas,
    search=tuple({"smoothing": smoothing} for smoothing in SMOOTHINGS),
)
MAJORITY = _baseline(
    "label-majority",
    "most frequent label of each pixel",
    "control: the most frequent label of the training subjects, whatever the image shows",
    by_majority,
    fit=fit_majority,
    expected=Expected("last", "an answer that ignores the image must be the worst"),
)
TRUTH = _baseline(
    "true-labels",
    "true label map",
    "control: the label map of the test subject itself",
    by_truth,
    expected=Expected("ahead of last", "the truth must be nearer to itself than the majority of others"),
)
