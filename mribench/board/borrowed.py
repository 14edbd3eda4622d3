"""How much training moves the number of a row of one seed: as much as it moves rows of several seeds on its board."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from mribench.board.rows import Address, Estimate, Row, TrainingVariance, with_training


def with_borrowed_variance(rows: Sequence[Row], metrics: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """The same rows; of a trained row of one seed each interval widened, and the variance that widened it kept.

    The variance between trainings is pooled over the trained rows with several seeds, weighted by their degrees of
    freedom; rows of one variant share their trainings, whatever the sampler, and count as one. A distance between
    distributions moves in proportion to its value (kept phantom boards: 2 to 12 % of KD in hc85-v1 over a fourfold
    range of KD), so there the variance of value / mean is pooled, unless a lending row reaches 0. Where no row of
    the board has several seeds, nothing is known, and the rows stay as they are.
    """
    borrowers = [row for row in rows if _borrows(row)]
    lenders = [row for row in rows if row.learns and len(row.seeds) > 1]
    if not borrowers or not lenders:
        return list(rows)
    addresses = dict.fromkeys(address for row in borrowers for address in row.estimates)
    known = {address: _pooled(lenders, address, metrics) for address in addresses}
    return [_borrowing(row, known) if _borrows(row) else row for row in rows]


def _borrows(row: Row) -> bool:
    return row.learns and len(row.seeds) == 1


Pooled = tuple[
    float, int, bool
]  # variance of one training, degrees of freedom, whether it is relative to the value


def _pooled(
    lenders: Iterable[Row], address: Address, metrics: Mapping[str, Mapping[str, Any]]
) -> Pooled | None:
    by_variant: dict[tuple[str, int], list[Estimate]] = {}
    for row in lenders:
        estimate = row.estimates.get(address)
        if estimate is not None and estimate.spread is not None:
            by_variant.setdefault((row.variant, row.versions[0]), []).append(estimate)
    if not by_variant:
        return None
    about = metrics.get(address[0], {})
    relative = (
        about.get("direction") == "down"
        and about.get("kind") not in ("paired", "likelihood", "detection", "lesion")
        and all(e.low is not None and e.low > 0 for found in by_variant.values() for e in found)
    )
    freedoms = {variant: max(len(e.seeds) for e in found) - 1 for variant, found in by_variant.items()}
    total = sum(
        freedoms[variant] * fmean(_variance(estimate, relative) for estimate in found)
        for variant, found in by_variant.items()
    )
    dof = sum(freedoms.values())
    return total / dof, dof, relative


def _variance(estimate: Estimate, relative: bool) -> float:
    assert estimate.spread is not None and estimate.value is not None
    return (estimate.spread / estimate.value if relative else estimate.spread) ** 2


def _borrowing(row: Row, known: Mapping[Address, Pooled | None]) -> Row:
    borrowed, estimates = {}, dict(row.estimates)
    for address, estimate in row.estimates.items():
        pooled = known[address]
        if pooled is None or estimate.value is None:
            continue
        variance, dof, relative = pooled
        training = TrainingVariance(variance * estimate.value**2 if relative else variance, dof)
        borrowed[address] = training
        if estimate.within_low is not None and estimate.within_high is not None:
            ends = estimate.within_low, estimate.within_high
            low, high = with_training(
                estimate.value, *ends, training, estimate.subjects, row.bounds(address[0])
            )
            estimates[address] = replace(estimate, low=low, high=high)
    return replace(row, estimates=estimates, borrowed=borrowed)
