"""Latents whose autoencoder is known: the identity, where latent diffusion must be diffusion on pixels."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from families import CODER, LATENT, PROFILE
from tiny import TINY, blobs, equal, fit, weights

from mribench import files
from mribench.metrics.paired import psnr
from mribench.sampling.sample import TrainedModel
from mribench.sampling.samplers import resolve
from mribench.spec import Autoencoder, GenerativeModel, Split, Stage, Update
from mribench.training.arguments import TrainingArguments
from mribench.training.space import load_space
from mribench.training.train import train
from mribench.variants.ddpm import DDPM


class Identity(ModelMixin, ConfigMixin):
    """A network with one weight, by which it scales."""

    @register_to_config
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.scale * x


def no_loss(net, batch, earlier, draws):
    """Nothing to learn: all gradients are 0."""
    return (0 * net(batch.x)).mean(dim=(1, 2, 3))


NOTHING = Stage("autoencoder", lambda profile: Identity(), (Update(no_loss),), share=0.0)
IDENTITY = replace(
    DDPM, name="identity", autoencoder=Autoencoder(NOTHING, lambda net, x: net(x), lambda net, z: net(z))
)


def black_and_white(split):
    """Pixels of -1 and 1, whose root mean square is 1."""
    return Split((split.images > 100).astype(np.uint8) * 255, split.subjects)


def drawn(folder, variant):
    return TrainedModel(folder / "best", variant, resolve("ddim-4"), TINY, "fp32").generate(range(3), 0)


def test_in_latents_of_unit_size_that_are_the_images_all_bits_are_those_on_pixels(tmp_path):
    made = {}
    for variant in (DDPM, IDENTITY):
        folder = tmp_path / variant.name
        folder.mkdir()
        parts = (black_and_white(blobs(n)) for n in (24, 8))
        record = train(variant, TrainingArguments(*parts, TINY, 0, folder, "tiny"))
        made[variant.name] = weights(folder), drawn(folder, variant), record["tflop"]
    assert equal(made["identity"][0], made["ddpm"][0])
    assert np.array_equal(made["identity"][1], made["ddpm"][1])
    assert made["identity"][2] == made["ddpm"][2]


def test_in_latents_that_are_the_images_all_is_as_on_pixels_divided_by_their_size(tmp_path):
    record = fit(tmp_path / "latent", TINY, IDENTITY)
    size = record["stages"]["autoencoder"]["latent_std"]
    assert size == pytest.approx(np.sqrt(np.square(blobs(24).images / 127.5 - 1).mean()), rel=1e-6)
    fixed = replace(DDPM, name="fixed", encode=lambda x: x / size, decode=lambda z: z * size)
    fit(tmp_path / "pixels", TINY, fixed)
    assert equal(weights(tmp_path / "latent"), weights(tmp_path / "pixels"))
    assert np.array_equal(drawn(tmp_path / "latent", IDENTITY), drawn(tmp_path / "pixels", fixed))


def test_what_an_autoencoder_loses_stands_in_its_record(tmp_path):
    fit(tmp_path, PROFILE, LATENT)
    noted = files.read_json(tmp_path / CODER.name / "train.json")["reconstruction_psnr"]
    space = load_space(LATENT, PROFILE, tmp_path / PROFILE.keep, torch.device("cpu"))
    images = blobs(8).unit()
    x = torch.from_numpy(images).unsqueeze(1) * 2 - 1
    back = space.decode(space.encode(x))[:, 0].clamp(-1, 1) / 2 + 0.5
    assert noted == pytest.approx(psnr(back.numpy(), images).mean(), abs=1e-3)


def test_an_identity_loses_nothing(tmp_path):
    record = fit(tmp_path, TINY, IDENTITY)
    assert record["stages"]["autoencoder"]["reconstruction_psnr"] == 100.0


@pytest.mark.parametrize("starts_from", ["first", None])
def test_a_stage_begins_with_the_weights_that_another_ended_with(tmp_path, starts_from):
    """With no loss the second network ends as it began."""
    model = GenerativeModel(
        name="two",
        title="Two",
        paper="a test",
        stages=(
            replace(CODER, name="first"),
            Stage("second", CODER.network, (Update(no_loss),), share=0.5, starts_from=starts_from),
        ),
        generate=lambda nets, profile, draws: nets["second"](draws.normal(1, profile.size, profile.size)),
    )
    fit(tmp_path, PROFILE, model)
    first, second = (
        CODER.network(PROFILE).from_pretrained(tmp_path / name / PROFILE.keep).state_dict()
        for name in ("first", "second")
    )
    assert equal(first, second) == (starts_from == "first")
