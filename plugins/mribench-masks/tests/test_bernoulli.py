"""The chain of flips against sums over all labels of all steps, and draws with the exact network."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mribench_masks import bernoulli
from mribench_masks.bernoulli import STEPS, drawn_labels, flip_loss, kept, label_before, mixed
from mribench_masks.label_maps import labels_of, one_hot

from mribench.seeds import torch_generator
from mribench.spec import NOT_ANNOTATED, Measurement
from mribench.training.draws import BatchDraws


def share(t):
    return kept(torch.full((1, 1, 1, 1), float(t)))


def label(k, classes):
    return one_hot(torch.full((1, 1, 1), k), classes)


def draws(n, *address):
    return BatchDraws(torch_generator("flips", *address), n, slice(None))


def test_flips_begin_with_none_and_end_with_labels_at_random():
    steps = [float(share(t)) for t in range(STEPS + 1)]
    assert steps[0] == 1 and steps == sorted(steps, reverse=True) and steps[-1] < 0.02


@pytest.mark.parametrize("classes", [2, 3])
def test_two_steps_of_flips_are_one_of_both(classes):
    """q(x_t | x_0) is the sum over x_{t-1} of q(x_t | x_{t-1}) q(x_{t-1} | x_0)."""
    for k, t in product(range(classes), (2, 9, STEPS)):
        before = mixed(label(k, classes), share(t - 1))
        again = mixed(before, share(t) / share(t - 1))
        assert torch.allclose(again, mixed(label(k, classes), share(t)), atol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("t", [1, 2, 12, STEPS])
def test_the_posterior_of_a_label_is_bayes_by_enumeration(classes, t):
    step = float(share(t) / share(t - 1))

    def flipped(to, of, a):
        return a * (to == of) + (1 - a) / classes

    for now, first in product(range(classes), repeat=2):
        joint = [
            flipped(now, between, step) * flipped(between, first, float(share(t - 1)))
            for between in range(classes)
        ]
        found = label_before(label(now, classes), label(first, classes), share(t), share(t - 1))
        assert found.flatten().tolist() == pytest.approx((np.array(joint) / np.sum(joint)).tolist(), abs=1e-5)


def test_of_two_labels_it_is_the_posterior_of_berdiff():
    """Its theta_post: (alpha [1 - y_t, y_t] + (1 - alpha) / 2) times the same of y_0, normalised."""
    t, y_t, y_0 = 7, 1, 0
    alpha, before = float(share(t) / share(t - 1)), float(share(t - 1))
    first = alpha * np.array([1 - y_t, y_t]) + (1 - alpha) / 2
    product_ = first * (before * np.array([1 - y_0, y_0]) + (1 - before) / 2)
    found = label_before(label(y_t, 2), label(y_0, 2), share(t), share(t - 1))
    assert found.flatten().tolist() == pytest.approx((product_ / product_.sum()).tolist(), abs=1e-6)


def test_what_is_summed_over_first_labels_is_a_probability():
    p = torch.tensor([0.1, 0.6, 0.3]).view(1, 3, 1, 1)
    for now, t in product(range(3), (1, 5, STEPS)):
        found = label_before(label(now, 3), p, share(t), share(t - 1))
        each = [label_before(label(now, 3), label(k, 3), share(t), share(t - 1)) for k in range(3)]
        # p(x_0 | x_t) is given, so the sum of posteriors is weighted by it alone
        assert torch.allclose(
            found, sum(w * one for w, one in zip(p.flatten(), each, strict=True)), atol=1e-6
        )
        assert float(found.sum()) == pytest.approx(1, abs=1e-5)


def test_labels_are_drawn_as_often_as_they_are_probable():
    p = torch.tensor([0.2, 0.5, 0.3]).view(1, 3, 1, 1).expand(40, 3, 16, 16)
    found = drawn_labels(p, draws(40)).mean((0, 2, 3))
    assert found.tolist() == pytest.approx([0.2, 0.5, 0.3], abs=0.02)


def exact(odds):
    """A network that knows p(x_0 | x_t) of pixels whose labels have these odds, whatever the image."""
    odds = torch.tensor(odds).view(1, -1, 1, 1)

    def net(seen, time):
        x_t = (seen[:, : odds.shape[1]] + 1) / 2
        now = kept((time * STEPS / 1000).round().view(-1, 1, 1, 1))
        return SimpleNamespace(sample=(mixed(x_t, now) * odds).log())

    net.config = SimpleNamespace(out_channels=odds.shape[1])
    return net


def test_draws_with_the_exact_network_have_the_odds_of_the_labels():
    m = Measurement(torch.zeros(30, 1, 16, 16), None, 0.0, (16, 16))
    found = labels_of(bernoulli.by_bernoulli(exact([0.15, 0.6, 0.25]), m, draws(30, "drawn")))
    shares = torch.bincount(found.flatten(), minlength=3) / found.numel()
    assert shares.tolist() == pytest.approx([0.15, 0.6, 0.25], abs=0.02)


def test_the_loss_is_least_for_the_exact_network_and_no_pixel_counts_that_nobody_has_drawn():
    labels = drawn_labels(torch.tensor([0.3, 0.7]).view(1, 2, 1, 1).expand(60, 2, 16, 16), draws(60)).argmax(
        1
    )
    image = torch.zeros(60, 1, 16, 16)
    losses = {
        odds: float(flip_loss(exact([1 - odds, odds]), image, labels, draws(60, 1)))
        for odds in (0.5, 0.7, 0.9)
    }
    assert losses[0.7] < min(losses[0.5], losses[0.9])
    nobody = torch.full_like(labels, NOT_ANNOTATED)
    assert float(flip_loss(exact([0.3, 0.7]), image, nobody, draws(60, 1))) == 0
