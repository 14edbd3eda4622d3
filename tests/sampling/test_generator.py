"""Models of several stages: a pair that generates by itself, and a variant in the latents of an autoencoder."""

from dataclasses import replace

import numpy as np
import pytest
from families import GAN, LATENT, PROFILE
from tiny import blobs, fit

from mribench.errors import Unavailable
from mribench.sampling.generator import TrainedGenerator
from mribench.sampling.sample import TrainedModel
from mribench.sampling.samplers import resolve


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    fit(folder, PROFILE, GAN)
    return folder


def test_a_generative_model_draws_by_address(pair):
    model = TrainedGenerator(pair, GAN, PROFILE, "fp32")
    whole = model.generate(range(11), 0)
    assert whole.shape == (11, 16, 16) and whole.dtype == np.float32 and 0 <= whole.min() <= whole.max() <= 1
    assert np.array_equal(model.generate([10, 3], 0), whole[[10, 3]]) and model.nfe == [1, 1]
    assert not np.array_equal(whole[0], whole[1])


def test_what_does_not_denoise_says_so(pair):
    with pytest.raises(Unavailable, match="tiny-gan does not denoise"):
        TrainedGenerator(pair, GAN, PROFILE, "fp32").denoise(blobs(2).unit(), 0.5, 0)


def test_evaluations_of_drawing_and_of_denoising_are_counted_apart(pair):
    """A model that climbs in 64 steps removes noise in one."""
    slow = replace(GAN, nfe=64, denoise=lambda nets, x, sigma, draws: x)
    model = TrainedGenerator(pair, slow, PROFILE, "fp32")
    model.generate(range(2), 0)
    model.denoise(blobs(2).unit(), 0.5, 0)
    assert model.nfe == [64, 1]


def test_a_latent_variant_is_drawn_in_latents_and_decoded_once(tmp_path):
    fit(tmp_path, PROFILE, LATENT)
    model = TrainedModel(tmp_path / "best", LATENT, resolve("ddim-4"), PROFILE, "fp32")
    assert model.shape == (4, 8, 8)
    assert model.generate(range(3), 0).shape == (3, 16, 16)
    assert model.losses(blobs(3).unit(), 0.5, 0).shape == (3,)
    with pytest.raises(Unavailable, match="white noise in pixels"):
        model.denoise(blobs(2).unit(), 0.5, 0)
