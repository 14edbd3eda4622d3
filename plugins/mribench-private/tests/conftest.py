"""A tiny training: bright discs of 8 x 8 pixels, two to a subject."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mribench import profiles
from mribench.spec import Batch, Network, Split, TrainingStep
from mribench.training.draws import BatchDraws

PROFILE = replace(
    profiles.get("smoke", precision="fp32"),
    size=8,
    network=Network(channels=(8, 16), layers_per_block=1),
    batch_size=4,
    max_steps=9,
    eval_every=9,
    eval_images=4,
    checkpoint_every=4,
    keep="last",
)


def discs(subjects: int) -> Split:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:8, :8]
    centres = rng.uniform(2, 6, (2 * subjects, 2))
    images = np.stack([(np.hypot(x - a, y - b) < 2) * 200 for a, b in centres]).astype(np.uint8)
    return Split(images, tuple(f"s{i // 2}" for i in range(2 * subjects)))


@pytest.fixture
def at_step():
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
            "profile": PROFILE,
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


@pytest.fixture
def fit(tmp_path):
    """``fit(variant, profile, stop_at)``: the bytes of the last weights, and the record; the training is killed
    after ``stop_at`` steps and run again."""
    from mribench.training.arguments import TrainingArguments
    from mribench.training.train import train, training

    folders = iter(range(99))

    def run(variant, profile=PROFILE, stop_at=None, subjects=8):
        folder = tmp_path / str(next(folders))
        folder.mkdir()
        arguments = TrainingArguments(discs(subjects), discs(4), profile, 0, folder, "tiny")
        if stop_at:
            steps = training(variant, arguments, lambda: False)
            for _ in range(stop_at):
                next(steps)
            steps.close()
            assert list(folder.glob("checkpoints/*.pt")), "a checkpoint to go on from"
        record = train(variant, arguments)
        (weights,) = folder.glob("last/unet/*.safetensors")
        return weights.read_bytes(), record

    return run
