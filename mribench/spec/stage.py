"""Training in stages: each is one network and one or more optimisers that take turns on the same batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from mribench.spec.profile import Profile

if TYPE_CHECKING:
    import numpy as np
    import torch


class Draws(Protocol):
    """Random numbers with an address, float32 (N, *shape) on the device in use, a row for each image.

    In training they depend on (seed, step) alone, in sampling row i depends on (seed, i) alone: whoever takes all his
    random numbers from here can be killed and resumed, split over processes and sampled in any batch.
    """

    def normal(self, *shape: int) -> torch.Tensor:
        """Standard normal."""

    def uniform(self, *shape: int) -> torch.Tensor:
        """In [0, 1)."""

    def integers(self, high: int, *shape: int) -> torch.Tensor:
        """int64 in [0, high)."""


class Batch(NamedTuple):
    """What an update sees."""

    x: torch.Tensor  # float32 (N, 1, H, W) in [-1, 1], of the profile's side, or half of it in coarse steps
    # int64 (N,) in 0 .. K, of a variant with conditions; K is the null label. None without conditions
    label: torch.Tensor | None = None


class UpdateLoss(Protocol):
    """The loss of each image: float32 (N,).

    Args:
        net: What ``Stage.network`` made.
        batch: The images.
        earlier: The networks of finished stages by name, in evaluation mode, their parameters without gradients.
        draws: Random numbers; take them in the same order at every step.
    """

    def __call__(
        self, net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws, /
    ) -> torch.Tensor: ...


@dataclass(frozen=True)
class TrainingStep:
    """What ``TakeStep`` is given: one step, and the training images to draw a batch from."""

    number: int  # 0 .. total - 1
    total: int  # steps of the stage
    seed: int
    profile: Profile
    subjects: tuple[str, ...]  # of every training image
    net: Any  # a ``torch.nn.Module``, in training mode, its parameters without gradients
    # of torch, over what the update moves, at the learning rate of this step; what is kept in its ``state`` is part of
    # every checkpoint
    optimizer: Any
    # on the device, seeded by (seed, number): whose random numbers all come from it can be killed and resumed
    generator: torch.Generator
    draws: Callable[[int], Draws]  # its next numbers, with a row for each of n images
    loss: Callable[[Any, Batch, Draws], torch.Tensor]  # the update's, of (net, batch, draws)
    # images by their indices into ``subjects``, int64 (n,), as the network sees them; draws for n images
    batch: Callable[[np.ndarray, Draws], Batch]


class TakeStep(Protocol):
    """A step by a rule of its own, such as differential privacy or federated averaging.

    It stands in the place of the profile's batch, the gradient of its mean loss, the limit on that gradient and the
    optimiser's step. Learning rate, moving average, validation and checkpoints stay mribench's. The budget counts
    ``Profile.batch_size`` images a step: take as many.
    """

    def __call__(self, step: TrainingStep, /) -> torch.Tensor:
        """Move the network; returns the loss for the log, float32 (), detached."""

    def about(self, step: TrainingStep, /) -> Mapping[str, Any]:
        """What the training's record says of the rule after its last step, by name; JSON-serialisable."""


@dataclass(frozen=True)
class Update:
    """One optimiser. The updates of a stage follow each other on the same batch, each after the one before."""

    loss: UpdateLoss
    part: str | None = None  # name of the submodule whose parameters it moves; None: all of the network
    lr: float | None = None  # None: the profile's; its warm-up and schedule hold for both
    betas: tuple[float, float] = (0.9, 0.999)  # of Adam
    take_step: TakeStep | None = None  # None: on the mean loss of a batch; of a stage with a single update


@dataclass(frozen=True)
class Stage:
    """One training of one network."""

    name: str
    network: Callable[[Profile], Any]  # a diffusers ``ModelMixin``
    updates: tuple[Update, ...]
    share: float = 1.0  # of the training's budget; those of all stages add up to 1
    # validation loss, by which ``best`` is chosen and training stops early; None: the first update's
    validation: UpdateLoss | None = None
    coarse: bool = False  # whether the first steps may see half the side (``Profile.coarse_steps``)
    average: bool = True  # whether the moving average of the weights is kept, where the profile has one
    starts_from: str | None = (
        None  # an earlier stage whose trained weights its network has at first; None: new ones
    )


class GenerateImages(Protocol):
    """float32 (N, 1, H, W) in [-1, 1], H the profile's side; what leaves the range is clamped afterwards.

    Args:
        nets: The trained network of every stage by name.
        profile: The budget.
        draws: One row for each image; N is the length of what it gives.
    """

    def __call__(self, nets: Mapping[str, Any], profile: Profile, draws: Draws, /) -> torch.Tensor: ...


class DenoiseImages(Protocol):
    """x_0, float32 (N, 1, H, W), from x = x_0 + sigma eps with x_0 in [-1, 1].

    Args:
        nets: The trained network of every stage by name.
        x: float32 (N, 1, H, W).
        sigma: Standard deviation of the noise, above 0.
        draws: One row for each image.
    """

    def __call__(
        self, nets: Mapping[str, Any], x: torch.Tensor, sigma: float, draws: Draws, /
    ) -> torch.Tensor: ...


class LogLikelihood(Protocol):
    """log p(x) in nats, or a lower bound of it, float32 (N,).

    Args:
        nets: The trained network of every stage by name.
        x: float32 (N, 1, H, W) in [-1, 1], dequantised: grey level k of 256 is (k + u - 1/2) / 127.5 - 1, u uniform.
        draws: One row for each image.
    """

    def __call__(self, nets: Mapping[str, Any], x: torch.Tensor, draws: Draws, /) -> torch.Tensor: ...


@dataclass(frozen=True)
class GenerativeModel:
    """A trained generator that is no ``Variant``: it has its own way from noise to image (VAE, GAN, cascade)."""

    name: str
    title: str
    paper: str
    stages: tuple[Stage, ...]
    generate: GenerateImages
    denoise: DenoiseImages | None = None  # None: the denoising task is not for it
    nfe: int = 1  # network evaluations for one image
    denoise_nfe: int = 1  # and of ``denoise``
    version: int = 1
    log_likelihood: LogLikelihood | None = None  # None: the likelihood task is not for it
    likelihood_is_bound: bool = False  # whether it gives a lower bound (ELBO)
    is_control: ClassVar[bool] = False


@dataclass(frozen=True)
class Autoencoder:
    """The learned space of a latent diffusion model (Rombach et al. 2022, arXiv 2112.10752).

    mribench trains ``stage`` first, then the variant on latents divided by their root mean square over the training
    images.
    """

    stage: Stage
    encode: Callable[
        [Any, torch.Tensor], torch.Tensor
    ]  # (net, float32 (N, 1, H, W) in [-1, 1]) -> (N, C, h, w)
    decode: Callable[[Any, torch.Tensor], torch.Tensor]  # back to (N, 1, H, W)
