"""Is a record whole, of the cell that it says, and audited?"""

from __future__ import annotations

from collections.abc import Sequence

from mribench.results import Result
from mribench.results.audits import of_another
from mribench.runner.check_scores import Check
from mribench.tasks.audit import AUDIT


def checks(result: Result, beside: Sequence[Result]) -> list[Check]:
    """What is wrong with a record as a whole; ``beside``: the other records of its folder."""
    found = []
    if result.edited:
        said = "the record was edited after it was written, its digest does not match"
        found.append(Check("digest", "not reproduced", said))
    for field, cell in _names(result).items():
        name = result.provenance.get(field)
        if name is not None and not str(name).startswith(f"{cell}_"):
            said = f"{name} is of another cell than {cell}, which the record is of"
            found.append(Check(field, "not reproduced", said))
    if result.task == AUDIT.reads and not any(audits(one, result) for one in beside):
        said = "no audit: no audit of the same checkpoint, seed and outputs is beside the record"
        found.append(Check("audit", "not reproduced", said))
    return found


def audits(one: Result, generated: Result) -> bool:
    """Whether ``one`` is the audit of what ``generated`` scores: of the same checkpoint, seed and outputs."""

    def cell(result: Result) -> tuple[object, ...]:
        return result.modality, result.variant, result.sampler, result.seed

    return (
        one.task == AUDIT.name
        and one.audit is not None
        and cell(one) == cell(generated)
        and of_another(one, generated, outputs=True) is None
    )


def _names(result: Result) -> dict[str, str]:
    """What the folders begin with that a record of this cell names."""
    parts = result.modality, result.variant, result.sampler, f"s{result.seed}"
    cell = "_".join(part for part in parts if part)
    organs, name = result.organs, result.provenance.get("checkpoint")
    training = f"{result.modality}_{result.variant}_s{result.seed}"
    if result.modality in organs and f"_s{result.seed}_" in str(name):
        # a joint training goes by the name of one of the variants that share it
        training = f"organs-{len(organs)}"
    return {"outputs": cell, "reads": cell, "checkpoint": training}
