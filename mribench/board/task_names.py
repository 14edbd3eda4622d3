"""Tasks by name: whose audit a rank needs, and which of two tasks keeps the plain name of a metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mribench.board.rows import Address
from mribench.results import Result

GENERATION, AUDIT = "generation", "audit"  # the audit reads what generation produced
OWN_TASKS = (GENERATION, "denoising", AUDIT)


def tasks_apart(members: Sequence[Result]) -> list[Result]:
    """Records whose metrics are called 'psnr (TASK)' where another task of the board reports the same metric in the
    same space and at the same level. The first task in the order of their names keeps the plain name."""
    tasks: dict[Address, set[str]] = {}
    for result in members:
        for score in result.scores:
            tasks.setdefault((score.metric, score.space, score.level), set()).add(result.task)
    shared = {(task, a[0]) for a, names in tasks.items() for task in sorted(names, key=_precedence)[1:]}
    return [_renamed(r, {name for task, name in shared if task == r.task}) for r in members]


def _precedence(task: str) -> tuple[int, str]:
    """A plugin's task never takes the name that boards rank by."""
    return OWN_TASKS.index(task) if task in OWN_TASKS else len(OWN_TASKS), task


def _renamed(result: Result, metrics: set[str]) -> Result:
    if not metrics:
        return result
    names = {name: f"{name} ({result.task})" for name in metrics}
    return replace(
        result,
        scores=tuple(replace(s, metric=names.get(s.metric, s.metric)) for s in result.scores),
        metrics={names.get(name, name): about for name, about in result.metrics.items()},
        floor={_renamed_label(label, names): floor for label, floor in result.floor.items()},
        primary=names.get(result.primary or "", result.primary),
    )


def _renamed_label(label: str, names: Mapping[str, str]) -> str:
    metric, bracket, space = label.partition("[")
    return names.get(metric, metric) + bracket + space
