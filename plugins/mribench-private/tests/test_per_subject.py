"""What the noise is added to: gradients of single subjects, each clipped, summed."""

import pytest
import torch
from mribench_private import per_subject
from mribench_private.per_subject import clipped_sum

from mribench.errors import InputError
from mribench.spec import Batch
from mribench.training.draws import BatchDraws
from mribench.variants.ddpm import DDPM

N = 5


@pytest.fixture
def net(profile):
    torch.manual_seed(0)
    return DDPM.network(profile())


@pytest.fixture
def batch():
    draw = torch.Generator().manual_seed(0)
    return Batch(torch.rand(N, 1, 8, 8, generator=draw) * torch.arange(1, N + 1).view(-1, 1, 1, 1))


def error(net, one):
    """Of an image from itself: no random numbers, so that a loop asks the same."""
    t = torch.full((len(one.x),), 500)
    return (net(one.x, t).sample - one.x).square().mean()


def gradients(net, batch):
    """One by one, by plain backpropagation."""
    found = []
    for i in range(len(batch.x)):
        net.zero_grad()
        error(net, Batch(batch.x[i : i + 1])).backward()
        found.append(torch.cat([p.grad.flatten() for p in net.parameters()]))
    return torch.stack(found)


def flat(sums):
    return torch.cat([part.flatten() for part in sums.values()])


def looped(net, batch, clip_norm):
    each = gradients(net, batch)
    return (each * (clip_norm / each.norm(dim=1, keepdim=True)).clamp(max=1)).sum(0)


def test_the_clipped_sum_is_that_of_a_loop(net, batch):
    middle = gradients(net, batch).norm(dim=1).median().item()  # so that some are clipped and some are not
    sums, losses = clipped_sum(net, error, batch, middle)
    assert torch.allclose(flat(sums), looped(net, batch, middle), atol=1e-5 * middle)
    alone = [error(net, Batch(batch.x[i : i + 1])).item() for i in range(N)]
    assert losses.tolist() == pytest.approx(alone, rel=1e-5)


def test_a_subject_moves_the_sum_by_the_clip_norm_at_most(net, batch):
    least = gradients(net, batch).norm(dim=1).min().item()
    batch = Batch(torch.cat([batch.x, 1000 * batch.x[:1]]))  # and one that nobody expected
    whole = flat(clipped_sum(net, error, batch, least)[0])
    for left_out in range(N + 1):
        kept = [i for i in range(N + 1) if i != left_out]
        moved = (whole - flat(clipped_sum(net, error, Batch(batch.x[kept]), least)[0])).norm().item()
        assert moved == pytest.approx(least, rel=1e-3)


def test_no_subject_gives_nothing(net, batch):
    sums, losses = clipped_sum(net, error, Batch(batch.x[:0]), 1.0)
    assert not flat(sums).any() and len(losses) == 0


def test_parts_of_the_subjects_add_up(net, batch, monkeypatch):
    whole = flat(clipped_sum(net, error, batch, 1.0)[0])
    monkeypatch.setattr(per_subject, "AT_ONCE", 2)
    assert torch.allclose(flat(clipped_sum(net, error, batch, 1.0)[0]), whole, atol=1e-5)


def test_each_subject_has_random_numbers_of_its_own(net, batch, profile):
    same = Batch(batch.x[:1].expand(3, -1, -1, -1))

    def losses(seed):
        draw = torch.Generator().manual_seed(seed)
        scheduler = DDPM.scheduler(profile())

        def loss(net, one):
            draws = BatchDraws(draw, 1, slice(None))
            t = draws.integers(1000)
            return DDPM.loss(net, scheduler, one.x, draws.normal(1, 8, 8), t)[0]

        return clipped_sum(net, loss, same, 1.0)[1].tolist()

    assert len(set(losses(0))) == 3
    assert losses(0) == losses(0) != losses(1)


def test_a_batch_norm_is_refused(batch):
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    with pytest.raises(InputError, match="group norm"):
        clipped_sum(net, error, batch, 1.0)
