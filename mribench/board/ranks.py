"""Ranks as intervals: of each trained row, the best and the worst place that the numbers leave open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from mribench.board.differences import Difference, corrected, difference
from mribench.board.group import Group
from mribench.board.rows import Address, Row, oriented
from mribench.metrics.significance import LEVEL
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

    @property
    def text(self) -> str:
        """'1', '1-3', '(1-3)', or empty."""
        if self.best is None:
            return ""
        places = str(self.best) if self.best == self.worst else f"{self.best}-{self.worst}"
        return f"({places})" if self.in_brackets else places


def rank_intervals(group: Group, why_unranked: str | None) -> dict[str, RankInterval]:
    """By ``Row.name``. Trained rows are ranked by ``group.primary``; controls and real images never are.

    A row ranks before another where the paired difference is significant after Holm's correction over all pairs of
    the board, unless a row of one seed has nothing on its board that says what another training would give: its rank
    stands in brackets. Two rows that both reach the floor are tied: nothing finer can be measured there.
    ``why_unranked`` says why the whole board ranks nothing.
    """
    address = group.primary
    reasons = {row.name: _why_not(row, address, why_unranked) for row in group.rows}
    floor = {row.name: address is not None and at_floor(group, row, address) for row in group.rows}
    ranked = [row for row in group.rows if reasons[row.name] is None]
    ahead, behind = dict.fromkeys(reasons, 0), dict.fromkeys(reasons, 0)
    for found in _pairs(ranked, address) if address else ():
        if (
            found.adjusted < LEVEL
            and found.knows_training
            and not (floor[found.first] and floor[found.second])
        ):
            first_is_better = found.value * group.sign(found.address) < 0
            better, worse = (found.first, found.second) if first_is_better else (found.second, found.first)
            ahead[worse] += 1
            behind[better] += 1
    blind = {row.name for row in ranked if address is not None and not row.knows_training(address)}
    return {
        name: RankInterval(None, None, reason, floor[name])
        if reason is not None
        else RankInterval(1 + ahead[name], len(ranked) - behind[name], None, floor[name], name in blind)
        for name, reason in reasons.items()
    }


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


def _pairs(rows: Sequence[Row], address: Address) -> list[Difference]:
    """Paired differences between all of these rows, corrected together."""
    found = (difference(a, b, address) for a, b in combinations(rows, 2))
    return corrected([one for one in found if one is not None])


def _why_not(row: Row, address: Address | None, why_unranked: str | None) -> str | None:
    if row.is_control:
        return "control"
    estimate = row.estimates.get(address) if address else None
    if address is None or estimate is None or estimate.value is None:
        return "no score to rank by"
    if row.audit and AuditVerdict(row.audit).memorises:
        return row.audit
    if why_unranked:
        return why_unranked
    if estimate.low is None:
        return "no interval"
    paired = all(score.subsamples or score.per_subject for score in row.scores(address).values())
    return None if paired else "the record holds no values of single subjects"
