"""Samplers that walk the wrong levels: the kit says what is wrong; one with fractional timesteps is right."""

from dataclasses import replace

import numpy as np
import pytest
from found import finding

from mribench.plugins import lookup
from mribench.testing import samplers

DDIM = lookup.load("samplers", "ddim")


def late(scheduler, steps, start):
    return DDIM.timesteps(scheduler, steps, start)[1:]


def off_the_stride(scheduler, steps, start):
    """From ``start`` it takes as many steps as a full run."""
    visited = DDIM.timesteps(scheduler, steps, start)
    if start is None:
        return visited
    return np.linspace(start, 0, steps).astype(int).tolist()


def upwards(scheduler, steps, start):
    return DDIM.timesteps(scheduler, steps, start)[::-1]


def twice(scheduler, steps, start):
    return DDIM.timesteps(scheduler, 2 * steps, start)


@pytest.mark.parametrize(
    ("run", "timesteps", "found"),
    [
        (samplers.its_steps_are_what_its_name_says, twice, "10 steps visit 20 timesteps"),
        (samplers.an_image_is_the_same_in_any_batch, twice, "asked the network 20 times"),
        (samplers.its_steps_are_what_its_name_says, off_the_stride, "from t = 449 it visits 10 timesteps"),
        (samplers.its_steps_are_what_its_name_says, upwards, "the timesteps run from"),
        (samplers.where_the_network_knows_it_arrives, lambda *given: late(*given)[:-1], "away from x_0"),
    ],
)
def test_a_bad_sampler_is_found(run, timesteps, found, monkeypatch):
    plugin, load = replace(DDIM, timesteps=timesteps), lookup.load
    known = {("samplers", "ddim"): plugin}
    monkeypatch.setattr(lookup, "load", lambda *words: known.get(words) or load(*words))
    said = finding(samplers.CHECKS, run, plugin, "samplers")
    assert said.state == "broken" and found in said.found and said.where and said.mend


def euler_scheduler(config):
    from diffusers import EulerDiscreteScheduler

    return EulerDiscreteScheduler.from_config(config, timestep_spacing="linspace")


def euler_timesteps(scheduler, steps, start):
    """Evenly from ``start`` down to 0: hardly any of them is a whole number."""
    last = scheduler.config.num_train_timesteps - 1
    start = last if start is None else start
    scheduler.set_timesteps(timesteps=np.linspace(start, 0, round(steps * start / last)).tolist())
    return scheduler.timesteps.tolist()


EULER = replace(DDIM, name="euler", scheduler=euler_scheduler, timesteps=euler_timesteps)


@pytest.mark.parametrize("check", samplers.CHECKS, ids=lambda check: check.name)
def test_a_sampler_with_fractional_timesteps_conforms(check, monkeypatch):
    load, names = lookup.load, lookup.names
    monkeypatch.setattr(lookup, "load", lambda *asked: EULER if asked[1] == "euler" else load(*asked))
    monkeypatch.setattr(
        lookup, "names", lambda group: [*names(group), *(["euler"] if group == "samplers" else [])]
    )
    said = finding(samplers.CHECKS, check.run, EULER, "samplers")
    assert said.state == "ok", str(said)
