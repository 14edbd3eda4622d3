"""Training: addressed randomness, validation, early stopping, divergence, exact resume."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import TINY, blobs, equal, fit, weights

from mribench import files, profiles
from mribench.errors import InputError, Interrupted, TrainingDiverged
from mribench.training import checkpoint
from mribench.training.arguments import TrainingArguments
from mribench.training.step import batches, learning_rate
from mribench.training.train import train
from mribench.variants import ddpm


def test_batches_are_epoch_permutations_across_batch_borders():
    n, size = 10, 4
    row = batches(n, size, 10, seed=0).ravel()
    for epoch in range(4):
        assert sorted(row[epoch * n : (epoch + 1) * n]) == list(range(n))
    assert not np.array_equal(row[:n], row[n : 2 * n])
    assert np.array_equal(
        batches(n, size, 7, seed=0), batches(n, size, 10, seed=0)[:7]
    )  # a longer run begins alike


def test_the_moving_average_remembers_no_step(tmp_path, monkeypatch):
    """A graph behind it would grow with every step, until training ends or memory does."""
    saved = []
    monkeypatch.setattr(checkpoint, "save", lambda *words: saved.extend(words[4]))
    fit(tmp_path)
    assert saved and not any(average.requires_grad for average in saved)


def test_learning_rate_warms_up_and_decays():
    profile = replace(TINY, lr=1.0, warmup_steps=10, lr_schedule="cosine")
    assert learning_rate(profile, 0, 100) == pytest.approx(0.1)
    assert learning_rate(profile, 50, 100) == pytest.approx(0.5)
    assert learning_rate(profile, 99, 100) < 0.01
    assert learning_rate(replace(profile, lr_schedule="constant"), 99, 100) == 1.0


def test_paper_profile_is_the_study():
    paper = profiles.PAPER
    assert (paper.optimizer, paper.lr, paper.batch_size, paper.size) == ("adam", 1e-3, 32, 64)
    assert paper.max_epochs == 10_000 and paper.patience and paper.max_steps is None
    assert paper.total_steps(960) == 300_000
    scheduler = ddpm.scheduler(paper)
    assert scheduler.config.prediction_type == "epsilon" and scheduler.config.beta_schedule == "linear"
    # alpha-bar after 50, 100, 250 and 500 steps; diffusers counts them from 0
    assert scheduler.alphas_cumprod[[49, 99, 249, 499]].numpy() == pytest.approx(
        [0.97102, 0.89702, 0.52409, 0.07859], abs=2e-5
    )


def test_training_lowers_the_validation_loss_and_leaves_a_pipeline(tmp_path):
    record = fit(tmp_path, replace(TINY, max_steps=120, eval_every=20, checkpoint_every=60))
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert log[-1]["validation_loss"] < 0.8 * log[0]["validation_loss"]
    assert record["images_seen"] == 120 * TINY.batch_size
    assert record["validation_loss"] == min(line["validation_loss"] for line in log)
    from diffusers import DDPMPipeline

    image = DDPMPipeline.from_pretrained(tmp_path / "best")(num_inference_steps=2, output_type="np").images
    assert image.shape == (1, 16, 16, 1)
    assert not (tmp_path / "checkpoints").exists() and not list(tmp_path.glob("best-*"))


def test_interrupted_and_resumed_is_bit_equal_to_unbroken(tmp_path):
    fit(tmp_path / "whole")
    calls = 0

    def counting(net, scheduler, x0, noise, t):
        nonlocal calls
        calls += net.training
        if calls == 7:
            os.kill(os.getpid(), signal.SIGINT)
        return ddpm.loss(net, scheduler, x0, noise, t)

    with pytest.raises(Interrupted, match="step 7"):
        fit(tmp_path / "broken", variant=replace(ddpm.DDPM, loss=counting))
    assert not (tmp_path / "broken" / "train.json").exists()
    fit(tmp_path / "broken")
    assert equal(weights(tmp_path / "whole"), weights(tmp_path / "broken"))
    assert (tmp_path / "whole" / "log.jsonl").read_text() == (tmp_path / "broken" / "log.jsonl").read_text()


def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(tmp_path):
    fit(tmp_path / "whole")

    def stop_late(net, scheduler, x0, noise, t):
        stop_late.calls += net.training
        if stop_late.calls == 10:
            os.kill(os.getpid(), signal.SIGTERM)
        return ddpm.loss(net, scheduler, x0, noise, t)

    stop_late.calls = 0
    with pytest.raises(Interrupted):
        fit(tmp_path / "broken", variant=replace(ddpm.DDPM, loss=stop_late))
    newest = max((tmp_path / "broken" / "checkpoints").iterdir())
    newest.write_bytes(newest.read_bytes()[:1000])
    fit(tmp_path / "broken")
    assert equal(weights(tmp_path / "whole"), weights(tmp_path / "broken"))


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_checkpoint(tmp_path):
    def explode(net, scheduler, x0, noise, t):
        explode.calls += net.training
        return ddpm.loss(net, scheduler, x0, noise, t) * (float("nan") if explode.calls > 6 else 1)

    explode.calls = 0
    with pytest.raises(TrainingDiverged, match="nan"):
        fit(tmp_path, variant=replace(ddpm.DDPM, loss=explode))
    (kept,) = (tmp_path / "checkpoints").glob("*.pt")
    assert kept.name == "step-0000004-best-4.pt"
    assert all(v.isfinite().all() for v in torch.load(kept, weights_only=True)["net"].values())


def test_early_stopping_and_best_checkpoint(tmp_path):
    """A learning rate that destroys the net: the first evaluation stays the best, patience ends the run."""

    def worse(net, scheduler, x0, noise, t):
        value = ddpm.loss(net, scheduler, x0, noise, t)
        worse.evaluations += not net.training
        return value if net.training else value + worse.evaluations

    worse.evaluations = 0
    profile = replace(TINY, max_steps=40, patience=2, eval_images=8)
    record = fit(tmp_path, profile, replace(ddpm.DDPM, loss=worse))
    assert record["best_step"] == 4
    assert record["steps"] == 12


def test_seeds_differ_and_repeat(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        fit(tmp_path / name, seed=seed)
    assert equal(weights(tmp_path / "a"), weights(tmp_path / "b"))
    assert not equal(weights(tmp_path / "a"), weights(tmp_path / "c"))


def test_bf16_trains_beside_fp32_in_one_process(tmp_path):
    fit(tmp_path / "a")
    assert fit(tmp_path / "b", replace(TINY, precision="bf16"))["precision"] == "bf16"


TWO = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from tiny import fit
fit(Path({folder!r}))
"""


@pytest.mark.slow
def test_two_processes_see_the_same_global_batch(tmp_path):
    fit(tmp_path / "one")
    script = tmp_path / "two.py"
    script.write_text(
        TWO.format(tests=os.path.dirname(os.path.dirname(__file__)), folder=str(tmp_path / "two"))
    )
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        str(script),
    ]
    subprocess.run(command, check=True, timeout=240, env=os.environ | {"OMP_NUM_THREADS": "1"})
    one, two = (
        [json.loads(line) for line in (tmp_path / name / "log.jsonl").read_text().splitlines()]
        for name in ("one", "two")
    )
    # not weight by weight: a bias before a GroupNorm has no gradient but rounding, which Adam blows up to its step size
    for alone, together in zip(one, two, strict=True):
        assert together == pytest.approx(alone, rel=1e-5)
    assert files.read_json(tmp_path / "two" / "train.json")["processes"] == 2


def test_fp16_without_a_gpu_is_refused_in_words(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("a GPU is here")
    with pytest.raises(InputError, match="fp16 needs a GPU"):
        fit(tmp_path, replace(TINY, precision="fp16"))


def test_loss_curves_go_to_a_tracker_on_request(tmp_path):
    pytest.importorskip("tensorboard")
    train(ddpm.DDPM, TrainingArguments(blobs(24), blobs(8), TINY, 0, tmp_path, "tiny", track="tensorboard"))
    assert list(tmp_path.rglob("events.out.tfevents.*"))
