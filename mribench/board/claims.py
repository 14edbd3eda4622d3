"""Which of two rows is ahead, as far as all trusted feature spaces allow to say it.

A row is ahead of another where the primary metric is significantly better in at least one trusted space and in no
other significantly worse. One question is asked per pair of different outputs, and the pairs are corrected together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mribench.board.differences import Difference, difference
from mribench.board.group import Group
from mribench.board.rows import Address, Row
from mribench.metrics.significance import LEVEL, holm
from mribench.results import metric_label

# Two trainings on the same test subjects vary apart by a third of what each varies by, and more. A difference that
# varies by less than a hundredth was computed from the other row.
CONSTANT = 0.01


@dataclass(frozen=True)
class Claim:
    """What may be said of two rows."""

    first: str  # names of the rows
    second: str
    differences: tuple[Difference, ...]  # first minus second, in each trusted space
    p: float  # of the clearest space, times the number of spaces; after the correction once that was made
    ahead: str | None = None  # the row that is ahead; None: they are not told apart
    doubt: str | None = None  # why nothing is claimed although a difference is significant, as a sentence

    @property
    def lacks_seeds(self) -> bool:
        """Whether they differ on these test subjects, and what another training would give is not known."""
        return self.p < LEVEL and not all(d.knows_training for d in self.differences)

    @property
    def clearest(self) -> Difference:
        """The difference in the space that tells the two apart best."""
        return min(self.differences, key=lambda one: one.p)


def claims(group: Group, pairs: Iterable[tuple[Row, Row]], rows: int | None = None) -> list[Claim]:
    """One claim for each pair that has paired values.

    Args:
        group: the board.
        pairs: two rows each; all of them are corrected together.
        rows: where the pairs are all those of so many rows: the correction then counts only the pairs that can be
            equal at the same time.
    """
    asked = list(pairs)
    addresses = group.claim_addresses
    constant = constant_pairs(addresses, asked)
    found = [
        (*pair, _differences(addresses, *pair), fixed) for pair, fixed in zip(asked, constant, strict=True)
    ]
    known = [one for one in found if one[2]]
    p_values = [min(1.0, len(of) * min(d.p for d in of)) for _, _, of, _ in known]
    complete = rows is not None and len(known) == rows * (rows - 1) // 2
    adjusted = among_all_pairs(p_values, rows) if rows is not None and complete else holm(p_values)
    return [
        _judged(group, one, other, of, p, fixed)
        for (one, other, of, fixed), p in zip(known, adjusted, strict=True)
    ]


def _differences(addresses: Sequence[Address], one: Row, other: Row) -> tuple[Difference, ...]:
    found = (difference(one, other, address) for address in addresses)
    return tuple(d for d in found if d is not None)


def _judged(
    group: Group, one: Row, other: Row, found: tuple[Difference, ...], p: float, constant: bool
) -> Claim:
    """The verdict on a pair; p is corrected."""
    claim = Claim(one.name, other.name, found, p)
    if p >= LEVEL:
        return claim
    if claim.lacks_seeds:
        doubt = (
            f"{one.name} and {other.name} differ, but no row beside them has several seeds to say what another "
            "training would give"
        )
        return Claim(one.name, other.name, found, p, doubt=doubt)
    if constant:
        doubt = (
            f"{one.name} and {other.name} differ by the same number everywhere, which two trainings do not"
        )
        return Claim(one.name, other.name, found, p, doubt=doubt)
    better = {d.address: (d.first if d.value * group.sign(d.address) < 0 else d.second) for d in found}
    clearest = claim.clearest
    ahead = better[clearest.address]
    # a veto is no claim, and so is not corrected
    against = [d for d in found if d.p < LEVEL and better[d.address] != ahead]
    if against:
        spaces = [metric_label(*d.address[:2]) for d in (clearest, against[0])]
        behind = other.name if ahead == one.name else one.name
        doubt = f"{spaces[0]} puts {ahead} ahead of {behind}, {spaces[1]} the other way round"
        return Claim(one.name, other.name, found, p, doubt=doubt)
    return Claim(one.name, other.name, found, p, ahead)


def constant_pairs(addresses: Sequence[Address], pairs: Sequence[tuple[Row, Row]]) -> list[bool]:
    """Of each pair, whether its difference hardly varies over the test subjects in one of the numbers."""
    rows = {id(row): row for pair in pairs for row in pair}
    made = [False] * len(pairs)
    for address in addresses:
        values = {key: row.over_subjects(address) for key, row in rows.items()}
        for length in {len(v) for v in values.values() if len(v) > 1}:
            place = {key: i for i, key in enumerate(k for k, v in values.items() if len(v) == length)}
            drawn = np.array([values[key] for key in place])
            drawn -= drawn.mean(axis=1, keepdims=True)
            products = drawn @ drawn.T  # of deviations from the mean
            squares = np.diag(products)
            between = squares[:, None] + squares[None, :] - 2 * products
            constant = between < CONSTANT**2 * np.maximum(squares[:, None], squares[None, :])
            for index, (one, other) in enumerate(pairs):
                if id(one) in place and id(other) in place:
                    made[index] |= bool(constant[place[id(one)], place[id(other)]])
    return made


def among_all_pairs(p_values: Sequence[float], rows: int) -> list[float]:
    """Adjusted p of all pairs of some rows, after Shaffer 1986 (doi:10.1080/01621459.1986.10478341).

    As Holm's, but at each step it counts only as many pairs as can be equal at the same time: of three rows, where
    one pair differs, one pair can be equal and not two. The chance of any false claim stays below the level.
    """
    possible = _equal_at_once(rows)
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, so_far = [0.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        left = len(p_values) - place
        so_far = max(so_far, min(1.0, max(n for n in possible if n <= left) * p_values[index]))
        adjusted[index] = so_far
    return adjusted


@lru_cache(maxsize=256)
def _equal_at_once(rows: int) -> tuple[int, ...]:
    """How many pairs of so many rows can be equal: rows fall into groups, and pairs within a group are equal."""
    if rows < 2:
        return (0,)
    found = {
        size * (size - 1) // 2 + more for size in range(1, rows + 1) for more in _equal_at_once(rows - size)
    }
    return tuple(sorted(found))
