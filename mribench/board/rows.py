"""One row of a board: a variant with its sampler, its numbers aggregated over training seeds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from statistics import fmean, mean, stdev
from typing import Any

from mribench.errors import MribenchError
from mribench.metrics.significance import student_quantile
from mribench.plugins import lookup
from mribench.results import Result
from mribench.spec import AuditVerdict, Expected, Score
from mribench.spec.verdict import verdict_and_power

Address = tuple[str, str | None, float | None]  # metric, feature space, level
Bounds = tuple[float, float]  # what a metric can be
UNBOUNDED = (-math.inf, math.inf)
NOT_APPLICABLE = "not applicable: "  # how the reason begins


@dataclass(frozen=True)
class TrainingVariance:
    """How much another training would move a number."""

    variance: float  # in squared units of the number
    dof: int  # degrees of freedom of the variance


@dataclass(frozen=True)
class Estimate:
    """One number of one row, aggregated over training seeds."""

    value: float | None  # mean over seeds
    spread: float | None  # standard deviation between seeds; None for one seed
    low: float | None  # 95 % interval over test subjects and seeds (``with_training``)
    high: float | None
    seeds: tuple[int, ...]
    n: int  # images of each seed
    n_reference: int | None
    subjects: int
    reason: str | None = None  # why value is None
    within_low: float | None = None  # 95 % interval over test subjects alone, its ends averaged over seeds
    within_high: float | None = None

    @property
    def applies(self) -> bool:
        """False where the task was not asked of the variant."""
        return not (self.reason or "").startswith(NOT_APPLICABLE)


@dataclass(frozen=True)
class Row:
    """One variant with one sampler, each in one version."""

    variant: str
    sampler: str | None
    is_control: bool
    estimates: Mapping[Address, Estimate]
    results: tuple[Result, ...]
    versions: tuple[int, int] = (1, 1)  # of the variant and of the sampler
    # of a row of one seed: what rows of several seeds say of a single training (``with_borrowed_variance``)
    borrowed: Mapping[Address, TrainingVariance] = field(default_factory=dict)
    # seeds under which one training is filed; of them the lowest alone is among ``results``
    same_training: tuple[int, ...] = ()

    @property
    def applies(self) -> bool:
        """False where none of the board's tasks was asked of it."""
        return not self.estimates or any(estimate.applies for estimate in self.estimates.values())

    @property
    def is_shown(self) -> bool:
        """Whether it has a line. A control of which nothing was asked has none: its reason stands below the table."""
        return self.applies or not self.is_control

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(sorted({result.seed for result in self.results}))

    @property
    def trained_elsewhere(self) -> bool:
        """Whether mribench did not train it: then no record proves with which data and budget it was trained."""
        return any(result.provenance.get("source") for result in self.results)

    @property
    def audit(self) -> str | None:
        """What the gravest audit among the seeds says, and what it could have seen; None where there was no audit."""
        said = [verdict_and_power(result.audit) for result in self.results if result.audit]
        return max(said, key=lambda text: AuditVerdict(text).gravity) if said else None

    @property
    def audited_by(self) -> list[str]:
        """'audit v5', and the other versions of the task that audited its seeds."""
        return sorted({str(result.comparability["task"]) for result in self.results if result.audit})

    @property
    def expected(self) -> Expected | None:
        """Where this control must land, as most of its records say; None for a trained row, and for a control of
        which nothing is asked."""
        said = Counter(tuple(sorted(r.expected.items())) if r.expected else () for r in self.results)
        most = said.most_common(1)[0][0]
        return Expected(**dict(most)) if most else None

    @property
    def off_scale(self) -> bool:
        """Whether it must be the last: so far from everything that a drawing on one scale leaves it out."""
        return self.expected is not None and self.expected.place == "last"

    def value(self, address: Address | None) -> float | None:
        """The mean over seeds; None where there is none."""
        estimate = self.estimates.get(address) if address else None
        return estimate.value if estimate else None

    def scores(self, address: Address) -> Mapping[int, Score]:
        """The score of each seed."""
        return self._scores.get(address, {})

    def over_subjects(self, address: Address) -> Sequence[float]:
        """Values per subject, or per half-subsample of subjects, averaged over seeds; empty where a seed has none."""
        if address not in self._over_subjects:
            values = [s.per_subject or s.subsamples for s in self.scores(address).values()]
            equal = len({len(v) for v in values}) == 1
            averaged = [fmean(column) for column in zip(*values, strict=True)] if equal else []
            self._over_subjects[address] = averaged
        return self._over_subjects[address]

    def knows_training(self, address: Address) -> bool:
        """Whether anything says how much another training would move this number. A control learns nothing."""
        return not self.learns or len(self.scores(address)) > 1 or address in self.borrowed

    @property
    def learns(self) -> bool:
        """Whether another training could move its numbers: not those of controls, nor those of a solver by rule."""
        return not self.is_control and any(result.answers_by != "rule" for result in self.results)

    def bounds(self, metric: str) -> Bounds:
        """What the metric can be."""
        return _bounds(self.results, metric)

    @property
    def name(self) -> str:
        """'ddpm ddim-25', 'ddpm v2 ddim-25': a version is said from the second on."""
        named = zip((self.variant, self.sampler), self.versions, strict=True)
        return " ".join(f"{name} v{n}" if n > 1 else name for name, n in named if name)

    @cached_property
    def _scores(self) -> dict[Address, dict[int, Score]]:
        found: dict[Address, dict[int, Score]] = {}
        for result in self.results:
            for score in result.scores:
                found.setdefault((score.metric, score.space, score.level), {})[result.seed] = score
        return found

    @cached_property
    def _over_subjects(self) -> dict[Address, list[float]]:
        return {}


def row(members: Sequence[Result]) -> Row:
    """The row of all results of one variant and sampler, of every task and seed."""
    by_address: dict[Address, list[tuple[int, Score]]] = {}
    for result in members:
        for score in result.scores:
            by_address.setdefault((score.metric, score.space, score.level), []).append((result.seed, score))
    first = members[0]
    seeds = {result.seed for result in members}
    estimates = {
        address: _aggregate(scores, seeds, _bounds(members, address[0]))
        for address, scores in by_address.items()
    }
    return Row(
        first.variant, first.sampler, first.is_control, estimates, tuple(members), versions=versions(first)
    )


def with_not_applicable(row: Row, of_task: Mapping[str, Iterable[Address]]) -> Row:
    """The row with a blank number, and the reason, for each address of the tasks that do not apply to its variant.

    Args:
        row: The row.
        of_task: What each task of the board reports in any row.
    """
    blank = {
        address: Estimate(
            None, None, None, None, row.seeds, 0, None, 0, f"{NOT_APPLICABLE}{result.not_applicable}"
        )
        for result in row.results
        if result.not_applicable
        for address in of_task.get(result.task, ())
    }
    return replace(row, estimates={**row.estimates, **blank}) if blank else row


def _bounds(members: Sequence[Result], metric: str) -> Bounds:
    """The range of a metric as the records say it, or in records that do not as the installed metric does."""
    said = next((r.metrics[metric].get("range") for r in members if metric in r.metrics), None)
    if said is None:
        return _installed_bounds(metric)
    low, high = said
    return -math.inf if low is None else low, math.inf if high is None else high


@lru_cache(maxsize=256)
def _installed_bounds(metric: str) -> Bounds:
    try:
        bounds: Bounds = lookup.load("metrics", metric).range
    except MribenchError:
        return UNBOUNDED
    return bounds


def _aggregate(scores: Sequence[tuple[int, Score]], wanted: set[int], bounds: Bounds) -> Estimate:
    """Mean and spread over seeds. One blank or absent seed makes the estimate blank: no mean skips it."""
    seeds = tuple(sorted(seed for seed, _ in scores))
    first = scores[0][1]
    absent = next((f"no result of seed {seed}" for seed in sorted(wanted - set(seeds))), None)
    blank = next((s.reason or "no value" for _, s in scores if s.value is None), absent)
    about: dict[str, Any] = {
        "seeds": seeds,
        "n": first.n,
        "n_reference": first.n_reference,
        "subjects": first.subjects,
    }
    if blank is not None:
        return Estimate(None, None, None, None, reason=blank, **about)
    values = [s.value for _, s in scores if s.value is not None]
    value, spread = mean(values), stdev(values) if len(values) > 1 else None
    ends = [(s.low, s.high) for _, s in scores if s.low is not None and s.high is not None]
    if len(ends) < len(scores):
        return Estimate(value, spread, None, None, **about)
    # records of before intervals were kept in the range
    within = max(mean(low for low, _ in ends), bounds[0]), min(mean(high for _, high in ends), bounds[1])
    training = TrainingVariance(spread**2 / len(values), len(values) - 1) if spread is not None else None
    both = with_training(value, *within, training, first.subjects, bounds)
    return Estimate(value, spread, *both, **about, within_low=within[0], within_high=within[1])


def with_training(
    value: float, low: float, high: float, training: TrainingVariance | None, subjects: int, bounds: Bounds
) -> tuple[float, float]:
    """95 % interval over test subjects and trainings of a mean over trainings.

    The test subjects are the same for every training, so what they add does not shrink with the number of seeds. Each
    side of the interval over subjects is t(0.975, subjects - 1) standard errors long; the variance over trainings
    comes to their square, and the t of the sum has the degrees of freedom of Welch and Satterthwaite (Satterthwaite
    1946, doi:10.2307/3002019), rounded down as in ``differences.difference``.

    Args:
        value: mean over trainings.
        low: end of the interval over test subjects alone, averaged over trainings.
        high: the other end.
        training: variance of the mean over trainings; None leaves the interval as it is.
        subjects: test subjects.
        bounds: what the metric can be; an end beyond is moved there.
    """
    if training is not None and training.variance > 0:
        dof = max(1, subjects - 1)
        errors = ((max(0.0, side) / student_quantile(dof)) ** 2 for side in (value - low, high - value))
        below, above = (half_width((error, dof), (training.variance, training.dof)) for error in errors)
        low, high = value - below, value + above
    return max(low, bounds[0]), min(high, bounds[1])


def half_width(*parts: tuple[float, int]) -> float:
    """Half of the 95 % interval of a sum of independent estimates, from their variances and degrees of freedom.

    t times the standard error of the sum. A variance of one degree of freedom, as two seeds give, is too uncertain for
    that (90 % coverage where it is the larger part): there the half-widths of the parts add in quadrature (Zou & Donner
    2008, doi:10.1002/sim.3095), which covers 95 to 99 %.
    """
    if min(dof for _, dof in parts) < 2:
        return math.sqrt(sum(variance * student_quantile(dof) ** 2 for variance, dof in parts))
    return student_quantile(welch_satterthwaite(parts)) * math.sqrt(sum(variance for variance, _ in parts))


def welch_satterthwaite(parts: Sequence[tuple[float, int]]) -> int:
    """Degrees of freedom of a sum of variances that are not all 0, each with its own; 1 or more."""
    total = sum(variance for variance, _ in parts)
    return max(1, int(total**2 / sum(variance**2 / dof for variance, dof in parts)))


def oriented(low: float, high: float, sign: int) -> tuple[float, float]:
    """An interval of a number of which less is better: as it is for sign 1, mirrored for sign -1."""
    return (low, high) if sign > 0 else (-high, -low)


def versions(result: Result) -> tuple[int, int]:
    """Versions of variant and sampler; 1 where a record does not say."""
    return result.versions.get("variant") or 1, result.versions.get("sampler") or 1
