"""Score images or a model that were made elsewhere: prepare the data, place the row and the controls, draw the page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.progress import say
from mribench.runner import runspec
from mribench.scoring import beside, data, placing, sources
from mribench.scoring.restored import score_restored
from mribench.scoring.scored import Restoration, Scored
from mribench.scoring.settings import GENERATION, Settings
from mribench.scoring.sources import Source
from mribench.spec import Profile

TASKS = (GENERATION, "audit")


def score(given: Any, asked: Settings) -> Scored | Restoration:
    """Score images or a model against held-out images of ``asked.against``.

    Args:
        given: as ``sources.read`` takes it; of a task that compares pair by pair as ``restored_images.read``.
        asked: the settings.

    Returns:
        The records of generation and audit, or of the task, and the board on which they stand.

    Raises:
        MribenchError: in one sentence; InputError where something that was given cannot be used.
    """
    if asked.task != GENERATION:
        return score_restored(given, asked)
    source = sources.read(given, asked.name, asked.steps, asked.seed)
    organ = data.organ_of(asked.against, asked.modality)
    kept = beside.read_all(asked.beside)
    fitting = placing.fitting(kept, source.side, organ, asked) if kept else None
    if fitting:
        organ, profile = fitting.organ, fitting.profile
        asked = replace(asked, features=fitting.features, metrics=fitting.metrics)
        placing.check_no_n(asked, profile.n_generated)
    else:
        profile = placing.profile_of(asked, source.side)
        profile = replace(profile, n_generated=_number(source, profile, asked.n))
    model = source.drawing(profile.n_generated, beside=fitting is not None)
    with placing.locked(asked):
        found = placing.prepared(asked, organ, profile, fitting)
        cell = placing.cell_of(model, found, organ, profile, asked)
        names = runspec.CONTROLS if asked.controls is None else asked.controls
        controls = lookup.load_all("variants", names).values()
        plan = placing.plan_of(cell, profile, TASKS, tuple(controls), asked)
        (generation, audit), board = placing.placed(cell, plan, kept, asked)
    return Scored(generation, board, asked.out, audit)


def _number(source: Source, profile: Profile, asked: int | None) -> int:
    """How many images are scored: as asked, else the profile's, or all where there are fewer."""
    n = profile.n_generated if asked is None else asked
    if asked is None and source.images is not None and len(source.images) < n:
        n = len(source.images)
        say(
            f"all {n} images are scored; boards of the profile {profile.name} have {profile.n_generated} of each row, "
            f"and only rows of {n} compare with this one"
        )
    if n < sources.LEAST:
        raise InputError(f"--n is {n}, expected at least {sources.LEAST} images; score more")
    return n
