"""Ranks as intervals: of each trained row, the best and the worst place that the numbers leave open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mribench.board.claims import Claim, claims
from mribench.board.eligibility import why_not
from mribench.board.group import Group
from mribench.board.identity import copies, pairs
from mribench.board.rows import Address, Row, oriented
from mribench.spec import AuditVerdict


@dataclass(frozen=True)
class RankInterval:
    """The places that a row may have. ``best`` and ``worst`` are None where it is not ranked."""

    best: int | None = None
    worst: int | None = None
    reason: str | None = None  # why it is not ranked
    at_floor: bool = False  # whether it reaches what real training images score
    # one seed on a board where nothing says what another training would give: nothing is ahead or behind
    in_brackets: bool = False
    # of twenty honest rows one may be: the word stands beside the rank and takes none away
    suspect: bool = False

    @property
    def text(self) -> str:
        """'1', '1-3', '(1-3)', '1-3, suspect', or empty."""
        if self.best is None:
            return ""
        places = str(self.best) if self.best == self.worst else f"{self.best}-{self.worst}"
        places = f"({places})" if self.in_brackets else places
        return f"{places}, {AuditVerdict.SUSPECT}" if self.suspect else places


@dataclass(frozen=True)
class Ranking:
    """The ranks of a board, and what they rest on."""

    places: Mapping[str, RankInterval]  # of every row, by its name
    claims: Sequence[Claim] = ()  # between ranked rows
    copies: Sequence[Sequence[str]] = field(
        default_factory=tuple
    )  # names of rows that are one set of outputs


def ranking(group: Group, why_unranked: str | None) -> Ranking:
    """Trained rows are ranked by what may be claimed of each two (``claims``); controls and real images never are.

    Rows of the same outputs are one entry and share its place. Two rows that both reach the floor are tied: nothing
    finer can be measured there. ``why_unranked`` says why the whole board ranks nothing.
    """
    address = group.primary
    reasons = {
        row.name: why_not(group, row, why_unranked) or _why_unmeasured(row, address) for row in group.rows
    }
    floor = {row.name: address is not None and at_floor(group, row, address) for row in group.rows}
    entries = copies(row for row in group.rows if reasons[row.name] is None)
    first = {row.name: entry[0].name for entry in entries for row in entry}
    ahead, behind = dict.fromkeys(reasons, 0), dict.fromkeys(reasons, 0)
    judged = claims(group, pairs(entries), len(entries))
    for claim in judged:
        if claim.ahead and not (floor[claim.first] and floor[claim.second]):
            behind[claim.ahead] += 1
            ahead[claim.second if claim.ahead == claim.first else claim.first] += 1
    blind = {row.name for row in group.rows if address is not None and not row.knows_training(address)}
    suspect = {
        row.name for row in group.rows if row.audit and AuditVerdict(row.audit) is AuditVerdict.SUSPECT
    }
    places = {
        name: RankInterval(None, None, reason, floor[name])
        if reason is not None
        else RankInterval(
            1 + ahead[first[name]],
            len(entries) - behind[first[name]],
            None,
            floor[name],
            name in blind,
            name in suspect,
        )
        for name, reason in reasons.items()
    }
    return Ranking(places, judged, [[row.name for row in entry] for entry in entries if len(entry) > 1])


def at_floor(group: Group, row: Row, address: Address) -> bool:
    """Does a row reach what real training images score? Then these test subjects cannot say anything finer of it.

    Decided by the paired difference to the training images over the test subjects, however many seeds there are; by
    the interval of the row where records hold no subsamples.
    """
    sign = group.sign(address)
    real: float | None = group.floor_of(address).get("train_test")
    if real is None:
        return False
    if found := group.from_real.get(row.name):
        return oriented(found.low, found.high, sign)[0] <= 0
    estimate = row.estimates.get(address)
    if estimate is None or estimate.within_low is None or estimate.within_high is None:
        return False
    return oriented(estimate.within_low, estimate.within_high, sign)[0] <= sign * real


def _why_unmeasured(row: Row, address: Address | None) -> str | None:
    """What the numbers of a row lack."""
    estimate = row.estimates.get(address) if address else None
    if address is None or estimate is None or estimate.low is None:
        return "no interval"
    paired = all(score.subsamples or score.per_subject for score in row.scores(address).values())
    return None if paired else "the record holds no values of single subjects"
