"""Other trainers on the same data for the same seconds, scored on one board with ours."""

import json
from functools import partial

import numpy as np
import pytest
import torch

from mribench.errors import InputError
from mribench.runner import runspec
from mribench.speed import quality, trainers


class Blank:
    """A trainer that learns nothing and draws grey."""

    name, settings, batch = "blank", "nothing", 4

    def __init__(self, images, seed):
        self.side, self.seed, self.net = images.shape[1], seed, torch.nn.Identity()

    def step(self):
        pass

    def sample(self, n, steps):
        rng = np.random.default_rng(self.seed)
        return 0.5 + 0.1 * rng.standard_normal((n, self.side, self.side), dtype=np.float32)


@pytest.fixture
def blank(monkeypatch):
    monkeypatch.setattr(quality, "TRAINERS", (Blank,))
    monkeypatch.setattr(trainers, "check", lambda: None)
    # seven controls a seed would take longer than what is asked about
    monkeypatch.setattr(runspec, "make", partial(runspec.make, controls="noise"))


def test_the_others_stand_beside_ours_with_the_same_seconds(blank, tmp_path, monkeypatch):
    class Stopped(Blank):
        def __init__(self, images, seed):
            super().__init__(images, seed)
            if seed == 1:
                raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(quality, "TRAINERS", (Stopped,))
        quality.measure("brain", tmp_path, seeds=(0, 1), profile="smoke", n=24)
    # a seed that is done is on record before the next, and is not trained again
    monkeypatch.setattr(Blank, "step", None)
    record = quality.measure("brain", tmp_path, seeds=(0,), profile="smoke", n=24)
    ours, other = record["rows"]
    assert (ours["trainer"], other["trainer"]) == (quality.OURS, "blank")
    assert ours["seconds"] <= other["seconds"]
    assert other["images_seen"] == 4 * other["steps"] > 0
    assert other["kd"]["hc85-v1"] > ours["kd"]["hc85-v1"]  # grey noise is no brain
    assert "blank" in (tmp_path / "board" / "leaderboard.md").read_text()
    assert json.loads((tmp_path / "quality.json").read_text())["rows"] == record["rows"]
    table = (tmp_path / "quality.md").read_text()
    assert f"{other['kd']['hc85-v1'] / ours['kd']['hc85-v1']:.1f}" in table


def test_a_missing_library_is_named_before_anything_is_trained(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install mribench\[trainers\]"):
        quality.measure("brain", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("trainer", trainers.TRAINERS, ids=lambda trainer: trainer.name)
def test_each_trainer_learns_and_draws_grey_images(trainer, monkeypatch):
    pytest.importorskip("denoising_diffusion_pytorch")
    pytest.importorskip("monai")
    monkeypatch.setattr(trainer, "batch", 2)
    images = np.full((8, 64, 64), 200, np.uint8)
    loop = trainer(images, 0)
    before = [p.detach().clone() for p in loop.net.parameters()]
    for _ in range(2):  # the first of a warm-up has a learning rate of 0
        loop.step()
    assert any(not torch.equal(a, b) for a, b in zip(before, loop.net.parameters(), strict=True))
    drawn = loop.sample(3, 2)
    assert drawn.shape == (3, 64, 64) and np.isfinite(drawn).all()
    assert drawn.min() >= 0 and drawn.max() <= 1
