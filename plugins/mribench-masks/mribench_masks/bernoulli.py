"""A diffusion of label maps by flips of labels: Bernoulli noise, and with several structures multinomial noise.

x_t keeps the label of x_{t-1} with probability alpha_t and takes any label at random otherwise, so that
q(x_t | x_0) = a_t x_0 + (1 - a_t) / C with a_t the product of the alphas and C the number of labels. With C = 2 this is
BerDiff (Chen et al. 2023, arXiv 2304.04429; beta_t = 1 - alpha_t), with more it is multinomial diffusion (Hoogeboom et
al. 2021, arXiv 2102.05379, section 4). As in Zbinden et al. 2023, arXiv 2303.08888, the network gives p(x_0 | x_t),
over which the posterior is summed; BerDiff puts its mean in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mribench_paired.networks import unet

from mribench.spec import NOT_ANNOTATED, Draws, Examples, Measurement, Solver
from mribench_masks.label_maps import KIND, as_answer, one_hot, pairs
from mribench_masks.networks import learned

if TYPE_CHECKING:
    import torch

STEPS = 24  # in training too: as many evaluations as the Gaussian diffusion makes, and one
# log(a / (1 - a)) of the last and of the first step, in equal steps. The last is so low because a structure of many
# pixels is seen through many flips
NOISIEST, CLEANEST = -4.0, 4.0


def kept(t: torch.Tensor) -> torch.Tensor:
    """a_t, the share of labels that no noise has touched after t of ``STEPS`` steps; 1 at t = 0."""
    logits = CLEANEST + (NOISIEST - CLEANEST) * (t - 1) / (STEPS - 1)
    return logits.sigmoid().where(t > 0, 1.0)


def mixed(p: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
    """a p + (1 - a) / C: where labels of probabilities p, (N, C, H, W), go that are kept with probability a."""
    return a * p + (1 - a) / p.shape[1]


def label_before(
    x_t: torch.Tensor, x_0: torch.Tensor, now: torch.Tensor, before: torch.Tensor
) -> torch.Tensor:
    """The sum of q(x_{t-1} | x_t, x_0) over x_0, by Bayes' rule; (N, C, H, W), which adds up to 1.

    Args:
        x_t: One-hot, (N, C, H, W).
        x_0: Probabilities of each label, likewise. One-hot: the posterior itself.
        now: a_t, (N, 1, 1, 1).
        before: a_{t-1}, likewise.
    """
    of_x_0 = x_0 / mixed(x_t, now)
    from_x_0 = before * of_x_0 + (1 - before) / x_0.shape[1] * of_x_0.sum(1, keepdim=True)
    return mixed(x_t, now / before) * from_x_0


def drawn_labels(p: torch.Tensor, draws: Draws) -> torch.Tensor:
    """One-hot labels (N, C, H, W) of the probabilities p, which add up to 1."""
    above = draws.uniform(1, *p.shape[2:]) > p.cumsum(1)
    return one_hot(above.sum(1).clamp(max=p.shape[1] - 1), p.shape[1])


def probabilities(net: Any, x_t: torch.Tensor, t: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """p(x_0 | x_t, image), (N, C, H, W). t: (N, 1, 1, 1)."""
    import torch

    seen = torch.cat([x_t, image], dim=1)
    return net(2 * seen - 1, 1000 * t.flatten() / STEPS).sample.softmax(1)


def flip_loss(net: Any, image: torch.Tensor, labels: torch.Tensor, draws: Draws) -> torch.Tensor:
    """KL(q(x_{t-1} | x_t, x_0), p(x_{t-1} | x_t)) and cross-entropy of x_0, as in BerDiff."""
    x_0 = one_hot(labels, net.config.out_channels)
    t = 1.0 + draws.integers(STEPS, 1, 1, 1)
    now, before = kept(t), kept(t - 1)
    x_t = drawn_labels(mixed(x_0, now), draws)
    p = probabilities(net, x_t, t, image)
    real, found = (label_before(x_t, one, now, before) for one in (x_0, p))
    divergence = (real * ((real + 1e-12) / (found + 1e-12)).log()).sum(1)
    entropy = -(x_0 * (p + 1e-12).log()).sum(1)
    return ((divergence + entropy) * (labels != NOT_ANNOTATED)).mean()


def by_bernoulli(net: Any, m: Measurement, draws: Draws) -> torch.Tensor:
    """A draw of p(label map | image), from labels at random."""
    classes = net.config.out_channels
    x = drawn_labels(m.y.new_full((len(m.y), classes, *m.shape), 1 / classes), draws)
    for step in range(STEPS, 0, -1):
        t = m.y.new_full((len(m.y), 1, 1, 1), step)
        p = probabilities(net, x, t, m.y)
        x = drawn_labels(label_before(x, p, kept(t), kept(t - 1)), draws)
    return as_answer(x.argmax(1))


def fit_bernoulli(examples: Examples) -> Any:
    """A network that sees the label map with its flips and the image."""
    classes = pairs(examples).classes
    return learned(lambda: unet(examples.profile, 1 + classes, classes), examples, flip_loss)


BERNOULLI = Solver(
    name="bernoulli-diffusion",
    title="Bernoulli diffusion of label maps",
    paper="BerDiff: Chen et al. 2023, arXiv:2304.04429; of several structures Zbinden et al. 2023, arXiv:2303.08888",
    solve=by_bernoulli,
    needs=(),
    kinds=(KIND,),
    fit=fit_bernoulli,
    trains=True,
    version=2,  # 1: in float32 alone
)
