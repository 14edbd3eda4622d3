"""Anchors of records: made of their content, so that a link to a number leads to that very record or nowhere."""

from __future__ import annotations

from collections.abc import Sequence

from mribench import hashing
from mribench.board.rows import Address
from mribench.results import Result

DIGITS = 12


def anchor(result: Result) -> str:
    """'record-0123456789ab': another number, checkpoint, output or key is another anchor."""
    made = result.provenance
    content = [
        result.key,
        result.name,
        sorted(result.versions.items()),
        result.seed,
        result.task,
        [(s.metric, s.space, s.level, s.value, s.low, s.high, s.n) for s in result.scores],
        (result.audit or {}).get("verdict"),
        [made.get(name) for name in ("checkpoint_sha256", "outputs", "outputs_sha256")],
    ]
    return f"record-{hashing.json_hash(content)[:DIGITS]}"


def anchors(results: Sequence[Result]) -> dict[Address, str]:
    """Of each number of a row the anchor of the record that holds it, of several seeds the lowest."""
    found: dict[Address, str] = {}
    for result in sorted(results, key=lambda result: result.seed):
        name = anchor(result)
        for score in result.scores:
            found.setdefault((score.metric, score.space, score.level), name)
    return found


def tasks(results: Sequence[Result]) -> dict[Address, str]:
    """The task that reports each number."""
    return {(s.metric, s.space, s.level): result.task for result in results for s in result.scores}
