"""How much training moves the number of a row of one seed: as much as it moves rows of several seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from mribench.board.rows import Address, Estimate, Row, TrainingVariance, with_training


@dataclass(frozen=True)
class Pooled:
    """What rows of several seeds say of a single training."""

    variance: float  # in the squared unit of the number, or of value / mean
    dof: int
    is_relative: bool  # whether it is that of value / mean


def pooled(rows: Sequence[Row], metrics: Mapping[str, Mapping[str, Any]]) -> dict[Address, Pooled]:
    """Of each number, over the variants of one board; only numbers that rows of several seeds have.

    Weighted by degrees of freedom; rows of one variant share their trainings, whatever the sampler, and count as one. A
    distance between distributions moves in proportion to its value (phantom boards: 2 to 16 % of KD in hc85-v1 over a
    fivefold range of KD), so there the variance of value / mean is pooled, unless a lending row reaches 0.

    Args:
        rows: Of the board.
        metrics: Direction and kind of every metric, by name.

    Returns:
        By metric, space and level; empty where no row has several seeds.
    """
    lenders = [row for row in rows if len(row.seeds) > 1 and row.learns]
    addresses = dict.fromkeys(address for row in lenders for address in row.estimates)
    found = {address: _pooled(lenders, address, metrics.get(address[0], {})) for address in addresses}
    return {address: one for address, one in found.items() if one}


def with_borrowed_variance(
    rows: Sequence[Row], own: Mapping[Address, Pooled], elsewhere: Sequence[Mapping[Address, Pooled]] = ()
) -> list[Row]:
    """The same rows; of a trained row of one seed each interval widened, and the variance that widened it kept.

    What is relative is pooled over the other boards too, since three seeds of one board say little: t of two degrees
    of freedom is 4.3. The larger of the board's own variance and of that of all boards is taken, so that a board whose
    trainings differ more keeps its own, and one whose three seeds happened to agree does not. Where no row has several
    seeds, nothing is known, and the rows stay as they are.

    Args:
        rows: Of the board.
        own: What they say, as ``pooled`` gives it.
        elsewhere: What each board of other data says under the same budget.
    """
    borrowers = [row for row in rows if _borrows(row)]
    if not borrowers:
        return list(rows)
    lenders = [others for others in elsewhere if others]
    addresses = dict.fromkeys(address for row in borrowers for address in row.estimates)
    known = {
        address: _lent(own.get(address), [others[address] for others in lenders if address in others])
        for address in addresses
    }
    return [_borrowing(row, known) if _borrows(row) else row for row in rows]


def _borrows(row: Row) -> bool:
    return len(row.seeds) == 1 and row.learns


def _lent(own: Pooled | None, others: Iterable[Pooled]) -> Pooled | None:
    if own is not None and not own.is_relative:
        return own
    found = [*([own] if own else []), *(one for one in others if one.is_relative)]
    if not found:
        return None
    dof = sum(one.dof for one in found)
    over_all = sum(one.dof * one.variance for one in found) / dof
    return Pooled(max(over_all, own.variance if own else 0.0), dof, True)


def _pooled(lenders: Iterable[Row], address: Address, about: Mapping[str, Any]) -> Pooled | None:
    by_variant: dict[tuple[str, int], list[Estimate]] = {}
    for row in lenders:
        estimate = row.estimates.get(address)
        if estimate is not None and estimate.spread is not None:
            by_variant.setdefault((row.variant, row.versions[0]), []).append(estimate)
    if not by_variant:
        return None
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
    return Pooled(total / dof, dof, relative)


def _variance(estimate: Estimate, relative: bool) -> float:
    assert estimate.spread is not None and estimate.value is not None
    return (estimate.spread / estimate.value if relative else estimate.spread) ** 2


def _borrowing(row: Row, known: Mapping[Address, Pooled | None]) -> Row:
    borrowed, estimates = {}, dict(row.estimates)
    for address, estimate in row.estimates.items():
        lent = known[address]
        if lent is None or estimate.value is None:
            continue
        scale = estimate.value**2 if lent.is_relative else 1.0
        training = TrainingVariance(lent.variance * scale, lent.dof)
        borrowed[address] = training
        if estimate.within_low is not None and estimate.within_high is not None:
            ends = estimate.within_low, estimate.within_high
            low, high = with_training(
                estimate.value, *ends, training, estimate.subjects, row.bounds(address[0])
            )
            estimates[address] = replace(estimate, low=low, high=high)
    return replace(row, estimates=estimates, borrowed=borrowed)
