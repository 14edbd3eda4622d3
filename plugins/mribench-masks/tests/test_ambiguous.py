"""Images whose structure has one of two widths, at odds that the image tells: who draws both, and how often?"""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mribench_masks.bernoulli import BERNOULLI
from mribench_masks.gaussian import GAUSSIAN
from mribench_masks.label_maps import as_answer, labels_of, shown
from mribench_masks.networks import UNET

from mribench.seeds import torch_generator
from mribench.spec import Examples, Measurement, Network
from mribench.training.draws import BatchDraws

SIDE, N = 8, 200
NARROW, WIDE = 3, 6  # columns of the structure
ODDS = {0.2: 0.25, 0.8: 0.75}  # of the wide one, by the grey value of the image
PROFILE = SimpleNamespace(
    size=SIDE,
    network=Network(channels=(16, 16), layers_per_block=1),
    total_steps=lambda n: 600,
    coarse_steps=0,
    precision="fp32",
    grad_clip=1.0,
    batch_size=32,
    lr=3e-3,
    warmup_steps=20,
)


def draws(n, *address):
    return BatchDraws(torch_generator("ambiguous", *address), n, slice(None))


def drawn(n, *address):
    """Label maps and images as channels, and what is shown of them."""
    random = draws(n, *address)
    dark = random.uniform(1, 1, 1) < 0.5
    grey, odds = (torch.where(dark, *of) for of in zip(*ODDS.items(), strict=True))
    width = torch.where(random.uniform(1, 1, 1) < odds, WIDE, NARROW)
    mask = (torch.arange(SIDE) < width).expand(n, 1, SIDE, SIDE)
    image = grey + 0.05 * random.normal(1, SIDE, SIDE)
    x = torch.cat([as_answer(mask[:, 0]), image], dim=1)
    return x, shown(x, 1.0, random), random


def widths(solver, grey):
    """The structure's columns in answers to N images of one grey value, float64 (N,), and the answers."""
    known = fitted(solver)
    m = Measurement(torch.full((N, 1, SIDE, SIDE), grey), None, 0.0, (SIDE, SIDE))
    with torch.no_grad():
        found = labels_of(solver.solve(known, m, draws(N, "asked")))
    return found.double().sum((1, 2)).numpy() / SIDE, found


KNOWN = {}


def fitted(solver):
    if solver.name not in KNOWN:
        images = drawn(64, "train")[0].numpy()
        batches = lambda n, size: (drawn(size, step) for step in range(n))  # noqa: E731
        KNOWN[solver.name] = solver.fit(Examples(images, batches, PROFILE, 0, torch.device("cpu"), 1.0))
    return KNOWN[solver.name]


@pytest.fixture(autouse=True)
def no_augmentation(monkeypatch):
    """A turn would move the edge that the test counts."""
    monkeypatch.setattr("mribench_masks.networks.augmented", lambda x, y, draw: (x, y))


@pytest.mark.slow
@pytest.mark.parametrize("solver", [GAUSSIAN, BERNOULLI], ids=lambda solver: solver.name)
@pytest.mark.parametrize("grey", ODDS)
def test_a_diffusion_draws_both_structures_as_often_as_they_occur(solver, grey):
    found, _ = widths(solver, grey)
    near = np.minimum(np.abs(found - NARROW), np.abs(found - WIDE))
    assert (near < 0.5).mean() > 0.9, "a draw is one of the two, and no mixture"
    wide = (found > (NARROW + WIDE) / 2).mean()
    three_deviations = 3 * np.sqrt(ODDS[grey] * (1 - ODDS[grey]) / N)
    assert wide == pytest.approx(ODDS[grey], abs=three_deviations)


@pytest.mark.slow
@pytest.mark.parametrize("grey", ODDS)
def test_a_deterministic_network_answers_the_likelier_structure_alone(grey):
    found, _ = widths(UNET, grey)
    likelier = WIDE if ODDS[grey] > 0.5 else NARROW
    assert np.abs(found - likelier).max() < 0.5
