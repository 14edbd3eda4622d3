"""Trainings of several optimisers and of several stages: resumed to the bit, each within its share of the budget."""

import json
from dataclasses import replace

import pytest
import torch
from families import CODER, GAN, LATENT, PROFILE
from safetensors.torch import load_file
from tiny import TINY, equal, fit

from mribench.spec import GenerativeModel, Stage, Update
from mribench.training.budget import budgeted, reference_cost, step_cost
from mribench.training.draws import BatchDraws, ValidationDraws


class Killed(Exception):
    """Stands for a kill: nothing is saved after it."""


def dying(model, fatal_call):
    """The same model, one of whose losses kills the training when it is called for the n-th time in training."""
    calls = 0

    def fragile(loss):
        def call(net, *args):
            nonlocal calls
            calls += net.training
            if net.training and calls == fatal_call:
                raise Killed
            return loss(net, *args)

        return call

    def fragile_stage(stage):
        return replace(stage, updates=tuple(replace(u, loss=fragile(u.loss)) for u in stage.updates))

    if isinstance(model, GenerativeModel):
        return replace(model, stages=tuple(map(fragile_stage, model.stages)))
    coder = replace(model.autoencoder, stage=fragile_stage(model.autoencoder.stage))
    return replace(model, autoencoder=coder, loss=fragile(model.loss))


def weights(folder):
    found = sorted(folder.glob("**/best/**/*.safetensors"))
    return {f"{path.parent.name} {name}": v for path in found for name, v in load_file(path).items()}


@pytest.mark.parametrize("model", [GAN, LATENT], ids=lambda model: model.name)
def test_killed_again_and_again_and_resumed_is_bit_equal_to_unbroken(tmp_path, model):
    fit(tmp_path / "whole", PROFILE, model)
    kills = 0
    for fatal_call in (7, 12, 5, 10):
        try:
            fit(tmp_path / "broken", PROFILE, dying(model, fatal_call))
        except Killed:
            kills += 1
    fit(tmp_path / "broken", PROFILE, model)
    assert kills >= 2
    assert equal(weights(tmp_path / "whole"), weights(tmp_path / "broken"))
    logs = [sorted((tmp_path / name).glob("**/log.jsonl")) for name in ("whole", "broken")]
    assert [path.read_text() for path in logs[0]] == [path.read_text() for path in logs[1]]


def test_each_optimiser_moves_its_own_part_alone(tmp_path):
    only_critic = replace(GAN.stages[0], updates=GAN.stages[0].updates[:1])
    fit(tmp_path, replace(PROFILE, ema_decay=None), replace(GAN, stages=(only_critic,)))
    trained = load_file(next(tmp_path.glob("pair/last/*.safetensors")))
    torch.manual_seed(0)
    untrained = only_critic.network(PROFILE).state_dict()
    moved = {name.partition(".")[0] for name, v in trained.items() if not torch.equal(v, untrained[name])}
    assert moved == {"critic"}


def test_an_autoencoder_is_trained_first_and_its_latents_have_unit_variance(tmp_path):
    record = fit(tmp_path, PROFILE, LATENT)
    first = json.loads((tmp_path / "autoencoder" / "train.json").read_text())
    assert record["stages"]["autoencoder"] == first and first["latent_std"] > 0
    assert (tmp_path / "autoencoder" / "best" / "config.json").exists()
    assert (tmp_path / "best" / "unet" / "config.json").exists()


def test_stages_share_the_flops_of_the_reference(tmp_path):
    """The reference of a profile takes all its steps, one that costs twice as much half of them."""
    assert fit(tmp_path / "ddpm")["steps"] == TINY.max_steps
    profile = replace(TINY, max_steps=40)
    allowed = 40 * profile.batch_size * reference_cost(profile).full / 1e12

    def twice(net, batch, earlier, draws):
        t = torch.zeros(len(batch.x), dtype=torch.long)
        return (net(batch.x, t).sample + net(-batch.x, t).sample).square().mean(dim=(1, 2, 3))

    from mribench.variants.ddpm import network

    costly = GenerativeModel("costly", "", "", (Stage("net", network, (Update(twice),)),), generate=None)
    record = fit(tmp_path / "costly", profile, costly)
    assert record["steps"] == 20 and record["tflop"] == pytest.approx(allowed, rel=0.05)
    # a cheap one is bound by the images that it sees
    cheap = GenerativeModel("cheap", "", "", (replace(CODER, share=1.0),), generate=None)
    assert fit(tmp_path / "cheap", profile, cheap)["steps"] == 40
    half = replace(cheap, stages=(CODER, replace(CODER, name="again")))
    record = fit(tmp_path / "half", profile, half)
    assert record["steps"] == 40 and {s["steps"] for s in record["stages"].values()} == {20}


def test_the_warm_up_of_a_stage_is_as_short_as_the_stage():
    """Else a stage of few steps would end at a fraction of its learning rate."""
    profile = replace(TINY, max_steps=40, warmup_steps=20)
    short = budgeted(profile, 8, 0.25, reference_cost(profile))
    assert (short.max_steps, short.warmup_steps) == (10, 5)


def test_counting_leaves_network_and_random_numbers_as_they_were():
    torch.manual_seed(3)
    stage = GAN.stages[0]
    net = stage.network(PROFILE)
    before = {name: v.clone() for name, v in net.state_dict().items()}
    expected = torch.random.get_rng_state()
    assert step_cost(stage, net, {}, PROFILE).full > 0
    assert torch.equal(torch.random.get_rng_state(), expected)
    assert equal(before, net.state_dict()) and all(p.grad is None for p in net.parameters()) and net.training


def test_processes_draw_the_rows_of_one():
    def drawn(mine):
        draws = BatchDraws(torch.Generator().manual_seed(1), 8, mine)
        return torch.cat([draws.integers(9)[:, None], draws.uniform(2), draws.normal(3)], dim=1)

    assert torch.equal(torch.cat([drawn(slice(0, 4)), drawn(slice(4, 8))]), drawn(slice(None)))


def test_validation_levels_are_stratified_and_never_change():
    cpu = torch.device("cpu")
    parts = [ValidationDraws(10, rows, cpu) for rows in (slice(0, 6), slice(6, 10))]
    assert sorted(torch.cat([draws.integers(1000) for draws in parts]).tolist()) == list(range(50, 1000, 100))
    assert sorted(torch.cat([draws.uniform() for draws in parts]).tolist()) == pytest.approx(
        [i / 10 + 0.05 for i in range(10)]
    )
    again = [ValidationDraws(10, slice(0, 6), cpu) for _ in range(2)]
    assert torch.equal(again[0].normal(4), again[1].normal(4))
