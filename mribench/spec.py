"""The words of the benchmark as frozen values. Nothing here imports torch, diffusers or numpy at run time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch


class PhantomSlice(NamedTuple):
    """One drawn slice.

    image: float32 (size, size) in [0, 1]; labels: uint8 (size, size), an index into ``params["tissues"]``
    (0 is air); params: what was drawn, JSON-serialisable (anatomy, scanner, sequence).
    """

    image: np.ndarray
    labels: np.ndarray
    params: dict[str, Any]


@dataclass(frozen=True)
class ReportedRow:
    """Numbers as a publication printed them. Shown apart, never ranked beside measured ones."""

    source: str
    psnr: float
    ssim: float
    mse: float
    mae: float
    fid: float


@dataclass(frozen=True)
class Modality:
    """What the study calls a modality: an organ or tissue domain. (In radiology the word means MRI, CT, PET.)

    phantom: ``phantom(seed, subject, slice, size=64) -> PhantomSlice``, a pure function of its arguments.
    cards: ids of registry datasets that suit this organ, best first.
    """

    name: str
    title: str
    contrast: str
    phantom: Callable[..., PhantomSlice]
    is_mri: bool = True
    cards: tuple[str, ...] = ()
    reported: ReportedRow | None = None


@dataclass(frozen=True)
class Network:
    """Shape of a ``diffusers.UNet2DModel``: channels per level, ResNet blocks per level, levels with attention.

    patch: side of the pixel patches that the U-Net sees as one pixel of patch**2 channels (1: plain pixels).
    """

    channels: tuple[int, ...]
    layers_per_block: int = 2
    attention_levels: tuple[int, ...] = ()
    norm_groups: int = 8
    head_dim: int = 8
    patch: int = 1


@dataclass(frozen=True)
class Profile:
    """A named budget: data, network, training, sampling and scoring sizes. A board never mixes two of them.

    prediction: what the network outputs (Salimans & Ho, arXiv 2202.00512: v = sqrt(abar) eps - sqrt(1 - abar) x_0); the
    study predicts epsilon.
    lr_schedule: ``constant`` or ``cosine`` (to zero over ``max_steps``), after ``warmup_steps`` of linear warm-up.
    coarse_steps: the first so many of the optimiser steps see 2 x 2 means of the images, at a quarter of the cost: what
    is large is learned there (progressive resizing; cf. Karras et al., arXiv 1710.10196).
    compile: on a GPU the training step goes through ``torch.compile``, which costs a minute or two and pays over
    thousands of steps.
    max_epochs and max_steps: training ends at whichever comes first (None: no such bound).
    patience: evaluations without a better validation loss before training stops early.
    ema_decay: None keeps no moving average. grad_clip: largest gradient norm, None for no clipping.
    keep: which weights are sampled: those with the lowest validation loss, or the last; both are saved.
    n_generated: images per cell for the generation task; ``sample_batch`` is fixed per profile, because the
    last bits of a convolution depend on the batch shape.
    """

    name: str
    purpose: str
    # data
    size: int
    max_images: int
    phantom_subjects: int
    phantom_slices: int
    # network and training
    network: Network
    prediction: Literal["epsilon", "v_prediction"]
    optimizer: Literal["adam", "adamw"]
    lr: float
    lr_schedule: Literal["constant", "cosine"]
    warmup_steps: int
    batch_size: int
    max_epochs: int | None
    max_steps: int | None
    eval_every: int
    eval_images: int
    patience: int | None
    ema_decay: float | None
    grad_clip: float | None
    flip: bool
    keep: Literal["best", "last"]
    # sampling and scoring
    samplers: tuple[str, ...]
    n_generated: int
    sample_batch: int
    alpha_bars: tuple[float, ...] = (0.89702, 0.52409, 0.07859)
    # None: what the device does best (bf16 where a probe says it is faster)
    precision: Literal["fp32", "bf16", "fp16"] | None = None
    checkpoint_every: int = 500
    coarse_steps: int = 0
    compile: bool = False


@dataclass(frozen=True)
class Variant:
    """A trained generative model: network, noise schedule, loss.

    network(profile) -> diffusers ``UNet2DModel`` (or any ``ModelMixin`` with the same call).
    scheduler(profile) -> diffusers scheduler that defines the forward process.
    loss(net, scheduler, x0, noise, t) -> float32 (N,) per-image loss; x0, noise: (N, 1, H, W), x0 in [-1, 1], of the
    profile's side or half of it (``Profile.coarse_steps``); t: int64 (N,) in [0, T), where T is
    ``scheduler.config.num_train_timesteps``.
    process: the forward process in a word; samplers with the same word can integrate it. ``diffusion`` means
    x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) eps with abar in ``scheduler.alphas_cumprod``.
    path(scheduler) -> (signal, sigma), float64 (T,) each: x_t = signal_t x_0 + sigma_t eps, for a process whose
    scheduler has no ``alphas_cumprod``.
    """

    name: str
    title: str
    paper: str
    network: Callable[[Profile], Any]
    scheduler: Callable[[Profile], Any]
    loss: Callable[..., torch.Tensor]
    version: int = 1
    process: str = "diffusion"
    path: Callable[[Any], tuple[np.ndarray, np.ndarray]] | None = None
    is_control: ClassVar[bool] = False


@dataclass(frozen=True)
class Control:
    """A generator that learns nothing a diffusion model should; it gives the board its scale.

    fit(train) -> state, train: float32 (N, H, W) in [0, 1].
    generate(state, indices, seed) -> float32 (len(indices), H, W) in [0, 1]; image i depends on (seed, i) alone.
    denoise(state, x_t, alpha_bar, seed) -> float32 (N, H, W) in [0, 1] from x_t: float32 (N, H, W), the forward
    process applied to images in [-1, 1].
    """

    name: str
    title: str
    paper: str
    fit: Callable[..., Any]
    generate: Callable[..., np.ndarray]
    denoise: Callable[..., np.ndarray]
    version: int = 1
    is_control: ClassVar[bool] = True


@dataclass(frozen=True)
class Sampler:
    """How a trained variant is integrated back to an image.

    scheduler(config) -> diffusers scheduler made from the training scheduler's config.
    timesteps(scheduler, steps, start) -> the descending timesteps to visit, each as the network and the scheduler's
    ``step`` take it (a float where the process is continuous); ``start`` None means from pure noise, an int t in
    [0, T) means from x_t. It also calls the scheduler's own ``set_timesteps``.
    default_steps: used where a name carries no number (``ddim`` means ``ddim-50``).
    process: the forward process that it reverses; it draws from variants with the same word.
    """

    name: str
    title: str
    paper: str
    scheduler: Callable[[Mapping[str, Any]], Any]
    timesteps: Callable[[Any, int, int | None], list[int] | list[float]]
    default_steps: int
    version: int = 1
    process: str = "diffusion"


@dataclass(frozen=True)
class FeatureSpace:
    """Maps images to vectors for distribution metrics.

    load() -> extract; extract(images) with images float32 (N, H, W) in [0, 1] -> float64 (N, dim).
    ``load`` raises ``Unavailable`` with the reason where something (weights) is missing. dim 0: known only then.
    identity() -> the id that enters the comparability key: name and sha256 of the weights, where there are any.
    kernel: the kernel that ``kd`` uses in this space.
    check() raises InputError for settings that could not work later; called before any training.
    """

    name: str
    title: str
    dim: int
    kernel: Literal["cubic", "rbf"]
    load: Callable[[], Callable[[np.ndarray], np.ndarray]]
    identity: Callable[[], str]
    paper: str = ""
    check: Callable[[], None] | None = None


@dataclass(frozen=True)
class Metric:
    """One number with a direction, a range and a paper.

    kind ``paired``: compute(x, y) -> float64 (N,); x (output) and y (reference): (N, H, W) in [0, 1].
    kind ``distribution``: compute(generated, reference, train, space) -> float; features float64 (n, d) of one
    space; ``train`` sets the scale of the space (z-score, kernel bandwidth) and is never compared with.
    kind ``images``: compute(generated, reference, subjects) -> float on images (n, H, W) in [0, 1]; subjects: ids of
    the reference images. The last two raise ``Unavailable`` where the sets are too small.
    on_subsets(same arguments) -> statistic(bool (B, n), bool (B, m)) -> float64 (B,): the same number on many subsets
    at once, for intervals; None computes it anew on each.
    pooled: of a paired metric that is a monotone function of a mean: value = pooled(mean over subjects of compute).
    features: names of the only feature spaces a distribution metric is taken in; empty: those that the run names.
    Every value is reported times ``scale``. direction ``zero``: nearer to 0 is better.
    headline: whether it stands in a board's first table; mri_only: left blank where the images are not MRI.
    """

    name: str
    title: str
    unit: str
    direction: Literal["up", "down", "zero"]
    range: tuple[float, float]
    kind: Literal["paired", "distribution", "images"]
    compute: Callable[..., Any]
    version: int
    paper: str
    features: tuple[str, ...] = ()
    scale: float = 1.0
    on_subsets: Callable[..., Any] | None = None
    pooled: Callable[[float], float] | None = None
    headline: bool = True
    mri_only: bool = False


@dataclass(frozen=True)
class Score:
    """One measured number. ``value`` None means blank, and ``reason`` says why.

    space: feature space of a distribution metric; level: alpha_bar of a reconstruction; n: images that entered;
    n_reference: reference images (distribution metrics); subjects: how many subjects they came from; low, high: 95 %
    interval over subjects, None where it cannot be given.
    per_subject: a paired metric's mean within each test subject, by the ordinal of the subject, never by its id;
    subsamples: a distribution metric on the half-subsamples of the test subjects that its interval stands on. Both
    serve paired comparison: another variant on the same data has its numbers of the same subjects at the same place.
    """

    metric: str
    value: float | None
    n: int
    subjects: int
    low: float | None = None
    high: float | None = None
    n_reference: int | None = None
    space: str | None = None
    level: float | None = None
    reason: str | None = None
    per_subject: tuple[float, ...] = ()
    subsamples: tuple[float, ...] = ()


class AuditVerdict(StrEnum):
    """What the memorisation audit says of a model, from the mildest to the gravest.

    ``AuditVerdict(text)`` reads the text of a record, which may go on after the verdict ('cannot say: only 3 test
    subjects'). A text that begins with none of the verdicts is of a later version, and counts as the gravest.
    """

    NOT_DETECTED = "not detected"
    CANNOT_SAY = "cannot say"  # test subjects are few or unknown
    NOT_AUDITED = "not audited"
    SUSPECT = "suspect"
    MEMORISES = "MEMORISES"
    UNKNOWN = "unknown to this version"

    @classmethod
    def _missing_(cls, value: object) -> AuditVerdict:
        return next((known for known in cls if str(value).startswith(known.value)), cls.UNKNOWN)

    @property
    def gravity(self) -> int:
        """0 for the mildest."""
        return list(AuditVerdict).index(self)

    @property
    def grave(self) -> bool:
        """Whether it speaks against a model; samples are shown only of the others."""
        return self.gravity >= AuditVerdict.SUSPECT.gravity

    @property
    def memorises(self) -> bool:
        """Whether the model counts as one that gives away its training images."""
        return self.gravity >= AuditVerdict.MEMORISES.gravity


@dataclass(frozen=True)
class Split:
    """One split in memory. images: uint8 (N, H, W); subjects: tuple of N subject ids."""

    images: np.ndarray
    subjects: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.subjects)

    @property
    def n_subjects(self) -> int:
        return len(set(self.subjects))

    def unit(self) -> np.ndarray:
        """float32 (N, H, W) in [0, 1]."""
        return self.images.astype("float32") / 255


@dataclass(frozen=True)
class Prepared:
    """A prepared dataset on disk: a Hugging Face ``datasets`` folder with splits train, validation and test.

    key: content hash over pixels, subjects and splits. name: what the board calls the data ("phantom", a card id,
    or ``local:<folder>``). kind: ``phantom`` or ``real``; the two never share a board. is_mri: as its modality says.
    """

    path: Path
    key: str
    name: str
    kind: Literal["phantom", "real"]
    train: Split
    validation: Split
    test: Split
    manifest: Mapping[str, Any] = field(default_factory=dict)
    is_mri: bool = True


@dataclass(frozen=True)
class Task:
    """What is asked of a variant. The expensive half and the scoring half are apart, so that scores can be recomputed.

    produce(model, data, profile, seed) -> {name: uint8 (n, H, W)}, or other arrays of numbers that are not images;
    ``model`` is a ``Model``, trained or control.
    score(outputs, data, profile, metrics, extract, seed) -> list of Score; metrics: those named below, loaded;
    extract: a ``mribench.features.Extractor``, which gives (and remembers) features by space and images.
    metrics: names of the metrics that the task reports.
    draw(outputs, data, profile, model, words) -> {kind: uint8 (H, W)}: pictures to look at; words name the cell;
    model() gives the trained model, model is None for a control.
    floor(metric, space, data, profile, extract) -> record: what real images score in a model's place
    (``mribench.metrics.floor``); it depends on no variant and is computed once per prepared dataset.
    reads: another task, whose outputs ``score``, ``judge`` and ``draw`` get beside this task's own.
    features: feature spaces that the task uses beside those of its metrics.
    judge(outputs, data, profile, extract, seed) -> JSON-serialisable verdict, stored as ``Result.audit``.
    """

    name: str
    title: str
    version: int
    metrics: tuple[str, ...]
    produce: Callable[..., dict[str, np.ndarray]]
    score: Callable[..., list[Score]]
    draw: Callable[..., dict[str, np.ndarray]] | None = None
    floor: Callable[..., dict[str, Any]] | None = None
    reads: str | None = None
    features: tuple[str, ...] = ()
    judge: Callable[..., dict[str, Any]] | None = None


class Model(Protocol):
    """What a task sees of a trained variant with its sampler, or of a fitted control."""

    def generate(self, indices: range, seed: int) -> np.ndarray:
        """float32 (len(indices), H, W) in [0, 1]; image i depends on (seed, i) alone."""

    def denoise(self, x_t: np.ndarray, alpha_bar: float, seed: int) -> np.ndarray:
        """float32 (N, H, W) in [0, 1] from x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps, x_0 in [-1, 1]."""


@runtime_checkable
class DenoisingLoss(Protocol):
    """What a ``Model`` may have besides, where there is a network: its training loss on given images."""

    def losses(self, images: np.ndarray, alpha_bar: float, seed: int) -> np.ndarray:
        """float32 (N,) of images float32 (N, H, W) in [0, 1]; the noise depends on image, level and seed alone."""
