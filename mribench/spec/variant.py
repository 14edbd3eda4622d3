"""Generators: trained variants, controls, and the samplers that integrate a trained variant back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from mribench.spec.integrator import Denoiser
from mribench.spec.profile import Profile
from mribench.spec.stage import Autoencoder, TakeStep

if TYPE_CHECKING:
    import numpy as np
    import torch


class MakeNetwork(Protocol):
    """A diffusers ``UNet2DModel``, or any ``ModelMixin`` with the same call.

    That of a variant with conditions is called with the keyword ``labels`` too, by default 1: the number K of labels.
    Its network takes ``class_labels``, int64 (N,) in 0 .. K, as ``UNet2DModel`` with ``num_class_embeds`` K + 1 does;
    K is the null label, which stands for "any".
    """

    def __call__(self, profile: Profile, /) -> Any: ...


class MakeNoiseScheduler(Protocol):
    """The diffusers scheduler that defines the forward process."""

    def __call__(self, profile: Profile, /) -> Any: ...


class Loss(Protocol):
    """The training loss of each image: float32 (N,).

    Args:
        net: What ``Variant.network`` made; of a variant with conditions the labels of these images are bound to it, so
            that it is called as any other.
        scheduler: What ``Variant.scheduler`` made.
        x0: Images in [-1, 1], float32 (N, 1, H, W), of the profile's side or half of it (``Profile.coarse_steps``);
            of a variant with an encoder what ``Variant.encode`` makes of them.
        noise: Standard normal, of the shape of x0.
        t: int64 (N,) in [0, T), where T is ``scheduler.config.num_train_timesteps``.
    """

    def __call__(
        self, net: Any, scheduler: Any, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor, /
    ) -> torch.Tensor: ...


class ForwardPath(Protocol):
    """(signal, sigma) of a scheduler, float64 (T,) each: x_t = signal_t x_0 + sigma_t eps."""

    def __call__(self, scheduler: Any, /) -> tuple[np.ndarray, np.ndarray]: ...


class Estimate(Protocol):
    """x_0 from x_t by the network, float32 (N, C, h, w), differentiable.

    A function with a parameter named ``scheduler`` is also given, by that name, what ``Variant.scheduler`` made: whose
    network predicts what the profile says takes ``mribench.sampling.prediction.estimate_by_prediction``.

    Args:
        net: What ``Variant.network`` made.
        x_t: signal x_0 + sigma eps, float32 (N, C, h, w).
        t: float32 (N,), the timestep; between two of them where the level is.
        signal: float32 (N, 1, 1, 1), as ``ForwardPath`` gives it.
        sigma: float32 (N, 1, 1, 1).
    """

    def __call__(
        self,
        net: Any,
        x_t: torch.Tensor,
        t: torch.Tensor,
        signal: torch.Tensor,
        sigma: torch.Tensor,
        /,
    ) -> torch.Tensor: ...


class ShapeNoise(Protocol):
    """Noise of another kernel from white noise, float32 (N, C, h, w) both; each image by itself.

    Linear, so that it stays Gaussian, or a map that gives what the paper calls its noise; about unit variance.
    """

    def __call__(self, white: torch.Tensor, /) -> torch.Tensor: ...


class Encode(Protocol):
    """Into the space that the process runs in: float32 (N, C, h, w), at about unit variance.

    Args:
        x: Images in [-1, 1], float32 (N, 1, H, W), on any device; of side H or H / 2 (``Profile.coarse_steps``).
    """

    def __call__(self, x: torch.Tensor, /) -> torch.Tensor: ...


class Decode(Protocol):
    """Back to images, float32 (N, 1, H, W); what leaves [-1, 1] is clamped afterwards.

    Args:
        z: What ``Encode`` gives, or what a sampler makes in its place: float32 (N, C, h, w).
    """

    def __call__(self, z: torch.Tensor, /) -> torch.Tensor: ...


@dataclass(frozen=True)
class Variant:
    """A trained generative model: network, noise schedule, loss."""

    name: str
    title: str
    paper: str
    network: MakeNetwork
    scheduler: MakeNoiseScheduler
    loss: Loss
    version: int = 1
    # the forward process; samplers of the same process can integrate it. ``diffusion`` means
    # x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) eps with abar in ``scheduler.alphas_cumprod``
    process: str = "diffusion"
    path: ForwardPath | None = None  # of a process whose scheduler has no ``alphas_cumprod``
    # None: by the scheduler's ``prediction_type``; of a process with a ``path`` there is then no denoiser D(x; sigma)
    estimate: Estimate | None = None
    # for a process in another space: fixed functions of the tensor alone, each image by itself; no gradient is taken
    encode: Encode | None = None  # None: the process runs on pixels
    decode: Decode | None = None
    # whether ``encode`` is linear and keeps lengths, so that white noise on pixels is white noise of the same level
    # there; a learned encoder is not, and cannot denoise an image that is noised in pixels
    orthonormal: bool = False
    # the noise of the forward process, where it is not white; integrators draw theirs by it too
    noise: ShapeNoise | None = None
    autoencoder: Autoencoder | None = None  # a learned encoder and decoder in place of the fixed ones
    # what the network is told about an image beside x_t. ``modality``: one training on the images of all organs of the
    # run, whose label is their organ; in training a tenth of the labels are null (Ho & Salimans, arXiv 2207.12598)
    # ``lesion``: images labelled healthy and, of the field ``abnormal``, those where the mask ``lesion`` shows one;
    # boards draw healthy ones. Such a variant names both in ``fields``
    conditions: tuple[Literal["modality", "lesion"], ...] = ()
    # weight w of classifier-free guidance, D_null + w (D_label - D_null); 1: none. The paper's weight is w - 1
    guidance: float = 1.0
    # name of the variant whose trained weights it samples from, where the two differ in guidance alone; None: its own
    trained_as: str | None = None
    # the sampler that draws from it, without a number of steps, where a run names none and the profile's does not fit;
    # None: the first installed one that fits, of its own process before integrators
    sampler: str | None = None
    fields: tuple[str, ...] = ()  # of the data, that its training reads; as ``Task.fields``
    take_step: TakeStep | None = (
        None  # of the network's training, as ``Update.take_step``; not of an autoencoder's
    )
    is_control: ClassVar[bool] = False

    @property
    def denoises_pixels(self) -> bool:
        """Whether noise on pixels is noise of the same level where the process runs."""
        fits = self.autoencoder is None and (self.encode is None or self.orthonormal)
        return fits and self.noise is None

    @property
    def runs_on_pixels(self) -> bool:
        """Whether the process runs on pixels, with white noise or not."""
        return self.autoencoder is None and self.encode is None

    @property
    def has_denoiser(self) -> bool:
        """Whether it shows D(x; sigma), which integrators draw with."""
        return self.path is None or self.estimate is not None


class Fit(Protocol):
    """The state of a control from the training images, float32 (N, H, W) in [0, 1]."""

    def __call__(self, train: np.ndarray, /) -> Any: ...


class Generate(Protocol):
    """float32 (len(indices), H, W) in [0, 1]; image i depends on (seed, i) alone."""

    def __call__(self, state: Any, indices: range, seed: int, /) -> np.ndarray: ...


class Denoise(Protocol):
    """float32 (N, H, W) in [0, 1] from x_t, float32 (N, H, W): the forward process applied to images in [-1, 1]."""

    def __call__(self, state: Any, x_t: np.ndarray, alpha_bar: float, seed: int, /) -> np.ndarray: ...


@dataclass(frozen=True)
class Expected:
    """Where a control must land on a board; a board on which it lands elsewhere is invalid and ranks nothing.

    ``last``: no control is worse. ``behind real``: it is told apart from real training images. ``like real``: it is not
    worse than real images. ``ahead of last``: it is told apart from every control that must be last.
    """

    place: Literal["last", "behind real", "like real", "ahead of last"]
    because: str  # ends the sentence "..., but"
    copies: bool = False  # whether it copies training images, so that the memorisation audit must see it


@dataclass(frozen=True)
class Control:
    """A generator that learns nothing a diffusion model should; it gives the board its scale."""

    name: str
    title: str
    paper: str
    fit: Fit
    generate: Generate
    denoise: Denoise
    version: int = 1
    expected: Expected | None = None  # None: it may land anywhere
    is_control: ClassVar[bool] = True


class MakeSampler(Protocol):
    """A diffusers scheduler made from the training scheduler's config."""

    def __call__(self, config: Mapping[str, Any], /) -> Any: ...


class Timesteps(Protocol):
    """The descending timesteps to visit; it also calls the scheduler's own ``set_timesteps``.

    Each is as the network and the scheduler's ``step`` take it: a float where the process is continuous. ``start`` None
    means from pure noise, an int t in [0, T) means from x_t.
    """

    def __call__(self, scheduler: Any, steps: int, start: int | None, /) -> list[int] | list[float]: ...


@dataclass(frozen=True)
class Sampler:
    """How a trained variant is integrated back to an image."""

    name: str
    title: str
    paper: str
    scheduler: MakeSampler
    timesteps: Timesteps
    default_steps: int  # where a name carries no number: ``ddim`` means ``ddim-50``
    version: int = 1
    process: str = "diffusion"  # the forward process that it reverses; it draws from variants of the same


class Model(Protocol):
    """What a task sees of a trained variant with its sampler, or of a fitted control."""

    def generate(self, indices: range, seed: int) -> np.ndarray:
        """float32 (len(indices), H, W) in [0, 1]; image i depends on (seed, i) alone."""

    def denoise(self, x_t: np.ndarray, alpha_bar: float, seed: int) -> np.ndarray:
        """float32 (N, H, W) in [0, 1] from x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps, x_0 in [-1, 1].

        Raises ``Unavailable`` where noise on pixels has no level in the space that the model runs in.
        """


@runtime_checkable
class Prior(Protocol):
    """What a ``Model`` may have besides, for tasks that need "denoiser"."""

    def denoiser(self) -> Denoiser:
        """D(x; sigma) of images (N, 1, H, W) in [-1, 1], differentiable, in fp32.

        Raises ``Unavailable`` where noise on pixels has no level in the model's process.
        """


@runtime_checkable
class Likelihood(Protocol):
    """What a ``Model`` may have besides, for tasks that need "likelihood"."""

    def log_likelihood(self, x: np.ndarray, seed: int) -> dict[str, np.ndarray]:
        """Log densities in nats of images float32 (N, H, W) in [-1, 1], dequantised.

        ``nats``, float64 (N,), or ``bound``, which is not above it. Of an estimate also, of the first n images,
        ``half_the_steps`` and ``another_probe``, float64 (n,). Raises ``Unavailable`` where there is no likelihood.
        """


@runtime_checkable
class DenoisingLoss(Protocol):
    """What a ``Model`` may have besides, where there is a network: its training loss on given images."""

    def losses(self, images: np.ndarray, alpha_bar: float, seed: int) -> np.ndarray:
        """float32 (N,) of images float32 (N, H, W) in [0, 1]; the noise depends on image, level and seed alone."""
