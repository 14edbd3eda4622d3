"""Each trained row against the Gaussian control: what the numbers allow to say, in a word and in a sentence.

On the board of a problem the control is the Wiener filter, which is what the same Gaussian makes of a measurement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from mribench.board.claims import claims
from mribench.board.differences import difference
from mribench.board.eligibility import why_not
from mribench.board.group import Group
from mribench.board.identity import copies
from mribench.board.naming import listed
from mribench.board.rows import Address, Estimate, Row
from mribench.metrics.significance import LEVEL

CONTROL = "gaussian"
CONTROL_OF_PROBLEMS = "wiener"
MANY = 4  # rows of which the same is true, above which they share a sentence
# undecided: they differ on these subjects, and no row has several seeds to say what another training would give
Outcome = Literal["ahead", "behind", "undecided", "not told apart", "no interval", "not ranked"]
SENTENCES: Mapping[Outcome, str] = {
    "ahead": "{is_} ahead of {other}",
    "behind": "{is_} behind {other}",
    "undecided": "{differs} from {other} on these subjects, but one seed does not say what another training would give",
    "not told apart": "cannot be told apart from {other}",
    "no interval": "cannot be compared with {other}, an interval is missing",
}


def control_name(group: Group) -> str:
    """The control that rows are held against."""
    return CONTROL_OF_PROBLEMS if group.poses_problem else CONTROL


class Against(NamedTuple):
    """A trained row against the Gaussian control."""

    outcome: Outcome
    address: Address  # the number that decides: the clearest of those in trusted spaces
    as_ranked: bool = True  # whether the number that ranks is on the same side, told apart or not

    @property
    def by_another(self) -> str:
        """'by KD[shape156-v1]' where the number that ranks is on the other side, so that the two seem to disagree."""
        return "" if self.as_ranked else f"by {_label(self.address)}"


def judged(group: Group, why_unranked: str | None) -> dict[str, Against]:
    """Of each trained row whether it is ahead of the Gaussian control in the primary metric; by ``Row.name``.

    Decided by what may be claimed of the two (``claims``), corrected over the trained rows; by overlapping intervals
    in records that hold no values per subject; by nothing without intervals. A row is absent where its number or that
    of the control is missing, and "not ranked" where nothing may be claimed of it.
    """
    address, control = group.primary, group.row(control_name(group))
    if address is None or control is None or control.value(address) is None:
        return {}
    known = [row for row in group.trained if row.value(address) is not None]
    made = {row.name: Against("not ranked", address) for row in known}
    entries = copies(row for row in known if why_not(group, row, why_unranked) is None)
    found = {claim.first: claim for claim in claims(group, [(entry[0], control) for entry in entries])}
    for entry in entries:
        claim = found.get(entry[0].name)
        if claim is None:
            one = Against(_by_intervals(group, entry[0], control, address), address)
        elif claim.ahead is None:
            one = Against("undecided" if claim.lacks_seeds else "not told apart", address)
        else:
            outcome: Outcome = "behind" if claim.ahead == control.name else "ahead"
            is_better = _better(entry[0].estimates[address], control.estimates[address], group.sign(address))
            one = Against(outcome, claim.clearest.address, is_better == (outcome == "ahead"))
        made |= dict.fromkeys((row.name for row in entry), one)
    return made


def _by_intervals(group: Group, row: Row, control: Row, address: Address) -> Outcome:
    ours, theirs = row.estimates[address], control.estimates[address]
    apart = _apart(ours, theirs)
    if apart is None:
        return "no interval"
    if not apart:
        return "not told apart"
    return "ahead" if _better(ours, theirs, group.sign(address)) else "behind"


def against_control(group: Group, found: Mapping[str, Against]) -> list[str]:
    """What the comparisons support: a sentence for each row, or for many rows of which the same is true together."""
    control = group.row(control_name(group))
    if control is None:
        return []
    alike: dict[Against, list[Row]] = {}
    for row in group.trained:
        if row.name in found and found[row.name].outcome in SENTENCES:
            alike.setdefault(found[row.name], []).append(row)
    said = []
    for one, rows in alike.items():
        together = [rows] if len(rows) > MANY else [[row] for row in rows]
        said += [_sentence(each, control, one) for each in together]
    return said


def _sentence(rows: Sequence[Row], control: Row, found: Against) -> str:
    many = len(rows) > 1
    values = [value for row in rows if (value := row.value(found.address)) is not None]
    what = SENTENCES[found.outcome].format(
        is_="are" if many else "is",
        differs="differ" if many else "differs",
        other=f"the {control.name} control",
    )
    spread = " to ".join(f"{value:.1f}" for value in dict.fromkeys((min(values), max(values))))
    return (
        f"{listed(row.name for row in rows)} {what}: {_label(found.address)} {spread} against "
        f"{control.value(found.address):.1f}."
    )


def _label(address: Address) -> str:
    metric, space, _ = address
    return f"{metric.upper()}[{space}]" if space else metric.upper()


def opposite(group: Group, found: Mapping[str, Outcome]) -> dict[str, list[Address]]:
    """Paired numbers in which a row is on the other side of the Gaussian control than its outcome says; by row."""
    control = group.row(control_name(group))
    if control is None:
        return {}
    paired = [
        a
        for a in group.addresses
        if a[2] is not None and a != group.primary and group.metrics[a[0]]["direction"] != "zero"
    ]
    made: dict[str, list[Address]] = {}
    for row in group.trained:
        if (outcome := found.get(row.name)) not in ("ahead", "behind"):
            continue
        for address in paired:
            one = difference(row, control, address)
            if one and one.p < LEVEL and (one.value * group.sign(address) < 0) != (outcome == "ahead"):
                made.setdefault(row.name, []).append(address)
    return made


def _apart(ours: Estimate, theirs: Estimate) -> bool | None:
    """Whether two intervals do not overlap; None where one is missing."""
    if ours.low is None or ours.high is None or theirs.low is None or theirs.high is None:
        return None
    return ours.low > theirs.high or theirs.low > ours.high


def _better(ours: Estimate, theirs: Estimate, sign: int) -> bool:
    return ours.value is not None and theirs.value is not None and sign * ours.value < sign * theirs.value
