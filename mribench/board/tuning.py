"""Which rows have a tuned learning rate: methods that were tuned unlike each other are not compared without a word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mribench.board.rows import Row


def trials(row: Row) -> int | None:
    """How many trials chose the learning rate of every seed; 0 where one has the profile's, None where mribench trained
    nothing."""
    found = _by_seed(row)
    return min((int(tuned["trials"]) if tuned else 0 for tuned in found.values()), default=None)


def remark(row: Row) -> str | None:
    """'lr tuned, 8 trials'; None where all seeds have the profile's learning rate."""
    found = _by_seed(row)
    tuned = [each for each in found.values() if each]
    if not tuned:
        return None
    if len(tuned) < len(found):
        return f"lr tuned in {len(tuned)} of {len(found)} seeds"
    return f"lr tuned, {' or '.join(map(str, sorted({each['trials'] for each in tuned})))} trials"


def sentence(rows: Iterable[Row]) -> str | None:
    """What to know of a board on which learning rates were chosen in several ways; None where all were in one."""
    methods: dict[str, dict[str, None]] = {}
    for row in rows:
        for tuned in _by_seed(row).values():
            methods.setdefault(_how(tuned), {})[row.variant] = None
    if len(methods) < 2:
        return None
    said = "; ".join(f"{', '.join(names)}: {how}" for how, names in sorted(methods.items()))
    return (
        f"Learning rates were chosen in {len(methods)} ways, and a difference may be one of tuning. {said}."
    )


def _how(tuned: Mapping[str, Any] | None) -> str:
    if not tuned:
        return "the profile's, not tuned"
    organs = ", ".join(tuned["modalities"])
    return f"tuned, {tuned['trials']} trials of {tuned['share']:g} of the budget on validation subjects of {organs}"


def _by_seed(row: Row) -> dict[int, Mapping[str, Any] | None]:
    """Provenance of the learning rate by training seed; empty where mribench trained nothing."""
    trained = (result for result in row.results if result.provenance.get("training"))
    return {} if row.is_control else {r.seed: r.provenance.get("tuned") for r in trained}
