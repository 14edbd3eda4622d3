"""Classifier-free guidance against Gaussians in closed form, and what a trained variant draws for its labels."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from families import TOLD
from tiny import TINY, blobs, fit

from mribench.errors import InputError
from mribench.sampling.denoiser import VariantDenoiser
from mribench.sampling.guidance import GuidedNetwork, bind
from mribench.sampling.sample import TrainedModel
from mribench.sampling.samplers import noise_levels, resolve
from mribench.spec import Split
from mribench.testing.labels import LabelledGaussians
from mribench.training.arguments import TrainingArguments
from mribench.training.conditions import LabelledNetwork, joined
from mribench.training.train import train

N = 20_000
WIDTH = 0.2
MEANS = torch.tensor([[-0.8, 0.1], [0.4, 0.6], [0.2, -0.5]]).view(3, 2, 1, 1)
MIXTURE = LabelledGaussians(MEANS, WIDTH)
SCHEDULER = TOLD.scheduler(replace(TINY, prediction="epsilon"))
NULL = len(MEANS)


def denoiser(gaussians, label, weight=1.0):
    net = gaussians.network(TOLD, SCHEDULER)
    told = bind(net, ["a", "b", "c"], "abc"[label], weight, torch.device("cpu"))
    return VariantDenoiser(TOLD, told, SCHEDULER)


def null_denoiser(gaussians):
    """A guidance weight of 0 is the null label alone."""
    return denoiser(gaussians, 0, 0.0)


def drawn(denoise, steps=60):
    """(N, 2): Heun's method, Karras et al. 2022, arXiv 2206.00364, algorithm 1, to the least level that is known."""
    sigmas = noise_levels(steps, *denoise.sigmas).tolist()
    x = sigmas[0] * torch.randn(N, 2, 1, 1, generator=torch.Generator().manual_seed(0))
    for sigma, smaller in pairwise(sigmas):
        slope = (x - denoise(x, sigma)) / sigma
        euler = x + (smaller - sigma) * slope
        x = x + (smaller - sigma) * (slope + (euler - denoise(euler, smaller)) / smaller) / 2
    # what is left of the noise: the variance at a level is width^2 + sigma^2
    return denoise(x, sigmas[-1])[:, :, 0, 0].numpy(), sigmas[-1]


@pytest.mark.parametrize("weight", [0.0, 1.0, 1.3, 4.0])
@pytest.mark.parametrize("sigma", [0.1, 0.5, 3.0])
def test_guidance_combines_denoisers_as_it_combines_outputs(weight, sigma):
    """D_null + w (D_label - D_null), of a mixture in closed form."""
    x = torch.randn(50, 2, 1, 1, generator=torch.Generator().manual_seed(0)) * (1 + sigma)
    levels = torch.full((50, 1, 1, 1), sigma)
    label, null = (MIXTURE.denoised(x, levels, torch.full((50,), k)) for k in (1, NULL))
    expected = null + weight * (label - null)
    assert (denoiser(MIXTURE, 1, weight)(x, sigma) - expected).abs().max() < 1e-4


@pytest.mark.parametrize("label", [0, 1, 2])
def test_at_weight_1_the_conditional_moments_are_drawn(label):
    points, least = drawn(denoiser(MIXTURE, label))
    assert np.abs(points.mean(0) - MEANS[label, :, 0, 0].numpy()).max() < 0.01
    shrunk = WIDTH**4 / (WIDTH**2 + least**2)  # of the last denoising: it gives the mean
    assert np.abs(np.cov(points.T) - shrunk * np.eye(2)).max() < 0.003


def test_the_null_label_draws_the_mixture():
    points, least = drawn(null_denoiser(MIXTURE))
    centres = MEANS[:, :, 0, 0].numpy()
    assert np.abs(points.mean(0) - centres.mean(0)).max() < 0.02
    expected = np.cov(centres.T, ddof=0) + WIDTH**4 / (WIDTH**2 + least**2) * np.eye(2)
    assert np.abs(np.cov(points.T) - expected).max() < 0.02


@pytest.mark.parametrize("weight", [1.3, 3.0])
def test_between_gaussians_of_one_width_guidance_moves_the_mean_alone(weight):
    """score = w score_label + (1 - w) score_null is that of a Gaussian at m_null + w (m_label - m_null)."""
    origin = torch.tensor([0.1, -0.2]).view(2, 1, 1)
    points, least = drawn(denoiser(LabelledGaussians(MEANS, WIDTH, null=origin), 0, weight))
    expected = (origin + weight * (MEANS[0] - origin))[:, 0, 0].numpy()
    assert np.abs(points.mean(0) - expected).max() < 0.01
    assert np.abs(np.cov(points.T) - WIDTH**4 / (WIDTH**2 + least**2) * np.eye(2)).max() < 0.003


@pytest.fixture(scope="module")
def two_organs(tmp_path_factory):
    """Bright discs on black, dark discs on white."""
    folder = tmp_path_factory.mktemp("told")
    parts = [
        joined({"black": blobs(n), "white": Split(255 - blobs(n).images, blobs(n).subjects)}) for n in (24, 8)
    ]
    train(TOLD, TrainingArguments(*parts, replace(TINY, max_steps=30, eval_every=30), 0, folder, "tiny"))
    return folder / "best"


def model(pipeline, label, guidance=1.0):
    variant = replace(TOLD, guidance=guidance)
    return TrainedModel(pipeline, variant, resolve("ddim-5"), TINY, "fp32", label=label)


def test_each_label_draws_its_own_images(two_organs):
    black, white = (model(two_organs, label).generate(range(8), 0).mean() for label in ("black", "white"))
    assert white - black > 0.1


def test_losses_are_of_the_label_without_guidance(two_organs):
    images = blobs(8).unit()
    right, wrong = (model(two_organs, label).losses(images, 0.5, 0).mean() for label in ("black", "white"))
    assert right < wrong
    guided = model(two_organs, "black", 3.0).losses(images, 0.5, 0)
    assert np.array_equal(guided, model(two_organs, "black").losses(images, 0.5, 0))


def test_the_likelihood_is_of_the_label_without_guidance(two_organs, monkeypatch):
    monkeypatch.setattr("mribench.sampling.likelihood.STEPS", 8)
    x = 2 * blobs(4).unit() - 1
    right, wrong = (model(two_organs, label).log_likelihood(x, 0)["nats"] for label in ("black", "white"))
    assert (right > wrong).all()
    assert np.array_equal(model(two_organs, "black", 3.0).log_likelihood(x, 0)["nats"], right)


def test_guidance_is_counted_as_two_evaluations_and_stays_addressed(two_organs):
    guided, plain = model(two_organs, "white", 3.0), model(two_organs, "white")
    images = guided.generate(range(5), 0)
    assert not np.array_equal(images, plain.generate(range(5), 0))
    assert (guided.nfe, plain.nfe) == ([10], [5])
    assert np.array_equal(images[[3]], guided.generate([3], 0))


def test_a_label_that_was_not_trained_is_refused(two_organs):
    with pytest.raises(InputError, match="no label 'grey', expected one of black, white"):
        model(two_organs, "grey")
    with pytest.raises(InputError, match="no label None"):
        model(two_organs, None)


def test_a_training_on_one_set_needs_no_label_to_be_named(tmp_path):
    fit(tmp_path, variant=TOLD)
    assert model(tmp_path / "best", None).generate(range(2), 0).shape == (2, 16, 16)


def test_weight_1_calls_the_network_once():
    kinds = {w: type(bind(None, ["a"], None, w, torch.device("cpu"))) for w in (1.0, 1.3)}
    assert kinds == {1.0: LabelledNetwork, 1.3: GuidedNetwork}
