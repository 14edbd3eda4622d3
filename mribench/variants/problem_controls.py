"""Controls of inverse problems: they give the board of a problem its two ends, and are never ranked.

``training-mean`` ignores the measurement, so nothing is learned from it; ``wiener`` is the best that second-order
statistics of the training images allow, and what any prior with a network has to be held against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mribench.spec import Draws, Examples, Expected, Measurement, Solver

if TYPE_CHECKING:
    import torch

COMPONENTS = 128  # principal components of the training images; the rest varies in each pixel by itself
MAX_STEPS = 1000  # of conjugate gradients; 200 leave 0.3 dB at R = 4
TOLERANCE = 1e-4  # of the residual, relative


class PixelGaussian(NamedTuple):
    """N(mean, axes.T diag(variance) axes + diag(rest)) of images as vectors of d pixels."""

    mean: torch.Tensor  # float32 (d,)
    axes: torch.Tensor  # float32 (k, d), orthonormal
    variance: torch.Tensor  # float32 (k,)
    rest: torch.Tensor  # float32 (d,)

    def covaried(self, x: torch.Tensor) -> torch.Tensor:
        """The covariance times each image, float32 (N, 1, H, W)."""
        flat = x.flatten(1)
        return ((flat @ self.axes.T * self.variance) @ self.axes + flat * self.rest).view(x.shape)


def fit_mean(examples: Examples) -> torch.Tensor:
    """The mean training image, float32 (H, W)."""
    import torch

    return torch.from_numpy(examples.images.mean(axis=0, dtype="float64")).float().to(examples.device)


def training_mean(mean: torch.Tensor, m: Measurement, draws: Draws) -> torch.Tensor:
    """The mean training image, whatever was measured."""
    return mean.expand(len(m.y), 1, *m.shape)


def fit_gaussian(examples: Examples) -> PixelGaussian:
    """Mean and covariance of the training images: principal components, and the rest pixel by pixel."""
    import torch

    flat = torch.from_numpy(examples.images).flatten(1).double()
    mean = flat.mean(0)
    _, singular, axes = torch.linalg.svd(flat - mean, full_matrices=False)
    k = min(COMPONENTS, len(flat) - 1)
    variance = singular[:k] ** 2 / max(len(flat) - 1, 1)
    rest = (flat.var(0) - (axes[:k] ** 2 * variance[:, None]).sum(0)).clamp_min(0)
    return PixelGaussian(*(part.float().to(examples.device) for part in (mean, axes[:k], variance, rest)))


def wiener(prior: PixelGaussian, m: Measurement, draws: Draws) -> torch.Tensor:
    """The posterior mean under the Gaussian: mean + C A* (A C A* + sigma^2)^-1 (y - A mean)."""
    mean = prior.mean.expand(len(m.y), -1).view(-1, 1, *m.shape)

    def of_data(u: torch.Tensor) -> torch.Tensor:
        return m.operator(prior.covaried(m.operator.adjoint(u))) + m.sigma**2 * u

    return mean + prior.covaried(m.operator.adjoint(_solved(of_data, m.y - m.operator(mean))))


def _solved(apply, b: torch.Tensor) -> torch.Tensor:
    """The solution of ``apply(u) = b`` by conjugate gradients, each row with steps of its own."""
    u, residual, direction = b * 0, b, b
    squared = enough = _inner(b)
    for _ in range(MAX_STEPS):
        image = apply(direction)
        going = squared > TOLERANCE**2 * enough
        if not bool(going.any()):
            break
        step = (squared / _inner(direction, image).clamp_min(1e-30)).where(going, squared * 0)
        u, residual = u + step * direction, residual - step * image
        before, squared = squared, _inner(residual).where(going, squared)
        direction = residual + squared / before.clamp_min(1e-30) * direction
    return u


def _inner(a: torch.Tensor, b: torch.Tensor | None = None) -> torch.Tensor:
    """Real inner product of each row, float32 (N, 1, ...)."""
    product = (a.conj() * (a if b is None else b)).real if a.is_complex() else a * (a if b is None else b)
    return product.flatten(1).sum(1).view(-1, *(1,) * (a.ndim - 1))


TRAINING_MEAN = Solver(
    name="training-mean",
    title="mean training image",
    paper="control: the mean of the training images, whatever was measured",
    solve=training_mean,
    needs=(),
    samples=False,
    fit=fit_mean,
    expected=Expected("last", "an answer that ignores its measurement must be the worst"),
)
WIENER = Solver(
    name="wiener",
    title="Wiener filter",
    paper=f"control: posterior mean under a Gaussian on {COMPONENTS} principal components of the training images",
    solve=wiener,
    needs=(),
    samples=False,
    fit=fit_gaussian,
    expected=Expected(
        "ahead of last", "a measurement must tell more of an image than the mean of all training images"
    ),
)
