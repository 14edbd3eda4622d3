"""Numbers: feature spaces, metrics, and the score that a metric gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np


class Extract(Protocol):
    """Features, float64 (N, dim), of images float32 (N, H, W) in [0, 1]."""

    def __call__(self, images: np.ndarray, /) -> np.ndarray: ...


class LoadExtract(Protocol):
    """Loads what a space needs. Raises ``Unavailable`` with the reason where something (weights) is missing."""

    def __call__(self) -> Extract: ...


class Identity(Protocol):
    """The id that enters the comparability key: name, and sha256 of the weights where there are any."""

    def __call__(self) -> str: ...


class Check(Protocol):
    """Raises ``InputError`` for settings that could not work later; called before any training."""

    def __call__(self) -> None: ...


@dataclass(frozen=True)
class FeatureSpace:
    """Maps images to vectors for distribution metrics."""

    name: str
    title: str
    dim: int  # 0: known only once it is loaded
    kernel: Literal["cubic", "rbf"]  # that ``kd`` uses in this space
    load: LoadExtract
    identity: Identity
    paper: str = ""
    check: Check | None = None


class ComputePaired(Protocol):
    """A number of each pair, float64 (N,); x (output) and y (reference): (N, H, W) in [0, 1]."""

    def __call__(self, x: np.ndarray, y: np.ndarray, /) -> np.ndarray: ...


class ComputeDistribution(Protocol):
    """One number from features, float64 (n, d), of generated and of reference images in one space.

    ``train`` sets the scale of the space (z-score, kernel bandwidth) and is never compared with. Raises ``Unavailable``
    where the sets are too small. A function with a parameter named ``reference_subjects`` is also given, by that name,
    the m subject ids of the reference images; one with ``generated_subjects`` those of the generated images where real
    ones stand in their place (the noise floor). Both need None as their default.
    """

    def __call__(
        self, generated: np.ndarray, reference: np.ndarray, train: np.ndarray | None, space: FeatureSpace, /
    ) -> float: ...


class ComputeImages(Protocol):
    """One number from images, (n, H, W) in [0, 1]; ``subjects``: ids of the reference images.

    Raises ``Unavailable`` where the sets are too small.
    """

    def __call__(self, generated: np.ndarray, reference: np.ndarray, subjects: Sequence[str], /) -> float: ...


class ComputeLikelihood(Protocol):
    """A number of each image, float64 (N,), from log densities in nats (N,), or from errors of them.

    ``dimensions``: of an image, H times W.
    """

    def __call__(self, nats: np.ndarray, dimensions: int, /) -> np.ndarray: ...


class ComputePosterior(Protocol):
    """A number of each image, float64 (N,), from several answers to its measurement.

    answers: (N, K, H, W) in [0, 1]. truth: (N, H, W). residuals: (N, K), the root mean square of (y - A x) / sigma of
    each answer over what was measured. Raises ``Unavailable`` where K is too small.
    """

    def __call__(self, answers: np.ndarray, truth: np.ndarray, residuals: np.ndarray, /) -> np.ndarray: ...


class ComputeDetection(Protocol):
    """A number of each image of one's own, float64 (N,), from how strange they and M strange ones look.

    own: float64 (N,), strange: float64 (M,); larger is stranger. The mean of the numbers is that of the metric.
    """

    def __call__(self, own: np.ndarray, strange: np.ndarray, /) -> np.ndarray: ...


class Pairs(NamedTuple):
    """Answers to measurements of images with a lesion and of their healthy twins, each pair measured alike.

    All are (N, H, W), grey values in [0, 1].
    """

    answer: np.ndarray
    answer_to_twin: np.ndarray
    image: np.ndarray  # with the lesion
    twin: np.ndarray
    lesion: np.ndarray  # bool, its mask


class ComputeLesion(Protocol):
    """A number of each pair, float64 (N,)."""

    def __call__(self, pairs: Pairs, /) -> np.ndarray: ...


class SubsetStatistic(Protocol):
    """The number on B subsets at once, float64 (B,), from bool (B, n) and bool (B, m)."""

    def __call__(self, in_generated: np.ndarray, in_reference: np.ndarray, /) -> np.ndarray: ...


class OnSubsets(Protocol):
    """Takes the arguments of ``Metric.compute``, and by name the subjects where it has parameters for them."""

    def __call__(self, generated: np.ndarray, reference: np.ndarray, /, *context: Any) -> SubsetStatistic: ...


class Pool(Protocol):
    """The value of a metric that is a monotone function of a mean, from the mean over subjects of ``compute``."""

    def __call__(self, mean: float, /) -> float: ...


@dataclass(frozen=True)
class Metric:
    """One number with a direction, a range and a paper."""

    name: str
    title: str
    unit: str
    direction: Literal["up", "down", "zero"]  # which way is better; zero: the nearer to 0
    range: tuple[float, float]
    # decides the arguments of ``compute``
    kind: Literal["paired", "distribution", "images", "likelihood", "detection", "posterior", "lesion"]
    compute: (
        ComputePaired
        | ComputeDistribution
        | ComputeImages
        | ComputeLikelihood
        | ComputeDetection
        | ComputePosterior
        | ComputeLesion
    )
    version: int
    paper: str
    # the only spaces of a distribution metric; empty: those that the run names
    features: tuple[str, ...] = ()
    scale: float = 1.0  # every value is reported times this
    on_subsets: OnSubsets | None = None  # for intervals; None computes it anew on each subset
    pooled: Pool | None = None  # of a paired metric
    headline: bool = True  # whether it is in a board's first table
    mri_only: bool = False  # left blank where the images are not MRI

    def in_spaces(self, features: tuple[str, ...]) -> Metric:
        """The metric; one of distributions that names no feature space is taken in ``features``."""
        unnamed = self.kind == "distribution" and not self.features
        return replace(self, features=features) if unnamed else self


@dataclass(frozen=True)
class Score:
    """One measured number.

    ``per_subject`` and ``subsamples`` serve paired comparison: another variant on the same data has its numbers of the
    same subjects at the same place.
    """

    metric: str
    value: float | None  # None: blank, and ``reason`` says why
    n: int  # images that entered
    subjects: int  # that they came from
    low: float | None = None  # 95 % interval over subjects; None where it cannot be given
    high: float | None = None
    n_reference: int | None = None  # reference images of a distribution metric
    space: str | None = None  # feature space of a distribution metric
    level: float | None = (
        None  # from which an image is restored: alpha_bar, or what ``Task.level_name`` names
    )
    reason: str | None = None
    # mean of a paired metric within each test subject, by its ordinal, never its id
    per_subject: tuple[float, ...] = field(default=(), repr=False)
    # a distribution metric on the half-subsamples of the test subjects
    subsamples: tuple[float, ...] = field(default=(), repr=False)
