"""The difference between two rows of a board in one number, on the same test subjects, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from mribench.board.rows import Address, Row, TrainingVariance, welch_satterthwaite
from mribench.metrics.significance import holm, student_p, student_quantile, subsample_scale
from mribench.spec import Score


@dataclass(frozen=True)
class Difference:
    """First row minus second."""

    address: Address
    first: str  # names of the rows
    second: str
    value: float
    low: float  # 95 % interval
    high: float
    p: float  # two-sided, by Student's t
    adjusted: float  # p after Holm's correction over all differences that were asked about together
    # whether anything says how much other trainings of both rows would move it; without it no row is called ahead
    knows_training: bool = True


def difference(first: Row, second: Row, address: Address, over_seeds: bool = True) -> Difference | None:
    """First minus second, paired over the test subjects.

    The variance over test subjects is that of the paired differences, each averaged over seeds; with several training
    seeds the variance between seeds is added (paired by seed where both rows have the same ones), and for a row of one
    seed what it has borrowed from others of its board. Degrees of freedom: Welch & Satterthwaite (Satterthwaite 1946,
    doi:10.2307/3002019), rounded down.

    Args:
        first: A row of the board.
        second: Another one.
        address: Metric, feature space and level of the number.
        over_seeds: False asks what the test subjects alone can tell of these very trainings.

    Returns:
        None where a number is blank, or where the records hold no values of the same subjects.
    """
    ours, theirs = (_values(row.scores(address)) for row in (first, second))
    if not ours or not theirs:
        return None
    drawn = first.over_subjects(address), second.over_subjects(address)
    if not drawn[0] or len(drawn[0]) != len(drawn[1]):
        return None
    about = next(iter(first.scores(address).values()))
    parts = [_subject_variance([a - b for a, b in zip(*drawn, strict=True)], about)]
    if over_seeds:
        parts += _seed_variance((first, ours), (second, theirs), address)
    value = fmean(ours.values()) - fmean(theirs.values())
    total = sum(part for part, _ in parts)
    if total == 0:
        p, margin = float(value == 0), 0.0
    else:
        dof = welch_satterthwaite(parts)
        error = math.sqrt(total)
        p, margin = student_p(value / error, dof), student_quantile(dof) * error
    known = not over_seeds or (first.knows_training(address) and second.knows_training(address))
    return Difference(address, first.name, second.name, value, value - margin, value + margin, p, p, known)


def corrected(found: Sequence[Difference]) -> list[Difference]:
    """The same differences, their p adjusted for being asked about together."""
    adjusted = holm([one.p for one in found])
    return [replace(one, adjusted=p) for one, p in zip(found, adjusted, strict=True)]


def _values(scores: Mapping[int, Score]) -> dict[int, float]:
    """The value of each seed; empty where one is blank."""
    known = {seed: score.value for seed, score in scores.items() if score.value is not None}
    return known if len(known) == len(scores) else {}


def _subject_variance(differences: Sequence[float], score: Score) -> tuple[float, int]:
    """Variance of the mean difference over test subjects, and its degrees of freedom."""
    spread, dof = (_variance(differences) if len(differences) > 1 else 0.0), max(1, score.subjects - 1)
    if score.per_subject:
        return spread / score.subjects, dof
    # half-subsamples already vary as a mean over half of the subjects does
    return spread * subsample_scale(score.subjects) ** 2, dof


def _variance(values: Sequence[float]) -> float:
    """As ``statistics.variance``, whose exact fractions take a board of many rows seconds."""
    centre = fmean(values)
    return math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1)


def _seed_variance(
    first: tuple[Row, Mapping[int, float]], second: tuple[Row, Mapping[int, float]], address: Address
) -> list[tuple[float, int]]:
    """Variance of the mean difference over training seeds; empty for rows of one seed that borrow nothing."""
    (_, ours), (_, theirs) = first, second
    if len(ours) > 1 and set(ours) == set(theirs):
        return [(_variance([ours[seed] - theirs[seed] for seed in ours]) / len(ours), len(ours) - 1)]
    own = [
        TrainingVariance(_variance(list(v.values())) / len(v), len(v) - 1)
        for v in (ours, theirs)
        if len(v) > 1
    ]
    borrowed = [row.borrowed[address] for row, _ in (first, second) if address in row.borrowed]
    if borrowed:
        # all of them rest on the same rows with several seeds, and so are no independent estimates
        return [(sum(part.variance for part in (*own, *borrowed)), borrowed[0].dof)]
    return [(part.variance, part.dof) for part in own]
