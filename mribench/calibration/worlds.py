"""Simulated test subjects and trainings with a known truth, for the coverage of intervals.

Paired metrics: values of images whose mean over all subjects is known. Kernel distance: features of a random-effects
model that is fitted to the phantoms of an organ, whose distance is known in closed form.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from mribench import results
from mribench.features.hc85 import HC85
from mribench.metrics.distribution import KD, kernel_distance, kernel_distance_on_subsets
from mribench.metrics.kernels import median_distance, standardise
from mribench.metrics.uncertainty import interval_around, mean_over_subjects, round_for_record, subsamples
from mribench.spec import Prepared, Score, Split

ICC = 0.6  # share of the variance of an image's value that its subject explains
MOST_IMAGES = 12  # of a subject, one at least
OWN = 0.2  # of the deviation of subject means: what is new in each image of each training
SIGMA = 0.6  # of the lognormal values
GENERATED = 256
IMAGES = 5  # of each test subject
RELATIVE_SPREAD = 0.08  # of KD between trainings; kept phantom boards: 0.02 to 0.12 in hc85-v1
LEVEL = 0.52409

Draw = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class PairedWorld:
    """Values of a paired metric."""

    name: str
    truth: float
    deviation: float  # of subject means
    draw: Draw  # (rng, subjects) -> values and subject of each image

    def scores(self, rng: np.random.Generator, n: int, trainings: Sequence[float]) -> list[Score]:
        """The score of each training on the same n subjects; ``trainings`` are added to every value."""
        values, subjects = self.draw(rng, n)
        made = []
        for moved in trainings:
            # what a training does to single images
            own = values + moved + OWN * self.deviation * rng.standard_normal(len(values))
            mean, low, high = mean_over_subjects(own, subjects.tolist())
            each = round_for_record(np.bincount(subjects, own) / np.bincount(subjects))
            made.append(Score("value", mean, len(values), n, low, high, level=LEVEL, per_subject=each))
        return made


def paired_worlds(folders: Sequence[Path], organs: Collection[str]) -> list[PairedWorld]:
    """Normal and lognormal values, and PSNR, SSIM and MSE of the subjects of kept boards with 20 and more of them."""
    deviation = np.sqrt(ICC + (1 - ICC) * np.mean(1 / np.arange(1, MOST_IMAGES + 1)))
    spread = np.exp(SIGMA**2 / 2) * np.sqrt(np.exp(SIGMA**2) - 1)
    worlds = [
        PairedWorld(f"normal, intra-subject correlation {ICC}", 0.0, float(deviation), _normal),
        PairedWorld(f"lognormal, sigma {SIGMA}", float(np.exp(SIGMA**2 / 2)), float(spread), _lognormal),
    ]
    for folder in folders:
        for result in results.read_all([folder]):
            if (result.variant, result.seed, result.task) != ("ddpm", 0, "denoising"):
                continue
            if result.modality not in organs:
                continue
            for score in result.scores:
                if (
                    score.metric in ("psnr", "ssim", "mse")
                    and score.level == LEVEL
                    and len(score.per_subject) >= 20
                ):
                    name = f"{score.metric} of {len(score.per_subject)} {result.modality} subjects ({folder.name})"
                    worlds.append(_resampled(name, np.array(score.per_subject)))
    return worlds


def _normal(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    subjects = np.repeat(np.arange(n), rng.integers(1, MOST_IMAGES + 1, n))
    means, rest = rng.standard_normal(n)[subjects], rng.standard_normal(len(subjects))
    return np.sqrt(ICC) * means + np.sqrt(1 - ICC) * rest, subjects


def _lognormal(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.exp(SIGMA * rng.standard_normal(n)), np.arange(n)


def _resampled(name: str, kept: np.ndarray) -> PairedWorld:
    return PairedWorld(
        name, float(kept.mean()), float(kept.std()), lambda rng, n: (rng.choice(kept, n), np.arange(n))
    )


@dataclass(frozen=True)
class KernelWorld:
    """Features of test subjects and of models that miss them by a shift, in standardised hc85-v1."""

    name: str
    between: np.ndarray  # covariance between subjects, (d, d)
    within: np.ndarray  # covariance within a subject
    shift: np.ndarray  # (d,); of a training (1 + u) times that
    train: np.ndarray  # real features, which scale the space
    spread: float  # standard deviation of u

    def truth(self, moved: float = 0.0) -> float:
        """KD of a training whose shift is (1 + moved) times ``shift``, x 1e3 (Gaussian integrals of the kernel)."""
        twice, square = 2 * (self.between + self.within), self._bandwidth**2
        values, vectors = np.linalg.eigh(twice)
        along = ((1 + moved) * (self.shift @ vectors)) ** 2
        same = apart = 0.0
        for scale in (square / 4, square, 4 * square):
            share = np.prod(1 + values / scale) ** -0.5
            same += share
            apart += share * np.exp(-0.5 * (along / (scale + values)).sum())
        return float(1e3 * 2 * (same - apart) / 3)

    @cached_property
    def mean_truth(self) -> float:
        """The mean of ``truth`` over trainings."""
        from scipy.special import ndtri

        grid = ndtri((np.arange(200) + 0.5) / 200)
        return float(np.mean([self.truth(self.spread * u) for u in grid]))

    def reference(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Features and subjects of n test subjects."""
        subjects, d = np.repeat(np.arange(n), IMAGES), len(self.shift)
        means = rng.standard_normal((n, d)) @ self._roots[0]
        return means[subjects] + rng.standard_normal((len(subjects), d)) @ self._roots[1], subjects

    def generated(self, rng: np.random.Generator, moved: float) -> np.ndarray:
        """Features of the images of one training."""
        noise = rng.standard_normal((GENERATED, len(self.shift)))
        return (1 + moved) * self.shift + noise @ self._roots[2]

    def score(self, generated: np.ndarray, reference: np.ndarray, subjects: np.ndarray) -> Score:
        """The score that a record would hold."""
        n = int(subjects.max()) + 1
        statistic = kernel_distance_on_subsets(generated, reference, self.train, HC85, subjects)
        everything = np.ones((1, GENERATED), bool), np.ones((1, len(reference)), bool)
        value = float(statistic(*everything)[0]) * KD.scale
        drawn = subsamples(statistic, GENERATED, subjects)
        drawn = None if drawn is None else drawn * KD.scale
        low, high = interval_around(value, drawn, n, KD.range)
        ends = low, high, len(reference), HC85.name
        return Score("kd", value, GENERATED, n, *ends, subsamples=round_for_record(drawn))

    def of_all_pairs(self, generated: np.ndarray, reference: np.ndarray) -> float:
        """KD over all pairs of images, as version 1 took it."""
        return kernel_distance(generated, reference, self.train, HC85) * KD.scale

    @cached_property
    def _roots(self) -> list[np.ndarray]:
        """Symmetric square roots of the covariance between subjects, within, and of both together."""
        made = []
        for covariance in (self.between, self.within, self.between + self.within):
            values, vectors = np.linalg.eigh(covariance)
            made.append((vectors * np.sqrt(values.clip(min=0))) @ vectors.T)
        return made

    @cached_property
    def _bandwidth(self) -> float:
        return median_distance(standardise(self.train, self.train))


def kernel_worlds(data: Prepared, organ: str, distances: Sequence[float]) -> list[KernelWorld]:
    """One world for each KD (x 1e3), whose random effects are those of the training subjects of a prepared set."""
    train, subjects = HC85.load()(data.train.unit()), _ordinals(data.train)
    z = standardise(train, train)
    between, within = _random_effects(z, subjects)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], z.shape[1])
    step = signs * np.sqrt(np.diag(between + within))
    icc = np.trace(between) / np.trace(between + within)
    worlds = []
    for distance in distances:
        unit = KernelWorld("", between, within, step, z, 0.0)
        scale = _scale_for(unit, distance) if distance else 0.0
        # KD grows with the square of the shift
        spread = RELATIVE_SPREAD / 2 if distance else 0.0
        name = f"{organ}, ICC {icc:.2f}, KD {distance:g}"
        worlds.append(KernelWorld(name, between, within, scale * step, z, spread))
    return worlds


def _scale_for(world: KernelWorld, distance: float) -> float:
    """How many times its shift gives this KD."""
    from scipy.optimize import brentq

    return float(brentq(lambda scale: world.truth(scale - 1) - distance, 0.0, 2.0))


def _ordinals(split: Split) -> np.ndarray:
    return np.unique(np.asarray(split.subjects), return_inverse=True)[1]


def _random_effects(z: np.ndarray, subjects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariances between and within subjects by moments; what is negative of the first is 0."""
    images = np.bincount(subjects)
    means = np.stack([np.bincount(subjects, column) for column in z.T], axis=1) / images[:, None]
    rest = z - means[subjects]
    within = rest.T @ rest / (len(z) - len(images))
    values, vectors = np.linalg.eigh(np.cov(means, rowvar=False) - within * np.mean(1 / images))
    return (vectors * values.clip(min=0)) @ vectors.T, within
