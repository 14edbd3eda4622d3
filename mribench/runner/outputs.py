"""The outputs that a record was made from: those kept, or made again, and whether they are those on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mribench.errors import InputError
from mribench.hashing import arrays_sha256
from mribench.plugins import lookup
from mribench.results import Result
from mribench.runner.cell import Cell
from mribench.runner.check_scores import Check
from mribench.runner.damage import read_outputs
from mribench.runner.plan import Plan
from mribench.tasks import reading

NO_HASH = "that the kept outputs are those on record (an older mribench wrote no hash of them)"
NOT_GENERATED = "that checkpoint and seed give these outputs"


@dataclass(frozen=True)
class Outputs:
    """What a task scores."""

    arrays: Mapping[str, np.ndarray]
    are_same: bool  # to the bit those that the record was made from, as far as that is known
    images: str | None  # as of ``Verification``
    checks: tuple[Check, ...]  # what is wrong with them
    not_checked: tuple[str, ...]


def again(out: Path, result: Result, cell: Cell, plan: Plan, rescore: bool) -> Outputs:
    """The outputs of a record, generated or (``rescore``) kept, and those of another task that its task reads.

    The latter are verified with their own record, and generated again only where the kept ones are gone: a published
    model comes without them. Raises InputError where ``rescore`` asks for outputs that are gone.
    """
    task, recorded = plan.tasks[0], result.provenance.get("outputs_sha256")
    kept = read_outputs(out / "outputs" / result.provenance["outputs"])
    checks = _kept_check("outputs", kept, recorded)
    not_checked = [NO_HASH] * (recorded is None and kept is not None)
    if rescore and kept is None:
        raise InputError(f"the outputs of {result.name} are not in {out}/outputs; verify without rescoring")
    read, read_is_same, read_checks = _read(out, result, cell, plan, rescore)
    if rescore and kept is not None:
        arrays, images, are_same = kept, None, True
        not_checked.append(NOT_GENERATED)
    else:
        model = cell.model(plan, "verify", task.problem)
        arrays = dict(reading.produce(task, model, cell.data, plan.profile, result.seed, read))
        is_recorded = None if recorded is None else arrays_sha256(arrays) == recorded
        images = _told(kept, arrays, is_recorded)
        are_same = images == "bit-equal" if is_recorded is None else is_recorded
        nfe, made = (result.provenance.get("produced") or {}).get("nfe"), getattr(model, "nfe", None)
        if cell.trained and list(nfe or ()) != list(made or ()):
            checks.append(Check("network evaluations", "not reproduced", f"{made}, on record {nfe}"))
    return Outputs(
        {**read, **arrays}, are_same and read_is_same, images, (*checks, *read_checks), tuple(not_checked)
    )


def _read(
    out: Path, result: Result, cell: Cell, plan: Plan, rescore: bool
) -> tuple[Mapping[str, np.ndarray], bool, list[Check]]:
    """Outputs of the task that this one reads, whether they are those on record, and what is wrong with them."""
    name, other = result.provenance.get("reads"), plan.tasks[0].reads
    if name is None or other is None:
        return {}, True, []
    kept, recorded = read_outputs(out / "outputs" / name), result.provenance.get("reads_sha256")
    if kept is not None:
        checks = _kept_check(f"outputs of {other}", kept, recorded)
        return kept, not checks, checks
    if rescore:
        raise InputError(
            f"no outputs in {out}/outputs/{name}, which {result.task} reads; verify without rescoring"
        )
    produce = lookup.load("tasks", other).produce
    arrays = produce(cell.model(plan, "verify"), cell.data, plan.profile, result.seed)
    return arrays, recorded is not None and arrays_sha256(arrays) == recorded, []


def _kept_check(name: str, kept: Mapping[str, np.ndarray] | None, recorded: str | None) -> list[Check]:
    if kept is None or recorded is None or (found := arrays_sha256(kept)) == recorded:
        return []
    said = f"outputs are not those on record: sha256 {found[:12]}, on record {recorded[:12]}"
    return [Check(name, "not reproduced", said)]


def _told(
    kept: Mapping[str, np.ndarray] | None, now: Mapping[str, np.ndarray], is_recorded: bool | None
) -> str:
    """Are the outputs those on record to the bit, and if not, how many differ from the kept ones by how much?"""
    if is_recorded:
        return "bit-equal"
    if kept is None and is_recorded is None:
        return "not compared, no outputs are here (a published model brings none)"
    if kept is None:
        return "not bit-equal, and no outputs are here to compare them with"
    if kept.keys() != now.keys() or any(kept[name].shape != now[name].shape for name in now):
        return "other outputs than those kept"
    gaps = [np.abs(kept[n].astype(np.float64) - now[n]).reshape(len(now[n]), -1) for n in sorted(now)]
    other = sum(int(gap.any(1).sum()) for gap in gaps)
    if not other:
        return "bit-equal"
    largest = max(float(gap.max(initial=0)) for gap in gaps)
    return f"{other} of {sum(map(len, gaps))} images differ, by {largest:g} grey levels at most"
