"""Priors on the problems of other organs.

A prior that was trained on one organ answers for each of them. The setting of a solver is the one that is best on
validation subjects of the organ in question with its own prior, so that a strange prior is not helped by tuning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mribench.audit.losses import equal_by_subject
from mribench.data import prepare_data
from mribench.errors import InputError
from mribench.escaping import Markdown
from mribench.metrics.paired import psnr
from mribench.metrics.uncertainty import mean_over_subjects
from mribench.progress import progress
from mribench.runner import runspec
from mribench.runner.cell import Cell
from mribench.runner.plan import Plan, resolve
from mribench.sampling.offers import fits, poses
from mribench.spec import Answers, Prepared, Solver, Task, Variant
from mribench.tables import markdown_table
from mribench.tasks import to_uint8
from mribench.tasks.inverse import best_setting
from mribench.training import folder

# rows without a prior, which the answers of every prior are held against: linear and nonlinear
LINEAR, NONLINEAR = BESIDE = "wiener", "tv"


class Entry(NamedTuple):
    """PSNR of one row on one organ, in dB, with its 95 % interval over test subjects."""

    psnr: float
    low: float | None
    high: float | None
    # of each row without a prior: 1 where this one is told apart from it, above it, -1 where below it, 0 else
    beside: Mapping[str, int]


def column(
    rows: Mapping[str, Answers], own: str, data: Prepared, level: float, subjects: int, seed: int = 0
) -> dict[str, Entry]:
    """PSNR of every row on the images of one organ, one image of each of its first test subjects.

    Args:
        rows: By name.
        own: The row whose setting is chosen on validation subjects, for all rows with the same solver.
        data: Of the organ.
        level: Of the problem.
        subjects: At most so many.
        seed: Of measurements and answers.
    """
    picked = equal_by_subject(data.test.subjects, min(subjects, data.test.n_subjects), "shift")
    asked, names = data.test.images[picked], [data.test.subjects[row] for row in picked]
    truth = asked.astype(np.float32) / 255
    chosen = best_setting(rows[own], level, data.validation, seed)
    found = {}
    for name, model in rows.items():
        best = chosen
        if model.solver.name != rows[own].solver.name:
            best = best_setting(model, level, data.validation, seed)
        setting = model.solver.search[best] if best >= 0 else {}
        found[name] = psnr(to_uint8(model.answer(level, asked, seed, setting=setting)) / 255, truth)
    return entries(found, names)


def entries(values: Mapping[str, np.ndarray], subjects: Sequence[str]) -> dict[str, Entry]:
    """PSNR of rows with their intervals, and their paired differences to the rows without a prior.

    values: PSNR in dB of the same images by row, each float (n,). subjects: Of the images, n names.
    """
    without = [name for name in BESIDE if name in values]
    return {
        name: Entry(
            *mean_over_subjects(own, subjects),
            {other: _sign(own - values[other], subjects) for other in without if other != name},
        )
        for name, own in values.items()
    }


def _sign(difference: np.ndarray, subjects: Sequence[str]) -> int:
    """1 or -1 where its mean over subjects is told apart from 0, else 0."""
    _, low, high = mean_over_subjects(difference, subjects)
    return 0 if low is None or high is None else int(low > 0) - int(high < 0)


def matrix(plan: Plan, task: Task, solver: Solver, subjects: int) -> dict[str, dict[str, Entry]]:
    """``column`` of each organ that the task is asked of. Raises InputError where an organ's prior is not trained."""
    cells, title = trained_cells(plan), f"{task.name}, {solver.name}"
    priors = {
        name: replace(cell, solver=solver).model(plan, title, task.problem) for name, cell in cells.items()
    }
    found, organs = {}, [m.name for m in plan.modalities if poses(task, m)]
    with progress(f"shift {title}", len(organs)) as advance:
        for organ in organs:
            cell = cells[organ]
            rows = priors | beside(plan, cell, task, title)
            found[organ] = column(rows, organ, cell.data, task.problem.levels[0], subjects, cell.seed)
            advance(len(found), organ)
    return found


def trained_cells(plan: Plan, fields: Sequence[str] = ()) -> dict[str, Cell]:
    """The first variant of the plan on each organ, trained; InputError where it is not. fields: Of the data."""
    variant = next(v for v in plan.variants if isinstance(v, Variant))
    found = {}
    for modality in plan.modalities:
        data = prepare_data(modality, plan.spec.data, plan.profile, plan.out, fields=fields)
        cell = Cell(modality, data, variant, plan.spec.seeds[0])
        cell = replace(cell, trained=cell.train_folder(plan))
        if cell.trained is None or not folder.is_finished(cell.trained):
            raise InputError(
                f"{plan.out} holds no trained {variant.name} of {modality.name}, expected one of every organ; run it "
                f"first: mribench run --modalities {modality.name} --variants {variant.name} --out {plan.out}"
            )
        found[modality.name] = cell
    return found


def beside(plan: Plan, cell: Cell, task: Task, title: str) -> dict[str, Answers]:
    """Rows without a prior on the cell's organ."""
    without = replace(cell, trained=None)
    return {
        one.name: replace(without, variant=one).model(plan, title, task.problem)
        for one in plan.variants
        if isinstance(one, Solver) and one.name in BESIDE and fits(one, task)
    }


def page(found: Mapping[str, Mapping[str, Entry]], title: str, first: str = "prior of") -> str:
    """Markdown: a row for each prior and baseline, a column for each key of ``found``, an organ or a condition; marked
    where it is told apart from those without a prior. first: Title of the first column."""
    names = list(dict.fromkeys(name for of_one in found.values() for name in of_one))
    rows = [[name, *(_text(of_one[name]) for of_one in found.values())] for name in names]
    note = (
        f"PSNR in dB with its 95 % interval over test subjects. Bold: above `{LINEAR}`, told apart from it by the "
        f"paired difference over the subjects, uncorrected; + and −: above and below `{NONLINEAR}`, told apart so too."
    )
    return f"# {title}\n\n{note}\n\n{markdown_table([first, *found], rows)}\n"


def _text(entry: Entry) -> str:
    text = f"{entry.psnr:.1f}"
    if entry.low is not None:
        text += f" [{entry.low:.1f}, {entry.high:.1f}]"
    if entry.beside.get(LINEAR) == 1:
        text = f"**{text}**"
    return Markdown(text + {1: " +", -1: " −"}.get(entry.beside.get(NONLINEAR, 0), ""))


def plan_of(
    run: Path, task: str, solvers: Sequence[str], modalities: Sequence[str] | None, variant: str | None
) -> Plan:
    """The run's own plan, with one task that poses a problem and these solvers.

    Raises InputError where the run cannot be read, or a solver answers no problem that the task poses.
    """
    asked: dict[str, Any] = {
        "tasks": task,
        "solvers": tuple(dict.fromkeys((*solvers, "tv"))),
        "controls": ("noise",),
        "modalities": modalities and tuple(modalities),
        "variants": variant,
        "out": str(run),
    }
    plan = resolve(runspec.make(runspec.from_toml(run / "spec.toml"), **asked))
    for one in plan.tasks:
        if one.fields:
            raise InputError(
                f"the task {one.name} asks about fields of the data ({', '.join(one.fields)}), expected one that "
                "measures images alone, such as mri; name it"
            )
    return plan


def survey(
    run: Path,
    task: str,
    solvers: Sequence[str],
    subjects: int,
    modalities: Sequence[str] | None = None,
    variant: str | None = None,
) -> str:
    """Markdown: for each solver the PSNR of every organ's prior on every organ, at the first level of the problem.

    Args:
        run: Folder of a run with a trained prior of each organ.
        task: One that poses a problem.
        solvers: Names of solvers that need a prior.
        subjects: Test subjects of an organ, at most.
        modalities: The organs; None: those of the run.
        variant: The prior; None: the first of the run.

    Raises:
        InputError: Where something that is named does not fit, or an organ's prior is not trained.
    """
    plan = plan_of(run, task, solvers, modalities, variant)
    (asked,) = plan.tasks
    level = f"{asked.level_name} = {asked.problem.levels[0]:g}"
    pages = []
    for name in solvers:
        solver = next((one for one in plan.solvers if one.name == name), None)
        if solver is None:
            raise InputError(f"the solver {name} has no prior to exchange, expected one such as pnp; name it")
        found = matrix(plan, asked, solver, subjects)
        pages.append(page(found, f"{asked.title}, {level}: {solver.title} with the priors of other organs"))
    return "\n".join(pages)
