"""Killed at any moment and run again, a suite ends with the same numbers as one that was not."""

import os
import signal
import time
from pathlib import Path

import pytest
from forked import Command

from mribench import results
from mribench.plugins import lookup

MODALITY = "chromatin" if "chromatin" in lookup.names("modalities") else None
pytestmark = pytest.mark.skipif(MODALITY is None, reason="needs one modality plugin")


def start(out: Path, *more: str) -> Command:
    # a checkpoint is saved at step 20
    small = ["--profile", "smoke", "--train-steps", "24", "--samplers", "ddim-2", "--controls", "noise"]
    words = ["run", "--modalities", MODALITY, *small, "--out", out]
    return Command(out.with_suffix(".said"), *words, *more)


def finish(command: Command, code: int = 0) -> str:
    ended, words = command.wait()
    assert ended == code, words
    return words


def stop_when(command: Command, out: Path, pattern: str, number: int) -> None:
    """Send the signal as soon as a file or folder of that pattern appears."""
    deadline = time.monotonic() + 200
    while not any(out.glob(pattern)):
        assert command.is_running(), f"the run ended before {pattern} appeared"
        assert time.monotonic() < deadline, f"{pattern} never appeared"
        time.sleep(0.02)
    os.kill(command.pid, number)


def scores(out: Path) -> dict[str, object]:
    return {f"{r.name} {r.task}": r.scores for r in results.read_all([out])}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    out = tmp_path_factory.mktemp("unbroken")
    finish(start(out))
    return out


def test_kill_9_in_every_stage_changes_no_number(unbroken, tmp_path):
    for pattern in (
        "data/*",
        "train/*/checkpoints/*.pt",
        "train/*/best",
        "outputs/*",
        "results/*/*.json",
    ):
        process = start(tmp_path)
        stop_when(process, tmp_path, pattern, signal.SIGKILL)
        if process.wait()[0] == 0:
            break
    finish(start(tmp_path))
    assert scores(tmp_path) == scores(unbroken)
    assert (tmp_path / "leaderboard.json").read_bytes() == (unbroken / "leaderboard.json").read_bytes()
    assert not list(tmp_path.glob("**/.tmp-*")), "a killed run's temporary files must not stay"


def test_ctrl_c_saves_exits_130_and_goes_on(unbroken, tmp_path):
    process = start(tmp_path)
    stop_when(process, tmp_path, "train/*/checkpoints/*.pt", signal.SIGINT)
    words = finish(process, 130)
    assert words.strip().splitlines()[-1].startswith("mribench: ") and "Traceback" not in words
    finish(start(tmp_path, "--tasks", "denoising"))
    assert scores(tmp_path).items() <= scores(unbroken).items() and len(scores(tmp_path)) == 2


def test_a_finished_suite_answers_without_working(unbroken):
    before = {p: p.stat().st_mtime_ns for p in unbroken.glob("*/**/*") if p.is_file()}
    words = finish(start(unbroken))
    after = {p: p.stat().st_mtime_ns for p in unbroken.glob("*/**/*") if p.is_file()}
    assert before == after
    assert "train" not in words


def test_a_second_run_into_the_same_folder_is_refused(tmp_path):
    first = start(tmp_path)
    stop_when(first, tmp_path, "data/*/manifest.json", signal.SIGCONT)
    words = finish(start(tmp_path), 2)
    assert "another mribench run" in words
    os.kill(first.pid, signal.SIGKILL)
    first.wait()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif("joint" not in lookup.names("variants"), reason="needs mribench-score")
def test_a_joint_training_killed_in_every_stage_ends_as_an_unbroken_one(tmp_path):
    organs = ",".join(lookup.names("modalities")[:2])
    more = ["--modalities", organs, "--variants", "joint,joint-cfg", "--tasks", "denoising"]
    more += ["--controls", "noise", "--jobs", "2"]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    finish(start(whole, *more))
    for pattern in ("train/*/checkpoints/*.pt", "train/*/best", "outputs/*", "results/*/*.json"):
        process = start(broken, *more)
        stop_when(process, broken, pattern, signal.SIGKILL)
        if process.wait()[0] == 0:
            break
    finish(start(broken, *more))
    assert scores(broken) == scores(whole)
    (one,), (other,) = (list(out.glob("train/*/best/unet/*.safetensors")) for out in (whole, broken))
    assert one.read_bytes() == other.read_bytes()
