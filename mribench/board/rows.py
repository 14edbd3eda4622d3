"""One row of a board: a variant with its sampler, its numbers aggregated over training seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from mribench.metrics.significance import student_quantile
from mribench.results import Result
from mribench.spec import AuditVerdict, Score

Address = tuple[str, str | None, float | None]  # metric, feature space, level


@dataclass(frozen=True)
class Entry:
    """One number of one row, aggregated over seeds.

    value: mean over seeds; spread: their standard deviation, None for one seed; low, high: 95 % interval
    over test subjects and training seeds together (``between_seeds``), of one seed over test subjects alone;
    within_low, within_high: over test subjects alone, averaged over seeds; n, n_reference, subjects: per seed.
    reason: why value is None.
    """

    value: float | None
    spread: float | None
    low: float | None
    high: float | None
    seeds: tuple[int, ...]
    n: int
    n_reference: int | None
    subjects: int
    reason: str | None = None
    within_low: float | None = None
    within_high: float | None = None


@dataclass(frozen=True)
class Row:
    """One variant with one sampler, each in one version. versions: the variant's and the sampler's."""

    variant: str
    sampler: str | None
    is_control: bool
    entries: Mapping[Address, Entry]
    results: tuple[Result, ...]
    versions: tuple[int, int] = (1, 1)

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(sorted({result.seed for result in self.results}))

    @property
    def audit(self) -> str | None:
        """What the gravest audit among the seeds says, as its record says it; None where there was no audit."""
        said = [str(result.audit["verdict"]) for result in self.results if result.audit]
        return max(said, key=lambda text: AuditVerdict(text).gravity) if said else None

    def scores(self, address: Address) -> dict[int, Score]:
        """The score of each seed."""
        return {
            result.seed: score
            for result in self.results
            for score in result.scores
            if (score.metric, score.space, score.level) == address
        }

    @property
    def name(self) -> str:
        """'ddpm ddim-25', 'ddpm v2 ddim-25': a version is said from the second on."""
        named = zip((self.variant, self.sampler), self.versions, strict=True)
        return " ".join(f"{name} v{n}" if n > 1 else name for name, n in named if name)


def row(members: Sequence[Result]) -> Row:
    """The row of all results of one variant and sampler, of every task and seed."""
    by_address: dict[Address, list[tuple[int, Score]]] = {}
    for result in members:
        for score in result.scores:
            by_address.setdefault((score.metric, score.space, score.level), []).append((result.seed, score))
    first = members[0]
    seeds = {result.seed for result in members}
    entries = {address: _aggregate(scores, seeds) for address, scores in by_address.items()}
    return Row(
        first.variant, first.sampler, first.is_control, entries, tuple(members), versions=versions(first)
    )


def _aggregate(scores: Sequence[tuple[int, Score]], wanted: set[int]) -> Entry:
    """Mean and spread over seeds. One blank or absent seed makes the whole entry blank: no mean skips it."""
    seeds = tuple(sorted(seed for seed, _ in scores))
    first = scores[0][1]
    absent = [f"no result of seed {seed}" for seed in sorted(wanted - set(seeds))]
    blank = next((s.reason or "no value" for _, s in scores if s.value is None), *absent[:1] or [None])
    about = {"seeds": seeds, "n": first.n, "n_reference": first.n_reference, "subjects": first.subjects}
    if blank is not None:
        return Entry(None, None, None, None, reason=blank, **about)
    values = [s.value for _, s in scores]
    value, spread = mean(values), stdev(values) if len(values) > 1 else None
    if any(s.low is None or s.high is None for _, s in scores):
        return Entry(value, spread, None, None, **about)
    within = mean(s.low for _, s in scores), mean(s.high for _, s in scores)
    both = between_seeds(value, *within, spread, len(values))
    return Entry(value, spread, *both, **about, within_low=within[0], within_high=within[1])


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


def versions(result: Result) -> tuple[int, int]:
    """Versions of variant and sampler; 1 where a record does not say."""
    return result.versions.get("variant") or 1, result.versions.get("sampler") or 1
