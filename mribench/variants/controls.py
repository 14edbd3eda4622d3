"""Controls: generators that learn nothing a diffusion model should, and give every board its scale.

``noise`` is the bottom. ``gaussian`` shows what second-order statistics alone can do. ``train-replay`` is a
perfect-looking cheat that copies its patients. ``mode-collapse`` shows a few perfect images again and again. ``blur``
has every image but no detail. Each denoises in its own way: without a prior, with a Gaussian prior, with the training
set or a few images as prior, by a moving average. ``Control.expected`` says where it must land on a board.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mribench.seeds import numpy_rng
from mribench.spec import Control, Expected

COMPONENTS = 64
MODES = 4
MAX_MEDOID_IMAGES = 1000  # that the medoids are chosen among: their distances are a matrix


def _rescaled(x_t: np.ndarray, alpha_bar: float) -> np.ndarray:
    """The unbiased estimate of x_0 from x_t, from [-1, 1] to the [0, 1] of images."""
    return (x_t / np.sqrt(alpha_bar) + 1) / 2


class _Noise(NamedTuple):
    mean: float
    std: float
    shape: tuple[int, int]


def _fit_noise(train: np.ndarray) -> _Noise:
    return _Noise(float(train.mean()), float(train.std()), train.shape[1:])


def _generate_noise(state: _Noise, indices: range, seed: int) -> np.ndarray:
    images = [numpy_rng("noise", seed, i).normal(state.mean, state.std, state.shape) for i in indices]
    return np.clip(images, 0, 1).astype(np.float32)


def _identity(state: _Noise, x_t: np.ndarray, alpha_bar: float, seed: int) -> np.ndarray:
    return np.clip(_rescaled(x_t, alpha_bar), 0, 1).astype(np.float32)


class _Gaussian(NamedTuple):
    mean: np.ndarray  # (H*W,)
    axes: np.ndarray  # (k, H*W), orthonormal
    variance: np.ndarray  # (k,)
    shape: tuple[int, int]


def _fit_gaussian(train: np.ndarray) -> _Gaussian:
    """Principal components of the pixels (probabilistic PCA without the residual, which would be speckle)."""
    flat = train.reshape(len(train), -1).astype(np.float64)
    mean = flat.mean(axis=0)
    _, singular, axes = np.linalg.svd(flat - mean, full_matrices=False)
    k = min(COMPONENTS, len(flat) - 1)
    return _Gaussian(mean, axes[:k], singular[:k] ** 2 / max(len(flat) - 1, 1), train.shape[1:])


def _generate_gaussian(state: _Gaussian, indices: range, seed: int) -> np.ndarray:
    z = np.stack([numpy_rng("gaussian", seed, i).normal(size=len(state.axes)) for i in indices])
    flat = state.mean + (z * np.sqrt(state.variance)) @ state.axes
    return np.clip(flat, 0, 1).reshape(-1, *state.shape).astype(np.float32)


def _wiener(state: _Gaussian, x_t: np.ndarray, alpha_bar: float, seed: int) -> np.ndarray:
    """Posterior mean under the Gaussian: each component shrinks by variance / (variance + noise variance)."""
    noise_variance = (1 - alpha_bar) / alpha_bar / 4  # /4: from [-1, 1] to [0, 1]
    centred = _rescaled(x_t, alpha_bar).reshape(len(x_t), -1) - state.mean
    gain = state.variance / (state.variance + noise_variance)
    flat = state.mean + (centred @ state.axes.T * gain) @ state.axes
    return np.clip(flat, 0, 1).reshape(-1, *state.shape).astype(np.float32)


def _keep(train: np.ndarray) -> np.ndarray:
    return train


def _replay(train: np.ndarray, indices: range, seed: int) -> np.ndarray:
    chosen = [int(numpy_rng("train-replay", seed, i).integers(len(train))) for i in indices]
    return train[chosen]


def _nearest(train: np.ndarray, x_t: np.ndarray, alpha_bar: float, seed: int) -> np.ndarray:
    """The training image nearest in L2: the posterior mode where the prior is the training set."""
    flat, query = (a.reshape(len(a), -1).astype(np.float64) for a in (train, _rescaled(x_t, alpha_bar)))
    distance = (flat**2).sum(1) - 2 * query @ flat.T
    return train[distance.argmin(axis=1)]


def _medoids(train: np.ndarray) -> np.ndarray:
    """Up to ``MODES`` representative training images: k-medoids in L2 of 1,000 images at equal steps.

    Park & Jun 2009, doi:10.1016/j.eswa.2008.01.039.
    """
    chosen = np.linspace(0, len(train) - 1, min(len(train), MAX_MEDOID_IMAGES)).astype(int)
    flat = train[chosen].reshape(len(chosen), -1).astype(np.float64)
    squares = np.square(flat).sum(1)
    distance = np.sqrt(np.maximum(squares[:, None] + squares - 2 * flat @ flat.T, 0))
    # start from images near to all others, in units of how far those are from everything
    centrality = (distance / np.maximum(distance.sum(0), 1e-12)).sum(1)
    medoids = np.sort(centrality.argsort(kind="stable")[:MODES])
    for _ in range(50):
        nearest = distance[:, medoids].argmin(1)
        members = [np.flatnonzero(nearest == k) for k in range(len(medoids))]
        moved = [
            m[distance[np.ix_(m, m)].sum(1).argmin()] if len(m) else medoids[k] for k, m in enumerate(members)
        ]
        if (moved := np.sort(moved)).tolist() == medoids.tolist():
            break
        medoids = moved
    return train[chosen[medoids]]


def _collapsed(modes: np.ndarray, indices: range, seed: int) -> np.ndarray:
    return modes[[int(numpy_rng("mode-collapse", seed, i).integers(len(modes))) for i in indices]]


def moving_average(images: np.ndarray) -> np.ndarray:
    """Mean of the 3 x 3 pixels around each, float64 (N, H, W); the border is repeated outwards."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge").astype(np.float64)
    height, width = images.shape[1:]
    return sum(padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)) / 9


def _average(images: np.ndarray) -> np.ndarray:
    return np.clip(moving_average(images), 0, 1).astype(np.float32)


def _blurred(train: np.ndarray, indices: range, seed: int) -> np.ndarray:
    return _average(train[[int(numpy_rng("blur", seed, i).integers(len(train))) for i in indices]])


def _smoothed(train: np.ndarray, x_t: np.ndarray, alpha_bar: float, seed: int) -> np.ndarray:
    return _average(_rescaled(x_t, alpha_bar))


NOISE = Control(
    name="noise",
    title="noise",
    paper="control: independent pixels with the training mean and deviation; denoises by rescaling",
    fit=_fit_noise,
    generate=_generate_noise,
    denoise=_identity,
    expected=Expected("last", "nothing is further from an image than independent pixels"),
)
GAUSSIAN = Control(
    name="gaussian",
    title="PCA Gaussian",
    paper=f"control: Gaussian on {COMPONENTS} pixel principal components; denoises by its Wiener filter",
    fit=_fit_gaussian,
    generate=_generate_gaussian,
    denoise=_wiener,
    expected=Expected("behind real", "second-order statistics alone must not pass for real images"),
)
TRAIN_REPLAY = Control(
    name="train-replay",
    title="train replay",
    paper="control and cheat: copies of training images; denoises to the nearest of them",
    fit=_keep,
    generate=_replay,
    denoise=_nearest,
    expected=Expected("like real", "it is made of real images", copies=True),
)
MODE_COLLAPSE = Control(
    name="mode-collapse",
    title="mode collapse",
    paper=f"control: {MODES} training medoids again and again; denoises to the nearest of them",
    fit=_medoids,
    generate=_collapsed,
    denoise=_nearest,
    expected=Expected("behind real", "a few images repeated must not pass for the whole set"),
)
BLUR = Control(
    name="blur",
    title="blurred training images",
    paper="control: training images after a 3 x 3 moving average; denoises by that average",
    fit=_keep,
    generate=_blurred,
    denoise=_smoothed,
    expected=Expected("behind real", "blurred images must not pass for real ones"),
)
