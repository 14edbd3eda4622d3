"""The difference between two rows of a board in one number, on the same test subjects, and how sure it is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import fmean

from mribench.board.rows import Address, Row
from mribench.metrics.significance import holm, student_p, student_quantile, subsample_scale
from mribench.spec import Score


@dataclass(frozen=True)
class Difference:
    """First row minus second. low, high: 95 % interval; p: two-sided, by Student's t; adjusted: p after Holm's
    correction over all differences that were asked about together."""

    address: Address
    first: str
    second: str
    value: float
    low: float
    high: float
    p: float
    adjusted: float


def difference(first: Row, second: Row, address: Address, over_seeds: bool = True) -> Difference | None:
    """First minus second. None where a number is blank, or where the records hold no values of the same subjects.

    The variance over test subjects is that of the paired differences, each averaged over seeds; with several training
    seeds the variance between seeds is added (paired by seed where both rows have the same ones). Degrees of freedom:
    Welch & Satterthwaite (Satterthwaite 1946, doi:10.2307/3002019), rounded down. over_seeds False asks what the test
    subjects alone can tell of these very trainings.
    """
    ours, theirs = first.scores(address), second.scores(address)
    if not ours or not theirs or any(s.value is None for s in (*ours.values(), *theirs.values())):
        return None
    drawn = _over_subjects(list(ours.values())), _over_subjects(list(theirs.values()))
    if not drawn[0] or not drawn[1] or len(drawn[0]) != len(drawn[1]):
        return None
    about = next(iter(ours.values()))
    parts = [_subject_variance([a - b for a, b in zip(*drawn, strict=True)], about)]
    if over_seeds:
        parts += _seed_variance(
            {k: s.value for k, s in ours.items()}, {k: s.value for k, s in theirs.items()}
        )
    value = fmean(s.value for s in ours.values()) - fmean(s.value for s in theirs.values())
    total = sum(part for part, _ in parts)
    if total == 0:
        p, margin = float(value == 0), 0.0
    else:
        dof = max(1, int(total**2 / sum(part**2 / dof for part, dof in parts)))
        error = math.sqrt(total)
        p, margin = student_p(value / error, dof), student_quantile(dof) * error
    return Difference(address, first.name, second.name, value, value - margin, value + margin, p, p)


def corrected(found: list[Difference]) -> list[Difference]:
    """The same differences, their p adjusted for being asked about together."""
    adjusted = holm([one.p for one in found])
    return [replace(one, adjusted=p) for one, p in zip(found, adjusted, strict=True)]


def _over_subjects(scores: list[Score]) -> list[float]:
    """Values per subject, or per half-subsample of subjects, averaged over seeds; empty where a seed has none."""
    values = [s.per_subject or s.subsamples for s in scores]
    if len({len(v) for v in values}) != 1:
        return []
    return [fmean(column) for column in zip(*values, strict=True)]


def _subject_variance(differences: list[float], score: Score) -> tuple[float, int]:
    """Variance of the mean difference over test subjects, and its degrees of freedom."""
    spread, dof = (_variance(differences) if len(differences) > 1 else 0.0), max(1, score.subjects - 1)
    if score.per_subject:
        return spread / score.subjects, dof
    # half-subsamples already vary as a mean over half of the subjects does
    return spread * subsample_scale(score.subjects) ** 2, dof


def _variance(values: list[float]) -> float:
    """As ``statistics.variance``, whose exact fractions take a board of many rows seconds."""
    centre = fmean(values)
    return math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1)


def _seed_variance(ours: dict[int, float], theirs: dict[int, float]) -> list[tuple[float, int]]:
    """Variance of the mean difference over training seeds; nothing is known of it from one seed."""
    if set(ours) == set(theirs):
        samples = [[ours[seed] - theirs[seed] for seed in ours]]
    else:
        samples = [list(ours.values()), list(theirs.values())]
    return [(_variance(s) / len(s), len(s) - 1) for s in samples if len(s) > 1]
