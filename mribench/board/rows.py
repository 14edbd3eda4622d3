"""One row of a board: a variant with its sampler, its numbers aggregated over training seeds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, mean, stdev
from typing import Any

from mribench.metrics.significance import student_quantile
from mribench.results import Result
from mribench.spec import AuditVerdict, Expected, Score
from mribench.spec.verdict import verdict_and_power

Address = tuple[str, str | None, float | None]  # metric, feature space, level


@dataclass(frozen=True)
class Estimate:
    """One number of one row, aggregated over training seeds."""

    value: float | None  # mean over seeds
    spread: float | None  # standard deviation between seeds; None for one seed
    low: float | None  # 95 % interval over test subjects and seeds (``between_seeds``)
    high: float | None
    seeds: tuple[int, ...]
    n: int  # images of each seed
    n_reference: int | None
    subjects: int
    reason: str | None = None  # why value is None
    within_low: float | None = None  # 95 % interval over test subjects alone, its ends averaged over seeds
    within_high: float | None = None


@dataclass(frozen=True)
class Row:
    """One variant with one sampler, each in one version."""

    variant: str
    sampler: str | None
    is_control: bool
    estimates: Mapping[Address, Estimate]
    results: tuple[Result, ...]
    versions: tuple[int, int] = (1, 1)  # of the variant and of the sampler
    # seeds under which one training is filed; of them the lowest alone is among ``results``
    same_training: tuple[int, ...] = ()

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(sorted({result.seed for result in self.results}))

    @property
    def audit(self) -> str | None:
        """What the gravest audit among the seeds says, and what it could have seen; None where there was no audit."""
        said = [verdict_and_power(result.audit) for result in self.results if result.audit]
        return max(said, key=lambda text: AuditVerdict(text).gravity) if said else None

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
    estimates = {address: _aggregate(scores, seeds) for address, scores in by_address.items()}
    return Row(
        first.variant, first.sampler, first.is_control, estimates, tuple(members), versions=versions(first)
    )


def _aggregate(scores: Sequence[tuple[int, Score]], wanted: set[int]) -> Estimate:
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
    bounds = [(s.low, s.high) for _, s in scores if s.low is not None and s.high is not None]
    if len(bounds) < len(scores):
        return Estimate(value, spread, None, None, **about)
    within = mean(low for low, _ in bounds), mean(high for _, high in bounds)
    both = between_seeds(value, *within, spread, len(values))
    return Estimate(value, spread, *both, **about, within_low=within[0], within_high=within[1])


def between_seeds(
    value: float, low: float, high: float, spread: float | None, seeds: int
) -> tuple[float, float]:
    """95 % interval of a mean over training seeds and test subjects, from the mean interval over subjects alone.

    The test subjects are the same for every seed, so their half-width does not shrink with seeds; the seeds add
    t(0.975, seeds - 1) * spread / sqrt(seeds). Half-widths add in quadrature (Zou & Donner 2008,
    doi:10.1002/sim.3095). Two seeds give wide intervals, and rightly so: t is 12.7. ``spread`` None leaves the
    interval as it is.
    """
    if spread is None:
        return low, high
    training = student_quantile(seeds - 1) * spread / math.sqrt(seeds)
    return value - math.hypot(value - low, training), value + math.hypot(high - value, training)


def oriented(low: float, high: float, sign: int) -> tuple[float, float]:
    """An interval of a number of which less is better: as it is for sign 1, mirrored for sign -1."""
    return (low, high) if sign > 0 else (-high, -low)


def versions(result: Result) -> tuple[int, int]:
    """Versions of variant and sampler; 1 where a record does not say."""
    return result.versions.get("variant") or 1, result.versions.get("sampler") or 1
