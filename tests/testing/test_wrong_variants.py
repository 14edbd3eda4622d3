"""Variants that train and draw and are wrong: the kit says what is wrong."""

from dataclasses import replace

import numpy as np
import pytest
from found import assert_refused, finding

from mribench.plugins import lookup
from mribench.testing import known, losses, variants

DDPM = lookup.load("variants", "ddpm")


def doubled(net, scheduler, x0, noise, t):
    return DDPM.loss(net, scheduler, x0, noise, t).repeat(2)


def detached(net, scheduler, x0, noise, t):
    return DDPM.loss(net, scheduler, x0, noise, t).detach()


def infinite(net, scheduler, x0, noise, t):
    return DDPM.loss(net, scheduler, x0, noise, t) / (t > 0)[:, None].squeeze()


def one_side(net, scheduler, x0, noise, t):
    return DDPM.loss(net, scheduler, x0, noise, t) + (x0 - x0.new_ones(3, 1, 32, 32)).mean()


def needs_gradients(net, scheduler, x0, noise, t):
    if noise.is_inference():
        raise RuntimeError("a loss that needs gradients")
    return DDPM.loss(net, scheduler, x0, noise, t)


@pytest.mark.parametrize(
    ("run", "plugin", "found"),
    [
        (losses.its_loss_is_one_number_per_image, replace(DDPM, loss=one_side), "RuntimeError: The size"),
        (losses.its_loss_is_one_number_per_image, replace(DDPM, loss=doubled), "(6,) for three images"),
        (losses.its_loss_is_one_number_per_image, replace(DDPM, loss=detached), "no gradient"),
        (losses.its_loss_is_one_number_per_image, replace(DDPM, loss=infinite), "the loss is [inf"),
        (
            variants.its_forward_process_has_levels,
            replace(DDPM, path=lambda scheduler: (np.ones(7), np.ones(7))),
            "arrays of shape (7,)",
        ),
        (
            variants.its_forward_process_has_levels,
            replace(DDPM, path=lambda scheduler: (np.arange(1000) / 999, 1 - np.arange(1000) / 999)),
            "does not fall",
        ),
        (
            variants.it_trains_and_samples,
            replace(DDPM, process="unheard-of", path=lambda scheduler: None),
            "no installed sampler reverses",
        ),
        (
            variants.it_serves_every_default_task,
            replace(DDPM, loss=needs_gradients),
            "RuntimeError: a loss that needs gradients",
        ),
        (variants.it_says_what_it_is, replace(DDPM, paper=""), "paper or process is empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_variant_is_found(run, plugin, found):
    assert_refused(variants.CHECKS, run, plugin, "variants", found)


def of_noise(net, scheduler, x0, noise, t):
    """Learns noise, whatever the scheduler says."""
    x_t = scheduler.add_noise(x0, noise, t)
    return (net(x_t, t).sample.float() - noise).square().mean(dim=(1, 2, 3))


def of_v(net, scheduler, x0, noise, t):
    """Learns v, whatever the scheduler says."""
    x_t, v = scheduler.add_noise(x0, noise, t), scheduler.get_velocity(x0, noise, t)
    return (net(x_t, t).sample.float() - v).square().mean(dim=(1, 2, 3))


def told_zero(net, scheduler, x0, noise, t):
    """Tells the network t = 0 always."""
    x_t, v = scheduler.add_noise(x0, noise, t), scheduler.get_velocity(x0, noise, t)
    return (net(x_t, 0 * t).sample.float() - v).square().mean(dim=(1, 2, 3))


def in_units_of_the_batch(*given):
    each = DDPM.loss(*given)
    return each / each.mean().detach()


def summed_over_the_batch(*given):
    each = DDPM.loss(*given)
    return each.sum().expand(len(each))


def summed_over_pixels(net, scheduler, x0, noise, t):
    return DDPM.loss(net, scheduler, x0, noise, t) * x0[0].numel()


def away_from_the_image(net, scheduler, x0, noise, t):
    """Its smallest value is in the right place, and its gradient leads away."""
    each = DDPM.loss(net, scheduler, x0, noise, t)
    return 2 * each.detach() - each


@pytest.mark.parametrize(
    ("run", "loss", "found"),
    [
        (known.its_denoiser_is_what_its_loss_teaches, of_noise, "where a profile asks for v_prediction"),
        (known.its_denoiser_is_what_its_loss_teaches, of_v, "where a profile asks for epsilon"),
        (
            known.it_learns_one_image,
            away_from_the_image,
            "after 60 steps on one image it denoises that image",
        ),
        (
            losses.its_network_is_told_its_timestep,
            told_zero,
            "the loss tells the network 0, and a sampler 199",
        ),
        (losses.its_loss_of_an_image_is_its_own, in_units_of_the_batch, "beside three others"),
        (losses.its_loss_of_an_image_is_its_own, summed_over_the_batch, "beside three others"),
        (losses.its_loss_is_a_mean_over_pixels, summed_over_pixels, "at half the side"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_variant_that_looks_right_is_found(run, loss, found):
    assert finding(variants.CHECKS, run, DDPM, "variants").state == "ok"
    assert_refused(variants.CHECKS, run, replace(DDPM, loss=loss), "variants", found)


def blind_estimate(net, x_t, t, signal, sigma):
    return (x_t - sigma * net(x_t, 0 * t).sample.float()) / signal


def blind(net, scheduler, x0, noise, t):
    x_t = scheduler.add_noise(x0, noise, t)
    return (net(x_t, 0 * t).sample.float() - noise).square().mean(dim=(1, 2, 3))


def test_a_network_that_is_blind_on_purpose_is_a_note():
    """It is told one thing in training and in sampling alike."""
    plugin = replace(DDPM, loss=blind, estimate=blind_estimate)
    said = finding(variants.CHECKS, losses.its_network_is_told_its_timestep, plugin, "variants")
    assert said.state == "note" and "the network is told 0, 0, 0" in said.found
