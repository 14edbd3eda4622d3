"""One step of a training on bright discs of 8 x 8 pixels, two to a subject."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mribench.spec import Batch, Network, Split, TrainingStep
from mribench.training.draws import BatchDraws


@pytest.fixture
def profile():
    """``profile(**changes)``: as much of one as a network, a loss and a step read."""
    given = {
        "size": 8,
        "network": Network(channels=(8, 16), layers_per_block=1),
        "prediction": "v_prediction",
        "coarse_steps": 0,
        "batch_size": 4,
        "grad_clip": 1.0,
    }
    return lambda **changes: SimpleNamespace(**given | changes)


@pytest.fixture
def discs():
    """``discs(subjects)``: their images."""

    def make(subjects):
        rng = np.random.default_rng(0)
        y, x = np.mgrid[:8, :8]
        centres = rng.uniform(2, 6, (2 * subjects, 2))
        images = np.stack([(np.hypot(x - a, y - b) < 2) * 200 for a, b in centres]).astype(np.uint8)
        return Split(images, tuple(f"s{i // 2}" for i in range(2 * subjects)))

    return make


@pytest.fixture
def at_step(profile):
    """``at_step(net, loss, split, **changes)``: what a step of plain SGD with learning rate 1 is given."""

    def make(net, loss, split, **changes):
        def batch(images, draws):
            return Batch(torch.from_numpy(split.images[images]).unsqueeze(1).float() / 127.5 - 1)

        number = changes.get("number", 0)
        draw = torch.Generator().manual_seed(number)
        given = {
            "number": number,
            "total": 9,
            "seed": 0,
            "profile": profile(),
            "subjects": split.subjects,
            "net": net,
            "optimizer": torch.optim.SGD(net.parameters(), lr=1.0),
            "generator": draw,
            "draws": lambda n: BatchDraws(draw, n, slice(None)),
            "loss": loss,
            "batch": batch,
        }
        return TrainingStep(**given | changes)

    return make
