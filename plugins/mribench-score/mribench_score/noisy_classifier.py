"""The network of classifier guidance: a U-Net without labels, and a classifier of noisy images beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin, UNet2DModel
from diffusers.configuration_utils import register_to_config
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.unets.unet_2d import UNet2DOutput

from mribench.networks import PatchUNet2DModel

UNETS = {kind.__name__: kind for kind in (UNet2DModel, PatchUNet2DModel)}


@dataclass
class GuidedOutput(UNet2DOutput):
    """``sample`` as of a U-Net, and what the classifier made of the image."""

    cross_entropy: torch.Tensor | None = None  # float32 (N,), -log p(label | x_t); 0 under the null label


class NoisyClassifier(torch.nn.Module):
    """A score of each label from x_t, float32 (N, labels): strided convolutions that are told the timestep.

    The encoder half of a U-Net in Dhariwal & Nichol, section 4, which has attention; here it is plain.
    """

    def __init__(self, labels: int, channels: tuple[int, ...]):
        super().__init__()
        self.time = Timesteps(channels[0], flip_sin_to_cos=True, downscale_freq_shift=0)
        self.embed = TimestepEmbedding(channels[0], 4 * channels[0])
        widths = (1, *channels)
        self.convs = torch.nn.ModuleList(
            torch.nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in zip(widths, channels, strict=False)
        )
        self.shifts = torch.nn.ModuleList(torch.nn.Linear(4 * channels[0], b) for b in channels)
        self.out = torch.nn.Linear(channels[-1], labels)

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        told = F.silu(self.embed(self.time(t).to(x.dtype)))
        for conv, shift in zip(self.convs, self.shifts, strict=True):
            x = F.silu(conv(x) + shift(told)[:, :, None, None])
        return self.out(x.mean(dim=(2, 3))).float()


class ClassifierGuidedModel(ModelMixin, ConfigMixin):
    """Called like ``UNet2DModel`` with ``class_labels``; what it gives under a label is guided.

    Args:
        backbone: Settings of the U-Net, its class under ``_class_name``.
        labels: Their number K; K itself is the null label, under which nothing is guided.
        channels: Of the classifier.
        prediction: ``epsilon`` or ``v_prediction``, what the U-Net gives.
        scale: s of the paper's equation 10.
        timesteps: Of the forward process, whose levels are in the buffer ``log_ratio``.
    """

    @register_to_config
    def __init__(
        self,
        backbone: dict[str, Any],
        labels: int = 1,
        channels: tuple[int, ...] = (32, 64),
        prediction: str = "epsilon",
        scale: float = 1.0,
        timesteps: int = 1000,
    ):
        super().__init__()
        self.unet = UNETS[backbone["_class_name"]].from_config(backbone)
        self.classifier = NoisyClassifier(labels, tuple(channels))
        # log(sigma_t / signal_t) of x_t = signal_t x_0 + sigma_t eps
        self.register_buffer("log_ratio", torch.zeros(timesteps))

    def forward(
        self,
        sample: torch.Tensor,
        timestep: torch.Tensor | float | int,
        class_labels: torch.Tensor | None = None,
        guided: bool = True,
        return_dict: bool = True,
    ) -> Any:
        """``GuidedOutput``, or a tuple of its sample. ``guided`` False gives the U-Net's own output and the entropy."""
        t = torch.as_tensor(timestep, device=sample.device).expand(len(sample))
        out = self.unet(sample, t).sample
        entropy = None
        if class_labels is not None and not guided:
            entropy = -_of_labels(self._log_posterior(sample, t), class_labels)
        elif class_labels is not None:
            out = self._guide(out, sample, t, class_labels)
        return GuidedOutput(sample=out, cross_entropy=entropy) if return_dict else (out,)

    def _guide(
        self, out: torch.Tensor, x: torch.Tensor, t: torch.Tensor, label: torch.Tensor
    ) -> torch.Tensor:
        """eps - s sigma_t grad log p(y | x_t), algorithm 2; of v the same in its terms."""
        # a likelihood and some solvers differentiate D, guidance included; samplers run where no gradient can be taken
        differentiated = torch.is_grad_enabled() and x.requires_grad
        with torch.inference_mode(False), torch.enable_grad():
            seen = x if differentiated else x.detach().clone().requires_grad_()
            # a view: counters of operations hook the inputs of modules, and torch allows no hook on a leaf here
            known = _of_labels(self._log_posterior(seen.view_as(seen), t.clone()), label.clone())
            (uphill,) = torch.autograd.grad(known.sum(), seen, create_graph=differentiated)
        ratio = self._ratio(t)[:, None, None, None]
        # v = signal eps - sigma x_0, and x_0 falls by sigma^2 / signal where eps rises by sigma
        step = ratio if self.config.prediction == "v_prediction" else ratio / (1 + ratio**2).sqrt()
        return out - self.config.scale * step * uphill.to(out.dtype)

    def _log_posterior(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """log p(label | x_t), float32 (N, labels).

        The scores are multiplied by signal_t, as those of Gaussians are: what is wrong with a classifier leads nowhere
        while there is noise alone.
        """
        signal = (1 + self._ratio(t) ** 2).rsqrt()
        return F.log_softmax(signal[:, None] * self.classifier(x, t), dim=1)

    def _ratio(self, t: torch.Tensor) -> torch.Tensor:
        """sigma_t / signal_t, float32 (N,); between two timesteps its logarithm is interpolated."""
        t = t.float().clamp(0, len(self.log_ratio) - 1)
        low = t.floor().long()
        high = (low + 1).clamp(max=len(self.log_ratio) - 1)
        return torch.lerp(self.log_ratio[low], self.log_ratio[high], t - low).exp()


def _of_labels(log_p: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """(N,), 0 under the null label."""
    null = log_p.shape[1]
    return torch.cat([log_p, torch.zeros_like(log_p[:, :1])], dim=1).gather(
        1, label.clamp(max=null)[:, None]
    )[:, 0]
