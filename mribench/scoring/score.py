"""Score images or a model that were made elsewhere: prepare the data, place the row and the controls, draw the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mribench import device, profiles, results
from mribench.audit import training_set
from mribench.board import publish
from mribench.board.boards import Board, boards
from mribench.board.group import groups
from mribench.errors import InputError
from mribench.features import Extractor
from mribench.plugins import lookup
from mribench.progress import say
from mribench.results import Result
from mribench.runner import fitting, locks, record, runspec
from mribench.runner.cell import Cell
from mribench.runner.runspec import Plan
from mribench.runner.stages import run_cell
from mribench.scoring import beside, data, sources
from mribench.scoring.beside import Beside
from mribench.scoring.scored import Scored
from mribench.spec import Prepared, PretrainedModel, Profile

TASKS = ("generation", "audit")
PROFILE = "quick"  # whose numbers of images boards are made with, unless another one is asked for


@dataclass(frozen=True)
class Settings:
    """What ``mribench score`` is asked, beside the samples."""

    against: str  # a card's id, a file or folder, a prepared set, or ``phantom:ORGAN``
    trained_on: str | None = None  # the same for what the model was trained on; None: unknown
    out: Path = Path("runs/score")
    name: str | None = None  # of the row; None: from the content
    beside: tuple[Path, ...] = ()  # run folders and kept boards to compare with
    modality: str | None = None  # the organ, where the data do not tell
    data_name: str | None = None  # what boards call the user's own data
    skip_broken: bool = False  # leave out the user's own files that cannot be read
    profile: str | None = None
    n: int | None = None  # images that are scored, in place of the profile's
    seed: int = 0
    steps: int | None = None  # of a pipeline
    controls: tuple[str, ...] = runspec.CONTROLS
    features: tuple[str, ...] = runspec.FEATURES
    metrics: tuple[str, ...] = ()


def settings_of(lists: Mapping[str, str | Sequence[str] | None]) -> dict[str, tuple[str, ...]]:
    """Names of controls, feature spaces and metrics, as a list or comma-separated; None leaves the default."""
    return {
        word: tuple(runspec.split(word, names) if isinstance(names, str) else names)
        for word, names in lists.items()
        if names is not None
    }


def score(given: Any, asked: Settings) -> Scored:
    """Score images or a model against held-out images of ``asked.against``.

    Args:
        given: as ``sources.read`` takes it.
        asked: the settings.

    Returns:
        The record of generation and that of the audit, and their board.

    Raises:
        MribenchError: in one sentence; InputError where something that was given cannot be used.
    """
    source = sources.read(given, asked.name, asked.steps, asked.seed)
    organ = data.organ_of(asked.against, asked.modality)
    kept = beside.read_all(asked.beside)
    fitting = _fitting(kept, source.side, organ, asked) if kept else None
    profile = fitting.profile if fitting else _profile(asked, source.side)
    if fitting:
        organ = fitting.organ
        asked = replace(asked, features=fitting.features, metrics=fitting.metrics)
        if asked.n not in (None, profile.n_generated):
            raise InputError(
                f"--n is {asked.n} and the rows beside are of {profile.n_generated} images each; leave --n out"
            )
    model = source.drawing(profile.n_generated)
    with locks.suite(asked.out, workers=False):
        found = data.prepared(asked.against, organ, profile, asked.out, asked.data_name, asked.skip_broken)
        if fitting and found.key == fitting.data_key:
            found = replace(
                found, name=fitting.data
            )  # one content may have been prepared under several names
        cell = Cell(data.modality(organ, found.is_mri), found, model, asked.seed)
        cell = replace(cell, audited=_audited(found, organ, profile, asked))
        plan = _plan(cell, profile, asked)
        planned = record.empty_result(cell, plan.tasks[0], plan)
        if fitting:
            beside.check_comparable(planned, kept)
        extract = Extractor(plan.spaces, plan.out / "features")
        own = run_cell(cell, plan, extract)
        for control in _missing_controls(planned, kept, plan):
            run_cell(replace(cell, variant=control, audited=None), plan, extract)
        shown = _on_its_boards(results.read_all([asked.out, *asked.beside], say), asked.out)
        publish.write(shown, asked.out)
    return _found(own, boards(shown), asked.out)


def _found(own: Sequence[Result], made: Sequence[Board], out: Path) -> Scored:
    """The records of one row as they were written, and their board."""
    keys = [results.sort_key(result) for result in own]
    for board in made:
        members = {results.sort_key(member): member for member in board.members}
        if keys[0] in members:
            generation, audit = (members[key] for key in keys)
            return Scored(generation, audit, board, out)
    raise AssertionError("every record is on a board")


def _fitting(kept: Sequence[Result], side: int, organ: str, asked: Settings) -> Beside:
    is_phantom = asked.against.startswith(data.PHANTOM)
    key = None
    if data.is_prepared(asked.against):
        key = data.read_manifest(Path(asked.against).expanduser())["key"]
    known_organ = None if organ == data.OWN else organ
    return beside.choose(kept, side, known_organ, key, "phantom" if is_phantom else None, asked.profile)


def _profile(asked: Settings, side: int) -> Profile:
    """A profile at the side of the samples, with the precision that a run would take here."""
    profile = profiles.get(asked.profile or PROFILE)
    n = profile.n_generated if asked.n is None else asked.n
    if n < sources.LEAST:
        raise InputError(f"--n is {n}, expected at least {sources.LEAST} images; score more")
    return replace(profile, size=side, n_generated=n, precision=device.precision(profile))


def _audited(found: Prepared, organ: str, profile: Profile, asked: Settings) -> Prepared:
    """The data as the audit is to see them."""
    if asked.trained_on is None:
        return training_set.unknown(found)
    if asked.trained_on == asked.against:
        return found
    own_organ = data.organ_of(asked.trained_on, None if asked.trained_on.startswith(data.PHANTOM) else organ)
    return training_set.named(
        found, data.prepared(asked.trained_on, own_organ, profile, asked.out, None, asked.skip_broken)
    )


def _plan(cell: Cell, profile: Profile, asked: Settings) -> Plan:
    spec = runspec.RunSpec(
        modalities=(cell.modality.name,),
        variants=(cell.variant.name,),
        controls=asked.controls,
        samplers=(),
        tasks=TASKS,
        metrics=asked.metrics,
        features=asked.features,
        seeds=(asked.seed,),
        profile=profile.name,
        precision=profile.precision,
        data=cell.data.name,
        out=str(asked.out),
    )
    tasks, metrics = fitting.tasks_and_metrics(TASKS, asked.metrics, asked.features)
    needed = [space for part in (*metrics.values(), *tasks) for space in part.features]
    spaces = lookup.load_all("features", needed)
    for space in spaces.values():
        if space.check is not None:
            space.check()
    variants = (cell.variant, *lookup.load_all("variants", asked.controls).values())
    return Plan(spec, profile, (cell.modality,), variants, (), tasks, metrics, spaces, asked.out)


def _missing_controls(planned: Result, kept: Sequence[Result], plan: Plan) -> list[Any]:
    """The controls that no kept row of the same board is of."""
    there = {r.variant for r in kept if r.is_control and r.task == planned.task and r.key == planned.key}
    return [v for v in plan.variants if not isinstance(v, PretrainedModel) and v.name not in there]


def _on_its_boards(found: Sequence[Result], out: Path) -> list[Result]:
    """All records of ``out``, and of other folders those that stand on a board with one of them."""
    own = {results.sort_key(result) for result in results.read_all([out], lambda _: None)}
    return [
        result
        for group in groups(found)
        if any(results.sort_key(member) in own for member in group.members)
        for result in group.members
    ]
