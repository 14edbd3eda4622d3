"""What each optimisation is worth: one thing is switched, nothing else, and the row says what was timed."""

import signal
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from mribench import files, signals
from mribench.device import Hardware
from mribench.spec import Network
from mribench.speed import ablation, clock, processes, report, sampling, start_up, training
from mribench.speed.step import synthetic_images, training_step

TINY = ablation.Bench("tiny", Network((8, 16), 1), batch=4, size=16, rounds=2, steps=1)
# other images, other sizes, or another network: their loss is another one
OTHER_WORK = {"set on the device, not PNG decoding", "coarse steps (half the side)", "2x2 patches"}
OTHER_ROUNDING = {
    "bf16 in place of fp32",
    "group norm in bf16",
    "channels last",
    "1x1 convolutions as products",
    "plain attention over few tokens",
    "sub-pixel upsampling",
}


def test_only_one_thing_is_switched():
    profile, images = TINY.profile(precision="bf16", warmup_steps=0, lr=1e-2), synthetic_images(32, 16)
    ours = training_step(profile, images, "bf16")
    losses = [float(ours(step)) for step in range(3)]
    for one in ablation.ablations(profile, images):
        loop = one.make()
        found = [float(loop(step)) for step in range(3)]
        assert np.isfinite(found).all()
        if one.name not in OTHER_WORK:
            tolerance = 0.03 if one.name in OTHER_ROUNDING else 1e-3
            assert found == pytest.approx(losses, rel=tolerance), one.name


def test_the_average_one_by_one_is_the_average(monkeypatch):
    kept = []
    monkeypatch.setattr(torch.Tensor, "lerp_", lambda mean, new, weight: kept.append(weight))
    profile, images = TINY.profile(), synthetic_images(32, TINY.size)
    step = training_step(profile, images, "fp32", average=False)
    assert step.ema is None
    ablation._with_averaging_loop(step)(0)
    assert len(kept) == len(step.parameters) and len(set(kept)) == 1


def test_png_files_hold_the_images():
    images = synthetic_images(12, 16)
    feed = ablation.PngLoader(images, np.zeros((1, 12), np.int32), torch.device("cpu"))
    pixels = torch.zeros(feed.shape, dtype=torch.uint8)
    feed.fill(pixels, 0)
    assert sorted(map(bytes, pixels.numpy())) == sorted(map(bytes, images))


def test_what_is_switched_off_counts_as_without():
    slow, fast = [4.0, 6.0, 4.0], [2.0, 2.0, 2.0]
    row = clock.speedup_row("x", "tiny", True, slow, fast, steps=2)
    assert row["seconds_per_step"] == {"without": 2.0, "with": 1.0}
    assert row["ratio"] == {"median": 2.0, "low": 2.0, "high": 3.0}


def test_the_whole_of_it_is_recorded_and_shown(monkeypatch, tmp_path):
    switched = [
        ablation.Ablation("a thing in use", True, False, lambda: lambda step: None),
        ablation.Ablation("a thing tried", False, True, lambda: lambda step: None),
    ]
    monkeypatch.setattr(ablation, "benches", lambda on_gpu: [TINY])
    monkeypatch.setattr(ablation, "ablations", lambda *args: switched)
    monkeypatch.setattr(ablation, "concurrent_models", lambda bench: [])
    monkeypatch.setattr(processes, "measure", lambda bench: [])
    monkeypatch.setattr(start_up, "measure", dict)
    monkeypatch.setattr(clock, "peak_tflops", lambda: {"fp32": 1.0, "bf16": 1.0})
    monkeypatch.setattr(training, "cases", lambda on_gpu: [])
    monkeypatch.setattr(sampling, "cases", lambda on_gpu: [])
    report.measure(tmp_path)
    used, tried = files.read_json(tmp_path / "speed.json")["optimisations"]
    # the loop that does nothing is the fast side of the one, and the slow side of the other
    assert used["ratio"]["median"] < 1 < tried["ratio"]["median"]
    lines = (tmp_path / "speed.md").read_text().splitlines()
    (line,) = [line for line in lines if "a thing tried" in line]
    assert line.startswith("| a thing tried | tiny | ") and line.endswith(" | no |  |")


def test_what_the_processor_only_emulates_is_not_timed(monkeypatch):
    images = synthetic_images(32, 16)
    for has in (True, False):
        monkeypatch.setattr(clock.device, "hardware", lambda has=has: Hardware(False, has, 1))
        assert ("bf16" in clock.peak_tflops(8)) is has
        names = [row.name for row in ablation.ablations(TINY.profile(precision="fp32"), images)]
        assert ("bf16 in place of fp32" in names) is has


def test_processes_are_compared_at_equal_work(monkeypatch):
    """A made-up machine: a step takes 1 on one thread, 0.8 on two, and 0.6 of it each on two shared ones."""
    cost = {(1, 1, False): 1.0, (2, 1, True): 0.6, (2, 1, False): 1.25, (1, 2, False): 0.8}

    @contextmanager
    def team(bench, count, threads, shared=False, retain_memory=True):
        yield lambda steps: steps * cost[count, threads, shared] * (1 if retain_memory else 1.1)

    monkeypatch.setattr(processes, "team", team)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr("mribench.speed.clock.seconds", lambda work: work())
    many, shared, kept = processes.measure(TINY)
    assert kept["ratio"]["median"] == pytest.approx(1.1)
    assert many["seconds_per_step"] == {"without": 1.6, "with": 1.25} and many["efficiency"] == 0.8
    assert shared["ratio"]["median"] == pytest.approx(1.67) and shared["efficiency"] == 0.83


def test_a_signal_finds_no_process_that_has_not_begun_to_ignore_it(monkeypatch):
    blocked = []

    def start(*args, **kwargs):
        blocked.append(signal.pthread_sigmask(signal.SIG_BLOCK, []))
        raise OSError("not started")

    monkeypatch.setattr(processes.subprocess, "Popen", start)
    with pytest.raises(OSError, match="not started"), processes.team(TINY, 1, 1):
        pass
    assert blocked[0] >= set(signals.SIGNALS)
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, []) & set(signals.SIGNALS)


@pytest.mark.slow
def test_processes_train_alone_and_together():
    rows = processes.measure(TINY)
    assert {row["name"] for row in rows} <= set(processes.ROW_NAMES)
    assert all(0 < row.get("efficiency", 1) < 3 and row["ratio"]["median"] > 0 for row in rows)
