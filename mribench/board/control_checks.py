"""Where the controls must land. A board on which one lands elsewhere measures something else than it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import NamedTuple

from mribench.board.agreement import is_edited
from mribench.board.differences import difference
from mribench.board.group import Group
from mribench.board.rows import Address, Estimate, Row, oriented, row
from mribench.results import metric_label
from mribench.spec import AuditVerdict, Expected


def control_violations(group: Group, found: Sequence[Landed]) -> list[str]:
    """One sentence for each control that lands where it must not (``spec.Expected``).

    Two things hold on any board: what must be last is last, and an audit that can say something sees a control that
    copies. The others need test subjects enough to tell images apart: of fewer than 20, or unknown ones, nothing is
    ranked and a control that cannot be told apart says only that they are few. Intervals are those over the test
    subjects, because two or three seeds of a control that learns nothing would only widen them. Of a control with
    several seeds the majority decides, so that no single record makes a board invalid.

    Args:
        group: the board.
        found: ``landed(group)``.
    """
    made: list[str] = []
    for one in found:
        wrong = [sentences for sentences in one.by_seed.values() if sentences]
        if wrong and 2 * len(wrong) >= len(one.by_seed):
            made += _violations(group, one.row) or wrong[0]
    copying = [row for row in controls(group).values() if row.expected and row.expected.copies]
    return list(dict.fromkeys(made)) + [sentence for row in copying for sentence in _unseen_copies(row)]


def seeds_apart(found: Sequence[Landed]) -> Iterator[str]:
    """Seeds of a control that land elsewhere than most of its seeds do."""
    for one in found:
        wrong = [seed for seed, sentences in one.by_seed.items() if sentences]
        if wrong and 2 * len(wrong) < len(one.by_seed):
            seeds = ", ".join(map(str, wrong))
            yield f"{one.row.name} lands elsewhere with seed {seeds} than with most of its seeds; the majority counts."


class Landed(NamedTuple):
    """Where each seed of a control landed."""

    row: Row
    by_seed: dict[int, list[str]]  # sentences about what it must not do


def controls(group: Group) -> dict[str, Row]:
    """By variant; a record whose digest does not match is left out."""
    found = {}
    for variant in dict.fromkeys(one.variant for one in group.rows if one.is_control):
        one = group.row(variant)
        kept = [result for result in one.results if not is_edited(result)] if one else []
        if one and kept:
            found[variant] = one if len(kept) == len(one.results) else row(kept)
    return found


def landed(group: Group) -> list[Landed]:
    """Where each seed of each control landed."""
    made = []
    for one in controls(group).values():
        alone = {seed: _seed(one, seed, group.primary) for seed in one.seeds}
        by_seed = {
            seed: _violations(group, control)
            for seed, control in alone.items()
            if control.value(group.primary) is not None
        }
        if by_seed:
            made.append(Landed(one, by_seed))
    return made


def _seed(control: Row, seed: int, address: Address | None) -> Row:
    """A control as if it had one seed and the primary number alone."""
    of_seed = (result for result in control.results if result.seed == seed)
    return row(
        [
            replace(r, scores=tuple(s for s in r.scores if (s.metric, s.space, s.level) == address))
            for r in of_seed
        ]
    )


def _violations(group: Group, control: Row) -> list[str]:
    """What one control does that it must not, by its numbers."""
    address, expected = group.primary, control.expected
    if address is None or expected is None:
        return []
    if expected.place == "last":
        others = {name: _median(one, address) for name, one in controls(group).items()}
        return list(_not_last(control, expected, others, group, address))
    if group.why_no_inference is not None or control.value(address) is None:
        return []
    if expected.place == "ahead of last":
        return list(_not_ahead_of_last(control, expected, group, address))
    if expected.place == "behind real":
        return list(_not_behind_real(control, expected, group, address))
    return list(_worse_than_real(control, expected, group, address))


def _median(control: Row, address: Address) -> float | None:
    """Over the seeds; None where one is blank."""
    values = [score.value for score in control.scores(address).values() if score.value is not None]
    return median(values) if values and control.value(address) is not None else None


def ceiling(group: Group, address: Address) -> float | None:
    """The most that real images score in a model's place, with their interval: training images, or a half of the
    test subjects against the other."""
    floor = group.floor_of(address)
    numbers = [floor.get(name) for name in ("train_high", "half_high")]
    return max((n for n in numbers if n is not None), default=None)


def _not_last(
    last: Row, expected: Expected, others: Mapping[str, float | None], group: Group, address: Address
) -> Iterator[str]:
    worst, sign = last.value(address), group.sign(address)
    if worst is None:
        return
    for name, value in others.items():
        if name != last.variant and value is not None and sign * value >= sign * worst:
            yield (
                f"{name} ({value:.4g}) is not better than {last.variant} ({worst:.4g}) in "
                f"{metric_label(*address[:2])}, but {expected.because}"
            )


def _not_ahead_of_last(control: Row, expected: Expected, group: Group, address: Address) -> Iterator[str]:
    """Decided by the paired difference over the test subjects."""
    sign = group.sign(address)
    for name, last in controls(group).items():
        if not (last.expected and last.expected.place == "last") or last.value(address) is None:
            continue
        found = difference(control, last, address, over_seeds=False)
        if found and oriented(found.low, found.high, sign)[1] >= 0:
            yield (
                f"{control.variant} ({_interval(control.estimates[address])}) is not told apart from {name} "
                f"({_interval(last.estimates[address])}) in {metric_label(*address[:2])}, but {expected.because}"
            )


def _not_behind_real(control: Row, expected: Expected, group: Group, address: Address) -> Iterator[str]:
    if group.real_train is None or address not in group.real_train.estimates:
        return
    ours, real = control.estimates[address], group.real_train.estimates[address]
    if not _behind(ours, real, control, group, address):
        yield (
            f"{control.variant} ({_interval(ours)}) cannot be told apart from real training images "
            f"({_interval(real)}) in {metric_label(*address[:2])}, but {expected.because}"
        )


def _behind(ours: Estimate, real: Estimate, control: Row, group: Group, address: Address) -> bool:
    """Is a control told apart from real training images? True also where the records cannot tell."""
    sign = group.sign(address)
    if group.real_train and (found := difference(control, group.real_train, address, over_seeds=False)):
        return oriented(found.low, found.high, sign)[0] > 0
    if ours.within_low is None or ours.within_high is None or real.low is None or real.high is None:
        return True
    return oriented(ours.within_low, ours.within_high, sign)[0] > oriented(real.low, real.high, sign)[1]


def _worse_than_real(control: Row, expected: Expected, group: Group, address: Address) -> Iterator[str]:
    ours, most = control.estimates[address], ceiling(group, address)
    if most is not None and ours.within_low is not None and ours.within_low > most:
        yield (
            f"{control.variant} ({_interval(ours)}) is worse than real images (up to {most:.4g}) in "
            f"{metric_label(*address[:2])}, but {expected.because}"
        )


def _unseen_copies(control: Row) -> Iterator[str]:
    if control.audit and AuditVerdict(control.audit) is AuditVerdict.NOT_DETECTED:
        yield (
            f"{control.variant} copies its training images, but the memorisation audit says {control.audit!r} of it"
        )


def _interval(estimate: Estimate) -> str:
    low, high = estimate.within_low, estimate.within_high
    bounds = "" if low is None else f" [{low:.4g}, {high:.4g}]"
    return f"{estimate.value:.4g}{bounds}"
