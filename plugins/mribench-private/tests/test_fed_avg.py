"""Federated averaging against the central training that it must equal where nothing is federated."""

from collections import Counter

import numpy as np
import pytest
import torch
from mribench_private.fed_avg import FederatedAveraging, batch_rows, site_of

from mribench.errors import InputError


def error(net, batch, draws):
    return (net(batch.x.flatten(1))[:, 0] - 1).square()


def test_one_local_step_of_sgd_at_equal_sites_is_a_step_on_all_their_images(at_step, discs, profile):
    split, rule = discs(8), FederatedAveraging(sites=4, local_steps=1)
    whole_batch = profile(batch_size=8, grad_clip=None)
    nets = [torch.nn.Linear(64, 1) for _ in range(2)]
    nets[1].load_state_dict(nets[0].state_dict())
    step = at_step(nets[0], error, split, profile=whole_batch, number=3)
    rows = np.concatenate([images[batch_rows(4, 2, 3, 0)] for images in rule.members(step)])
    rule(step)
    whole = at_step(nets[1], error, split, profile=whole_batch)
    error(nets[1], whole.batch(rows, None), None).mean().backward()
    whole.optimizer.step()
    assert len(set(rows)) == 8
    assert torch.allclose(nets[0].weight, nets[1].weight, atol=1e-6)
    assert torch.allclose(nets[0].bias, nets[1].bias, atol=1e-6)


def test_sites_go_their_own_way_until_the_round_ends(at_step, discs):
    net, split, rule = torch.nn.Linear(64, 1), discs(8), FederatedAveraging(sites=2, local_steps=3)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    before, seen = net.weight.detach().clone(), []
    for number in range(3):
        rule(at_step(net, error, split, optimizer=optimizer, number=number))
        seen.append(net.weight.detach().clone())
    assert torch.equal(seen[0], before) and torch.equal(seen[1], before), "a server sees the ends of rounds"
    assert not torch.equal(seen[2], before)
    kept = optimizer.state[net.weight]["sites"]
    assert torch.allclose(net.weight, (kept[0]["weights"] + kept[1]["weights"]) / 2)
    assert not torch.equal(kept[0]["weights"], kept[1]["weights"])
    assert kept[0]["step"] == kept[1]["step"] == 3, "moments stay at their site"


def test_the_average_is_by_images(at_step, discs):
    split = discs(3)  # two subjects at one site, one at the other
    net, rule = torch.nn.Linear(64, 1), FederatedAveraging(sites=2, local_steps=1)
    step = at_step(net, error, split)
    sizes = [len(images) for images in rule.members(step)]
    rule(step)
    sites = [step.optimizer.state[net.weight]["sites"][site]["weights"] for site in range(2)]
    assert sizes == [4, 2]
    assert torch.allclose(net.weight, (2 * sites[0] + sites[1]) / 3)


def test_a_subject_is_at_one_site_and_sites_are_alike_in_size():
    subjects = tuple(f"s{i // 3}" for i in range(90))
    at = site_of(subjects, 4)
    assert all(len(set(at[3 * i : 3 * i + 3])) == 1 for i in range(30))
    assert sorted(Counter(at[::3].tolist()).values()) == [7, 7, 8, 8]
    again = np.random.default_rng(0).permutation(90)
    assert np.array_equal(site_of(tuple(subjects[i] for i in again), 4), at[again]), "whatever their order"


def test_what_cannot_be_shared_is_refused(at_step, discs):
    net = torch.nn.Linear(64, 1)
    with pytest.raises(InputError, match="multiple of 3"):
        FederatedAveraging(sites=3)(at_step(net, error, discs(8)))
    with pytest.raises(InputError, match="3 training subjects were found"):
        FederatedAveraging(sites=4)(at_step(net, error, discs(3)))
