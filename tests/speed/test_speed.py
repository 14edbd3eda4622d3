"""`mribench speed`: what is timed is what it says, and the report says what was timed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import blobs

from mribench import files, profiles
from mribench.plugins import lookup
from mribench.provenance import environment
from mribench.spec import Network
from mribench.speed import clock, processes, report, sampling, start_up, training
from mribench.speed.reference import ReferenceLoop
from mribench.variants import ddpm

SMALL = Network(channels=(8, 16), layers_per_block=1)


def test_pieces_of_work_take_turns():
    order = []
    taken = clock.interleaved({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 3)
    assert order == list("ababab") and [len(rounds) for rounds in taken.values()] == [3, 3]


def test_a_ratio_is_that_of_rounds_side_by_side():
    assert clock.ratio([2.0, 9.0, 4.0], [1.0, 3.0, 1.0]) == {"median": 3.0, "low": 2.0, "high": 4.0}


def test_the_reference_loop_trains():
    """It is a training loop and not only its cost: the loss on fixed noise falls."""
    torch.manual_seed(0)
    profile = replace(profiles.SMOKE, size=16, network=SMALL)
    net, scheduler = ddpm.network(profile), ddpm.scheduler(profile)
    images = blobs(24).images
    x0 = torch.from_numpy(images).unsqueeze(1) / 127.5 - 1
    noise, t = torch.randn(x0.shape), torch.arange(24) * 40

    def validation():
        with torch.no_grad():
            return ddpm.loss(net, scheduler, x0, noise, t).mean().item()

    before = validation()
    loop = ReferenceLoop(net, scheduler, images, 8)
    loop.rate.scheduler.base_lrs = [2e-2]  # five hundred steps of warm-up are too many for a test
    loop(60)
    assert validation() < 0.9 * before


@pytest.mark.slow
def test_a_case_is_measured_against_the_reference(monkeypatch):
    found = training.measure(training.Case("tiny", SMALL, 4, SMALL, rounds=2, steps=1))
    assert found["ratio"]["low"] <= found["ratio"]["median"] <= found["ratio"]["high"]
    for name, rounds in found["rounds"].items():
        # rates are rounded to a tenth, which is more than 1 % where a busy machine takes a second for a round
        assert found["images_per_second"][name] == pytest.approx(4 / np.median(rounds), rel=0.01, abs=0.051)
    # ours holds torch and a training, the reference datasets and torchvision beside them
    assert 0.2 < found["peak_gib"]["ours"] < found["peak_gib"]["reference"] < 4
    assert found["tflops"] == pytest.approx(
        found["images_per_second"]["ours"] * found["train_gflops_per_image"] / 1e3, rel=0.1, abs=1e-3
    )


class Here:
    """A loop that is measured, without a process."""

    peak_gib = 1.0

    def __init__(self, name, made):
        self.name, self.made = name, made

    def __call__(self, steps):
        self.made.append((self.name, steps))


def test_rounds_are_equally_long_and_counted_in_equal_steps(monkeypatch):
    """A step of ours takes a quarter of the reference's: four times as many in a round, and a round counts for one."""
    made = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(training, "_processes", lambda stack, case, profile, name: Here(name, made))
    taken = iter(
        [1.0, 1.0, 1.0, 1.0, 4.0, 1.0]
    )  # both made, both warm; then a turn of the reference and one of ours
    monkeypatch.setattr(training, "seconds", lambda work: (work(), next(taken))[1])
    monkeypatch.setattr(
        training,
        "interleaved",
        lambda loops, rounds: {name: [go() or 2.0 for _ in range(rounds)] for name, go in loops.items()},
    )
    found = training.measure(training.Case("tiny", SMALL, 4, SMALL, rounds=2, steps=1))
    assert found["steps_per_round"] == {"ours": 4, "reference": 1}
    assert found["rounds"] == {"reference": [2.0, 2.0], "ours": [0.5, 0.5]}
    assert found["ratio"]["median"] == 4.0
    assert found["images_per_second"] == {"reference": 2.0, "ours": 8.0}
    assert made[-4:] == [("reference", 1), ("reference", 1), ("ours", 4), ("ours", 4)]


def test_every_ten_steps_hold_their_share_of_coarse_ones():
    numbers = list(processes.step_numbers(70, 100))
    assert sorted(numbers) == list(range(100))
    assert numbers[:10] == [0, 1, 2, 3, 4, 5, 6, 70, 71, 72]
    assert all(sum(n < 70 for n in numbers[i : i + 10]) == 7 for i in range(0, 100, 10))
    assert list(processes.step_numbers(0, 30)) == list(range(30))


def test_rounds_with_coarse_steps_hold_whole_blocks(monkeypatch):
    """Ten steps of ours take as long as two of the reference: a round of four has twenty of them."""
    made = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(training, "_processes", lambda stack, case, profile, name: Here(name, made))
    taken = iter([1.0, 1.0, 1.0, 1.0, 4.0, 2.2])
    monkeypatch.setattr(training, "seconds", lambda work: (work(), next(taken))[1])
    monkeypatch.setattr(
        training,
        "interleaved",
        lambda loops, rounds: {name: [go() or 4.0 for _ in range(rounds)] for name, go in loops.items()},
    )
    case = training.Case("tiny", SMALL, 4, SMALL, rounds=1, steps=4, coarse=0.7)
    found, plain = training.measure(case), training.gflops_per_image
    assert found["steps_per_round"] == {"ours": 20, "reference": 4} and found["ratio"]["median"] == 5.0
    net = ddpm.network(replace(profiles.QUICK, network=SMALL))
    expected = 3 * (0.3 * plain(net, 64) + 0.7 * plain(net, 32))
    assert found["train_gflops_per_image"] == pytest.approx(expected, abs=5.1e-4)


@pytest.mark.slow
def test_models_together_count_together(monkeypatch):
    """On a CPU each trains in a process of its own, as a suite's do; the reference trains one after the other."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    case = training.Case("tiny", SMALL, 4, SMALL, together=2, rounds=2, steps=1)
    found = training.measure(case)
    assert found["images_per_second"]["ours"] == pytest.approx(
        8 / np.median(found["rounds"]["ours"]), rel=0.01, abs=0.051
    )
    assert {case.together for case in training.cases(on_gpu=False)} == {1, 2}


def test_on_a_gpu_both_loops_are_in_this_process(monkeypatch):
    """What a GPU would run, on this processor: it is asked for its memory before and after the first step alone."""
    held = iter([2 * 1024**3, 3 * 1024**3, 3 * 1024**3, 7 * 1024**3])
    monkeypatch.setattr(training, "N_IMAGES", 16)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: None)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: next(held))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: next(held))
    case = training.Case("tiny", SMALL, 4, SMALL)
    profile = replace(profiles.SMOKE, network=SMALL, batch_size=4, size=16, precision="fp32")
    loops = [training._on_gpu(case, profile, name) for name in ("reference", "ours")]
    for loop in loops:
        loop(2)
    assert [loop.peak_gib for loop in loops] == [1.0, 4.0]


@pytest.mark.parametrize("sampler", ["ddim-2", "dpm-solver-3"])
def test_sampling_is_measured_beside_the_pipeline(monkeypatch, sampler):
    small = replace(profiles.SMOKE, size=16, network=SMALL, sample_batch=2, precision="fp32")
    monkeypatch.setitem(profiles.PROFILES, "tiny", small)
    found = sampling.measure("tiny", sampler, 4, rounds=2)
    assert found["nfe"] == int(sampler[-1]) and found["images_per_second"].keys() == {"ours", "reference"}


def test_the_report_shows_what_the_record_holds(tmp_path):
    case = {
        "name": "tiny",
        "batch": 4,
        "parameters": 2_500_000,
        "images_per_second": {"reference": 10.0, "ours": 25.5},
        "ratio": {"median": 2.55, "low": 2.5, "high": 2.6},
        "tflops": 0.164,
        "peak_gib": {"reference": 1.5, "ours": 0.75},
        "precision": "fp32",
    }
    draw = {
        "network": "quick",
        "sampler": "ddim-25",
        "nfe": 25,
        "images": 8,
        "images_per_second": {"reference": 1.0, "ours": 2.0},
        "seconds": {"ours": 4.0},
        "ratio": case["ratio"],
    }
    record = environment() | {
        "schema": report.SCHEMA,
        "peak_tflops": {"fp32": 0.4},
        "training": [
            case,
            {k: v for k, v in case.items() if k != "ratio"} | {"images_per_second": {"ours": 1.0}},
        ],
        "sampling": [draw],
        "start_up_seconds": {"mribench --help": 0.2},
    }
    text = report.markdown(record)
    assert "| tiny | 2.5 M | 4 | 10.0 | 25.5 | 2.55 (2.5, 2.6) | 41 % | 1.50, 0.75 |" in text
    report.write(record, tmp_path)
    assert files.read_json(tmp_path / "speed.json")["training"][0] == case
    assert (tmp_path / "speed.md").read_text() == text


@pytest.mark.slow
def test_a_run_is_timed_to_its_first_step():
    """The process ends with its first step: were it to go on, it would train for minutes."""
    organs = lookup.names("modalities")
    if not organs:
        pytest.skip("needs a modality plugin")
    assert 0 < start_up._first_step(organs[0]) < 60
