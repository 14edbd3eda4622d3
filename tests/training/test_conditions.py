"""Labels in training: right images, a tenth of them null, bit-equal when killed, split over processes, or K = 1."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from families import TOLD
from tiny import TINY, blobs, equal, fit, weights

from mribench.networks import LabelledPatchUNet2DModel
from mribench.spec import Batch, Split
from mribench.training.arguments import TrainingArguments
from mribench.training.conditions import LABEL_DROPOUT, LabelFeed, LabelledNetwork, joined, labelled
from mribench.training.draws import BatchDraws
from mribench.training.step import batches
from mribench.training.train import train
from mribench.variants.ddpm import DDPM

CPU = torch.device("cpu")


def two_organs(n):
    bright = blobs(n)
    return joined({"a": bright, "b": Split(255 - bright.images, bright.subjects)})


def draws(size, mine=slice(None)):
    return BatchDraws(torch.Generator().manual_seed(1), size, mine)


class Killed(Exception):
    """Stands for a kill: nothing is saved after it."""


def seen_by(loss_calls, fatal_call=None):
    """A variant that notes (labels, mean grey of each image) of every training step."""

    def loss(net, scheduler, x0, noise, t):
        if net.training and net._label.numel() == TINY.batch_size:
            loss_calls.append((net._label.clone(), x0.mean(dim=(1, 2, 3))))
            if len(loss_calls) == fatal_call:
                raise Killed
        return DDPM.loss(net, scheduler, x0, noise, t)

    return replace(TOLD, loss=loss)


def fit_two(folder, variant=TOLD, profile=TINY):
    folder.mkdir(parents=True, exist_ok=True)
    return train(variant, TrainingArguments(two_organs(24), two_organs(8), profile, 0, folder, "tiny"))


def test_images_of_several_sets_keep_their_label_and_subjects_their_set():
    split = two_organs(3)
    assert split.labels.tolist() == [0, 0, 0, 1, 1, 1] and split.names == ("a", "b")
    assert split.n_subjects == 6
    assert labelled(split) is split and labelled(blobs(2)).labels.tolist() == [0, 0]


def test_each_image_comes_with_its_own_label_and_a_tenth_with_the_null_label(tmp_path):
    calls = []
    fit_two(tmp_path, seen_by(calls), replace(TINY, max_steps=24, eval_every=24))
    told, grey = (torch.cat(parts) for parts in zip(*calls, strict=True))
    known = told < 2
    # discs are bright on black in one set, dark on white in the other
    assert torch.equal((grey > 0)[known], (told == 1)[known])
    assert set(told[~known].tolist()) == {2}
    dropped, n = (~known).float().mean().item(), len(told)
    assert abs(dropped - LABEL_DROPOUT) < 3 * (LABEL_DROPOUT * (1 - LABEL_DROPOUT) / n) ** 0.5


def test_it_takes_the_steps_of_all_its_organs_together(tmp_path):
    record = fit_two(tmp_path / "both")
    one = fit(tmp_path / "one")
    assert record["steps"] == 2 * one["steps"]
    assert record["tflop"] == pytest.approx(2 * one["tflop"], rel=0.02, abs=2e-3)
    assert record["conditions"] == {"modality": {"labels": ["a", "b"], "images": [24, 24]}}
    assert "conditions" not in one


@pytest.mark.parametrize("fatal_call", [9, *(pytest.param(n, marks=pytest.mark.slow) for n in (3, 17))])
def test_killed_and_resumed_is_bit_equal_to_unbroken(tmp_path, fatal_call):
    fit_two(tmp_path / "whole")
    with pytest.raises(Killed):
        fit_two(tmp_path / "broken", seen_by([], fatal_call))
    fit_two(tmp_path / "broken")
    assert equal(weights(tmp_path / "whole"), weights(tmp_path / "broken"))


def test_processes_drop_the_labels_of_one():
    split = two_organs(24)
    rows = batches(len(split), 16, 5, 0)
    feed = LabelFeed(split, rows, CPU)
    feed.fill(3)
    whole = feed.drawn(slice(None), draws(16))
    halves = [feed.drawn(mine, draws(16, mine)) for mine in (slice(0, 8), slice(8, 16))]
    assert torch.equal(torch.cat(halves), whole)
    kept = whole < 2
    assert np.array_equal(whole[kept].numpy(), split.labels[rows[3]][kept.numpy()])


def test_without_conditions_nothing_is_drawn_and_no_label_is_seen(tmp_path):
    """Weights of before labels existed: the noise of a step is the first thing that is drawn in it."""
    seen = []

    def loss(net, scheduler, x0, noise, t):
        if net.training and len(x0) == TINY.batch_size:
            seen.append((t, noise))
        return DDPM.loss(net, scheduler, x0, noise, t)

    fit(tmp_path, replace(TINY, max_steps=1), replace(DDPM, loss=loss))
    from mribench.seeds import number

    expected = BatchDraws(torch.Generator().manual_seed(number("step", 0, 0)), TINY.batch_size, slice(None))
    t, noise = seen[-1]
    assert torch.equal(t, expected.integers(1000)) and torch.equal(noise, expected.normal(1, 16, 16))
    assert Batch(torch.zeros(1)).label is None


def test_a_single_set_has_one_label(tmp_path):
    record = fit(tmp_path, variant=TOLD)
    assert record["conditions"]["modality"]["labels"] == ["images"] and record["steps"] == TINY.max_steps


def test_a_patched_network_heeds_its_label_and_round_trips(tmp_path):
    torch.manual_seed(0)
    net = LabelledPatchUNet2DModel(
        sample_size=16,
        block_out_channels=(8, 16),
        down_block_types=("DownBlock2D",) * 2,
        up_block_types=("UpBlock2D",) * 2,
        num_class_embeds=3,
    ).eval()
    x, t = torch.randn(2, 1, 16, 16), torch.tensor([5, 9])
    outputs = [LabelledNetwork(net, torch.tensor(label))(x, t).sample for label in range(3)]
    assert outputs[0].shape == x.shape and all(
        (outputs[0] - other).abs().max() > 1e-3 for other in outputs[1:]
    )
    net.save_pretrained(tmp_path)
    again = LabelledPatchUNet2DModel.from_pretrained(tmp_path).eval()
    assert torch.equal(LabelledNetwork(again, torch.tensor([0, 0]))(x, t).sample, outputs[0])
