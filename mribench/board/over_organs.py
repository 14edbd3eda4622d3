"""Methods over organs: average ranks, the Friedman test, and the critical difference of Nemenyi (Demsar 2006).

An organ is one observation, whatever the number of its test subjects: what is asked is whether a method is better on
organs in general, and not on these subjects. A method enters where every organ ranks it, with one sampler; its rank on
an organ is that of its number, equal ones sharing the mean of their places.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from mribench.board import columns
from mribench.board.boards import Board
from mribench.board.rows import Row
from mribench.metrics.significance import LEVEL

FEWEST_ORGANS, FEWEST_METHODS = 2, 3
SAMPLER = "another sampler of the variant enters"
EXAMPLES = (5, 10, 20)  # numbers of methods whose critical differences are said beside that of the board


@dataclass(frozen=True)
class Friedman:
    """Are all methods the same over these organs?"""

    statistic: float  # chi-squared with k - 1 degrees of freedom, corrected for ties
    p: float


@dataclass(frozen=True)
class OverOrgans:
    """The methods of boards of one kind of data, profile and budget."""

    about: str  # 'phantom, quick'
    organs: tuple[str, ...]
    numbers: tuple[str, ...]  # what ranks on each organ: 'Brain, KD[hc85-v1] (1e-3) ↓'
    average: Mapping[str, float]  # mean rank over organs by name of the row, the best first
    ranks: Mapping[str, tuple[float, ...]]  # rank of each organ
    scores: Mapping[str, tuple[str, ...]]  # the number itself, with its interval
    seeds: Mapping[str, str]  # '3', or '1-3' where organs differ
    left_out: Mapping[str, str]  # why a row does not enter, by its name
    suspect: Mapping[str, tuple[str, ...]]  # organs where the audit suspects a method that enters
    friedman: Friedman | None  # None for fewer than three methods
    difference: float | None  # critical difference of two average ranks

    @property
    def groups(self) -> list[tuple[str, str]]:
        """First and last of each largest run of methods that no two of which are told apart, by average rank."""
        if self.difference is None:
            return []
        names = list(self.average)
        found: list[tuple[int, int]] = []
        for i, first in enumerate(names):
            last = max(
                j
                for j in range(i, len(names))
                if self.average[names[j]] - self.average[first] < self.difference
            )
            if last > i and not (found and found[-1][1] >= last):
                found.append((i, last))
        return [(names[i], names[j]) for i, j in found]


def over_organs(boards: Sequence[Board]) -> list[OverOrgans]:
    """A comparison for each kind of data, profile and budget that two organs and more share.

    Of an organ with several such boards the first counts.
    """
    kinds: dict[tuple[str, ...], dict[str, Board]] = {}
    for board in boards:
        if board.primary is None or board.control_violations:
            continue
        c = board.comparability
        about = [str(c["data_kind"]), str(c["profile"]), *([str(c["problem"])] if c.get("problem") else [])]
        kind = ", ".join(about), str(c.get("budget"))
        kinds.setdefault(kind, {}).setdefault(board.modality, board)
    made = [_compared(about, list(of.values())) for (about, _), of in kinds.items()]
    return [one for one in made if one]


def _compared(about: str, boards: Sequence[Board]) -> OverOrgans | None:
    rows = [row for board in boards for row in board.trained]
    names = list(dict.fromkeys(row.name for row in rows))
    left_out = {name: reason for name in names if (reason := _why_left_out(boards, name))}
    complete = {row.name: row for row in rows if row.name not in left_out}
    if boards[0].poses_problem:  # there a method is a prior with its solver
        entered, others = sorted(complete), list[str]()
    else:
        entered, others = _one_of_each_variant(list(complete.values()))
    left_out |= dict.fromkeys(others, SAMPLER)
    if len(boards) < FEWEST_ORGANS or len(entered) < 2:
        return None
    of_board = [_ranks(board, entered) for board in boards]
    ranks = {name: tuple(of[name] for of in of_board) for name in entered}
    average = {name: fmean(ranks[name]) for name in entered}
    enough = len(entered) >= FEWEST_METHODS
    return OverOrgans(
        about=about,
        organs=tuple(board.organ for board in boards),
        numbers=tuple(
            f"{board.organ}, {columns.title(board, board.primary)}" for board in boards if board.primary
        ),
        average=dict(sorted(average.items(), key=lambda item: (item[1], item[0]))),
        ranks=ranks,
        scores={name: tuple(_score(board, name) for board in boards) for name in entered},
        seeds={name: _seeds([row for row in rows if row.name == name]) for name in entered},
        left_out=left_out,
        suspect={name: organs for name in entered if (organs := _suspect(boards, name))},
        friedman=friedman([ranks[name] for name in entered]) if enough else None,
        difference=critical_difference(len(entered), len(boards)) if enough else None,
    )


def _one_of_each_variant(rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    """Names of the rows that enter, and of those of other samplers.

    Ten samplers of one variant are not ten methods. The sampler that most variants share enters, which no score
    chooses; of equally many the first by name.
    """
    shared = Counter(row.sampler for row in rows)
    chosen: dict[tuple[str, int], Row] = {}
    for row in sorted(rows, key=lambda row: (-shared[row.sampler], row.name)):
        chosen.setdefault((row.variant, row.versions[0]), row)
    entered = {row.name for row in chosen.values()}
    return sorted(entered), [row.name for row in rows if row.name not in entered]


def _why_left_out(boards: Sequence[Board], name: str) -> str | None:
    """'no row in Lung', 'MEMORISES in Heart'; None where every organ ranks the row."""
    said: dict[str, list[str]] = {}
    for board in boards:
        row = next((row for row in board.trained if row.name == name), None)
        if reason := _why_not(board, row):
            said.setdefault(reason, []).append(board.organ)
    return "; ".join(f"{reason} in {', '.join(organs)}" for reason, organs in said.items()) or None


def _suspect(boards: Sequence[Board], name: str) -> tuple[str, ...]:
    return tuple(board.organ for board in boards if board.ranks[name].suspect)


def _why_not(board: Board, row: Row | None) -> str | None:
    if row is None:
        return "no row"
    return board.ranks[row.name].reason


def _ranks(board: Board, names: Sequence[str]) -> dict[str, float]:
    """The rank of each row by the number that ranks on the board; equal numbers share the mean of their places."""
    from scipy.stats import rankdata

    assert board.primary is not None
    rows = {row.name: row for row in board.trained}
    values = [board.sign(board.primary) * (rows[name].value(board.primary) or 0.0) for name in names]
    return dict(zip(names, map(float, rankdata(values)), strict=True))


def _score(board: Board, name: str) -> str:
    assert board.primary is not None
    row = next(row for row in board.trained if row.name == name)
    return columns.number(row.estimates[board.primary], str(board.metrics[board.primary[0]]["unit"]))


def _seeds(rows: Sequence[Row]) -> str:
    numbers = {len(row.seeds) for row in rows}
    return "-".join(map(str, sorted({min(numbers), max(numbers)})))


def friedman(ranks: Sequence[Sequence[float]]) -> Friedman:
    """The Friedman test, corrected for ties (Friedman 1937; Conover 1999, section 5.8).

    Args:
        ranks: of each method its rank on every organ.
    """
    from scipy.special import chdtrc

    k, n = len(ranks), len(ranks[0])
    centre = (k + 1) / 2
    between = n * sum((fmean(each) - centre) ** 2 for each in ranks)
    within = sum((rank - centre) ** 2 for each in ranks for rank in each) / (n * (k - 1))
    if within == 0:
        return Friedman(0.0, 1.0)
    statistic = between / within
    return Friedman(statistic, float(chdtrc(k - 1, statistic)))


def critical_difference(methods: int, organs: int) -> float:
    """Two average ranks that differ by less are not told apart at level 0.05 (Nemenyi 1963; Demsar 2006, equation 6).

    q(0.05) sqrt(k (k + 1) / (6 N)), q being the quantile of the studentized range of k methods, over sqrt(2), with
    infinitely many degrees of freedom. N is small here, and the normal approximation behind it rough.
    """
    from scipy.stats import studentized_range

    q = float(studentized_range.ppf(1 - LEVEL, methods, math.inf)) / math.sqrt(2)
    return q * math.sqrt(methods * (methods + 1) / (6 * organs))


def sentences(found: OverOrgans) -> list[str]:
    """What these organs can tell, and what they cannot."""
    k, n = len(found.average), len(found.organs)
    best = next(iter(found.average))
    said = []
    if found.friedman is None or found.difference is None:
        said.append(f"{k} methods on {n} organs are too few for a test over organs.")
    else:
        differ = "differ" if found.friedman.p < LEVEL else "cannot be told apart"
        said.append(
            f"{k} methods on {n} organs: as a whole they {differ} (Friedman's chi-squared "
            f"{found.friedman.statistic:.1f}, p {_p(found.friedman.p)})."
        )
        if found.friedman.p < LEVEL:
            said.append(_of_best(found, best))
        said.append(_power(k, n, found.difference))
    others = {name: reason for name, reason in found.left_out.items() if reason != SAMPLER}
    if others:
        reasons = "; ".join(f"{name} ({reason})" for name, reason in sorted(others.items()))
        said.append(f"Left out, because not every organ ranks them: {reasons}.")
    if found.suspect:
        where = "; ".join(f"{name} in {', '.join(organs)}" for name, organs in sorted(found.suspect.items()))
        said.append(
            f"The audit suspects, and accuses of nothing: {where}. Of twenty honest rows it may suspect one."
        )
    if n_samplers := len(found.left_out) - len(others):
        said.append(
            f"Of a variant with several samplers the one that most variants share enters; {n_samplers} other "
            f"row{'s do' if n_samplers > 1 else ' does'} not."
        )
    return said


def _of_best(found: OverOrgans, best: str) -> str:
    assert found.difference is not None
    worse = [n for n, rank in found.average.items() if rank - found.average[best] >= found.difference]
    if not worse:
        return f"No two average ranks lie {found.difference:.2f} apart: no method is ahead of another over organs."
    return (
        f"{best} has the best average rank, {found.average[best]:.2f}, and is ahead of {len(worse)} of "
        f"{len(found.average) - 1} over organs: {', '.join(worse)}."
    )


def _power(methods: int, organs: int, difference: float) -> str:
    """How far apart average ranks must lie, and how far they can."""
    others = [k for k in EXAMPLES if k != methods]
    examples = ", ".join(f"{critical_difference(k, organs):.1f} of {k - 1} with {k} methods" for k in others)
    tells = (
        "a method must be better on nearly every organ to be told apart"
        if difference > (methods - 1) / 3
        else "methods far apart are told apart, neighbours are not"
    )
    return (
        f"What {organs} organs can tell: average ranks must differ by {difference:.2f} or more (critical difference "
        f"of Nemenyi, level 0.05), of the {methods - 1} by which those of {methods} methods can; {tells}. The same "
        f"organs need {examples}. Half the difference takes {4 * organs} organs."
    )


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
