"""Inverse problems: what is measured of an image, and solvers that find the image again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from mribench.spec.data import Prepared, Split
from mribench.spec.integrator import Denoiser
from mribench.spec.profile import Profile
from mribench.spec.stage import Draws
from mribench.spec.variant import Expected

if TYPE_CHECKING:
    import numpy as np
    import torch


class LinearOperator(Protocol):
    """A map A from images to measurements, real-linear, each image by itself."""

    def __call__(self, x: torch.Tensor, /) -> torch.Tensor:
        """A x, float32 or complex64 (N, ...), from float32 (N, 1, H, W); differentiable."""

    def adjoint(self, y: torch.Tensor, /) -> torch.Tensor:
        """A* y, float32 (N, 1, H, W), with Re <A x, y> = <x, A* y>."""


@dataclass(frozen=True)
class Measurement:
    """y = A x + noise of N images x with grey values in [0, 1]: all that a solver is told of them."""

    y: torch.Tensor  # float32 or complex64 (N, ...)
    operator: LinearOperator
    # standard deviation of the noise, in grey ranges; of complex noise that of the real and of the imaginary part.
    # Of noise that is not Gaussian what a Gaussian model of it has at mid-grey
    sigma: float
    shape: tuple[int, int]  # (H, W) of the images


class Measure(Protocol):
    """Measures images.

    Args:
        x: float32 (N, 1, H, W) in [0, 1], or (N, C, H, W) of a problem with ``Problem.images`` of C channels.
        level: How hard the problem is: one of ``Problem.levels``.
        draws: Random numbers of mask, coils and noise; those of an image depend on its content, the problem, the level
            and the seed, never on the solver.
    """

    def __call__(self, x: torch.Tensor, level: float, draws: Draws, /) -> Measurement: ...


@dataclass(frozen=True)
class Problem:
    """An inverse problem with additive noise; a task made of it is asked of each prior with each solver."""

    name: str
    title: str
    measure: Measure
    levels: tuple[float, ...]
    level_name: str  # what a level is a number of, as titles name it: "R" for an acceleration
    kind: str = ""  # what ``Solver.kinds`` names: "mri", "superres", "inpaint", "denoise"
    # results of two tracks never share a board: "sim-k" where k-space was made from magnitude images
    track: str = "inverse"
    mri_only: bool = False  # whether it is asked only of organs whose images are MRI
    version: int = 1
    # whether the answer sought is the image that was measured; a problem that seeks another image is answered only by
    # solvers that name its ``kind``
    restores: bool = True
    # names of solvers that stand on every board of it: two controls, and baselines that cost next to nothing
    controls: tuple[str, ...] = ("training-mean", "wiener")
    # where more than pixels is measured, such as k-space of a scanner: the fields of the data that are, and what makes
    # of a set with them the ``Measure`` of its images, which takes the place of ``measure``
    fields: tuple[str, ...] = ()
    of_data: Callable[[Prepared], Measure] | None = None
    # what is measured of a split: uint8 (N, H, W), or (N, C, H, W) with the image that is sought as the first channel,
    # as where other contrasts are shown of it. None: the images of the split
    images: Callable[[Split], np.ndarray] | None = None


class Solve(Protocol):
    """Images from measurements, float32 (N, 1, H, W); values outside [0, 1] are clipped afterwards.

    Args:
        denoiser: The prior D(x; sigma) on grey values in [0, 1], differentiable; of a solver without one what
            ``Solver.fit`` made, or None.
        measurement: What was measured.
        draws: Random numbers, a row for each image: image i depends on (seed, i) alone.
        setting: One of ``Solver.search``.
    """

    def __call__(
        self, denoiser: Denoiser, measurement: Measurement, draws: Draws, /, **setting: float
    ) -> torch.Tensor: ...


class Batches(Protocol):
    """``steps`` times ``size`` training images, float32 (size, C, H, W) in [0, 1], as they are measured at the level in
    question, and random numbers for each step; which images, and how measured, follows from the seed. C is 1, but where
    ``Problem.images`` has channels."""

    def __call__(self, steps: int, size: int, /) -> Iterator[tuple[torch.Tensor, Measurement, Draws]]: ...


@dataclass(frozen=True)
class Examples:
    """Training images, and how a problem measures them: what a solver without a prior may learn from."""

    images: np.ndarray  # float32 (N, H, W) in [0, 1], or (N, C, H, W) as of ``Problem.images``
    batches: Batches
    profile: Profile  # whose training budget, network and learning rate hold for it too
    seed: int
    device: torch.device
    level: float = 0.0  # at which they are measured

    @property
    def full_steps(self) -> int:
        """Training steps at full resolution that cost what the profile's own training takes at most.

        Coarse steps cost a quarter. Early stopping, which long profiles have, is not counted.
        """
        steps = self.profile.total_steps(len(self.images))
        return max(1, steps - 3 * min(steps, self.profile.coarse_steps) // 4)


class FitExamples(Protocol):
    """What ``Solve`` gets in the denoiser's place; made anew for each level of a problem."""

    def __call__(self, examples: Examples, /) -> Any: ...


@dataclass(frozen=True)
class Solver:
    """How a measurement is answered, with a prior or, as a baseline, without."""

    name: str
    title: str
    paper: str
    solve: Solve
    # what it asks of a variant; empty: a baseline, which stands on the board as a row of its own. "denoiser": of white
    # noise. "process": of the noise that the variant was trained with, which ``draws.normal`` then gives
    needs: tuple[str, ...] = ("denoiser",)
    # of problems that it is for; empty: every one that restores what was measured
    kinds: tuple[str, ...] = ()
    # at most 8 settings, of which the best on validation subjects is taken, by PSNR where an image is restored; empty:
    # its defaults
    search: tuple[Mapping[str, Any], ...] = ()
    samples: bool = True  # whether other random numbers give another answer
    version: int = 1
    fit: FitExamples | None = None  # of a baseline that learns from training images, without a prior
    # whether another seed of ``fit`` learns something else, as a network does and a mean does not
    trains: bool = False
    expected: Expected | None = None  # of a control: where it must land on the board of a problem
    # of the data, without which it has no answer: a ceiling that only phantoms have; the task puts its answers in
    fields: tuple[str, ...] = ()

    @property
    def is_control(self) -> bool:
        """Whether it only gives a board its scale."""
        return self.expected is not None

    @property
    def answers_by(self) -> Literal["prior", "training", "rule"]:
        """What an answer rests on beside the measurement; a rule learns nothing that another seed would change."""
        if self.needs:
            return "prior"
        return "training" if self.trains else "rule"


@runtime_checkable
class Answers(Protocol):
    """What a task that poses a problem sees in a ``Model``'s place: a solver, with its prior where it needs one."""

    solver: Solver
    problem: Problem

    def answer(
        self,
        level: float,
        images: np.ndarray,
        seed: int,
        sample: int = 0,
        setting: Mapping[str, Any] | None = None,
        like: np.ndarray | None = None,
    ) -> np.ndarray:
        """float32 (N, H, W) in [0, 1]: measured, and found again.

        Args:
            level: One of ``Problem.levels``.
            images: uint8 (N, H, W), or (N, C, H, W) as of ``Problem.images``.
            seed: Of the measurement and of the answer.
            sample: Another number is another answer to the same measurement.
            setting: One of ``Solver.search``; None: the solver's defaults.
            like: uint8, images of the same shape. Mask, coils, noise and the solver's random numbers are taken from
                them, as where two images are to differ in nothing else; None: each image has its own.
        """

    def adjoint(self, level: float, images: np.ndarray, seed: int) -> np.ndarray:
        """float32 (N, H, W), A* y clipped to [0, 1]."""

    def measured(self, level: float, images: np.ndarray, seed: int) -> np.ndarray:
        """float32 (N, H, W) in [0, 1], y to look at: of k-space the logarithm of its magnitude, zero frequency in the
        middle; black where y is no picture."""

    def residual(self, level: float, images: np.ndarray, answers: np.ndarray, seed: int) -> np.ndarray:
        """float32 (N,), root mean square of (y - A x) / sigma over what was measured: about 1 of the true images.

        Args:
            answers: x, float32 (N, H, W) in [0, 1], one for each of ``images``.
        """
