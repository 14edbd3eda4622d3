"""Priors on the problems of other organs: ``python -m mribench.calibration.shift RUN --task mri --solvers pnp``.

A prior that was trained on one organ answers for each of them. The setting of a solver is the one that is best on
validation subjects of the organ in question with its own prior, so that a strange prior is not helped by tuning.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mribench import files
from mribench.audit.losses import equal_by_subject
from mribench.data import prepare_data
from mribench.errors import InputError
from mribench.escaping import Markdown
from mribench.metrics.paired import psnr
from mribench.metrics.uncertainty import mean_over_subjects
from mribench.runner import runspec
from mribench.runner.cell import Cell
from mribench.runner.runspec import Plan
from mribench.sampling.offers import fits, poses
from mribench.spec import Answers, Prepared, Solver, Task, Variant
from mribench.tables import markdown_table
from mribench.tasks import to_uint8
from mribench.tasks.inverse import best_setting
from mribench.training import folder

REFERENCE = "wiener"  # which the answers of every prior are held against
BESIDE = (REFERENCE, "tv")  # rows without a prior


class Entry(NamedTuple):
    """PSNR of one row on one organ, in dB, with its 95 % interval over test subjects."""

    psnr: float
    low: float | None
    high: float | None
    # its difference to the reference, paired over the subjects
    above: float = 0.0
    above_low: float | None = None
    above_high: float | None = None


def column(
    rows: Mapping[str, Answers], own: str, data: Prepared, level: float, subjects: int, seed: int = 0
) -> dict[str, Entry]:
    """PSNR of every row on the images of one organ, one image of each of its first test subjects.

    Args:
        rows: By name; among them ``REFERENCE``.
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
    return {
        name: Entry(*mean_over_subjects(values, names), *mean_over_subjects(values - found[REFERENCE], names))
        for name, values in found.items()
    }


def matrix(plan: Plan, task: Task, solver: Solver, subjects: int) -> dict[str, dict[str, Entry]]:
    """``column`` of each organ that the task is asked of. Raises InputError where an organ's prior is not trained."""
    variant = next(v for v in plan.variants if isinstance(v, Variant))
    seed, level = plan.spec.seeds[0], task.problem.levels[0]
    data = {m.name: prepare_data(m, plan.spec.data, plan.profile, plan.out) for m in plan.modalities}
    cells = {m.name: Cell(m, data[m.name], variant, seed) for m in plan.modalities}
    trained = {name: replace(cell, trained=cell.train_folder(plan)) for name, cell in cells.items()}
    for name, cell in trained.items():
        if cell.trained is None or not folder.is_finished(cell.trained):
            raise InputError(
                f"{plan.out} holds no trained {variant.name} of {name}, expected one of every organ; run it first: "
                f"mribench run --modalities {name} --variants {variant.name} --out {plan.out}"
            )
    title = f"{task.name}, {solver.name}"
    priors = {
        name: replace(cell, solver=solver).model(plan, title, task.problem) for name, cell in trained.items()
    }
    found = {}
    for modality in (m for m in plan.modalities if poses(task, m)):
        beside = {
            s.name: replace(cells[modality.name], variant=s).model(plan, title, task.problem)
            for s in plan.variants
            if isinstance(s, Solver) and s.name in BESIDE
        }
        found[modality.name] = column(
            priors | beside, modality.name, data[modality.name], level, subjects, seed
        )
    return found


def page(found: Mapping[str, Mapping[str, Entry]], title: str) -> str:
    """Markdown: a row for each prior and baseline, a column for each organ; bold where it is ahead of the reference."""
    names = list(dict.fromkeys(name for of_organ in found.values() for name in of_organ))
    rows = [[name, *(_text(of_organ[name]) for of_organ in found.values())] for name in names]
    note = (
        f"PSNR in dB with its 95 % interval over test subjects. Bold: told apart from `{REFERENCE}`, above it, by the "
        "paired difference over the subjects, uncorrected."
    )
    return f"# {title}\n\n{note}\n\n{markdown_table(['prior of', *found], rows)}\n"


def _text(entry: Entry) -> str:
    text = f"{entry.psnr:.1f}"
    if entry.low is not None:
        text += f" [{entry.low:.1f}, {entry.high:.1f}]"
    return Markdown(f"**{text}**") if entry.above_low is not None and entry.above_low > 0 else text


def _plan(run: Path, task: str, solver: str) -> Plan:
    spec = runspec.from_toml(run / "spec.toml")
    asked: dict[str, Any] = {
        "tasks": task,
        "solvers": (solver, "tv"),
        "controls": ("noise",),
        "out": str(run),
    }
    return runspec.resolve(runspec.make(spec, **asked))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a run with a trained prior of each organ")
    parser.add_argument("--task", default="mri", help="a task that poses a problem")
    parser.add_argument("--solvers", nargs="+", default=["pnp"])
    parser.add_argument("--subjects", type=int, default=32, help="test subjects of an organ, at most")
    parser.add_argument("--out", type=Path, help="Markdown file; printed without it")
    given = parser.parse_args(arguments)
    pages = []
    for name in given.solvers:
        plan = _plan(given.run, given.task, name)
        (task,) = plan.tasks
        solver = next(s for s in plan.solvers if s.name == name and fits(s, task))
        level = f"{task.level_name} = {task.problem.levels[0]:g}"
        found = matrix(plan, task, solver, given.subjects)
        pages.append(page(found, f"{task.title}, {level}: {solver.title} with the priors of other organs"))
    if given.out is None:
        print("\n".join(pages))
    else:
        files.write_text(given.out, "\n".join(pages))


if __name__ == "__main__":
    main()
