"""Which audit belongs to which record."""

from __future__ import annotations

from mribench.results.record import Result

SAME_MODEL = ("data_key", "checkpoint", "checkpoint_sha256", "source")  # fields of both provenances


def of_another(audit: Result, result: Result, outputs: bool) -> str | None:
    """What an audit is of, where it is not of the model of a result, or not of its images; None where it is.

    Args:
        audit: The record of the audit.
        result: The record that it may clear, of the same cell.
        outputs: Whether the result scores the images that the audit reads.
    """
    ours, theirs = result.provenance, audit.provenance
    if any(ours.get(name) != theirs.get(name) for name in SAME_MODEL):
        return "audit of another checkpoint"
    if not outputs:
        return None
    # early records have no digest of the images
    digests = {ours.get("outputs_sha256"), theirs.get("reads_sha256")} - {None}
    same = ours.get("outputs") == theirs.get("reads") and len(digests) <= 1
    return None if same else "audit of other outputs"
