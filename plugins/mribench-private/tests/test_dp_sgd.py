"""One step of DP-SGD as the accountant takes it to be: who is drawn, how much noise, what is on record."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mribench_private.accounting import epsilon_spent, noise_for
from mribench_private.dp_sgd import (
    DP_SGD_8,
    DP_SGD_INF,
    PrivateStep,
    delta,
    draw_images,
    images_of_subjects,
)

from mribench.errors import InputError

N = 40  # subjects
BATCH = 4  # images of a step


def no_gradient(net, batch, draws):
    return 0 * net(batch.x.flatten(1)).sum(dim=1)


def pull(net, batch, draws):
    """Of gradient 10^6 along the image: always clipped."""
    return 1e6 * net(batch.x.flatten(1))[:, 0]


def test_every_subject_is_drawn_by_itself_with_the_rate_of_the_accountant(discs):
    images, rate = images_of_subjects(discs(N).subjects), 0.2
    draw = torch.Generator().manual_seed(0)
    counts, of_subject = [], np.zeros(2 * N)
    for _ in range(2000):
        drawn = draw_images(images, rate, draw)
        assert len(set(drawn // 2)) == len(drawn), "one image of a subject at most"
        counts.append(len(drawn))
        of_subject[drawn] += 1
    # binomial: batches of a fixed size would have no variance
    assert np.mean(counts) == pytest.approx(N * rate, rel=0.02)
    assert np.var(counts) == pytest.approx(N * rate * (1 - rate), rel=0.1)
    assert of_subject / 2000 == pytest.approx(np.full(2 * N, rate / 2), abs=0.03)


def test_images_of_a_subject_are_found_wherever_they_are():
    found = images_of_subjects(("b", "a", "b", "c", "a"))
    assert [part.tolist() for part in found] == [[1, 4], [0, 2], [3]]


def test_the_noise_is_as_large_as_the_accountant_was_told(at_step, discs):
    net = torch.nn.Linear(64, 2000)
    before = [p.detach().clone() for p in net.parameters()]
    rule = PrivateStep(epsilon=2.0, clip_norm=0.5)
    step = at_step(net, no_gradient, discs(N))
    rule(step)
    # learning rate 1: what the network moved by is the noise
    moved = torch.cat([(a - b).flatten() for a, b in zip(before, net.parameters(), strict=True)])
    batch, told = BATCH, rule.about(step)["privacy"]["noise_multiplier"]
    assert told == noise_for(2.0, delta(N), batch / N, step.total)
    assert moved.std().item() * batch / 0.5 == pytest.approx(told, rel=0.01)
    assert abs(moved.mean().item()) < 5 * moved.std().item() / len(moved) ** 0.5


def test_without_noise_a_step_moves_by_the_clip_norm_of_each_subject(at_step, discs):
    split = discs(N)
    split = replace(split, images=np.full_like(split.images, 255))  # all pull the same way
    net = torch.nn.Linear(64, 1, bias=False)
    before, moved = net.weight.detach().clone(), []
    for number in range(5):
        step = at_step(net, pull, split, number=number)
        n = len(draw_images(images_of_subjects(split.subjects), BATCH / N, step.generator))
        net.weight.data.copy_(before)
        PrivateStep(epsilon=None, clip_norm=0.5)(at_step(net, pull, split, number=number))
        moved.append(((before - net.weight).norm().item(), 0.5 * n / BATCH))
    assert len({expected for _, expected in moved}) > 1, "batches of several sizes"
    assert all(found == pytest.approx(expected, rel=1e-5) for found, expected in moved)


def test_a_step_to_which_nobody_is_drawn_is_noise_alone(at_step, discs):
    def nobody(net, batch, draws):
        raise AssertionError("asked of no image")

    net = torch.nn.Linear(64, 4)
    split = discs(400)  # 4 of 400 are expected
    empty = next(
        number
        for number in range(1000)
        if not len(
            draw_images(images_of_subjects(split.subjects), 0.01, torch.Generator().manual_seed(number))
        )
    )
    before = net.weight.detach().clone()
    loss = PrivateStep(epsilon=8.0)(at_step(net, nobody, split, number=empty))
    assert loss.item() == 0 and not torch.equal(net.weight, before)


def test_the_record_says_what_was_promised_and_what_was_spent(at_step, discs):
    net = torch.nn.Linear(64, 1)
    last = DP_SGD_8.take_step.about(at_step(net, pull, discs(N), number=8))["privacy"]
    assert 7.9 < last["epsilon"] <= 8
    assert last["delta"] == 1 / (10 * N) and last["unit"] == "subject"
    early = DP_SGD_8.take_step.about(at_step(net, pull, discs(N), number=4))["privacy"]
    assert early["epsilon"] == epsilon_spent(last["noise_multiplier"], 0.1, 5, 1 / (10 * N)) < last["epsilon"]
    assert DP_SGD_INF.take_step.about(at_step(net, pull, discs(N)))["privacy"]["epsilon"] is None


def test_too_few_subjects_for_a_batch_are_refused(at_step, discs):
    with pytest.raises(InputError, match="found 3"):
        PrivateStep(epsilon=8.0)(at_step(torch.nn.Linear(64, 1), pull, discs(3)))
