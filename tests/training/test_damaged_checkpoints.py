"""A training that goes on from damaged files ends with the weights of one that was never stopped."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest
from tiny import TINY, equal, fit, weights

from mribench import manifest
from mribench.errors import Damaged
from mribench.training import checkpoint
from mribench.training import folder as training_folder
from mribench.training.checkpoint import State
from mribench.variants import ddpm

KILLED_BEFORE_THE_MANIFEST = """
import os, signal
from pathlib import Path
from mribench.training import folder
from tiny import fit

folder.manifest.write = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
fit(Path({folder!r}))
"""


class Stop(Exception):
    pass


def stopping(step):
    """DDPM whose training ends in an error after so many optimiser steps."""

    def loss(net, scheduler, x0, noise, t):
        loss.calls += net.training
        if loss.calls > step:
            raise Stop
        return ddpm.loss(net, scheduler, x0, noise, t)

    loss.calls = 0
    return replace(ddpm.DDPM, loss=loss)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    fit(folder, replace(TINY, ema_decay=0.9))
    return weights(folder)


@pytest.fixture
def stopped(tmp_path):
    """The folder of a training that ended after 10 of 12 steps: checkpoints of steps 4 and 8."""
    with pytest.raises(Stop):
        fit(tmp_path, replace(TINY, ema_decay=0.9), stopping(10))
    assert [path.name[:12] for path in sorted((tmp_path / "checkpoints").glob("*.pt"))] == [
        "step-0000004",
        "step-0000008",
    ]
    return tmp_path


def flip(path, share=0.5):
    content = bytearray(path.read_bytes())
    content[int(share * (len(content) - 1))] ^= 0x10
    path.write_bytes(content)


@pytest.mark.parametrize("share", [0.2, 0.8], ids=["weights", "moving average"])
def test_a_flipped_bit_in_the_last_checkpoint(share, stopped, unbroken):
    flip(sorted(stopped.glob("checkpoints/*.pt"))[-1], share)
    fit(stopped, replace(TINY, ema_decay=0.9))
    assert equal(weights(stopped), unbroken)


def worse_at_every_evaluation(variant, folder):
    """The first evaluation stays the best, also where a training goes on: the log says how many there were."""
    log = folder / "log.jsonl"

    def loss(net, scheduler, x0, noise, t):
        value = variant.loss(net, scheduler, x0, noise, t)
        return value if net.training or not log.exists() else value + len(log.read_bytes().split(b"\n"))

    return replace(ddpm.DDPM, loss=loss)


@pytest.mark.parametrize("pattern", ["best-4/unet/*.safetensors", "log.jsonl", "checkpoints/*.sha256"])
def test_a_flipped_bit_in_what_a_checkpoint_refers_to(pattern, tmp_path):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    fit(whole, variant=worse_at_every_evaluation(ddpm.DDPM, whole))
    with pytest.raises(Stop):
        fit(stopped, variant=worse_at_every_evaluation(stopping(10), stopped))
    flip(sorted(stopped.glob(pattern))[-1])
    assert fit(stopped, variant=worse_at_every_evaluation(ddpm.DDPM, stopped))["best_step"] == 4
    assert equal(weights(stopped), weights(whole))
    assert not manifest.damages(stopped / manifest.NAME)


def test_a_checkpoint_of_an_earlier_version_has_no_digest_and_is_read(stopped, unbroken):
    for path in stopped.glob("checkpoints/*.sha256"):
        path.unlink()
    before = stopping(4)  # four steps are left: had it begun anew, this would raise
    fit(stopped, replace(TINY, ema_decay=0.9), before)
    assert equal(weights(stopped), unbroken)


def test_the_best_weights_damaged_before_the_end_do_not_get_their_final_name(tmp_path):
    (tmp_path / "best-4").mkdir()
    (tmp_path / "best-4" / "weights").write_bytes(bytes(100))
    files = manifest.describe(tmp_path / "best-4", [tmp_path / "best-4"])
    flip(tmp_path / "best-4" / "weights")
    with pytest.raises(Damaged, match=r"best-4/weights has sha256 .* expected .*; run the same command"):
        checkpoint.settle_best(tmp_path, State(best_step=4, best_files=files))
    assert not (tmp_path / "best").exists()


def test_ended_between_the_last_file_and_the_manifest(tmp_path, monkeypatch, unbroken):
    def end(*_):
        raise Stop

    profile = replace(TINY, ema_decay=0.9)
    with monkeypatch.context() as ended, pytest.raises(Stop):
        ended.setattr(manifest, "write", end)
        fit(tmp_path, profile)
    assert (tmp_path / "train.json").exists() and not training_folder.is_finished(tmp_path)
    fit(tmp_path, profile, stopping(0))  # nothing is left to train
    assert training_folder.is_finished(tmp_path) and not manifest.damages(tmp_path / manifest.NAME)
    assert equal(weights(tmp_path), unbroken) and not (tmp_path / "checkpoints").exists()


@pytest.mark.slow
def test_killed_between_the_last_file_and_the_manifest(tmp_path, python):
    ended = python(KILLED_BEFORE_THE_MANIFEST.format(folder=str(tmp_path)), path=Path(__file__).parents[1])
    assert ended.code == -signal.SIGKILL
    assert (tmp_path / "train.json").exists() and not training_folder.is_finished(tmp_path)
    before = weights(tmp_path)
    fit(tmp_path, variant=stopping(0))  # nothing is left to train
    assert training_folder.is_finished(tmp_path) and not manifest.damages(tmp_path / manifest.NAME)
    assert equal(weights(tmp_path), before) and not (tmp_path / "checkpoints").exists()
