"""What must hold before anything is ranked: of the board, and of each row. What does not is said in a few words."""

from __future__ import annotations

from mribench import profiles
from mribench.board.agreement import is_edited
from mribench.board.control_checks import controls
from mribench.board.group import Group
from mribench.board.rows import Address, Row
from mribench.board.task_names import AUDIT, GENERATION
from mribench.results import Result
from mribench.results.audits import of_another
from mribench.spec import AuditVerdict

UNLIKE_REAL = ("last", "behind real")  # places of controls that a metric must tell from real images


def why_no_ranks(group: Group) -> str | None:
    """Why nothing on a board is ranked, apart from controls that land where they must not; None where it may be."""
    if group.why_no_inference:
        return group.why_no_inference
    profile = str(group.comparability["profile"])
    if not ranks(group, profile):
        return f"profile {profile} is never ranked"
    address = group.primary
    if address is None:
        return None  # each row says that it has no score
    if group.untrusted(address[1]):
        return f"{address[1]} is not trusted with these images"
    return why_untested(group, address)


def ranks(group: Group, profile: str) -> bool:
    """Whether the board's profile may rank, as its records say; early records do not, and a profile's name does."""
    known = profiles.PROFILES.get(profile.partition("@")[0])
    recorded = (r.provenance.get("profile") or {} for r in group.members)
    return (known is None or known.ranks) and all(said.get("ranks", True) for said in recorded)


def why_untested(group: Group, address: Address) -> str | None:
    """Which controls a board lacks: one that must be told from real images, and one that must not be. Without them
    nobody knows whether the number tells good from bad here."""
    tested = [row for row in controls(group).values() if row.value(address) is not None]
    places = {row.expected.place for row in tested if row.expected}
    if not places:
        return "no controls"
    if not places & set(UNLIKE_REAL):
        return "no control that must be behind real images"
    return None if "like real" in places else "no control that must be like real images"


def why_not(group: Group, row: Row, why_unranked: str | None) -> str | None:
    """Why a row is not ranked and nothing is claimed of it, in a few words; None where nothing speaks against it.

    Args:
        group: its board.
        row: the row.
        why_unranked: why the whole board ranks nothing.
    """
    address = group.primary
    if row.is_control:
        return "control"
    if address is None or row.value(address) is None:
        estimate = row.estimates.get(address) if address else None
        return "no score to rank by" if estimate is None or estimate.applies else "not applicable"
    if any(map(is_edited, row.results)):
        return "edited"
    if row.audit and AuditVerdict(row.audit).memorises:
        return row.audit
    if row.same_training:
        return f"one training filed as seeds {', '.join(map(str, row.same_training))}"
    if differing := group.agreed.differences(row.results):
        return f"{', '.join(differing)} differ{'s' * (len(differing) == 1)} from the other records"
    return why_unranked or why_unaudited(row, address)


def why_unaudited(row: Row, address: Address) -> str | None:
    """What is missing for a row to count as audited, or the audit's word against it.

    Of each seed there must be a record of the same checkpoint and outputs that could look. A task without generated
    images needs an audit of the same checkpoint and seed.
    """
    audits = {result.seed: result for result in row.results if result.task == AUDIT and result.audit}
    if not audits:
        return "no audit"
    scored = (r for r in row.results if any((s.metric, s.space, s.level) == address for s in r.scores))
    for result in scored:
        if result.seed not in audits:
            return f"no audit of seed {result.seed}"
        if other := _why_not_cleared(result, audits[result.seed]):
            return other
    verdict = AuditVerdict(row.audit) if row.audit else AuditVerdict.NOT_AUDITED
    return None if verdict in (AuditVerdict.NOT_DETECTED, AuditVerdict.SUSPECT) else row.audit


def _why_not_cleared(result: Result, audit: Result) -> str | None:
    """What is missing for an audit to be one of the checkpoint and the outputs of a result."""
    about = result.provenance
    if not (about.get("checkpoint_sha256") or (about.get("source") or {}).get("sha256")):
        return "no checkpoint on record"
    generated = result.task == GENERATION
    if generated and not about.get("outputs"):
        return "no outputs on record"
    return of_another(audit, result, outputs=generated)
