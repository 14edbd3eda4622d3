"""Where what is scored stands: the profile, the data, the controls and the board beside which rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mribench import device, profiles, results
from mribench.audit import training_set
from mribench.board import publish
from mribench.board.boards import Board, boards
from mribench.board.group import groups
from mribench.data.organ import OWN_ORGAN, modality
from mribench.errors import InputError
from mribench.features import Extractor
from mribench.plugins import lookup
from mribench.progress import say
from mribench.results import Result
from mribench.runner import locks, record, runspec
from mribench.runner.cell import Cell
from mribench.runner.plan import Plan, spaces
from mribench.runner.stages import run_cell
from mribench.sampling.fitting import with_metrics
from mribench.scoring import beside, data
from mribench.scoring.beside import Beside
from mribench.scoring.settings import Settings
from mribench.spec import Prepared, PretrainedModel, Profile, RestoredImages

PROFILE = "quick"  # whose numbers of images boards are made with, unless another one is asked for


def fitting(kept: Sequence[Result], side: int, organ: str, asked: Settings) -> Beside:
    """The board of the kept records that it is to stand on. Raises InputError."""
    is_phantom = asked.against.startswith(data.PHANTOM)
    key = None
    if data.is_prepared(asked.against):
        key = data.read_manifest(Path(asked.against).expanduser())["key"]
    known_organ = None if organ == OWN_ORGAN else organ
    of_task = [result for result in kept if result.task == asked.task]
    return beside.choose(of_task, side, known_organ, key, "phantom" if is_phantom else None, asked.profile)


def profile_of(asked: Settings, side: int) -> Profile:
    """A profile at the side of what is scored, with the precision that a run would take here."""
    profile = profiles.get(asked.profile or PROFILE)
    return replace(profile, size=side, precision=device.precision(profile))


def prepared(asked: Settings, organ: str, profile: Profile, known: Beside | None) -> Prepared:
    """The data that it is scored against."""
    options = asked.data_name, asked.skip_broken, asked.globs
    found = data.prepared(asked.against, organ, profile, asked.out, *options)
    # one content may have been prepared under several names
    return replace(found, name=known.data) if known and found.key == known.data_key else found


def cell_of(
    model: PretrainedModel | RestoredImages, found: Prepared, organ: str, profile: Profile, asked: Settings
) -> Cell:
    """The row, with its training set as the audit is to see it."""
    cell = Cell(modality(organ, found.is_mri), found, model, asked.seed)
    return replace(cell, audited=_audited(found, organ, profile, asked))


def _audited(found: Prepared, organ: str, profile: Profile, asked: Settings) -> Prepared:
    if asked.trained_on is None:
        return training_set.unknown(found)
    if asked.trained_on == asked.against:
        return found
    own_organ = data.organ_of(asked.trained_on, None if asked.trained_on.startswith(data.PHANTOM) else organ)
    return training_set.named(
        found, data.prepared(asked.trained_on, own_organ, profile, asked.out, None, asked.skip_broken)
    )


def plan_of(
    cell: Cell, profile: Profile, tasks: Sequence[str], controls: Sequence[Any], asked: Settings
) -> Plan:
    """The tasks with their metrics and feature spaces, which are checked."""
    spec = runspec.RunSpec(
        modalities=(cell.modality.name,),
        variants=(cell.variant.name,),
        controls=tuple(control.name for control in controls),
        samplers=(),
        tasks=tuple(tasks),
        metrics=asked.metrics,
        features=asked.features,
        seeds=(asked.seed,),
        profile=profile.name,
        precision=profile.precision,
        data=cell.data.name,
        out=str(asked.out),
    )
    named = lookup.load_all("tasks", tasks)
    own = lookup.load_all("metrics", [name for task in named.values() for name in task.metrics])
    further = lookup.load_all("metrics", asked.metrics)
    asked_of, metrics = with_metrics(tuple(named.values()), own, further, asked.features)
    loaded = spaces(asked_of, metrics)
    variants = (cell.variant, *controls)
    return Plan(spec, profile, (cell.modality,), variants, (), asked_of, metrics, loaded, asked.out)


def placed(cell: Cell, plan: Plan, kept: Sequence[Result], asked: Settings) -> tuple[list[Result], Board]:
    """Score a row and the controls that no kept row is of, and write the page.

    Args:
        cell: the row.
        plan: of ``plan_of``.
        kept: the records beside.
        asked: the settings.

    Returns:
        Its records as they stand on the board, by task in the order of the plan, and the board of the first.

    Raises:
        InputError: the records beside do not compare.
    """
    planned = record.empty_result(cell, plan.tasks[0], plan)
    if kept:
        beside.check_comparable(planned, kept)
    extract = Extractor(plan.spaces, plan.out / "features")
    own = run_cell(cell, plan, extract)
    there = {r.variant for r in kept if r.task == planned.task and r.key == planned.key}
    for control in plan.variants:
        if control is not cell.variant and control.name not in there:
            run_cell(replace(cell, variant=control, audited=None), plan, extract)
    shown = _on_its_boards(results.read_all([asked.out, *asked.beside], say), asked.out)
    publish.write(boards(shown), asked.out)
    keys = [results.sort_key(result) for result in own]
    for board in boards(shown):
        members = {results.sort_key(member): member for member in board.members}
        if keys[0] in members:
            return [members[key] for key in keys], board
    raise AssertionError("every record stands on a board")


def locked(asked: Settings) -> Any:
    """The lock of the run folder."""
    return locks.suite(asked.out, workers=False)


def check_no_n(asked: Settings, n: int) -> None:
    """Raises InputError where another number of images is asked for than the rows beside have."""
    if asked.n not in (None, n):
        raise InputError(f"--n is {asked.n} and the rows beside are of {n} images each; leave --n out")


def _on_its_boards(found: Sequence[Result], out: Path) -> list[Result]:
    """All records of ``out``, and of other folders those that stand on a board with one of them."""
    own = {results.sort_key(result) for result in results.read_all([out], lambda _: None)}
    return [
        result
        for group in groups(found)
        if any(results.sort_key(member) in own for member in group.members)
        for result in group.members
    ]
