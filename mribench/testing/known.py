"""Known answers: what a trained family must give on toys where the right answer is known."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from mribench import profiles
from mribench.spec import GenerativeModel, Integrator, Network, Profile, Split, Variant
from mribench.testing.checking import Case, require
from mribench.testing.fixtures import TINY, network_on, untrained_space
from mribench.testing.probe import MIDDLE, Probe

if TYPE_CHECKING:
    import torch

TOY_SIZE = 8
TOY_STEPS = 200
TOY = replace(
    profiles.get("smoke", precision="fp32"),
    size=TOY_SIZE,
    network=Network(channels=(16, 32), layers_per_block=1),
    max_steps=TOY_STEPS,
    eval_every=TOY_STEPS,
    checkpoint_every=TOY_STEPS,
    batch_size=16,
    sample_batch=64,
    ema_decay=0.98,
    keep="last",
)
PREDICTIONS = ("v_prediction", "epsilon")  # of profiles
# the toy's network under the other prediction, so that a variant learns under both
ONE_IMAGE = replace(TOY, prediction="epsilon")
STEPS_ON_ONE_IMAGE = 60
MIN_SPREAD = 0.5  # of samples, over that of real images


def its_network_sees_its_forward_process(case: Case) -> None:
    """What the loss shows the network is signal x_0 + sigma eps up to a factor, in the ratio of ``path``.

    A loss with another noise than the process's, or at another level, trains for a process that no sampler reverses.
    """
    import torch

    from mribench.sampling.forward_process import alpha_bars

    variant, draw = case.plugin, torch.Generator().manual_seed(0)
    net, scheduler, x0 = network_on(variant, draw)
    noise = torch.randn(x0.shape, generator=draw)
    levels, _ = alpha_bars(variant, scheduler)
    for share in MIDDLE:
        t = int(share * (len(levels) - 1))
        # a mask that the loss draws hides the same pixels of both
        image, noisy = (
            _seen(variant, net, scheduler, *parts, t) for parts in ((x0, 0 * noise), (0 * x0, noise))
        )
        (signal, off_image), (sigma, off_noise) = _factor(image, x0), _factor(noisy, noise)
        require(
            off_image < 0.01 and off_noise < 0.01,
            f"at t = {t} the network is not shown the image and the noise that the loss is given, but something that "
            f"differs from them by {max(off_image, off_noise):.0%}",
            "let the loss add the noise that it is given: another kernel belongs into `noise`, another space into "
            "`encode`, so that samplers know of it",
        )
        expected = np.sqrt((1 - levels[t]) / levels[t])
        require(
            abs(sigma / signal / expected - 1) < 0.02,
            f"at t = {t} the network is shown {sigma / signal:.3f} times as much noise as image, where the forward "
            f"process has {expected:.3f}",
            "let loss, scheduler and `path` speak of the same level",
        )


def its_denoiser_is_what_its_loss_teaches(case: Case) -> None:
    """Where the network answers so that D(x; sigma) = x_0, the loss is at its smallest; for both predictions."""
    if case.plugin.has_denoiser:
        for prediction in PREDICTIONS:
            _denoiser_is_what_its_loss_teaches(case.plugin, replace(TINY, prediction=prediction))


def _denoiser_is_what_its_loss_teaches(variant: Variant, profile: Profile) -> None:
    import torch

    from mribench.sampling.denoiser import VariantDenoiser
    from mribench.sampling.forward_process import alpha_bars

    draw = torch.Generator().manual_seed(0)
    net, scheduler, x0 = network_on(variant, draw, profile)
    noise = torch.randn(x0.shape, generator=draw)
    levels, _ = alpha_bars(variant, scheduler)
    for share in MIDDLE:
        t = int(share * (len(levels) - 1))
        sigma = float(np.sqrt((1 - levels[t]) / levels[t]))

        def denoised(answer: float, sigma: float = sigma) -> torch.Tensor:
            probe = Probe(net, torch.tensor(answer))
            return VariantDenoiser(variant, probe, scheduler)(x0 + sigma * noise, sigma)

        with torch.no_grad():
            at_0, at_1 = denoised(0.0), denoised(1.0)
            right = (x0 - at_0) / (at_1 - at_0)
        answer = _answer(net, right, x0, t).requires_grad_()

        def loss(answer: torch.Tensor, t: int = t) -> torch.Tensor:
            return variant.loss(Probe(net, answer), scheduler, x0, noise, torch.full((len(x0),), t)).mean()

        there = loss(answer)
        (downhill,) = torch.autograd.grad(there, answer)
        # further outputs are free: where D = x_0 a learned variance may be another than the network's
        downhill[:, right.shape[1] :] = 0
        size = downhill.square().mean().sqrt()
        least = there.item()
        beside = loss(answer.detach() - 0.3 * downhill / size).item() if size > 0 else least
        require(
            least <= beside,
            f"where a profile asks for {profile.prediction}, at t = {t}, the loss is {least:.4g} where the denoiser "
            f"gives x_0, and {beside:.4g} beside it",
            "let `estimate` (or the scheduler's prediction_type) turn into x_0 just what the loss asks of the network",
        )


def it_learns_one_image(case: Case) -> None:
    """After a few steps on one image, D(x; sigma) is nearer to it than x is, at the levels of the denoising task."""
    import torch

    from mribench.sampling.denoiser import VariantDenoiser
    from mribench.training.stages import shaped

    variant, draw = case.plugin, torch.Generator().manual_seed(0)
    if not variant.has_denoiser:
        return
    net, scheduler, _ = network_on(variant, draw, ONE_IMAGE)
    image = torch.from_numpy(toy_blobs(1, 0)).float()[None] * 2 - 1
    x0 = untrained_space(variant, ONE_IMAGE).encode(image).expand(TOY.batch_size, -1, -1, -1)

    def noise() -> torch.Tensor:
        return shaped(variant, torch.randn(x0.shape, generator=draw))

    optimizer = torch.optim.Adam(net.parameters(), lr=TOY.lr)
    for _ in range(STEPS_ON_ONE_IMAGE):
        t = torch.randint(scheduler.config.num_train_timesteps, (len(x0),), generator=draw)
        optimizer.zero_grad()
        variant.loss(net, scheduler, x0, noise(), t).mean().backward()
        optimizer.step()
    for alpha_bar in TINY.alpha_bars:
        sigma = float(np.sqrt((1 - alpha_bar) / alpha_bar))
        with torch.no_grad():
            denoised = VariantDenoiser(variant, net, scheduler)(x0 + sigma * noise(), sigma)
        share = float((denoised - x0).square().mean().sqrt()) / sigma
        require(
            share < 1,
            f"after {STEPS_ON_ONE_IMAGE} steps on one image it denoises that image, at alpha-bar {alpha_bar:.2g}, to "
            f"{share:.2f} times the noise that was there",
            "see that the loss has a gradient that leads to x_0, at every level",
        )


def it_learns_a_toy(case: Case) -> None:
    """After a few hundred steps on blobs of 8 x 8 pixels its samples are nearer to them than noise is, and vary."""
    samples = _toy_samples(case.plugin)
    blobs, noise = toy_blobs(256, 1), np.random.default_rng(0).random((256, TOY_SIZE, TOY_SIZE))
    ours, theirs = distance(samples, blobs), distance(noise, blobs)
    require(
        ours < 0.5 * theirs,
        f"after {TOY_STEPS} steps its samples are {ours / theirs:.2f} times as far from real images as noise is",
        "see that the loss teaches what the sampler asks for: an autoencoder does not learn to generate",
    )
    spread = _spread(samples) / _spread(blobs)
    require(
        spread > MIN_SPREAD,
        f"after {TOY_STEPS} steps its samples differ from each other by {spread:.0%} of what real images do",
        "see that an image follows from its own random numbers: the mean of all images is near to all of them",
    )


def toy_blobs(n: int, seed: int) -> np.ndarray:
    """float (n, 8, 8) in [0, 1]: a bright spot at a random place."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:TOY_SIZE, :TOY_SIZE]
    centre = rng.uniform(2, 5, (2, n, 1, 1))
    return 0.9 * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / 4)


@cache
def _toy_samples(model: Variant | GenerativeModel) -> np.ndarray:
    from mribench.sampling.generator import TrainedGenerator
    from mribench.sampling.sample import TrainedModel
    from mribench.sampling.samplers import SamplerChoice
    from mribench.testing.fixtures import sampler_for
    from mribench.training.arguments import TrainingArguments
    from mribench.training.train import train

    images = (toy_blobs(512, 0) * 255).astype(np.uint8)
    split = Split(images, tuple(map(str, range(len(images)))))
    with TemporaryDirectory() as name:
        train(
            model,
            TrainingArguments(split, Split(images[:32], split.subjects[:32]), TOY, 0, Path(name), "toy"),
        )
        if isinstance(model, GenerativeModel):
            return TrainedGenerator(Path(name), model, TOY, "fp32").generate(range(256), 0)
        sampler = sampler_for(model)
        steps = 10 if isinstance(sampler, Integrator) else 20
        made = TrainedModel(Path(name) / TOY.keep, model, SamplerChoice(sampler, steps), TOY, "fp32")
        return made.generate(range(256), 0)


def distance(images: np.ndarray, others: np.ndarray) -> float:
    """Energy distance of two sets of images (Szekely & Rizzo 2013, doi:10.1016/j.jspi.2013.03.018)."""
    from scipy.spatial.distance import cdist

    a, b = (part.reshape(len(part), -1) for part in (images, others))
    return float(2 * cdist(a, b).mean() - cdist(a, a).mean() - cdist(b, b).mean())


def _spread(images: np.ndarray) -> float:
    """Mean distance of two images of a set."""
    from scipy.spatial.distance import pdist

    return float(pdist(images.reshape(len(images), -1)).mean())


def _seen(
    variant: Variant, net: Any, scheduler: Any, x0: torch.Tensor, noise: torch.Tensor, t: int
) -> torch.Tensor:
    import torch

    probe = Probe(net)
    torch.manual_seed(0)  # for what the loss itself draws
    with torch.no_grad():
        variant.loss(probe, scheduler, x0, noise, torch.full((len(x0),), t))
    return probe.seen


def _factor(seen: torch.Tensor, given: torch.Tensor) -> tuple[float, float]:
    """k of seen = k given where it is shown at all, and what is left over, as a share."""
    seen = seen[:, : given.shape[1]]
    shown = seen != 0
    k = float((seen * given)[shown].sum() / given[shown].square().sum())
    return k, float((seen - k * given)[shown].norm() / seen.norm())


def _answer(net: Any, right: torch.Tensor, x0: torch.Tensor, t: int) -> torch.Tensor:
    """The right answer in the channels of x_0; further outputs (a learned variance) as the network gives them."""
    import torch

    out = net(x0, torch.full((len(x0),), t)).sample
    return torch.cat([right, out[:, right.shape[1] :]], dim=1)
