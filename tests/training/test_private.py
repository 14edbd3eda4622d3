"""Trainings of mribench-private: the central one where nothing is private or federated, and the same after a kill."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import torch
from tiny import TINY, blobs

from mribench.plugins import lookup
from mribench.spec import Batch
from mribench.training.arguments import TrainingArguments
from mribench.training.fused import with_subpixel_upsampling
from mribench.training.step import batches
from mribench.training.train import train, training
from mribench.variants.ddpm import DDPM

if "dp-sgd-8" not in lookup.names("variants"):
    pytest.skip("needs mribench-private", allow_module_level=True)

dp_sgd, fed_avg, per_subject = (
    import_module(f"mribench_private.{name}") for name in ("dp_sgd", "fed_avg", "per_subject")
)
PROFILE = replace(TINY, batch_size=4, max_steps=9, eval_every=9)


@pytest.fixture
def fit(tmp_path):
    """``fit(variant, profile, stop_at)``: the bytes of the last weights, and the record; the training is killed
    after ``stop_at`` steps and run again."""
    folders = iter(range(9))

    def run(variant, profile=PROFILE, stop_at=None):
        folder = tmp_path / str(next(folders))
        folder.mkdir()
        arguments = TrainingArguments(blobs(8), blobs(4), profile, 0, folder, "tiny")
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


def federated(**changes):
    return replace(fed_avg.FED_AVG, take_step=fed_avg.FederatedAveraging(**changes))


def private(epsilon):
    return replace(dp_sgd.DP_SGD_8, take_step=dp_sgd.PrivateStep(epsilon=epsilon))


def test_one_site_is_the_central_training_bit_for_bit(fit):
    central, record = fit(DDPM)
    alone, own = fit(federated(sites=1, local_steps=1))
    assert alone == central
    assert own["validation_loss"] == record["validation_loss"]


@pytest.mark.slow
def test_one_site_in_rounds_ends_where_the_central_training_ends(fit):
    # the moving average of a server sees the ends of rounds alone
    plain = replace(PROFILE, ema_decay=None)
    assert fit(federated(sites=1, local_steps=4), plain)[0] == fit(DDPM, plain)[0]


def test_a_site_sees_the_batches_of_a_training_on_its_own_images():
    whole = batches(7, 3, 10, seed=5)
    assert all(np.array_equal(fed_avg.batch_rows(7, 3, step, 5), whole[step]) for step in range(10))


@pytest.mark.parametrize(
    "stop_at", [5, pytest.param(8, marks=pytest.mark.slow)], ids=["within a round", "at a checkpoint"]
)
def test_a_federated_training_that_is_killed_ends_with_the_same_weights(fit, stop_at):
    variant = federated(sites=4, local_steps=3)  # checkpoints are after 4 and 8 steps
    whole, record = fit(variant)
    assert fit(variant, stop_at=stop_at)[0] == whole
    assert record["federated"] == {"images_of_sites": [2, 2, 2, 2], "rounds": 3, "local_steps": 3}


def test_a_private_training_that_is_killed_ends_with_the_same_weights(fit):
    whole, record = fit(dp_sgd.DP_SGD_8)
    assert fit(dp_sgd.DP_SGD_8, stop_at=6)[0] == whole
    assert record["privacy"]["sample_rate"] == 0.5 and 7.9 < record["privacy"]["epsilon"] <= 8


@pytest.mark.slow
def test_twins_differ_by_the_noise_alone(fit):
    weights = [fit(private(epsilon))[0] for epsilon in (8.0, 1e6, None)]
    loud, whisper, quiet = (np.frombuffer(part[-20_000:], np.float32) for part in weights)
    assert np.abs(whisper - quiet).mean() < 0.5 * np.abs(loud - quiet).mean()


@pytest.mark.slow
def test_a_private_training_runs_in_bf16(fit):
    _, record = fit(dp_sgd.DP_SGD_8, replace(PROFILE, precision="bf16", max_steps=2))
    assert record["steps"] == 2 and record["precision"] == "bf16"


def test_the_faster_network_of_a_cpu_has_the_same_clipped_sum():
    torch.manual_seed(0)
    net = DDPM.network(PROFILE)
    batch = Batch(torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0)))

    def error(net, one):
        return (net(one.x, torch.full((len(one.x),), 500)).sample - one.x).square().mean()

    plain, _ = per_subject.clipped_sum(net, error, batch, 1.0)
    fast, _ = per_subject.clipped_sum(with_subpixel_upsampling(net), error, batch, 1.0)
    assert all(torch.allclose(fast[name], plain[name], atol=1e-5) for name in plain)
