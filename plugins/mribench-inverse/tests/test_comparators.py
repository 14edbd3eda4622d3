"""Comparators trained on a linear-Gaussian problem, where no answer has less error than the Wiener filter's."""

from types import SimpleNamespace

import pytest
import torch
from mribench_inverse import comparators
from mribench_inverse.operators import Average, Kept

from mribench.seeds import torch_generator
from mribench.spec import Examples, Measurement, Network
from mribench.training.draws import BatchDraws

SIDE, SPREAD, LENGTH, SIGMA = 8, 0.15, 3.0, 0.15  # pixels that correlate over about LENGTH, and noise
N = 1000  # held-out images
EVERY_PIXEL, SQUARES = Kept(torch.ones(())), Average(2)
PLACES = torch.cartesian_prod(torch.arange(float(SIDE)), torch.arange(float(SIDE)))
COVARIANCE = SPREAD**2 * torch.exp(-torch.cdist(PLACES, PLACES) / LENGTH).double()
ROOT = torch.linalg.cholesky(COVARIANCE).float()


def measured(operator, n, *address):
    draws = BatchDraws(torch_generator("toy", *address), n, slice(None))
    x = 0.5 + (draws.normal(SIDE**2) @ ROOT.T).view(n, 1, SIDE, SIDE)
    clean = operator(x)
    noise = draws.normal(*clean.shape[1:])
    return x, Measurement(clean + SIGMA * noise, operator, SIGMA, (SIDE, SIDE)), draws


def wiener(m):
    """mean + C A* (A C A* + sigma^2)^-1 (y - A mean), with A as a matrix."""
    matrix = m.operator(torch.eye(SIDE**2).view(-1, 1, SIDE, SIDE)).flatten(1).T.double()
    noise = SIGMA**2 * torch.eye(len(matrix), dtype=torch.float64)
    gain = torch.linalg.solve(matrix @ COVARIANCE @ matrix.T + noise, matrix @ COVARIANCE).T
    mean = torch.full((SIDE**2,), 0.5, dtype=torch.float64)
    return (mean + (m.y.flatten(1).double() - matrix @ mean) @ gain.T).view(-1, 1, SIDE, SIDE).float()


def answered(solver, operator, steps, rate, samples=1):
    """Held-out squared errors: of each sample, of the Wiener filter, and of A* y; float32 (N,) each."""
    profile = SimpleNamespace(
        size=SIDE,
        network=Network(channels=(16, 16), layers_per_block=1),
        total_steps=lambda n: steps,
        coarse_steps=0,
        precision="fp32",
        grad_clip=1.0,
        batch_size=32,
        lr=rate,
        warmup_steps=20,
    )

    def batches(n, size):
        return (measured(operator, size, step) for step in range(n))

    images = measured(operator, 64, "train")[0][:, 0].numpy()
    net = solver.fit(Examples(images, batches, profile, 0, torch.device("cpu")))
    x, m, _ = measured(operator, N, "held out")
    with torch.no_grad():
        found = [
            solver.solve(net, m, BatchDraws(torch_generator("answer", k), N, slice(None)))
            for k in range(samples)
        ]
    errors = [(one - x).square().mean((1, 2, 3)) for one in (*found, wiener(m), operator.adjoint(m.y))]
    mean = (torch.stack(found).mean(0) - x).square().mean((1, 2, 3))
    return errors[:-2], mean, *errors[-2:]


def assert_not_ahead(errors, least):
    """No answer has less error than the conditional mean, beyond what these images leave open."""
    difference = errors - least
    assert difference.mean() > -2 * difference.std() / N**0.5


@pytest.mark.parametrize(
    ("solver", "operator", "steps"),
    [
        pytest.param(comparators.DNCNN, EVERY_PIXEL, 150, id="dncnn"),
        pytest.param(comparators.UNROLLED, SQUARES, 320, id="unrolled", marks=pytest.mark.slow),
        pytest.param(comparators.UNET, SQUARES, 300, id="unet", marks=pytest.mark.slow),
    ],
)
def test_a_network_trained_on_pairs_comes_near_the_wiener_filter_and_never_beats_it(solver, operator, steps):
    (errors,), _, least, start = answered(solver, operator, steps, 5e-3)
    assert start.mean() > 3 * least.mean()
    assert errors.mean() < 1.1 * least.mean()
    assert_not_ahead(errors, least)


@pytest.mark.slow
def test_a_conditional_diffusion_samples_the_posterior_and_its_mean_comes_near_the_wiener_filter():
    """A draw of the posterior errs twice as much as its mean; 20 ancestral steps leave its variance at about 0.6."""
    errors, mean, least, _ = answered(comparators.CONDITIONAL, EVERY_PIXEL, 400, 3e-3, samples=4)
    assert 1.4 < errors[0].mean() / least.mean() < 2.1
    assert mean.mean() < 1.3 * least.mean()
    assert_not_ahead(mean, least)
    assert_not_ahead(errors[0], least)


@pytest.mark.parametrize("sigma", [0.01, 0.25, 3.0])
def test_a_conditional_diffusion_has_the_scales_of_edm(sigma):
    """Of the paper's table 1, whose images have grey values in [-1, 1] and noise that is twice as large."""
    x, given = torch.rand(2, 4, 1, 8, 8)

    def net(seen, t):
        return SimpleNamespace(sample=torch.tanh(seen[:, :1]) + 0.3 * seen[:, 1:])

    found = comparators.conditional_denoiser(net, x, torch.full((4, 1, 1, 1), sigma), given)
    twice, spread = 2 * sigma, 0.5
    total = twice**2 + spread**2
    seen = torch.cat([(2 * x - 1) / total**0.5, (2 * given - 1) / spread], dim=1)  # c_in
    out = twice * spread / total**0.5 * net(seen, None).sample
    assert torch.allclose(2 * found - 1, spread**2 / total * (2 * x - 1) + out, atol=1e-5)


def test_its_training_has_the_levels_and_weights_of_edm():
    """Of a network that says 0, the weighted loss is that of F = 0: the mean square of EDM's target."""
    n = 50_000
    x = torch.rand(n, 1, 1, 1, generator=torch.Generator().manual_seed(0))
    draws = BatchDraws(torch.Generator().manual_seed(1), n, slice(None))

    def net(seen, t):
        return SimpleNamespace(sample=torch.zeros_like(seen[:, :1]))

    found = comparators.denoising_loss(net, x, torch.zeros_like(x), draws)
    # (y - c_skip (y + n)) / c_out, y = 2 x - 1 of variance 1 / 3, over ln sigma ~ N(-1.2, 1.2^2)
    sigma = (1.2 * torch.randn(1_000_000, generator=torch.Generator().manual_seed(2)).double() - 1.2).exp()
    total = sigma**2 + 0.25
    skip, out = 0.25 / total, sigma * 0.5 / total.sqrt()
    expected = (((1 - skip) ** 2 / 3 + skip**2 * sigma**2) / out**2).mean()
    assert found.item() == pytest.approx(expected.item(), rel=0.02)


class Watched(torch.nn.Module):
    """A layer that notes the type of numbers that it computes with."""

    def __init__(self):
        super().__init__()
        self.layer, self.within = torch.nn.Linear(2, 1), set()

    def forward(self, x):
        found = self.layer(x)
        self.within.add(found.dtype)
        return {"sample": found}


@pytest.mark.parametrize(
    ("precision", "expected"), [("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float32)]
)
@pytest.mark.parametrize("several", [False, True])
def test_networks_learn_in_the_precision_of_the_profile_and_what_stands_around_them_in_float32(
    precision, expected, several
):
    net = Watched()
    nets = torch.nn.ModuleList([net]) if several else net
    examples = SimpleNamespace(profile=SimpleNamespace(precision=precision), device=torch.device("cpu"))
    x = torch.ones(3, 2)
    with comparators.in_precision(nets, examples):
        found = net(x)["sample"]
        around = torch.nn.functional.linear(x, x)
    assert net.within == {expected}
    assert found.dtype == around.dtype == torch.float32
    assert net(x)["sample"].dtype == torch.float32 and net.within == {expected, torch.float32}
