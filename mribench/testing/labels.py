"""Known answers for variants that are told a label: labels that are ignored, and Gaussians in closed form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from mribench.sampling import forward_process
from mribench.spec import Integrator, Split, Variant
from mribench.testing.checking import Case, require
from mribench.testing.fixtures import sampler_for
from mribench.testing.known import TOY, TOY_STEPS, distance, toy_blobs

if TYPE_CHECKING:
    import torch

N_DRAWN = 128  # images of each label
# for each label; bright and dark are told apart early
LABELLED_TOY = replace(TOY, max_steps=TOY_STEPS // 8, eval_every=TOY_STEPS, checkpoint_every=TOY_STEPS)


def it_draws_what_its_label_says(case: Case) -> None:
    """Trained on bright spots under one label and on dark ones under another, it draws either when asked for it."""
    if not case.plugin.conditions:
        require(
            case.plugin.guidance == 1,
            f"it has the guidance {case.plugin.guidance:g} and no conditions",
            "say in `conditions` what its network is told: guidance compares the network with and without a label",
        )
        return
    sets = {"bright": toy_blobs(N_DRAWN, 1), "dark": 1 - toy_blobs(N_DRAWN, 1)}
    drawn = _drawn_by_label(case.plugin)
    for label, other in (("bright", "dark"), ("dark", "bright")):
        near, far = distance(drawn[label], sets[label]), distance(drawn[label], sets[other])
        require(
            near < 0.5 * far,
            f"asked for the label {label!r} it draws images that are {near / far:.2f} times as far from those of that "
            f"label as from those of {other!r}",
            "let the network use its class_labels: K labels in alphabetical order of the organs, then the null label",
        )


def _drawn_by_label(variant: Variant) -> dict[str, np.ndarray]:
    from mribench.sampling.sample import TrainedModel
    from mribench.sampling.samplers import SamplerChoice
    from mribench.training.arguments import TrainingArguments
    from mribench.training.conditions import joined
    from mribench.training.train import train

    blobs = toy_blobs(256, 0)
    pixels = {
        label: (images * 255).astype(np.uint8) for label, images in (("bright", blobs), ("dark", 1 - blobs))
    }

    def split(n: int) -> Split:
        return joined({label: Split(part[:n], tuple(map(str, range(n)))) for label, part in pixels.items()})

    sampler = sampler_for(variant)
    choice = SamplerChoice(sampler, 10 if isinstance(sampler, Integrator) else 20)
    with TemporaryDirectory() as name:
        train(variant, TrainingArguments(split(256), split(16), LABELLED_TOY, 0, Path(name), "labelled toy"))
        return {
            label: TrainedModel(
                Path(name) / TOY.keep, variant, choice, LABELLED_TOY, "fp32", label=label
            ).generate(range(N_DRAWN), 0)
            for label in pixels
        }


@dataclass(frozen=True)
class LabelledGaussians:
    """K Gaussians of one width, one for each label, and what the null label stands for.

    Args:
        means: float32 (K, C, h, w).
        width: Standard deviation of every pixel.
        null: float32 (C, h, w), the mean of the Gaussian of the null label; None: it stands for all labels alike.
    """

    means: torch.Tensor
    width: float
    null: torch.Tensor | None = None

    def denoised(self, x: torch.Tensor, sigma: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """D(x; sigma) = E[x_0 | x, label], float32 (N, C, h, w), in closed form.

        (width^2 x + sigma^2 m) / (width^2 + sigma^2), where m is the mean of the label; of a mixture its mean weighted
        by how well each mode explains x. sigma: float32 (N, 1, 1, 1). label: int64 (N,), K is the null label.
        """
        import torch

        variance = self.width**2 + sigma**2
        away = (x[:, None] - self.means).square().flatten(2).sum(2)
        explains = torch.softmax(-away / (2 * variance[:, 0, 0]), dim=1)
        any_label = torch.einsum("nk,kchw->nchw", explains, self.means) if self.null is None else self.null
        is_null = (label == len(self.means))[:, None, None, None]
        mean = torch.where(is_null, any_label, self.means[label.clamp(max=len(self.means) - 1)])
        return (self.width**2 * x + sigma**2 * mean) / variance

    def network(self, variant: Variant, scheduler: Any) -> Any:
        """The network that a perfect training of the variant on eps would give, called with ``class_labels``."""
        import torch

        alpha_bar, _ = forward_process.alpha_bars(variant, scheduler)
        log_sigma = 0.5 * (np.log1p(-alpha_bar) - np.log(alpha_bar))

        def call(x_t: torch.Tensor, t: torch.Tensor, class_labels: torch.Tensor) -> Any:
            now = np.interp(np.broadcast_to(t.numpy(), len(x_t)), np.arange(len(log_sigma)), log_sigma)
            sigma = torch.as_tensor(np.exp(now), dtype=torch.float32)[:, None, None, None]
            x = x_t * (1 + sigma**2).sqrt()
            return SimpleNamespace(sample=(x - self.denoised(x, sigma, class_labels)) / sigma)

        return call
