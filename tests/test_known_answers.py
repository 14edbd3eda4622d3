"""The kit refuses what trains and draws but is nonsense: each case passed before known answers were asked for."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from diffusers import UNet2DModel
from families import GAN, TOLD, labelled_unet

from mribench.spec import Integrator
from mribench.testing import generators, integrators, known, labels
from mribench.testing.checking import Case, Check, run_check
from mribench.variants import ddpm
from mribench.variants.ddpm import DDPM


def finding(run, plugin, group="variants"):
    entry = type("Entry", (), {"group": group, "name": plugin.name, "file": __file__, "value": "here:IT"})()
    return run_check(Check("", run), Case(entry, plugin))


def autoencoder_loss(net, scheduler, x0, noise, t):
    """Reconstructs x_0 from x_0."""
    return (net(x0, t).sample.float() - x0).square().mean(dim=(1, 2, 3))


def coarse_noise_loss(net, scheduler, x0, noise, t):
    """Trains on noise of half the resolution, where samplers begin with white noise."""
    coarse = F.interpolate(F.avg_pool2d(noise, 2) * 2, scale_factor=2.0)
    return ddpm.loss(net, scheduler, x0, coarse, t)


def another_level_loss(net, scheduler, x0, noise, t):
    """Shows the network an earlier timestep than it says."""
    x_t, target = scheduler.add_noise(x0, noise, t // 2), scheduler.get_velocity(x0, noise, t // 2)
    return (net(x_t, t).sample.float() - target).square().mean(dim=(1, 2, 3))


def mistaken_loss(net, scheduler, x0, noise, t):
    """Teaches x_0 where the scheduler says v."""
    return (net(scheduler.add_noise(x0, noise, t), t).sample.float() - x0).square().mean(dim=(1, 2, 3))


@pytest.mark.parametrize(
    ("check", "loss", "said"),
    [
        (known.its_network_sees_its_forward_process, autoencoder_loss, "not shown the image and the noise"),
        (known.its_network_sees_its_forward_process, coarse_noise_loss, "not shown the image and the noise"),
        (known.its_network_sees_its_forward_process, another_level_loss, "times as much noise as image"),
        (known.its_denoiser_is_what_its_loss_teaches, mistaken_loss, "beside it"),
        (known.it_learns_a_toy, autoencoder_loss, "times as far from real images as noise"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_nonsense_is_refused(check, loss, said):
    if (
        check is not known.it_learns_a_toy
    ):  # which test_conformance.py asks of every variant, for seconds each
        assert finding(check, DDPM).state == "ok"
    found = finding(check, replace(DDPM, name=loss.__name__, loss=loss))
    assert found.state == "broken" and said in found.found and found.mend


def euler(denoise, x, sigmas, draws):
    for sigma, smaller in pairwise(sigmas):
        x = x + (smaller - sigma) / sigma * (x - denoise(x, sigma))
    return x


def upwards(denoise, x, sigmas, draws):
    return euler(denoise, x, [*sigmas[-2::-1], 0.0], draws)


def too_noisy(denoise, x, sigmas, draws):
    for sigma, smaller in pairwise(sigmas):
        x = denoise(x, sigma) + smaller * 1.2 * draws.normal(*x.shape[1:])
    return x


def shared_noise(denoise, x, sigmas, draws):
    for sigma, smaller in pairwise(sigmas):
        x = denoise(x, sigma) + smaller * torch.randn(x.shape)
    return x


def stops_early(denoise, x, sigmas, draws):
    return euler(denoise, x, sigmas[:-1], draws)


@pytest.mark.parametrize(
    ("integrate", "check", "said"),
    [
        (upwards, integrators.it_draws_a_gaussian, "first evaluation"),
        (too_noisy, integrators.it_draws_a_gaussian, "standard deviation"),
        (stops_early, integrators.where_the_prior_knows_it_arrives, "away from the x_0"),
        (shared_noise, integrators.an_image_is_the_same_in_any_batch, "depends on the others"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_bad_integrator_is_refused(integrate, check, said):
    good = Integrator("euler", "Euler", "a test", euler, 10)
    assert finding(check, good, "samplers").state == "ok"
    found = finding(check, replace(good, integrate=integrate), "samplers")
    assert found.state == "broken" and said in found.found


def one_image(nets, profile, draws):
    return torch.zeros_like(draws.normal(1, profile.size, profile.size))


def from_the_global_state(nets, profile, draws):
    return torch.randn_like(draws.normal(1, profile.size, profile.size)).clamp(-1, 1)


@pytest.mark.parametrize(
    ("generate", "said"), [(one_image, "are equal"), (from_the_global_state, "depends on the others")]
)
def test_a_bad_generator_is_refused(generate, said):
    found = finding(generators.it_generates_by_address, replace(GAN, generate=generate))
    assert found.state == "broken" and said in found.found


def test_shares_that_do_not_add_up_are_refused():
    half = replace(GAN, stages=(replace(GAN.stages[0], share=0.5),))
    assert "0.5 of the budget" in finding(generators.it_says_what_it_is, half).found


class Deaf(UNet2DModel):
    """Takes its labels and ignores them."""

    def forward(self, sample, timestep, class_labels=None, return_dict=True):
        return super().forward(sample, timestep, torch.zeros_like(class_labels), return_dict)


def deaf_network(profile, labels=1):
    return Deaf.from_config(labelled_unet(profile, labels).config)


def test_a_network_that_ignores_its_labels_is_refused():
    check = labels.it_draws_what_its_label_says
    assert finding(check, TOLD).state == "ok"
    found = finding(check, replace(TOLD, network=deaf_network))
    assert found.state == "broken" and "times as far from those of that label" in found.found


def test_guidance_without_labels_is_refused():
    found = finding(labels.it_draws_what_its_label_says, replace(DDPM, guidance=2.0))
    assert found.state == "broken" and "no conditions" in found.found
