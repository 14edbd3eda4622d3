"""Classifier guidance: with the exact posterior it gives the conditional distribution."""

from types import SimpleNamespace

import pytest
import torch
from mribench_score.classifier import CLASSIFIER_GUIDED, network
from mribench_score.integrators import HEUN
from torch.utils.flop_counter import FlopCounterMode

from mribench import Network
from mribench.sampling.denoiser import VariantDenoiser
from mribench.testing import conforms

test_classifier_guided = conforms("variants", "classifier-guided")

PROFILE = SimpleNamespace(
    size=16,
    coarse_steps=0,
    prediction="epsilon",
    network=Network(channels=(8, 16), layers_per_block=1, norm_groups=4),
)
WIDTH = 0.25
MEANS = torch.tensor([[0.8, 0.1], [-0.5, 0.6], [0.0, -0.7]])  # of three labels, for images of two pixels


def posterior(x, sigma):
    """log p(label | x_0 + sigma eps = x) of Gaussians of one width, (N, 3)."""
    away = (x.flatten(1)[:, None] - MEANS).square().sum(2)
    return torch.log_softmax(-away / (2 * (WIDTH**2 + sigma**2)), dim=1)


def denoised(x, sigma, mean):
    return (WIDTH**2 * x + sigma**2 * mean) / (WIDTH**2 + sigma**2)


@pytest.fixture(params=["epsilon", "v_prediction"])
def exact(request):
    """The network with the exact answers of the mixture in place of U-Net and classifier, and the scheduler."""
    profile = SimpleNamespace(**{**vars(PROFILE), "prediction": request.param})
    net, scheduler = network(profile, labels=3), CLASSIFIER_GUIDED.scheduler(profile)

    class Mixture(torch.nn.Module):
        def forward(self, x_t, t):
            ratio = net._ratio(t)[:, None, None, None]
            signal = (1 + ratio**2).rsqrt()
            x = x_t / signal
            weights = posterior(x, ratio[:, 0, 0]).exp()
            x0 = denoised(x, ratio, (weights @ MEANS)[:, None, None, :])
            eps = (x_t - signal * x0) / (signal * ratio)
            return SimpleNamespace(
                sample=eps if request.param == "epsilon" else signal * eps - signal * ratio * x0
            )

    class Posterior(torch.nn.Module):
        def forward(self, x_t, t):
            ratio = net._ratio(t)[:, None, None, None]
            length = (1 + ratio**2).sqrt()  # over the signal, by which the model multiplies
            return posterior(x_t * length, ratio[:, 0, 0]) * length[:, 0, 0]

    net.unet, net.classifier = Mixture(), Posterior()
    return net, scheduler


def at_label(net, label):
    return lambda x, t: net(x, t, class_labels=torch.full((len(x),), label))


@pytest.mark.parametrize("sigma", [0.05, 0.7, 20.0])
def test_with_the_exact_posterior_the_denoiser_is_that_of_the_label(exact, sigma):
    net, scheduler = exact
    x = sigma * torch.randn(64, 1, 1, 2, generator=torch.Generator().manual_seed(0)) + MEANS[0]
    with torch.inference_mode():
        for label, mean in enumerate(MEANS):
            found = VariantDenoiser(CLASSIFIER_GUIDED, at_label(net, label), scheduler)(x, sigma)
            assert torch.allclose(found, denoised(x, sigma, mean), atol=3e-3)
        # under the null label nothing is guided
        mixed = denoised(x, sigma, (posterior(x, torch.tensor(sigma)).exp() @ MEANS)[:, None, None, :])
        found = VariantDenoiser(CLASSIFIER_GUIDED, at_label(net, 3), scheduler)(x, sigma)
        assert torch.allclose(found, mixed, atol=3e-3)


def test_the_guided_denoiser_has_the_slope_of_that_of_the_label(exact):
    """Likelihoods, DPS and moment matching take it; under guidance without its own slope it would be the mixture's."""
    net, scheduler = exact
    sigma = 0.7
    x = MEANS[:1, None, None].expand(4, 1, 1, 2).clone() + torch.linspace(-1, 1, 4)[:, None, None, None]
    with torch.enable_grad():
        x.requires_grad_()
        found = VariantDenoiser(CLASSIFIER_GUIDED, at_label(net, 1), scheduler)(x, sigma)
        (slope,) = torch.autograd.grad(found.sum(), x)
    assert torch.allclose(slope, torch.full_like(x, WIDTH**2 / (WIDTH**2 + sigma**2)), atol=5e-3)


def test_what_is_drawn_has_the_moments_of_the_label(exact):
    net, scheduler = exact
    denoise = VariantDenoiser(CLASSIFIER_GUIDED, at_label(net, 1), scheduler)
    sigmas = [*torch.logspace(1.9, -2, 40).tolist(), 0.0]
    start = sigmas[0] * torch.randn(4000, 1, 1, 2, generator=torch.Generator().manual_seed(0))
    drawn = HEUN.integrate(denoise, start, sigmas, None).flatten(1)
    assert torch.allclose(drawn.mean(0), MEANS[1], atol=0.02)
    assert torch.allclose(drawn.T.cov(), WIDTH**2 * torch.eye(2), atol=0.004)


def test_its_operations_can_be_counted():
    """Hooks of the counter and gradients inside a call: torch has raised here."""
    net, x = network(PROFILE, labels=2).eval(), torch.zeros(1, 1, 16, 16)

    def operations(label):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            net(x, torch.tensor(300), class_labels=label)
        return counter.get_total_flops()

    assert operations(None) < operations(torch.tensor([0])) < 3 * operations(None)


def test_the_classifier_learns_in_training_alone_and_never_of_null_labels(exact):
    net, scheduler = exact
    x0, noise, t = torch.zeros(2, 1, 1, 2), torch.ones(2, 1, 1, 2), torch.tensor([100, 500])

    def loss(label):
        told = lambda x, t, guided: net(x, t, torch.full((len(x),), label), guided)  # noqa: E731
        bound = type(
            "Bound", (), {"__call__": lambda self, *a, **k: told(*a, **k), "training": net.training}
        )()
        return CLASSIFIER_GUIDED.loss(bound, scheduler, x0, noise, t)

    net.train()
    known, null = loss(0), loss(3)
    x_t = scheduler.add_noise(x0, noise, t)
    assert torch.allclose(known - null, -net._log_posterior(x_t, t)[:, 0], atol=1e-5)
    net.eval()
    assert torch.equal(loss(0), null)
