"""A variant may take its own steps: from its own batch to the moved weights."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from families import GAN, TOLD
from tiny import TINY, blobs, equal, fit, weights

from mribench.errors import InputError
from mribench.runner.model_code import model_hash
from mribench.spec import Stage
from mribench.training.arguments import TrainingArguments
from mribench.training.conditions import joined
from mribench.training.launch import launch
from mribench.training.own_step import OwnStep
from mribench.training.step import batches
from mribench.training.train import train, training
from mribench.variants.ddpm import DDPM

SIZE = TINY.batch_size


@dataclass(frozen=True)
class UsualStep:
    """What mribench does itself, with the same images and random numbers."""

    scale: float = 1.0

    def __call__(self, step):
        order = batches(len(step.subjects), SIZE, step.total, step.seed)
        draws = step.draws(SIZE)
        loss = step.loss(step.net, step.batch(order[step.number], draws), draws).mean()
        (self.scale * loss).backward()
        torch.nn.utils.clip_grad_norm_(step.net.parameters(), step.profile.grad_clip)
        step.optimizer.step()
        step.net.zero_grad()
        return loss.detach()

    def about(self, step):
        return {"last": step.number, "subjects": len(set(step.subjects))}


OWN = replace(DDPM, take_step=UsualStep())


@pytest.mark.parametrize(
    "profile",
    [TINY, replace(TINY, flip=True, coarse_steps=6)],
    ids=["plain", "flipped, the first steps coarse"],
)
def test_who_takes_the_usual_step_trains_the_usual_network(tmp_path, profile):
    usual, own = fit(tmp_path / "usual", profile), fit(tmp_path / "own", profile, OWN)
    assert equal(weights(tmp_path / "own"), weights(tmp_path / "usual"))
    assert own["validation_loss"] == usual["validation_loss"]
    assert (tmp_path / "own" / "log.jsonl").read_text() == (tmp_path / "usual" / "log.jsonl").read_text()


def test_the_record_says_what_the_rule_says_of_itself(tmp_path):
    record = fit(tmp_path, variant=OWN)
    assert (record["last"], record["subjects"]) == (TINY.max_steps - 1, 24)


def test_labels_come_with_the_images(tmp_path):
    split = joined({"bright": blobs(6), "dark": blobs(6)})
    seen = []

    @dataclass(frozen=True)
    class Look(UsualStep):
        def __call__(self, step):
            draws = step.draws(12)
            seen.append(step.batch(np.arange(12), draws).label)
            return super().__call__(step)

    told = replace(TOLD, take_step=Look())
    train(told, TrainingArguments(split, split, replace(TINY, max_steps=3), 0, tmp_path, "tiny"))
    labels = torch.stack(seen)
    kept = labels != 2  # the null label
    assert torch.equal(labels[kept], torch.tensor([0] * 6 + [1] * 6).expand(len(labels), -1)[kept])
    assert 0.5 < kept.float().mean() < 1


def test_the_rule_is_part_of_what_a_training_is_named_by():
    hashes = [model_hash(variant) for variant in (DDPM, OWN, replace(DDPM, take_step=UsualStep(scale=2.0)))]
    assert len(set(hashes)) == 3

    def gan(rule):
        (update, *others), (stage,) = GAN.stages[0].updates, GAN.stages
        return replace(GAN, stages=(replace(stage, updates=(replace(update, take_step=rule), *others)),))

    assert model_hash(gan(None)) == model_hash(GAN) != model_hash(gan(UsualStep()))


def test_what_cannot_take_its_own_steps_is_refused(tmp_path):
    (stage,) = GAN.stages
    both = tuple(replace(update, take_step=UsualStep()) for update in stage.updates)
    two = replace(GAN, stages=(Stage("pair", stage.network, both),))
    with pytest.raises(InputError, match="expected a single one"):
        fit(tmp_path / "two", variant=two)
    for processes, precision in ((2, "fp32"), (1, "fp16")):
        step = object.__new__(OwnStep)
        step.raw, step.profile, step.accelerator = None, TINY, SimpleNamespace(num_processes=processes)
        with pytest.raises(InputError, match=f"found {processes} in {precision}"):
            launch(step, precision, 0, "tiny")


@pytest.mark.slow
def test_it_is_killed_and_goes_on(tmp_path):
    fit(tmp_path / "whole", variant=OWN)
    arguments = TrainingArguments(blobs(24), blobs(8), TINY, 0, tmp_path / "broken", "tiny")
    arguments.folder.mkdir()
    steps = training(OWN, arguments, lambda: False)
    for _ in range(7):
        next(steps)
    steps.close()
    train(OWN, arguments)
    assert equal(weights(tmp_path / "broken"), weights(tmp_path / "whole"))
