"""Fewer training steps for a run that is to end within so many minutes on this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mribench import profiles
from mribench.errors import InputError
from mribench.progress import say
from mribench.runner import runspec
from mribench.runner.plan import resolve
from mribench.runner.resources import Execution
from mribench.runner.runspec import RunSpec
from mribench.speed import forecast

# an eighth of quick's steps learns little
MOST_HALVINGS = 3


def shortened(settings: RunSpec, execution: Execution, minutes: float) -> RunSpec:
    """The settings with all training steps of the profile, or a half, a quarter, an eighth of them.

    These are the most with which the run ends in time by a forecast; the profile is then called "quick@900", so that no
    board mixes it with the plain one. A run that goes on keeps the steps that it began with.

    Args:
        settings: Of the run.
        execution: Where it runs.
        minutes: That it may take.

    Raises:
        InputError: The minutes are not above 0, the steps are given, the profile has no number of steps, or an eighth
            of them takes longer.
    """
    if not minutes > 0:
        raise InputError(f"--within is {minutes:g}; expected minutes above 0")
    if settings.train_steps is not None:
        raise InputError(
            "--within chooses the number of training steps; leave --train-steps out, or --within"
        )
    begun = Path(settings.out) / "spec.toml"
    before = runspec.from_toml(begun) if begun.is_file() else None
    if before and before.profile == settings.profile:
        return replace(settings, train_steps=before.train_steps)
    plan = resolve(settings)
    steps = plan.profile.max_steps
    if steps is None:
        raise InputError(f"profile {plan.profile.name} has no number of training steps; leave --within out")
    found = forecast.in_other_processes(plan, execution)
    for halvings in range(MOST_HALVINGS + 1):
        needed = found.minutes - found.training * (1 - 0.5**halvings)
        if needed <= minutes:
            break
    else:
        raise InputError(
            f"{found.sentence}; about {needed:.0f} min with an eighth of the training steps, more than {minutes:g}; "
            "name fewer organs, or allow more minutes"
        )
    if halvings == 0:
        say(found.sentence)
        return settings
    fewer = steps >> halvings
    name = profiles.get(settings.profile, fewer).name
    say(f"{found.sentence}; {fewer} of its {steps} training steps about {needed:.0f} min: profile {name}")
    return replace(settings, train_steps=fewer)
