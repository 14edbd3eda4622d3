"""What only a CUDA device can show: run with `pytest -m gpu`."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from families import TOLD
from tiny import TINY, blobs, fit

from mribench import files
from mribench.errors import TrainingDiverged
from mribench.sampling import samplers
from mribench.sampling.sample import TrainedModel
from mribench.spec import Network
from mribench.training import loader
from mribench.training.arguments import TrainingArguments
from mribench.training.interleave import train_interleaved
from mribench.training.step import RecordedStep, batches
from mribench.training.train import training
from mribench.variants import ddpm

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_training_on_the_gpu_learns(tmp_path, precision):
    record = fit(tmp_path, replace(TINY, precision=precision, max_steps=120, eval_every=20))
    assert record["device"] == "cuda" and record["precision"] == precision
    assert record["validation_loss"] < 0.9


@pytest.mark.parametrize("name", ["ddpm-20", "ddim-10", "dpm-solver-8"])
def test_the_gpu_draws_the_images_of_the_cpu(tmp_path, name):
    """Noise comes from addressed CPU generators: the device changes rounding, not the sample."""
    fit(tmp_path, replace(TINY, max_steps=40))
    sampler = samplers.resolve(name)
    trained = TrainedModel(tmp_path / "best", ddpm.DDPM, sampler, TINY, "fp32")
    on_gpu = trained.generate(range(4), 0)
    trained.device = torch.device("cpu")
    trained.net.to("cpu")
    assert np.abs(on_gpu - trained.generate(range(4), 0)).max() < 1e-2


@pytest.mark.parametrize(
    ("network", "variant"),
    [(TINY.network, ddpm.DDPM), (Network((8, 16), 1, patch=2), ddpm.DDPM), (TINY.network, TOLD)],
    ids=["pixels", "patches", "labels"],
)
def test_the_recorded_step_follows_the_plain_one(tmp_path, network, variant, monkeypatch):
    """The same batches, timesteps, noise and learning rates, so the same losses up to the order of sums."""
    profile = replace(
        TINY, network=network, precision="fp32", max_steps=60, coarse_steps=20, eval_every=10, ema_decay=0.9
    )
    recorded = fit(tmp_path / "recorded", profile, variant)
    with monkeypatch.context() as patch:
        patch.setattr(RecordedStep, "record", lambda self, step: (_ for _ in ()).throw(RuntimeError("no")))
        plain = fit(tmp_path / "plain", profile, variant)
    assert recorded["validation_loss"] == pytest.approx(plain["validation_loss"], rel=1e-3)
    lines = [(tmp_path / way / "log.jsonl").read_text().splitlines() for way in ("recorded", "plain")]
    for a, b in zip(*([json.loads(line) for line in way] for way in lines), strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-3), a["step"]


def test_a_loss_that_waits_for_the_device_runs_without_recording(tmp_path, capsys):
    def waits(net, scheduler, x0, noise, t):
        loss = ddpm.loss(net, scheduler, x0, noise, t)
        assert loss.sum().item() >= 0
        return loss

    record = fit(tmp_path, replace(TINY, precision="fp32"), replace(ddpm.DDPM, loss=waits))
    assert record["steps"] == TINY.max_steps
    assert "cannot be recorded" in "".join(capsys.readouterr())


def test_streamed_batches_are_right_however_far_the_device_lags_behind():
    """Nothing is waited for in between: a batch that were overwritten too early would differ."""
    images = np.random.default_rng(0).integers(0, 256, (512, 32, 32), dtype=np.uint8)
    rows = batches(len(images), 16, 200, seed=0)
    streamed = loader.Prefetched(images, rows, torch.device("cuda"))
    pixels = torch.zeros(streamed.shape, dtype=torch.uint8, device="cuda")
    work, found = torch.randn(2048, 2048, device="cuda"), []
    for step in range(len(rows)):
        streamed.fill(pixels, step)
        work = torch.tanh(work @ work)
        found.append(pixels.clone())
    assert np.array_equal(torch.stack(found).cpu().numpy(), images[rows])


def test_a_recorded_step_takes_streamed_images(tmp_path, monkeypatch, capsys):
    profile = replace(TINY, precision="fp32", max_steps=60, coarse_steps=20, eval_every=10, ema_decay=0.9)
    fit(tmp_path / "resident", profile)
    monkeypatch.setattr(loader, "MEMORY_SHARE", 0.0)
    fit(tmp_path / "streamed", profile)
    said = "".join(capsys.readouterr())
    assert said.count("are streamed") == 1 and "cannot be recorded" not in said
    lines = [(tmp_path / way / "log.jsonl").read_text().splitlines() for way in ("resident", "streamed")]
    for a, b in zip(*([json.loads(line) for line in way] for way in lines), strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-3), a["step"]


@pytest.mark.parametrize("share", [loader.MEMORY_SHARE, 0.0], ids=["resident", "streamed"])
def test_models_trained_together_are_those_trained_alone(tmp_path, monkeypatch, share):
    monkeypatch.setattr(loader, "MEMORY_SHARE", share)
    profile = replace(TINY, precision="bf16", max_steps=40, coarse_steps=10, eval_every=10)
    splits = blobs(24), blobs(8)
    for seed in range(3):
        (tmp_path / f"together{seed}").mkdir()
    train_interleaved(
        lambda interrupted, seed=seed: training(
            ddpm.DDPM,
            TrainingArguments(*splits, profile, seed, tmp_path / f"together{seed}", f"model {seed}"),
            interrupted,
        )
        for seed in range(3)
    )
    for seed in range(3):
        together = files.read_json(tmp_path / f"together{seed}" / "train.json")
        alone = fit(tmp_path / f"alone{seed}", profile, seed=seed)
        assert together["validation_loss"] == pytest.approx(alone["validation_loss"], rel=1e-2)


def test_one_of_several_models_that_fails_leaves_the_others_whole(tmp_path):
    def explode(net, scheduler, x0, noise, t):
        return ddpm.loss(net, scheduler, x0, noise, t) * float("nan")

    variants = [ddpm.DDPM, replace(ddpm.DDPM, loss=explode)]
    folders = [tmp_path / "good", tmp_path / "bad"]
    for folder in folders:
        folder.mkdir()
    with pytest.raises(TrainingDiverged):
        train_interleaved(
            lambda interrupted, v=variant, f=folder: training(
                v, TrainingArguments(blobs(24), blobs(8), TINY, 0, f, f.name), interrupted
            )
            for variant, folder in zip(variants, folders, strict=True)
        )
    assert (folders[0] / "train.json").exists() and not (folders[1] / "train.json").exists()
