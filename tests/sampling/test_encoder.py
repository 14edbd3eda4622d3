"""A variant that runs in another space: trained, sampled and audited there, shown and scored in pixels."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny import TINY, blobs, equal, fit, weights

from mribench.errors import Unavailable
from mribench.metrics.paired import PSNR
from mribench.runner.model_code import model_code
from mribench.sampling import samplers
from mribench.sampling.sample import TrainedModel
from mribench.spec import Prepared
from mribench.tasks import denoising, generation
from mribench.variants.ddpm import DDPM

FLIPPED = replace(TINY, flip=True, coarse_steps=4)


def same(x):
    return x


def unshuffled(x):
    """Pixels of 2 x 2 become channels: orthonormal, and of another shape."""
    return F.pixel_unshuffle(x, 2)


def shuffled(z):
    return F.pixel_shuffle(z, 2)


def four_channels(profile):
    from diffusers import UNet2DModel

    config = dict(DDPM.network(profile).config)
    config |= {"in_channels": 4, "out_channels": 4, "sample_size": profile.size // 2}
    return UNet2DModel(**{name: value for name, value in config.items() if not name.startswith("_")})


IDENTITY = replace(DDPM, encode=same, decode=same, orthonormal=True)
FOLDED = replace(DDPM, name="folded", network=four_channels, encode=unshuffled, decode=shuffled)


def model(folder, variant, profile=TINY):
    return TrainedModel(folder / "best", variant, samplers.resolve("ddim-4"), profile, "fp32")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folded")
    fit(folder, TINY, FOLDED)
    return folder


def test_the_identity_is_plain_ddpm_to_the_bit(tmp_path):
    fit(tmp_path / "plain", FLIPPED)
    fit(tmp_path / "identity", FLIPPED, IDENTITY)
    assert equal(weights(tmp_path / "plain"), weights(tmp_path / "identity"))
    plain, identity = model(tmp_path / "plain", DDPM), model(tmp_path / "identity", IDENTITY)
    assert np.array_equal(plain.generate(range(3), 0), identity.generate(range(3), 0))
    images = blobs(3).unit()
    assert np.array_equal(plain.denoise(images, 0.5, 0), identity.denoise(images, 0.5, 0))
    assert np.array_equal(plain.losses(images, 0.5, 0), identity.losses(images, 0.5, 0))


def test_every_product_is_an_image(trained):
    folded = model(trained, replace(FOLDED, orthonormal=True))
    assert folded.shape == (4, 8, 8)
    assert folded.generate(range(3), 0).shape == (3, 16, 16)
    assert folded.trajectory(range(2), 0, 3).shape == (2, 3, 16, 16)
    assert folded.denoise(blobs(3).unit(), 0.5, 0).shape == (3, 16, 16)
    assert folded.losses(blobs(3).unit(), 0.5, 0).shape == (3,)


def test_little_noise_is_undone_in_the_other_space(trained):
    """An encoder that is left out of ``denoise``, or one that is not undone, would give another image."""
    folded = model(trained, replace(FOLDED, orthonormal=True))
    images = blobs(4).unit()
    restored = folded.denoise(images * 2 - 1, 0.9999, 0)
    assert np.abs(restored - images).mean() < 0.1


def test_a_learned_encoder_cannot_denoise_pixels_and_the_scores_say_so(trained):
    folded, split = model(trained, FOLDED), blobs(4)
    with pytest.raises(Unavailable, match="white noise in pixels"):
        folded.denoise(split.unit(), 0.5, 0)
    data = Prepared(trained, "key", "phantom", "phantom", split, split, split)
    outputs = denoising.produce(folded, data, TINY, 0)
    assert outputs == {} and denoising.draw(outputs, data, TINY, None, "") == {}
    scores = denoising.score(outputs, data, TINY, {"psnr": PSNR}, None, 0)
    assert [score.level for score in scores] == list(TINY.alpha_bars)
    assert {(score.value, score.reason) for score in scores} == {(None, denoising.NOT_IN_PIXELS)}


def test_the_forward_process_is_drawn_only_where_it_runs_on_pixels(trained):
    split = blobs(8)
    data = Prepared(trained, "key", "phantom", "phantom", split, split, split)
    outputs = {"images": np.concatenate([split.images] * 8)}
    for orthonormal in (False, True):
        variant = replace(FOLDED, orthonormal=orthonormal)
        drawn = generation.draw(outputs, data, TINY, lambda variant=variant: model(trained, variant), "")
        assert ("forward" in drawn) is orthonormal and "reverse" in drawn


def test_another_encoder_is_another_variant():
    parts = [
        DDPM,
        IDENTITY,
        replace(IDENTITY, orthonormal=False),
        replace(IDENTITY, encode=unshuffled),
        replace(IDENTITY, decode=shuffled),
    ]
    named = [model_code(variant) for variant in parts]
    assert len({str(part) for part in named}) == len(parts)


def test_a_frozen_network_may_encode(tmp_path):
    """Its parameters ask for gradients, and none is taken."""
    torch.manual_seed(0)
    down, up = torch.nn.Conv2d(1, 4, 2, 2), torch.nn.ConvTranspose2d(4, 1, 2, 2)
    learned = replace(FOLDED, encode=lambda x: down(x), decode=lambda z: up(z))
    fit(tmp_path, replace(TINY, max_steps=4), learned)
    assert model(tmp_path, learned).generate(range(2), 0).shape == (2, 16, 16)
    assert down.weight.grad is None
