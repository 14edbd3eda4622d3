"""Controls: generators that learn nothing a diffusion model should, and give every board its scale.

``noise`` is the bottom. ``gaussian`` shows what second-order statistics alone can do, and ``gaussian-matched`` what
they do with the grey levels and textures of real images. ``train-replay`` is a perfect-looking cheat that copies its
patients, and ``warped-replay`` one that deforms its copies. ``mode-collapse`` shows a few perfect images again and
again. ``blur`` has every image but no detail. Each denoises in its own way: without a prior, with a Gaussian prior,
with the training set or a few images as prior, by a moving average. ``Control.expected`` says where it must land on a
board.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mribench.seeds import numpy_rng
from mribench.spec import Control, Expected
from mribench.variants.warp import warped

COMPONENTS = 64
MODES = 4
MAX_MEDOID_IMAGES = 1000  # that the medoids are chosen among: their distances are a matrix
MAX_TARGETS = 1000  # training images whose histogram and spectrum are kept
MATCHING_ROUNDS = 3
DISPLACEMENT = 3.5  # of warped copies, pixels of an image of 64 pixels a side


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


class _Matched(NamedTuple):
    gaussian: _Gaussian
    values: np.ndarray  # (n, H*W): the pixels of n training images, each image's in ascending order
    power: np.ndarray  # (n, rings): their mean power in rings of the spectrum


def _fit_matched(train: np.ndarray) -> _Matched:
    chosen = train[np.linspace(0, len(train) - 1, min(len(train), MAX_TARGETS)).astype(int)]
    power = [_ring_power(np.fft.rfft2(image), _rings(train.shape[1:])) for image in chosen]
    return _Matched(_fit_gaussian(train), np.sort(chosen.reshape(len(chosen), -1)), np.stack(power))


def _rings(shape: tuple[int, ...]) -> np.ndarray:
    """The ring, by distance from zero frequency, of each coefficient of ``rfft2``: int (H, W/2 + 1)."""
    radius = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1]))
    return np.rint(radius * max(shape)).astype(int)


def _ring_power(spectrum: np.ndarray, rings: np.ndarray) -> np.ndarray:
    counts = np.maximum(np.bincount(rings.ravel()), 1)
    return np.bincount(rings.ravel(), np.square(np.abs(spectrum)).ravel()) / counts


def _generate_matched(state: _Matched, indices: range, seed: int) -> np.ndarray:
    return np.stack([_match(state, numpy_rng("gaussian-matched", seed, i)) for i in indices])


def _match(state: _Matched, rng: np.random.Generator) -> np.ndarray:
    """A sample of the Gaussian, given the spectrum and then the histogram of one training image, three times over.

    As textures are made from noise by Heeger & Bergen 1995, doi:10.1145/218380.218446, with rings of the spectrum in
    place of a pyramid.
    """
    gaussian = state.gaussian
    # one image at a time: pixels are put in order below, where another rounding would be another image
    flat = gaussian.mean + (rng.normal(size=len(gaussian.axes)) * np.sqrt(gaussian.variance)) @ gaussian.axes
    image, rings = flat.reshape(gaussian.shape), _rings(gaussian.shape)
    target = rng.integers(len(state.values))
    for _ in range(MATCHING_ROUNDS):
        spectrum = np.fft.rfft2(image)
        gain = np.sqrt(state.power[target] / np.maximum(_ring_power(spectrum, rings), 1e-12))
        shaped = np.fft.irfft2(spectrum * gain[rings], s=gaussian.shape)
        flat = np.empty(shaped.size, np.float32)
        flat[np.argsort(shaped, axis=None, kind="stable")] = state.values[target]
        image = flat.reshape(gaussian.shape)
    return image


def _wiener_of_matched(state: _Matched, x_t: np.ndarray, alpha_bar: float, seed: int) -> np.ndarray:
    return _wiener(state.gaussian, x_t, alpha_bar, seed)


def _keep(train: np.ndarray) -> np.ndarray:
    return train


def _replay(train: np.ndarray, indices: range, seed: int) -> np.ndarray:
    chosen = [int(numpy_rng("train-replay", seed, i).integers(len(train))) for i in indices]
    return train[chosen]


def _replay_warped(train: np.ndarray, indices: range, seed: int) -> np.ndarray:
    rngs = [numpy_rng("warped-replay", seed, i) for i in indices]
    return warped(train[[int(rng.integers(len(train))) for rng in rngs]], DISPLACEMENT, rngs)


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
GAUSSIAN_MATCHED = Control(
    name="gaussian-matched",
    title="PCA Gaussian with real histograms and spectra",
    paper="control: samples of the Gaussian with histogram and spectrum of training images, after Heeger & Bergen 1995 "
    "(doi:10.1145/218380.218446); denoises by the Wiener filter",
    fit=_fit_matched,
    generate=_generate_matched,
    denoise=_wiener_of_matched,
    expected=Expected(
        "behind real", "grey levels and textures without anatomy must not pass for real images"
    ),
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
WARPED_REPLAY = Control(
    name="warped-replay",
    title="train replay, warped",
    paper=f"control and cheat: copies of training images, warped by {DISPLACEMENT} pixels of 64; denoises to the "
    "nearest of them",
    fit=_keep,
    generate=_replay_warped,
    denoise=_nearest,
    # whether a space sees the warp, and the audit the copy, depends on the images: neither is promised
    expected=None,
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
