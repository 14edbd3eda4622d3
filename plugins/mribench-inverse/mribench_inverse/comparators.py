"""Networks that are trained on pairs of measurement and image: what a prior, which saw no measurement, is held against.

Each level of a problem is a training of its own, with the budget of the profile's own network at full resolution.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mribench.spec import Draws, Examples, Measurement, Profile, Solver
from mribench.variants.ddpm import network
from mribench_inverse.steps import inner

if TYPE_CHECKING:
    import torch

    Answer = Callable[[Any, Measurement, torch.Tensor], torch.Tensor]  # network, measurement, time -> image

CASCADES = 4  # of the unrolled network, which share their weights
WIDTH, LAYERS = 32, 8  # of DnCNN, which has 64 and 17 in the paper
SPREAD = 0.25  # standard deviation of images in [0, 1], by which a diffusion's input is scaled
DIFFUSION_STEPS = 20
LEAST, LARGEST = 0.005, 20.0


def trained(
    net: torch.nn.Module, examples: Examples, loss: Callable[..., torch.Tensor], cost: int = 1
) -> Any:
    """The network after AdamW on ``loss(net, x, measurement, draws)``, the learning rate falling to 0 by a cosine.

    Args:
        net: Its weights are drawn already.
        examples: What it learns from.
        loss: Of a batch, a number.
        cost: Evaluations of the network in one step, by which the steps are divided.
    """
    import torch

    profile, steps = examples.profile, max(1, examples.full_steps // cost)
    net = net.to(examples.device).train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=profile.lr)
    warmup = max(1, min(profile.warmup_steps, steps // 10))
    batches = examples.batches(steps, profile.batch_size)
    with torch.enable_grad(), in_precision(net, examples):
        for step, (x, m, draws) in enumerate(batches):
            rate = min(1, (step + 1) / warmup) * 0.5 * (1 + math.cos(math.pi * step / steps))
            optimizer.param_groups[0]["lr"] = profile.lr * rate
            optimizer.zero_grad()
            loss(net, x, m, draws).backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), profile.grad_clip or 1.0)
            optimizer.step()
    return net.eval().requires_grad_(False)


@contextmanager
def in_precision(net: torch.nn.Module, examples: Examples) -> Iterator[None]:
    """Calls of a network, or of each network in a ModuleDict or ModuleList, compute in bf16 where the profile does.

    They give float32, and what stands around them, such as k-space, computes in float32. Other precisions than bf16 are
    float32 here: fp16 would want its gradients scaled.
    """
    import torch
    from accelerate.utils import convert_outputs_to_fp32

    lists = isinstance(net, torch.nn.ModuleDict | torch.nn.ModuleList)
    called = list(net.children()) if lists else [net]
    if examples.profile.precision != "bf16":
        called = []
    autocast = torch.autocast(examples.device.type, torch.bfloat16)
    for one in called:
        one.forward = convert_outputs_to_fp32(autocast(one.forward))
    try:
        yield
    finally:
        for one in called:
            del one.forward


def _seeded(make: Callable[[], torch.nn.Module], seed: int) -> torch.nn.Module:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def _unet(profile: Profile, channels: int) -> torch.nn.Module:
    """The profile's own U-Net, with as many input channels; at first it gives 0."""
    net = network(profile)
    if channels > 1:
        net = type(net).from_config({**net.config, "in_channels": channels})
    return _silent(net, getattr(net, "unet", net).conv_out)


def _silent(net: torch.nn.Module, last: torch.nn.Module) -> torch.nn.Module:
    """The network, its last layer set to 0, so that training begins at the answer without it."""
    import torch

    for parameter in last.parameters():
        torch.nn.init.zeros_(parameter)
    return net


def _at_zero(net: Any, x: torch.Tensor) -> torch.Tensor:
    """A diffusion's U-Net as a plain one: its timestep is always 0."""
    return net(x, x.new_zeros(len(x))).sample


def _squares(answer: Answer) -> Callable[..., torch.Tensor]:
    return lambda net, x, m, draws: (answer(net, m) - x).square().mean()


def scaled_adjoint(m: Measurement) -> torch.Tensor:
    """c A* y, float32 (N, 1, H, W), with the c of each image that is the best by least squares of y - c A A* y.

    A* y has the grey range of the image for masks, and a sixteenth of it for means over squares of 4 x 4 pixels.
    """
    start = m.operator.adjoint(m.y)
    again = m.operator(start)
    best = inner(m.y, again) / inner(again, again).clamp_min(1e-12)
    return best.view(-1, 1, 1, 1) * start


def by_unet(net: Any, m: Measurement, draws: Draws | None = None) -> torch.Tensor:
    """A* y, scaled, and what the network adds to it."""
    start = scaled_adjoint(m)
    return start + _at_zero(net, start)


def fit_unet(examples: Examples) -> Any:
    net = _seeded(lambda: _unet(examples.profile, 1), examples.seed)
    return trained(net, examples, _squares(by_unet))


def by_unrolled(net: Any, m: Measurement, draws: Draws | None = None) -> torch.Tensor:
    """x - A*(A x - y) + net(x), from A* y scaled: a gradient step of the data and one of the network in turn."""
    x = scaled_adjoint(m)
    for _ in range(CASCADES):
        x = x - m.operator.adjoint(m.operator(x) - m.y) + _at_zero(net, x)
    return x


def fit_unrolled(examples: Examples) -> Any:
    net = _seeded(lambda: _unet(examples.profile, 1), examples.seed)
    return trained(net, examples, _squares(by_unrolled), cost=CASCADES)


def by_dncnn(net: Any, m: Measurement, draws: Draws | None = None) -> torch.Tensor:
    """y less the noise that the network sees in it."""
    return m.y - net(m.y)


def fit_dncnn(examples: Examples) -> Any:
    from torch import nn

    def make() -> nn.Module:
        inner = [
            layer
            for _ in range(LAYERS - 2)
            for layer in (nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.GroupNorm(8, WIDTH), nn.ReLU())
        ]
        first, last = nn.Conv2d(1, WIDTH, 3, padding=1), nn.Conv2d(WIDTH, 1, 3, padding=1)
        return _silent(nn.Sequential(first, nn.ReLU(), *inner, last), last)

    return trained(_seeded(make, examples.seed), examples, _squares(by_dncnn))


def conditional_denoiser(net: Any, x: torch.Tensor, sigma: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
    """D(x; sigma, A* y) with the scales of Karras et al. 2022, arXiv 2206.00364, table 1, for images in [0, 1]."""
    import torch

    total = (sigma**2 + SPREAD**2).sqrt()
    seen = torch.cat([(x - 0.5) / total, (given - 0.5) / SPREAD], dim=1)
    out = net(seen, 250 * sigma.flatten().log()).sample
    return 0.5 + SPREAD**2 / total**2 * (x - 0.5) + sigma * SPREAD / total * out


def denoising_loss(net: Any, x: torch.Tensor, given: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Of D(x + sigma eps; sigma, given), weighted as in the same table.

    Its levels are for images in [-1, 1]: of images in [0, 1] they are half as large.
    """
    sigma = (1.2 * draws.normal(1, 1, 1) - 1.2).exp() / 2
    found = conditional_denoiser(net, x + sigma * draws.normal(*x.shape[1:]), sigma, given)
    weight = (sigma**2 + SPREAD**2) / (sigma * SPREAD) ** 2
    return (weight * (found - x).square()).mean()


def by_diffusion(net: Any, m: Measurement, draws: Draws) -> torch.Tensor:
    """Ancestral steps of D(x; sigma, A* y), from noise."""
    import torch

    given = scaled_adjoint(m)
    levels = torch.linspace(LARGEST ** (1 / 7), LEAST ** (1 / 7), DIFFUSION_STEPS).pow(7).tolist()
    x = levels[0] * draws.normal(1, *m.shape)
    for sigma, smaller in zip(levels, [*levels[1:], 0.0], strict=True):
        x_0 = conditional_denoiser(net, x, x.new_full((len(x), 1, 1, 1), sigma), given)
        kept = (smaller / sigma) ** 2
        x = x_0 + kept * (x - x_0) + smaller * math.sqrt(1 - kept) * draws.normal(1, *m.shape)
    return x


def fit_diffusion(examples: Examples) -> Any:
    return trained(
        _seeded(lambda: _unet(examples.profile, 2), examples.seed),
        examples,
        lambda net, x, m, draws: denoising_loss(net, x, scaled_adjoint(m), draws),
    )


def _comparator(
    name: str, title: str, paper: str, solve, fit, kinds=(), samples: bool = False, version: int = 3
) -> Solver:
    return Solver(
        name, title, paper, solve, (), kinds, samples=samples, fit=fit, trains=True, version=version
    )


UNET = _comparator("unet", "supervised U-Net", "Jin et al. 2017, arXiv:1611.03679", by_unet, fit_unet)
UNROLLED = _comparator(
    "unrolled", "unrolled network", "Hammernik et al. 2018, arXiv:1704.00447", by_unrolled, fit_unrolled
)
DNCNN = _comparator(
    "dncnn", "DnCNN, small", "Zhang et al. 2017, arXiv:1608.03981", by_dncnn, fit_dncnn, kinds=("denoise",)
)
CONDITIONAL = _comparator(
    "conditional",
    "conditional diffusion by concatenation",
    "Saharia et al. 2022, arXiv:2111.05826",
    by_diffusion,
    fit_diffusion,
    samples=True,
    version=4,  # 3: in float32 alone; 2: with the scales and levels of images in [-1, 1]
)
