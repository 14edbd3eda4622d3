"""D(x; sigma) of a trained variant: one face for every output and every process, and what integrators draw with it."""

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny import TINY, blobs, fit

from mribench.errors import InputError, Unavailable
from mribench.sampling import forward_process
from mribench.sampling.denoiser import VariantDenoiser
from mribench.sampling.prediction import estimate_by_prediction
from mribench.sampling.sample import TrainedModel
from mribench.sampling.samplers import DDIM, SamplerChoice, noise_levels
from mribench.spec import Integrator, Likelihood, Prior
from mribench.variants.ddpm import DDPM


def euler(denoise, x, sigmas, draws):
    for sigma, smaller in pairwise(sigmas):
        x = x + (smaller - sigma) / sigma * (x - denoise(x, sigma))
    return x


EULER = Integrator("euler", "Euler", "a test", euler, 10)
X0 = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
NOISE = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(1))


class Oracle:
    """A network that knows x_0 and eps, and gives the output that a prediction type asks for."""

    def __init__(self, prediction):
        self.prediction = prediction

    def __call__(self, x_t, t):
        levels = DDPM.scheduler(TINY).alphas_cumprod.double().numpy()
        # between two timesteps as the denoiser interpolates: in log sigma
        log_sigma = np.interp(t.numpy(), np.arange(1000), 0.5 * (np.log1p(-levels) - np.log(levels)))
        sigma = torch.as_tensor(np.exp(log_sigma), dtype=torch.float32)[:, None, None, None]
        signal, noise = 1 / (1 + sigma**2).sqrt(), sigma / (1 + sigma**2).sqrt()
        outputs = {"epsilon": NOISE, "v_prediction": signal * NOISE - noise * X0, "sample": X0}
        return SimpleNamespace(sample=outputs[self.prediction])


def denoiser(prediction):
    scheduler = DDPM.scheduler(replace(TINY, prediction=prediction))
    return VariantDenoiser(DDPM, Oracle(prediction), scheduler)


@pytest.mark.parametrize("sigma", [0.02, 0.5, 3.0, 40.0])
def test_epsilon_v_and_x0_heads_of_one_function_are_one_denoiser(sigma):
    for prediction in ("epsilon", "v_prediction", "sample"):
        found = denoiser(prediction)(X0 + sigma * NOISE, sigma)
        # an epsilon head multiplies rounding by sigma
        assert (found - X0).abs().max() < 1e-5 * max(1, sigma), prediction


def test_levels_may_differ_by_image_and_gradients_flow():
    prior, sigma = denoiser("v_prediction"), torch.tensor([0.1, 1.0, 10.0])
    x = (X0 + sigma[:, None, None, None] * NOISE).requires_grad_()
    found = prior(x, sigma)
    assert (found - X0).abs().max() < 1e-4 and prior.nfe == 1
    assert torch.autograd.grad(found.sum(), x)[0].abs().min() > 0


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_a_path_of_its_own_may_predict_what_the_profile_says(prediction):
    """x_t = x_0 + sigma_t eps at DDPM's levels: at unit length a network has the same to say."""
    scheduler = DDPM.scheduler(replace(TINY, prediction=prediction))
    alpha_bar = scheduler.alphas_cumprod.double().numpy()
    variant = replace(
        DDPM,
        process="exploding",
        path=lambda scheduler: (np.ones_like(alpha_bar), np.sqrt(1 / alpha_bar - 1)),
        estimate=estimate_by_prediction,
    )

    assert variant.has_denoiser
    t = 300
    sigma = float(np.sqrt(1 / alpha_bar[t] - 1))
    found = VariantDenoiser(variant, Oracle(prediction), scheduler)(X0 + sigma * NOISE, sigma)
    assert (found - X0).abs().max() < 1e-4


def test_a_prediction_that_has_no_formula_is_one_sentence():
    with pytest.raises(InputError, match="give it `estimate`"):
        VariantDenoiser(
            DDPM,
            None,
            SimpleNamespace(
                alphas_cumprod=DDPM.scheduler(TINY).alphas_cumprod,
                config=SimpleNamespace(prediction_type="flow"),
            ),
        )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ddpm")
    fit(folder)
    return folder


def drawn_by(folder, variant=DDPM, sampler=EULER, steps=4, profile=TINY):
    return TrainedModel(folder / "best", variant, SamplerChoice(sampler, steps), profile, "fp32")


def test_an_integrator_draws_by_address_and_its_evaluations_are_counted(trained):
    model = drawn_by(trained)
    whole = model.generate(range(5), 0)
    assert model.nfe == [4] and whole.shape == (5, 16, 16)
    assert np.array_equal(model.generate([4, 1], 0), whole[[4, 1]])
    assert model.trajectory(range(2), 0, 3).shape == (2, 3, 16, 16)


def test_denoising_begins_at_the_exact_level(trained):
    """ddim goes to the nearest timestep, an integrator to the level itself: a little noise is undone by both."""
    images = blobs(4).unit()
    x_t = np.sqrt(0.999) * (images * 2 - 1)
    for sampler in (EULER, DDIM):
        model = drawn_by(trained, sampler=sampler, steps=100)
        assert np.abs(model.denoise(x_t, 0.999, 0) - images).mean() < 0.15


def coarse(white):
    """Noise of half the resolution, of unit variance."""
    return F.interpolate(F.avg_pool2d(white, 2) * 2, scale_factor=2.0)


def test_noise_of_another_kernel_is_used_in_training_and_at_the_start(tmp_path):
    seen = []

    def loss(net, scheduler, x0, noise, t):
        seen.append(noise)
        return DDPM.loss(net, scheduler, x0, noise, t)

    variant = replace(DDPM, name="coarse", noise=coarse, loss=loss)
    fit(tmp_path, replace(TINY, max_steps=2), variant)
    assert all(torch.equal(noise[..., ::2], noise[..., 1::2]) for noise in seen)
    model = drawn_by(tmp_path, variant)
    start = model._noise([torch.Generator().manual_seed(i) for i in range(2)])
    assert torch.equal(start[..., ::2], start[..., 1::2]) and start.std() == pytest.approx(1, abs=0.15)
    fresh = []

    def restless(denoise, x, sigmas, draws):
        fresh.append(draws.normal(*x.shape[1:]))
        return x

    drawn_by(tmp_path, variant, replace(EULER, integrate=restless)).generate(range(2), 0)
    assert torch.equal(fresh[0][..., ::2], fresh[0][..., 1::2])
    with pytest.raises(Unavailable, match="white noise"):
        model.denoise(blobs(2).unit(), 0.5, 0)
    assert forward_process.compatible(variant, EULER) and not forward_process.compatible(variant, DDIM)


def test_levels_fall_from_the_largest_to_the_least():
    found = noise_levels(10, 0.01, 80.0)
    assert len(found) == 10 and found[0] == pytest.approx(80) and found[-1] == pytest.approx(0.06)
    assert all(a > b for a, b in pairwise(found))
    assert noise_levels(3, 0.1, 5.0) == pytest.approx([5.0, 0.926, 0.1], abs=1e-3)


def test_a_trained_model_hands_out_its_denoiser_and_its_likelihood(trained):
    """The denoiser is differentiable, and what it says is the mean of what was trained; a likelihood has its errors."""
    model = TrainedModel(trained / "best", DDPM, SamplerChoice(DDIM, 5), TINY, "fp32")
    assert isinstance(model, Prior) and isinstance(model, Likelihood)
    x = torch.zeros(2, 1, TINY.size, TINY.size).requires_grad_()
    found = model.denoiser()(x, 0.5)
    assert torch.autograd.grad(found.sum(), x)[0].abs().max() > 0
    nats = model.log_likelihood(np.zeros((2, TINY.size, TINY.size), dtype=np.float32), 0)
    assert {name: value.shape for name, value in nats.items()} == {
        "nats": (2,),
        "half_the_steps": (2,),
        "another_probe": (2,),
    }
    assert all(np.isfinite(value).all() for value in nats.values()) and model.nfe == [64]
    coloured = TrainedModel(
        trained / "best", replace(DDPM, noise=lambda w: w), SamplerChoice(EULER, 5), TINY, "fp32"
    )
    with pytest.raises(Unavailable, match="no denoiser"):
        coloured.denoiser()
    with pytest.raises(Unavailable, match="no denoiser"):
        coloured.log_likelihood(np.zeros((2, TINY.size, TINY.size)), 0)
