"""`mribench tune`: candidates get what the seconds allow, and what was measured is not measured again."""

from dataclasses import replace

import pytest
import torch

from mribench import files, profiles
from mribench.cli import speed
from mribench.data import prepare_data
from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.spec import Network
from mribench.tune import settings
from mribench.tune.candidates import AROUND, Candidate, weighted
from mribench.variants.ddpm import DDPM

TINY = replace(
    profiles.SMOKE, size=16, network=Network((8, 16), 1), n_generated=8, precision="fp32", max_images=60
)


@pytest.fixture
def organ(tmp_path):
    modality = lookup.load("modalities", lookup.names("modalities")[0])
    return prepare_data(modality, "phantom", TINY, tmp_path / "data")


def test_a_candidate_changes_the_profile_and_its_network():
    changed = Candidate("x", {"lr": 1.0, "network.patch": 2}).applied(TINY)
    assert (changed.lr, changed.network.patch, changed.network.channels) == (1.0, 2, TINY.network.channels)


@pytest.mark.parametrize("name", AROUND)
def test_every_candidate_around_a_profile_makes_a_network_of_its_own(name):
    profile, around = profiles.get(name), AROUND[name]()
    assert around[0].name == name and around[0].applied(profile) == profile
    for candidate in around:
        changed = candidate.applied(profile)
        with torch.device("meta"):
            DDPM.network(changed)
        assert candidate.variant().scheduler(changed).config.beta_schedule == candidate.betas
    told = {(c.cost(profile), repr(c.applied(profile)), c.coarse, c.snr, c.betas, c.budget) for c in around}
    assert len(told) == len({c.name for c in around}) == len(around)


def test_another_profile_has_no_candidates(tmp_path):
    with pytest.raises(InputError, match="quick, standard"):
        speed.tune(profile="paper", out=tmp_path)


def test_the_seconds_are_spent_and_nothing_is_measured_twice(tmp_path, organ, monkeypatch):
    monkeypatch.setattr(
        settings, "_seconds_per_step", lambda profile, variant, data, seed, small: 0.05 if small else 0.1
    )
    candidates = [
        Candidate("plain", coarse=0),
        Candidate("half coarse", coarse=0.5),
        Candidate("twice", coarse=0, budget=2.0, snr=5.0),
    ]
    record = settings.tune(candidates, TINY, {"one": organ.path}, 1.0, 0, tmp_path)
    assert [(run["steps"], run["coarse_steps"]) for run in record["runs"]] == [(10, 0), (15, 10), (20, 0)]
    monkeypatch.setattr(settings, "measure", lambda *_: pytest.fail("measured again"))
    assert settings.tune(candidates, TINY, {"one": organ.path}, 1.0, 0, tmp_path)["runs"] == record["runs"]
    table = (tmp_path / "tuning.md").read_text()
    assert all(f"| {candidate.name} |" in table for candidate in candidates)
    assert files.read_json(tmp_path / "tuning.json")["runs"] == record["runs"]


@pytest.mark.slow
def test_processes_measure_what_one_does(tmp_path, organ):
    """Two candidates at once, each in a process of its own; the file says of how many."""
    candidates = [
        Candidate("plain", coarse=0),
        Candidate("cosine", betas="squaredcos_cap_v2"),
    ]
    record = settings.tune(candidates, TINY, {"one": organ.path}, 0.2, 0, tmp_path, processes=2)
    assert sorted(run["candidate"] for run in record["runs"]) == ["cosine", "plain"]
    assert files.read_json(tmp_path / "tuning.json")["processes"] == 2


def test_the_probe_times_a_step(organ):
    taken = settings._seconds_per_step(replace(TINY, batch_size=2), DDPM, organ, 0, small=False)
    assert 1e-4 <= taken < 1


def test_min_snr_weighs_noisy_images_less(organ):
    net, scheduler = DDPM.network(TINY), DDPM.scheduler(TINY)
    x0, noise, t = torch.zeros(2, 1, 16, 16), torch.randn(2, 1, 16, 16), torch.tensor([500, 990])
    plain, weighed = (v.loss(net, scheduler, x0, noise, t) for v in (DDPM, weighted(5.0)))
    assert (weighed / plain)[0] > 10 * (weighed / plain)[1]
